#include "native/front/client_parts.h"

/* ------------------------------------------------------------------ the end of an answer */

void client_linger(struct client *c) {
    if (c->reset) {
        client_shut(c, true);
        return;
    }
    conn_shut(c->conn);
    if (c->fin == FIN_READ) {
        client_shut(c, false);
        return;
    }
    c->state = CLIENT_LINGER;
    c->lingered = 0;
    client_drop_kept(c);
    client_wait(c);
    client_watch(c);
}

void client_flush_out(struct client *c) {
    c->state = CLIENT_FLUSH;
    conn_flush(c->loop);
    if (c->conn->queued == 0) {
        client_linger(c);
    } else {
        client_wait(c);
        client_watch(c);
    }
}

/* The answer must not look whole: the framing shows that it is cut, or a reset does. */
static void cut(struct client *c) {
    bool shows = c->headed && (c->out_framing == GW_H1_CHUNKED ||
                               (c->out_framing == GW_H1_LENGTH && c->out_left > 0));
    c->reset = !shows;
    if (c->headed) {
        client_flush_out(c);
    } else {
        client_shut(c, true);
    }
}

/* Ready for the next request, of which something may be there. */
static void next_request(struct client *c) {
    /* an answer that began before another process took over has promised to live on */
    if (c->loop->draining && !c->loop->leaving && c->kept == NULL) {
        client_flush_out(c);
        return;
    }
    c->state = CLIENT_IDLE;
    client_wait(c);
    if (c->taking)
        return;
    if (c->kept != NULL) {
        client_take(c, client_kept(c), c->seen);
    } else if (c->fin == FIN_READ) {
        client_flush_out(c);
    }
    client_watch(c);
}

static struct client *of_front(struct front *front) {
    return (struct client *)((char *)front - offsetof(struct client, front));
}

static void on_end(struct front *front, uint32_t code) {
    struct client *c = of_front(front);
    if (c->state == CLIENT_CLOSED)
        return;
    if (code != 0 || c->broken || !c->headed ||
        (c->out_framing == GW_H1_LENGTH && c->out_left > 0)) {
        cut(c);
        return;
    }
    if (c->out_framing == GW_H1_CHUNKED)
        conn_put(c->conn, GW_H1_LAST_CHUNK);
    if (c->keep_alive && c->in_done) {
        next_request(c);
    } else {
        client_flush_out(c);
    }
}

/* Nothing is known of the request that is to be answered. */
void client_fresh_answer(struct client *c) {
    c->minor = 1;
    c->to_head = c->headed = c->broken = c->reset = false;
}

/* Answers with an error of our own and closes: the call, if there is one, is given up. */
void client_refuse(struct client *c, uint32_t status, const char *message, const char *code) {
    if (c->front.drive != NULL)
        drive_gone(c->front.drive);
    if (c->headed) {
        cut(c);
        return;
    }
    c->keep_alive = c->in_done = false;
    on_end(&c->front, reply_error(c->loop, &c->front, status, message, code));
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

/* No request can follow. */
static bool is_last(const struct client *c) {
    return c->fin == FIN_READ && c->kept == NULL;
}

static void on_head(struct front *front, uint32_t status, struct gw_str head, uint64_t body_len) {
    struct client *c = of_front(front);
    struct gw_h1_res_out res = {
        .status = status,
        .minor = c->minor,
        .to_head = c->to_head,
        .keep_alive = c->keep_alive && c->in_done && !c->loop->draining && !is_last(c),
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

static void on_hint(struct front *front, uint32_t status, struct gw_str head) {
    struct client *c = of_front(front);
    struct gw_h1_res_out res = {.status = status, .minor = c->minor, .head = head};
    if (c->minor > 0)
        (void)write_head(c, &res);
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

static void on_wanted(struct front *front) {
    struct client *c = of_front(front);
    if (c->state != CLIENT_CALL || c->in_done)
        return;
    if (drive_wants(front->drive)) {
        if (c->expect && !c->headed)
            conn_put(c->conn, GW_H1_CONTINUE);
        c->expect = false;
        client_wait(c);
    }
    client_watch(c);
}

const struct front_ops client_ops = {.head = on_head,
                                     .hint = on_hint,
                                     .data = on_data,
                                     .end = on_end,
                                     .wanted = on_wanted,
                                     .full = on_full};
