#include "native/client.h"

#include <stdlib.h>

#include "native/drive.h"
#include "native/loop.h"
#include "native/reply.h"

enum state { IDLE = 1, HEAD, CALL, FLUSH, LINGER, CLOSED };

static void take(struct client *c, struct gw_str in, size_t seen);
static void client_ready(struct conn *conn, unsigned events);
static void client_due(struct timer *timer);
static void client_freed(struct conn *conn);
static const struct front_ops client_ops;

static double now_ms(const struct client *c) {
    return (double)uv_now(&c->loop->uv);
}

/* ------------------------------------------------------------------ life */

void client_new(struct loop *loop, int fd, uint32_t peer) {
    struct client *c = loop->clients_free;
    if (c != NULL) {
        loop->clients_free = c->next;
    } else {
        c = malloc(sizeof *c);
    }
    struct conn *conn = c != NULL ? conn_new(loop, fd, client_ready, c) : NULL;
    if (conn == NULL) {
        free(c);
        return;
    }
    *c = (struct client){
        .front.ops = &client_ops, .loop = loop, .conn = conn, .state = IDLE, .peer = peer};
    conn->closed = client_freed;
    conn->stall_ms = loop->limits.client_write_ms;
    conn->timer.due = client_due;
    c->next = loop->clients;
    if (c->next != NULL)
        c->next->prev = c;
    loop->clients = c;
    loop->clients_n++;
    c->since_ms = now_ms(c);
    timer_set(&conn->timer, c->since_ms + loop->limits.client_idle_ms);
    conn_watch(conn, CONN_READ);
}

static void client_freed(struct conn *conn) {
    struct client *c = conn->owner;
    c->next = c->loop->clients_free;
    c->loop->clients_free = c;
}

void client_del_free(struct loop *loop) {
    while (loop->clients_free != NULL) {
        struct client *c = loop->clients_free;
        loop->clients_free = c->next;
        free(c);
    }
}

static void drop_kept(struct client *c) {
    if (c->kept != NULL)
        block_put(&c->loop->blocks, c->kept);
    c->kept = NULL;
    c->seen = 0;
}

static struct gw_str kept_bytes(const struct client *c) {
    return gw_str(c->kept->data + c->kept->from, c->kept->to - c->kept->from);
}

/* The end of the connection; a call that runs is told. The memory stays until client_freed. */
static void shut(struct client *c, bool reset) {
    struct loop *loop = c->loop;
    if (c->state == CLOSED)
        return;
    c->state = CLOSED;
    if (reset) {
        conn_reset(c->conn);
    } else {
        conn_close(c->conn);
    }
    drop_kept(c);
    if (c->next != NULL)
        c->next->prev = c->prev;
    if (c->prev != NULL) {
        c->prev->next = c->next;
    } else {
        loop->clients = c->next;
    }
    loop->clients_n--;
    if (c->front.drive != NULL)
        drive_gone(c->front.drive);
}

void client_drain(struct loop *loop) {
    struct client *next;
    for (struct client *c = loop->clients; c != NULL; c = next) {
        next = c->next;
        if (c->state == IDLE && c->kept == NULL && c->conn->queued == 0)
            shut(c, false);
    }
}

void client_stop_all(struct loop *loop) {
    while (loop->clients != NULL)
        shut(loop->clients, true);
}

/* ------------------------------------------------------------------ watching and waiting */

static bool kept_full(const struct client *c) {
    return c->kept != NULL && c->kept->to - c->kept->from >= BLOCK_LARGE;
}

static void watch(struct client *c) {
    uint8_t how = CONN_READ;
    switch (c->state) {
    case CALL:
        if (c->in_done ? kept_full(c) : !drive_wants(c->front.drive))
            how = CONN_WAIT;
        break;
    case FLUSH:
        how = CONN_STILL;
        break;
    case CLOSED:
        return;
    default:
        if (kept_full(c))
            how = CONN_WAIT;
    }
    conn_watch(c->conn, how);
}

/* When the client must have done what it is waited for. */
static double deadline(const struct client *c) {
    const struct limits *l = &c->loop->limits;
    double at = INFINITY;
    switch (c->state) {
    case IDLE:
        at = c->since_ms + l->client_idle_ms;
        break;
    case HEAD:
        at = c->since_ms + l->client_head_ms;
        break;
    case CALL:
        if (!c->in_done && drive_wants(c->front.drive))
            at = c->since_ms + l->client_body_ms;
        break;
    case LINGER:
        return c->since_ms + l->linger_ms;
    default:
        break;
    }
    if (c->conn->queued == 0)
        return at;
    double stalled = c->conn->moved_ms + l->client_write_ms;
    return stalled < at ? stalled : at;
}

/* A wait begins, or begins anew. */
static void wait_anew(struct client *c) {
    c->since_ms = now_ms(c);
    timer_set(&c->conn->timer, deadline(c));
}

/* ------------------------------------------------------------------ the end of an answer */

static void linger(struct client *c) {
    if (c->reset) {
        shut(c, true);
        return;
    }
    conn_shut(c->conn);
    c->state = LINGER;
    c->lingered = 0;
    drop_kept(c);
    wait_anew(c);
    watch(c);
}

/* No request follows: what is queued goes out, then the connection is closed. */
static void flush_out(struct client *c) {
    c->state = FLUSH;
    conn_flush(c->loop);
    if (c->conn->queued == 0) {
        linger(c);
    } else {
        wait_anew(c);
        watch(c);
    }
}

/* The answer must not look whole: the framing shows that it is cut, or a reset does. */
static void cut(struct client *c) {
    bool shows = c->headed && (c->out_framing == GW_H1_CHUNKED ||
                               (c->out_framing == GW_H1_LENGTH && c->out_left > 0));
    c->reset = !shows;
    if (c->headed) {
        flush_out(c);
    } else {
        shut(c, true);
    }
}

/* Ready for the next request, of which something may be there. */
static void next_request(struct client *c) {
    if (c->loop->draining && c->kept == NULL) {
        flush_out(c);
        return;
    }
    c->state = IDLE;
    wait_anew(c);
    if (c->taking)
        return;
    if (c->kept != NULL)
        take(c, kept_bytes(c), c->seen);
    watch(c);
}

static struct client *of_front(struct front *front) {
    return (struct client *)((char *)front - offsetof(struct client, front));
}

static void on_end(struct front *front, uint32_t code) {
    struct client *c = of_front(front);
    if (c->state == CLOSED)
        return;
    if (code != 0 || c->broken || !c->headed ||
        (c->out_framing == GW_H1_LENGTH && c->out_left > 0)) {
        cut(c);
        return;
    }
    if (c->out_framing == GW_H1_CHUNKED)
        conn_put(c->conn, GW_H1_LAST_CHUNK);
    if (c->keep_alive && (c->in_done || c->in_hand)) {
        next_request(c);
    } else {
        flush_out(c);
    }
}

/* Answers with an error of our own and closes: the call, if there is one, is given up. */
static void refuse(struct client *c, uint32_t status, const char *message, const char *code) {
    if (c->front.drive != NULL)
        drive_gone(c->front.drive);
    if (c->headed) {
        cut(c);
        return;
    }
    c->keep_alive = c->in_done = c->in_hand = false;
    on_end(&c->front, reply_error(&c->front, status, message, code));
}

/* ------------------------------------------------------------------ the answer */

static bool write_head(struct client *c, struct gw_h1_res_out *res) {
    size_t max = res->head.n + res->date.n + GW_H1_WRITE_EXTRA;
    if (max <= BATCH_STAGE) {
        ptrdiff_t n = gw_h1_res_write(conn_room(c->conn, max), max, res);
        if (n > 0)
            conn_put_room(c->conn, (size_t)n);
        return n > 0;
    }
    struct block *block = block_get(&c->loop->blocks, BLOCK_LARGE);
    if (block == NULL)
        return false;
    ptrdiff_t n = gw_h1_res_write(block->data, block->cap, res);
    if (n > 0)
        conn_put(c->conn, gw_str(block->data, (size_t)n));
    conn_flush(c->loop);
    block_put(&c->loop->blocks, block);
    return n > 0;
}

static void on_head(struct front *front, uint32_t status, struct gw_str head, uint64_t body_len) {
    struct client *c = of_front(front);
    struct gw_h1_res_out res = {
        .status = status,
        .minor = c->minor,
        .to_head = c->to_head,
        .keep_alive = c->keep_alive && (c->in_done || c->in_hand) && !c->loop->draining,
        .body_len = body_len,
        .head = head,
        .date = loop_date(c->loop),
    };
    if (!write_head(c, &res)) {
        c->broken = true;
        return;
    }
    c->headed = true;
    c->keep_alive = res.keep_alive;
    c->out_framing = (uint8_t)res.framing;
    c->out_left = res.framing == GW_H1_LENGTH ? body_len : 0;
}

static void put_piece(struct client *c, const struct front_piece *piece) {
    if (!piece->copy) {
        conn_put(c->conn, piece->bytes);
    } else if (piece->bytes.n <= BATCH_STAGE) {
        conn_put_copy(c->conn, piece->bytes);
    } else {
        conn_put(c->conn, piece->bytes);
        conn_flush(c->loop);
    }
}

static void on_data(struct front *front, const struct front_piece *pieces, uint32_t n) {
    struct client *c = of_front(front);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += pieces[i].bytes.n;
    if (sum == 0 || c->broken || c->out_framing == GW_H1_NONE)
        return;
    if (c->out_framing == GW_H1_LENGTH) {
        c->broken = sum > c->out_left; /* more than was promised */
        if (c->broken)
            return;
        c->out_left -= sum;
    }
    if (c->out_framing == GW_H1_CHUNKED) {
        conn_put_room(c->conn, gw_h1_chunk_write(conn_room(c->conn, GW_H1_SIZE_LINE), sum));
    }
    for (uint32_t i = 0; i < n; i++)
        put_piece(c, &pieces[i]);
    if (c->out_framing == GW_H1_CHUNKED)
        conn_put(c->conn, GW_H1_CRLF);
}

static bool on_full(struct front *front) {
    return conn_full(of_front(front)->conn);
}

/* ------------------------------------------------------------------ the request body */

static void on_wanted(struct front *front) {
    struct client *c = of_front(front);
    if (c->state != CALL || c->in_done)
        return;
    if (drive_wants(front->drive)) {
        if (c->expect && !c->headed)
            conn_put(c->conn, GW_H1_CONTINUE);
        c->expect = false;
        wait_anew(c);
    }
    watch(c);
}

static const struct front_ops client_ops = {
    .head = on_head, .data = on_data, .end = on_end, .wanted = on_wanted, .full = on_full};

/* Chunked bytes into the body; what lies behind its end stays in `in`. */
static bool take_chunks(struct client *c, struct gw_str *in) {
    struct body *body = &c->front.drive->body;
    for (;;) {
        size_t used;
        struct gw_str data;
        int result = gw_h1_chunks_next(&c->chunks, in->p, in->n, &used, &data);
        *in = gw_str(in->p + used, in->n - used);
        if (result == GW_H1_DATA && !body_put(body, &c->loop->blocks, data, data.n + in->n)) {
            result = GW_H1_BAD;
        }
        if (result == GW_H1_END)
            c->in_done = body->fin = true;
        if (result != GW_H1_DATA)
            return result != GW_H1_BAD;
    }
}

static bool take_length(struct client *c, struct gw_str *in) {
    struct body *body = &c->front.drive->body;
    size_t n = in->n < c->in_left ? in->n : (size_t)c->in_left;
    if (!body_put(body, &c->loop->blocks, gw_str(in->p, n), c->in_left))
        return false;
    *in = gw_str(in->p + n, in->n - n);
    c->in_left -= n;
    if (c->in_left == 0)
        c->in_done = body->fin = true;
    return true;
}

/* Takes what is of the request body from the front of `in`. */
static void take_body(struct client *c, struct gw_str *in) {
    bool good = c->in_framing == GW_H1_CHUNKED ? take_chunks(c, in) : take_length(c, in);
    if (good) {
        drive_body_came(c->front.drive);
    } else {
        in->n = 0;
        refuse(c, 400, "the request body is not validly chunked", "bad_request");
    }
}

/* Receives body bytes: of a known length straight to where they stay. */
static ssize_t receive_body(struct client *c) {
    struct drive *d = c->front.drive;
    if (c->in_framing == GW_H1_CHUNKED) {
        ssize_t n = conn_read(c->conn, c->loop->scratch, LOOP_SCRATCH);
        if (n <= 0)
            return n;
        struct gw_str in = gw_str(c->loop->scratch, (size_t)n);
        c->since_ms = now_ms(c);
        take_body(c, &in);
        if (in.n > 0)
            take(c, in, 0);
        return n;
    }
    size_t room;
    char *p = body_room(&d->body, &c->loop->blocks, c->in_left, &room);
    if (p == NULL)
        return CONN_ERROR;
    ssize_t n = conn_read(c->conn, p, room < c->in_left ? room : (size_t)c->in_left);
    if (n <= 0)
        return n;
    body_got(&d->body, (size_t)n);
    c->in_left -= (uint64_t)n;
    if (c->in_left == 0)
        c->in_done = d->body.fin = true;
    c->since_ms = now_ms(c);
    drive_body_came(d);
    return n;
}

/* ------------------------------------------------------------------ requests */

static const char *code_of(uint32_t status) {
    switch (status) {
    case 414:
        return "uri_too_long";
    case 417:
        return "expectation_failed";
    case 431:
        return "headers_too_large";
    case 501:
        return "not_implemented";
    case 505:
        return "http_version_not_supported";
    default:
        return "bad_request";
    }
}

/* Nothing is known of the request that is to be answered. */
static void fresh_answer(struct client *c) {
    c->minor = 1;
    c->to_head = c->headed = c->broken = c->reset = false;
}

static void refuse_head(struct client *c, const struct gw_h1_req *req) {
    char message[128];
    size_t n = req->why.n < sizeof message - 1 ? req->why.n : sizeof message - 1;
    memcpy(message, req->why.p, n);
    message[n] = '\0';
    for (size_t i = 0; i < n; i++) {
        if (message[i] == '"' || message[i] == '\\')
            message[i] = '\'';
    }
    fresh_answer(c);
    refuse(c, req->status, message, code_of(req->status));
}

/* A head is whole: its call begins, and takes the body bytes that follow in `in`. */
static void begin(struct client *c, const struct gw_h1_req *req, struct gw_str *in) {
    c->state = CALL;
    c->minor = (uint8_t)req->minor;
    c->keep_alive = req->keep_alive;
    c->to_head = gw_str_eq(req->method, GW_STR("HEAD"));
    c->in_framing = (uint8_t)req->framing;
    c->in_left = req->framing == GW_H1_LENGTH ? req->body_len : 0;
    c->in_done = req->framing == GW_H1_NONE;
    c->in_hand = req->framing == GW_H1_LENGTH && in->n >= req->body_len;
    c->expect = req->expect_continue && !c->in_done && in->n == 0;
    c->headed = c->broken = c->reset = false;
    c->out_framing = GW_H1_NONE;
    if (req->framing == GW_H1_CHUNKED)
        gw_h1_chunks_init(&c->chunks);
    struct gw_req_head head = {
        .method = req->method,
        .target = req->target,
        .authority = req->authority,
        .headers = c->loop->headers,
        .headers_n = req->headers_n,
        .peer = c->peer,
        .body_len = req->body_len,
    };
    if (drive_begin(c->loop, &c->front, &head) < 0) {
        refuse(c, 503, "the gateway is out of memory; try again", "overloaded");
    }
    if (c->state == CALL && !c->in_done && in->n > 0) {
        take_body(c, in);
    } else if (c->in_hand) {
        /* answered without its body, which is here: skip it */
        *in = gw_str(in->p + req->body_len, in->n - (size_t)req->body_len);
    }
}

/* Keeps `in`, which lies in scratch memory or in the kept block itself. */
static bool keep(struct client *c, struct gw_str in, size_t seen) {
    struct block *old = c->kept;
    if (in.n == 0) {
        drop_kept(c);
        return true;
    }
    bool inside = old != NULL && in.p >= old->data && in.p <= old->data + old->cap;
    struct block *block = old;
    if (inside) {
        old->from = (uint32_t)(in.p - old->data);
    } else {
        size_t held = old != NULL ? old->to - old->from : 0;
        if (held + in.n > BLOCK_LARGE)
            return false;
        block = block_get(&c->loop->blocks, held + in.n);
        if (block == NULL)
            return false;
        if (held > 0)
            memcpy(block->data, old->data + old->from, held);
        memcpy(block->data + held, in.p, in.n);
        block->to = (uint32_t)(held + in.n);
        if (old != NULL)
            block_put(&c->loop->blocks, old);
        c->kept = block;
    }
    c->seen = seen;
    return true;
}

/* Serves the requests in `in`, of which the codec has looked at `seen` bytes; keeps the rest. */
static void take(struct client *c, struct gw_str in, size_t seen) {
    struct gw_h1_req req;
    c->taking = true;
    while ((c->state == IDLE || c->state == HEAD) && in.n > 0 && c->conn->queued == 0) {
        int used = gw_h1_req_read(in.p, in.n, seen, c->loop->headers, &req);
        if (used == GW_H1_MORE) {
            seen = in.n;
            if (c->state == IDLE) {
                c->state = HEAD;
                wait_anew(c);
            }
            break;
        }
        seen = 0;
        if (used < 0) {
            in.n = 0;
            refuse_head(c, &req);
            break;
        }
        in = gw_str(in.p + used, in.n - (size_t)used);
        begin(c, &req, &in);
    }
    c->taking = false;
    if (c->state == CLOSED)
        return;
    if (c->state == FLUSH || c->state == LINGER)
        in.n = 0;
    if (!keep(c, in, seen))
        shut(c, true);
}

/* ------------------------------------------------------------------ events */

/* Makes room behind what is kept; false if it is full. */
static bool kept_room(struct client *c) {
    struct block *kept = c->kept;
    uint32_t n = kept->to - kept->from;
    if (kept->to < kept->cap)
        return true;
    if (kept->from > 0) {
        memmove(kept->data, kept->data + kept->from, n);
        kept->from = 0;
        kept->to = n;
        return true;
    }
    struct block *block =
        kept->cap == BLOCK_SMALL ? block_get(&c->loop->blocks, BLOCK_LARGE) : NULL;
    if (block == NULL)
        return false;
    memcpy(block->data, kept->data, n);
    block->to = n;
    block_put(&c->loop->blocks, kept);
    c->kept = block;
    return true;
}

/* Bytes of a head, or of requests whose turn has not come. */
static ssize_t receive_ahead(struct client *c) {
    if (c->kept == NULL) {
        ssize_t n = conn_read(c->conn, c->loop->scratch, LOOP_SCRATCH);
        if (n > 0)
            take(c, gw_str(c->loop->scratch, (size_t)n), 0);
        return n;
    }
    if (!kept_room(c))
        return CONN_ERROR;
    struct block *kept = c->kept;
    ssize_t n = conn_read(c->conn, kept->data + kept->to, kept->cap - kept->to);
    if (n <= 0)
        return n;
    kept->to += (uint32_t)n;
    if (c->state != CALL)
        take(c, kept_bytes(c), c->seen);
    return n;
}

/* What comes after the last answer is read so that the client can read that answer: closing with
 * bytes unread would reset the connection. */
static ssize_t receive_drop(struct client *c) {
    ssize_t n = conn_read(c->conn, c->loop->scratch, LOOP_SCRATCH);
    if (n <= 0)
        return n;
    c->lingered += (uint64_t)n;
    return c->lingered > LINGER_MAX ? CONN_ERROR : n;
}

static void receive(struct client *c) {
    ssize_t n = CONN_AGAIN;
    switch (c->state) {
    case IDLE:
    case HEAD:
        n = receive_ahead(c);
        break;
    case CALL:
        n = c->in_done ? receive_ahead(c) : receive_body(c);
        break;
    case LINGER:
        n = receive_drop(c);
        break;
    default:
        break;
    }
    if (n == 0 || n == CONN_ERROR)
        shut(c, false);
}

static void drained(struct client *c) {
    if (c->state == CALL)
        drive_drained(c->front.drive);
    if (c->conn->queued > 0)
        return;
    if (c->state == FLUSH) {
        linger(c);
    } else if (c->state != CALL && c->kept != NULL) {
        take(c, kept_bytes(c), c->seen);
    }
}

static void client_ready(struct conn *conn, unsigned events) {
    struct client *c = conn->owner;
    if ((events & CONN_LEFT) != 0)
        shut(c, false);
    if ((events & CONN_DRAINED) != 0 && c->state != CLOSED)
        drained(c);
    if ((events & CONN_READABLE) != 0)
        receive(c);
    watch(c);
}

static void expired(struct client *c, double now) {
    bool stalled =
        c->conn->queued > 0 && now >= c->conn->moved_ms + c->loop->limits.client_write_ms;
    if (stalled) {
        shut(c, true);
    } else if (c->state == HEAD) {
        fresh_answer(c);
        refuse(c, 408, "the request's head did not arrive in time; send it again",
               "request_timeout");
    } else if (c->state == CALL) {
        refuse(c, 408, "the request's body did not arrive in time; send it again",
               "request_timeout");
    } else {
        shut(c, false);
    }
}

static void client_due(struct timer *timer) {
    struct conn *conn = (struct conn *)((char *)timer - offsetof(struct conn, timer));
    struct client *c = conn->owner;
    double now = now_ms(c), at = deadline(c);
    if (now < at) {
        timer_set(timer, at);
        return;
    }
    struct loop *loop = c->loop;
    expired(c, now);
    conn_flush(loop);
}
