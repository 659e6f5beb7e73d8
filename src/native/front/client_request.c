#include <nghttp2/nghttp2.h>

#include "native/front/client_parts.h"

/* ------------------------------------------------------------------ what waits for its turn */

void client_drop_kept(struct client *c) {
    if (c->kept != NULL)
        block_put(&c->loop->blocks, c->kept);
    c->kept = NULL;
    c->seen = 0;
}

struct gw_str client_kept(const struct client *c) {
    return gw_str(c->kept->data + c->kept->from, c->kept->to - c->kept->from);
}

bool client_kept_full(const struct client *c) {
    return c->kept != NULL && c->kept->to - c->kept->from >= BLOCK_LARGE;
}

/* Keeps `in`: the end of what is kept already, or else bytes of the scratch block. */
static bool keep(struct client *c, struct gw_str in, size_t seen) {
    struct block *old = c->kept;
    if (in.n == 0) {
        client_drop_kept(c);
        return true;
    }
    if (old != NULL) {
        old->from = (uint32_t)(in.p - old->data);
    } else {
        c->kept = block_get(&c->loop->blocks, in.n);
        if (c->kept == NULL)
            return false;
        memcpy(c->kept->data, in.p, in.n);
        c->kept->to = (uint32_t)in.n;
    }
    c->seen = seen;
    return true;
}

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

/* ------------------------------------------------------------------ the request body */

/* Chunked bytes into the body; what lies behind its end stays in `in`. */
static bool take_chunks(struct client *c, struct gw_str *in) {
    struct body *body = drive_body(c->front.drive);
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

/* Gives the body the scratch block itself, if `bytes` fill a good part of it up to its end. */
static bool adopt(struct client *c, struct gw_str bytes) {
    enum { WORTH_IT = 16384 };
    struct loop *loop = c->loop;
    struct block *scratch = loop->scratch;
    if (bytes.n < WORTH_IT || bytes.p < scratch->data || bytes.p > scratch->data + scratch->cap)
        return false;
    struct block *fresh = block_get(&loop->blocks, BLOCK_LARGE);
    if (fresh == NULL)
        return false;
    loop->scratch = fresh;
    scratch->from = (uint32_t)(bytes.p - scratch->data);
    scratch->to = scratch->from + (uint32_t)bytes.n;
    body_adopt(drive_body(c->front.drive), scratch);
    return true;
}

static bool take_length(struct client *c, struct gw_str *in) {
    struct body *body = drive_body(c->front.drive);
    size_t n = in->n < c->in_left ? in->n : (size_t)c->in_left;
    struct gw_str bytes = gw_str(in->p, n);
    /* requests that follow lie in the same block, which must then stay what it is */
    bool alone = n == in->n;
    if (!(alone && adopt(c, bytes)) && !body_put(body, &c->loop->blocks, bytes, c->in_left))
        return false;
    *in = gw_str(in->p + n, in->n - n);
    c->in_left -= n;
    if (c->in_left == 0)
        c->in_done = body->fin = true;
    return true;
}

/* Takes what is of the request body from the front of `in`. */
static bool take_body(struct client *c, struct gw_str *in) {
    return c->in_framing == GW_H1_CHUNKED ? take_chunks(c, in) : take_length(c, in);
}

/* The body cannot be taken: its framing is wrong, or there is no memory for it. */
static void refuse_body(struct client *c) {
    if (c->in_framing == GW_H1_CHUNKED && c->chunks.why.n > 0) {
        client_refuse(c, 400, "the request body is not validly chunked", "bad_request");
    } else {
        client_refuse(c, 503, OUT_OF_MEMORY, "overloaded");
    }
}

/* Chunks are received like heads and copied. What is behind the last one waits for its turn. */
static ssize_t receive_chunks(struct client *c) {
    ssize_t n = conn_read(c->conn, c->loop->scratch->data, LOOP_SCRATCH);
    if (n <= 0)
        return n;
    struct gw_str in = gw_str(c->loop->scratch->data, (size_t)n);
    pace_moved(&c->in, client_now_ms(c), (uint64_t)n);
    if (!take_body(c, &in)) {
        refuse_body(c);
        return n;
    }
    drive_body_came(c->front.drive);
    if (in.n > 0)
        client_take(c, in, 0);
    return n;
}

enum { NO_MEMORY = -3 }; /* beside CONN_AGAIN and CONN_ERROR */

/* A body of a known length is received straight to where it stays: one read. */
static ssize_t read_length(struct client *c) {
    struct body *body = drive_body(c->front.drive);
    size_t room;
    char *p = body_room(body, &c->loop->blocks, c->in_left, &room);
    if (p == NULL)
        return NO_MEMORY;
    ssize_t n = conn_read(c->conn, p, room < c->in_left ? room : (size_t)c->in_left);
    if (n <= 0)
        return n;
    body_got(body, (size_t)n);
    c->in_left -= (uint64_t)n;
    c->in_done = body->fin = c->in_left == 0;
    return n;
}

/* As long as reads fill their blocks there is more: it is taken in now, so that it leaves for the
 * target in one piece. An error or an end will be seen again in the next turn. */
static void read_on(struct client *c) {
    const struct body *body = drive_body(c->front.drive);
    uint64_t stop = body->arrived + DRIVE_AHEAD;
    while (!c->in_done && body->last != NULL && body->last->to == body->last->cap &&
           body->arrived < stop) {
        if (read_length(c) <= 0)
            return;
    }
}

static ssize_t receive_length(struct client *c) {
    struct drive *d = c->front.drive;
    ssize_t n = read_length(c);
    if (n == NO_MEMORY) {
        refuse_body(c);
        return CONN_AGAIN;
    }
    if (n <= 0)
        return n;
    pace_moved(&c->in, client_now_ms(c), (uint64_t)n);
    drive_body_came(d);
    return n;
}

ssize_t client_receive_body(struct client *c) {
    return c->in_framing == GW_H1_CHUNKED ? receive_chunks(c) : receive_length(c);
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

static void refuse_head(struct client *c, const struct gw_h1_req *req) {
    char message[128];
    size_t n = req->why.n < sizeof message - 1 ? req->why.n : sizeof message - 1;
    memcpy(message, req->why.p, n);
    message[n] = '\0';
    client_fresh_answer(c);
    client_refuse(c, req->status, message, code_of(req->status));
}

static void new_request(struct client *c, const struct gw_h1_req *req) {
    c->state = CLIENT_CALL;
    pace_begin(&c->in, client_now_ms(c));
    c->fresh = false;
    c->minor = (uint8_t)req->minor;
    c->keep_alive = req->keep_alive;
    c->to_head = gw_str_eq(req->method, GW_STR("HEAD"));
    c->in_framing = (uint8_t)req->framing;
    c->in_left = req->framing == GW_H1_LENGTH ? req->body_len : 0;
    c->in_done = req->framing == GW_H1_NONE;
    c->headed = c->broken = c->reset = false;
    c->out_framing = GW_H1_NONE;
    if (req->framing == GW_H1_CHUNKED)
        gw_h1_chunks_init(&c->chunks);
    if (c->fin != FIN_NONE)
        client_fin_call(c);
}

/* A head is whole: its call begins. The body bytes that came with it, which are at the front of `in`,
 * are taken first, so that they can leave for the target together with the head. */
static void begin(struct client *c, const struct gw_h1_req *req, struct gw_str *in) {
    struct gw_req_head head = {
        .method = req->method,
        .target = req->target,
        .authority = req->authority,
        .certificate = client_certificate(c),
        .headers = c->loop->headers,
        .headers_n = req->headers_n,
        .peer = c->peer,
        .body_len = req->body_len,
    };
    new_request(c, req);
    c->expect = req->expect_continue && !c->in_done && in->n == 0;
    struct drive *d = drive_open(c->loop, &c->front);
    if (d == NULL) {
        client_refuse(c, 503, OUT_OF_MEMORY, "overloaded");
    } else if (!c->in_done && in->n > 0 && !take_body(c, in)) {
        refuse_body(c);
    } else {
        if (c->in_framing == GW_H1_LENGTH)
            read_on(c);
        drive_start(d, &head, c->in_done);
    }
}

/* A connection whose first line has three words, but neither a path nor a version, speaks something
 * else: to HTTP/2 with a broken preface our answer would be junk. */
static bool is_foreign(const struct client *c, struct gw_str in) {
    struct gw_str line = gw_str_cut(&in, '\n'), rest = line;
    (void)gw_str_cut(&rest, ' ');
    (void)gw_str_cut(&rest, ' ');
    return c->fresh && rest.n > 0 && gw_str_chr(line, '/') < 0;
}

/* Whether `in` is the preface of HTTP/2, or may become it. */
static bool is_preface(const struct client *c, struct gw_str in) {
    struct gw_str preface = GW_STR(NGHTTP2_CLIENT_MAGIC);
    return c->fresh && gw_str_starts(in, GW_STR("PRI ")) &&
           gw_str_starts(preface, gw_str_sub(in, 0, preface.n));
}

static void to_h2(struct client *c, struct gw_str in) {
    if (!h2_client_start(c, in)) {
        client_shut(c, true);
    } else {
        client_drop_kept(c);
    }
}

/* Serves the requests in `in`, of which the codec has looked at `seen` bytes; keeps the rest. */
void client_take(struct client *c, struct gw_str in, size_t seen) {
    struct gw_h1_req req;
    bool preface = is_preface(c, in);
    if (preface && in.n >= NGHTTP2_CLIENT_MAGIC_LEN) {
        to_h2(c, in);
        return;
    }
    c->taking = true;
    while ((c->state == CLIENT_IDLE || c->state == CLIENT_HEAD) && in.n > 0 &&
           c->conn->queued == 0) {
        int used = preface ? GW_H1_MORE : gw_h1_req_read(in.p, in.n, seen, c->loop->headers, &req);
        if (used == GW_H1_MORE) {
            seen = preface ? 0 : in.n;
            if (c->state == CLIENT_IDLE) {
                c->state = CLIENT_HEAD;
                client_wait(c);
            }
            break;
        }
        seen = 0;
        if (used < 0) {
            if (is_foreign(c, in)) {
                client_flush_out(c);
            } else {
                refuse_head(c, &req);
            }
            in.n = 0;
            break;
        }
        in = gw_str(in.p + used, in.n - (size_t)used);
        begin(c, &req, &in);
    }
    c->taking = false;
    if (c->state == CLIENT_CLOSED)
        return;
    if (c->state == CLIENT_FLUSH || c->state == CLIENT_LINGER)
        in.n = 0;
    if (!keep(c, in, seen)) {
        client_shut(c, true);
    } else if (c->fin == FIN_READ) {
        client_end_requests(c);
    }
}

/* Bytes of a head, or of requests whose turn has not come. */
ssize_t client_receive_ahead(struct client *c) {
    if (c->kept == NULL) {
        ssize_t n = conn_read(c->conn, c->loop->scratch->data, LOOP_SCRATCH);
        if (n > 0)
            client_take(c, gw_str(c->loop->scratch->data, (size_t)n), 0);
        return n;
    }
    if (!kept_room(c))
        return CONN_ERROR;
    struct block *kept = c->kept;
    ssize_t n = conn_read(c->conn, kept->data + kept->to, kept->cap - kept->to);
    if (n <= 0)
        return n;
    kept->to += (uint32_t)n;
    if (c->state != CLIENT_CALL)
        client_take(c, client_kept(c), c->seen);
    return n;
}
