/*
 * The answer of an attempt: its head, then its body, as they come.
 */
#include "native/loop/loop.h"
#include "native/up/upstream_parts.h"

/* They are on their way to the client. */
static void show(struct attempt *a, struct gw_str bytes) {
    if (bytes.n > a->show)
        bytes.n = (size_t)a->show;
    a->show -= bytes.n;
    a->owner->ops->body(a->owner, a->number, bytes);
}

void upstream_deliver(struct attempt *a, const char *p, size_t n) {
    if (n == 0)
        return;
    if (a->relay) {
        a->owner->ops->relayed(a->owner, gw_str(p, n));
        if (a->show > 0 && !a->dead) /* its owner may have let it go meanwhile */
            show(a, gw_str(p, n));
    } else {
        a->owner->ops->body(a->owner, a->number, gw_str(p, n));
    }
}

/* Moves the payload in p[0..n) together, so that one event brings it in one piece. Returns what the
 * codec said last. */
static int unchunk(struct attempt *a, const char *p, size_t n, struct gw_str *payload,
                   size_t *used) {
    char *to = NULL;
    *payload = gw_str(p, 0);
    *used = 0;
    for (;;) {
        size_t k;
        struct gw_str data;
        int result = gw_h1_chunks_next(&a->chunks, p + *used, n - *used, &k, &data);
        *used += k;
        if (result != GW_H1_DATA)
            return result;
        if (payload->n == 0) {
            payload->p = data.p; /* the first piece stays where it is */
            to = (char *)(uintptr_t)data.p;
        } else {
            memmove(to, data.p, data.n);
        }
        to += data.n;
        payload->n += data.n;
    }
}

static void take_chunks(struct attempt *a, const char *p, size_t n) {
    struct gw_str payload;
    size_t used;
    int result = unchunk(a, p, n, &payload, &used);
    if (result == GW_H1_END && used < n)
        a->keep = false;
    upstream_deliver(a, payload.p, payload.n);
    if (a->dead || result == GW_H1_MORE)
        return;
    upstream_finish(a, result == GW_H1_END ? GW_CLEAN : GW_CUT);
}

static void take_length(struct attempt *a, const char *p, size_t n) {
    if (n > a->left) {
        n = (size_t)a->left;
        a->keep = false; /* what follows belongs to nothing that was asked */
    }
    a->left -= n;
    upstream_deliver(a, p, n);
    if (!a->dead && a->left == 0)
        upstream_finish(a, GW_CLEAN);
}

static void take_body(struct attempt *a, const char *p, size_t n) {
    switch (a->framing) {
    case GW_H1_LENGTH:
        take_length(a, p, n);
        break;
    case GW_H1_CHUNKED:
        take_chunks(a, p, n);
        break;
    case GW_H1_CLOSE:
        upstream_deliver(a, p, n);
        break;
    default:
        if (n > 0)
            a->keep = false;
        upstream_finish(a, GW_CLEAN);
    }
}

/* Keeps a head that is not whole: p[0..n) lies in the scratch memory or in a->part itself. */
static bool keep_part(struct attempt *a, const char *p, size_t n) {
    struct blocks *blocks = &a->loop->blocks;
    struct block *old = a->part;
    a->part_seen = (uint32_t)n;
    if (old == NULL || n == old->cap) {
        a->part = block_get(blocks, n < BLOCK_SMALL ? n : BLOCK_LARGE);
        if (a->part == NULL) {
            a->part = old;
            return false;
        }
        memcpy(a->part->data, p, n);
        if (old != NULL)
            block_put(blocks, old);
    } else {
        memmove(old->data, p, n);
    }
    a->part->to = (uint32_t)n;
    return true;
}

/* What an answer to HEAD says a GET would get: the core is told of the body that comes, which is none,
 * but the client is to hear of the other. */
static uint64_t declared(const struct attempt *a, const struct gw_h1_res *res,
                         const struct gw_header *headers) {
    uint64_t n;
    if (!a->to_head)
        return 0;
    for (uint32_t i = 0; i < res->headers_n; i++) {
        if (gw_str_ieq(headers[i].name, GW_STR("content-length"))) {
            return gw_str_u64(headers[i].value, &n) ? n : 0;
        }
    }
    return 0;
}

/* What the next bytes of the answer will need on their way to the client. */
static void name_near(const struct attempt *a, const void *near[CONN_NEAR]) {
    near[0] = a;
    near[1] = &a->send.before;
    a->owner->ops->name_near(a->owner, near + 2);
}

void upstream_headed(struct attempt *a, const struct gw_h1_res *res,
                     const struct gw_header *headers) {
    a->state = UPSTREAM_BODY;
    a->framing = (uint8_t)res->framing;
    a->left = res->framing == GW_H1_LENGTH ? res->body_len : 0;
    struct gw_res_head head = {res->status, headers, res->headers_n, res->body_len};
    a->owner->declared = declared(a, res, headers);
    if (a->conn != NULL)
        name_near(a, a->conn->near);
    a->owner->ops->head(a->owner, a->number, &head);
}

bool upstream_hinted(struct attempt *a, const struct gw_h1_res *res,
                     const struct gw_header *headers) {
    struct gw_res_head head = {res->status, headers, res->headers_n, 0};
    if (++a->interim > UPSTREAM_INTERIM_MAX)
        return false;
    if (res->status != 100)
        a->owner->ops->head(a->owner, a->number, &head);
    return true;
}

/* The head is whole: `rest` is what came behind it. */
static void headed(struct attempt *a, const struct gw_h1_res *res, struct gw_str rest) {
    if (res->framing == GW_H1_CHUNKED)
        gw_h1_chunks_init(&a->chunks);
    /* a target that answers before it has the request may never read the rest of it */
    a->keep = res->keep_alive && send_done(&a->send);
    upstream_headed(a, res, a->loop->headers);
    if (a->dead)
        return;
    if (rest.n > 0 || a->framing == GW_H1_NONE || (a->framing == GW_H1_LENGTH && a->left == 0)) {
        take_body(a, rest.p, rest.n);
    }
}

static void take_head(struct attempt *a, const char *p, size_t n, size_t seen) {
    struct gw_h1_res res;
    for (;;) {
        int used = gw_h1_res_read(p, n, seen, a->to_head, a->loop->headers, &res);
        if (used == GW_H1_MORE) {
            if (n > 0 && !keep_part(a, p, n))
                upstream_fail(a, GW_FAIL_LOCAL);
            return;
        }
        if (used < 0 || (res.status < 200 && !upstream_hinted(a, &res, a->loop->headers))) {
            upstream_fail(a, GW_FAIL_JUNK);
            return;
        }
        if (a->dead)
            return;
        p += used;
        n -= (size_t)used;
        seen = 0;
        if (res.status >= 200)
            break;
        if (a->part != NULL && n == 0)
            a->part->to = a->part_seen = 0;
    }
    struct block *part = a->part;
    a->part = NULL;
    headed(a, &res, gw_str(p, n));
    if (part == NULL)
        return;
    conn_flush(a->loop); /* the batch may point into it */
    block_put(&a->loop->blocks, part);
}

void upstream_receive(struct attempt *a) {
    struct block *part = a->part;
    char *p = part != NULL ? part->data + part->to : a->loop->scratch->data;
    size_t room = part != NULL ? part->cap - part->to : LOOP_SCRATCH;
    if (a->state == UPSTREAM_BODY && a->owner->ops->full(a->owner)) {
        conn_watch(a->conn, CONN_STILL);
        return;
    }
    a->owner->ops->expect(a->owner);
    ssize_t n = conn_read(a->conn, p, room);
    if (n == CONN_AGAIN)
        return;
    if (n <= 0) {
        upstream_closed(a, n == 0);
        return;
    }
    a->touched = true;
    if (a->state == UPSTREAM_BODY) {
        take_body(a, p, (size_t)n);
    } else if (part == NULL) {
        take_head(a, p, (size_t)n, 0);
    } else {
        take_head(a, part->data, part->to + (size_t)n, a->part_seen);
    }
}
