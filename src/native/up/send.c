#include "native/up/send.h"

#include <stdlib.h>

static const struct gw_slice *slice_list(const struct send *s) {
    return s->many != NULL ? s->many : s->slices;
}

static size_t literals_n(const struct gw_slice *slices, uint32_t n) {
    size_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (slices[i].kind == GW_LITERAL)
            sum += (size_t)slices[i].len;
    }
    return sum;
}

/* A block for the head and the literals, larger than any standard size if it must be. */
static struct block *kept_get(struct blocks *blocks, size_t n) {
    if (n <= BLOCK_LARGE)
        return block_get(blocks, n);
    if (n > UINT32_MAX / 2)
        return NULL;
    struct block *block = malloc(sizeof *block + n);
    if (block == NULL)
        return NULL;
    *block = (struct block){.cap = (uint32_t)n};
    return block;
}

static void kept_put(struct blocks *blocks, struct block *block) {
    if (block == NULL)
        return;
    if (block->cap > BLOCK_LARGE) {
        free(block);
    } else {
        block_put(blocks, block);
    }
}

/* Copies the slices, and their literals behind the head. */
static int copy_slices(struct send *s, const struct gw_action *a) {
    uint32_t n = a->send.slices_n;
    struct gw_slice *to = s->slices;
    if (n > SEND_SLICES) {
        s->many = to = malloc(n * sizeof *to);
        if (to == NULL)
            return -1;
    }
    s->slices_n = n;
    for (uint32_t i = 0; i < n; i++) {
        to[i] = a->send.slices[i];
        if (to[i].kind != GW_LITERAL)
            continue;
        char *copy = s->kept->data + s->kept->to;
        memcpy(copy, to[i].p, (size_t)to[i].len);
        s->kept->to += (uint32_t)to[i].len;
        to[i].p = copy;
    }
    return 0;
}

int send_init(struct send *s, struct blocks *blocks, const struct gw_action *a) {
    *s = (struct send){.chunked = a->send.body_len == GW_UNKNOWN && a->send.slices_n > 0};
    struct gw_h1_req_out out = {
        .method = a->send.method,
        .path = a->send.path,
        .authority = a->send.target.authority,
        .head = a->send.head,
        .body_len = a->send.slices_n > 0 ? a->send.body_len : 0,
        .keep_alive = true,
    };
    size_t head_max = out.method.n + out.path.n + out.authority.n + out.head.n + GW_H1_WRITE_EXTRA;
    s->kept = kept_get(blocks, head_max + literals_n(a->send.slices, a->send.slices_n));
    if (s->kept == NULL)
        return -1;
    ptrdiff_t n = gw_h1_req_write(s->kept->data, head_max, &out);
    if (n > 0)
        s->kept->to = (uint32_t)n;
    if (n <= 0 || copy_slices(s, a) < 0) {
        send_del(s, blocks);
        return -1;
    }
    s->head = gw_str(s->kept->data, (size_t)n);
    s->last = s->slices_n == 0;
    return 0;
}

void send_del(struct send *s, struct blocks *blocks) {
    kept_put(blocks, s->kept);
    free(s->many);
    s->kept = NULL;
    s->many = NULL;
    s->slices_n = 0;
}

void send_bare(struct send *s) {
    s->head = gw_str(NULL, 0);
    s->chunked = false;
}

/* The contiguous body bytes that are there at offset `at` of slice `i`; `*end`: the slice has no
 * more behind them. */
static struct gw_str slice_at(const struct gw_slice *slice, const struct body *body, uint64_t at,
                              bool *end) {
    if (slice->kind == GW_LITERAL) {
        *end = true;
        return gw_str(slice->p + at, (size_t)(slice->len - at));
    }
    uint64_t left = slice->len == GW_REST ? UINT64_MAX : slice->len - at;
    uint64_t off = slice->off + at;
    uint64_t there = body->told > off ? body->told - off : 0;
    struct gw_str bytes = gw_str(NULL, 0);
    if (left > 0 && there > 0)
        bytes = body_at(body, off, left < there ? left : there);
    *end = slice->len == GW_REST ? body->fin_told && bytes.n == there : bytes.n == left;
    return bytes;
}

/* Walks the body from where we are: fills `iov` and returns how many entries; `*sum` is the bytes in
 * them, `*end` says that the body ends there. Stops at `max` entries or `limit` bytes. */
static int walk(const struct send *s, const struct body *body, struct iovec *iov, int max,
                uint64_t limit, uint64_t *sum, bool *end) {
    const struct gw_slice *slices = slice_list(s);
    uint32_t i = s->slice;
    uint64_t at = s->at;
    int n = 0;
    *sum = 0;
    *end = i == s->slices_n;
    while (i < s->slices_n && n < max && *sum < limit) {
        bool slice_end;
        struct gw_str bytes = slice_at(&slices[i], body, at, &slice_end);
        if (bytes.n > limit - *sum) {
            bytes.n = (size_t)(limit - *sum);
            slice_end = false;
        }
        if (bytes.n == 0 && !slice_end)
            break; /* it has not arrived yet */
        if (bytes.n > 0) {
            iov[n++] = (struct iovec){(void *)(uintptr_t)bytes.p, bytes.n};
            *sum += bytes.n;
        }
        at = slice_end ? 0 : at + bytes.n;
        if (slice_end)
            *end = ++i == s->slices_n;
    }
    return n;
}

static bool piece_over(const struct send *s) {
    return s->before.n == 0 && s->piece == 0 && s->after.n == 0;
}

/* Begins the next piece with what has arrived. */
static void next_piece(struct send *s, const struct body *body, struct iovec *iov, int max) {
    bool end;
    (void)walk(s, body, iov, max, SEND_PIECE_MAX, &s->piece, &end);
    s->last = end;
    if (!s->chunked)
        return;
    if (s->piece > 0) {
        s->before = gw_str(s->frame, gw_h1_chunk_write(s->frame, s->piece));
        s->after = end ? GW_STR("\r\n0\r\n\r\n") : GW_H1_CRLF;
    } else if (end) {
        s->after = GW_H1_LAST_CHUNK;
    }
}

static int put(struct iovec *iov, int n, struct gw_str s) {
    if (s.n > 0)
        iov[n++] = (struct iovec){(void *)(uintptr_t)s.p, s.n};
    return n;
}

int send_iov(struct send *s, const struct body *body, struct iovec *iov, int max) {
    int room = max - 3; /* for head, before and after */
    if (piece_over(s) && !s->last)
        next_piece(s, body, iov, room);
    int n = put(iov, 0, s->head);
    n = put(iov, n, s->before);
    uint64_t sum;
    bool end;
    n += walk(s, body, iov + n, room, s->piece, &sum, &end);
    if (sum == s->piece)
        n = put(iov, n, s->after);
    return n;
}

static void cut(struct gw_str *s, size_t *n) {
    size_t k = *n < s->n ? *n : s->n;
    if (k == 0)
        return;
    *s = gw_str(s->p + k, s->n - k);
    *n -= k;
}

/* Goes `n` body bytes on. */
static void move_on(struct send *s, uint64_t n) {
    const struct gw_slice *slices = slice_list(s);
    s->piece -= n;
    s->at += n;
    while (s->slice < s->slices_n && slices[s->slice].len != GW_REST &&
           s->at >= slices[s->slice].len) {
        s->at -= slices[s->slice].len;
        s->slice++;
    }
}

void send_took(struct send *s, size_t n) {
    s->took += n;
    cut(&s->head, &n);
    cut(&s->before, &n);
    uint64_t body_n = n < s->piece ? n : s->piece;
    move_on(s, body_n);
    n -= (size_t)body_n;
    cut(&s->after, &n);
}

bool send_done(const struct send *s) {
    return s->last && s->head.n == 0 && piece_over(s);
}

uint64_t send_needs(const struct send *s) {
    const struct gw_slice *slices = slice_list(s);
    uint64_t low = UINT64_MAX;
    if (send_done(s))
        return low;
    for (uint32_t i = s->slice; i < s->slices_n; i++) {
        if (slices[i].kind != GW_REQUEST)
            continue;
        uint64_t off = slices[i].off + (i == s->slice ? s->at : 0);
        if (off < low)
            low = off;
    }
    return low;
}
