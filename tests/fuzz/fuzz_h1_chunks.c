/*
 * Chunked bodies. The first byte of the input is the size of the pieces that it is fed in. Holds:
 * every piece of payload lies in what was given; pieces change nothing; the payload, written again
 * as one chunk, is read as the same payload.
 */
#include "http/h1.h"

#include <stdlib.h>

#define MUST(cond) ((cond) ? (void)0 : abort())

struct body {
    char *payload;
    size_t n, used;
    int end;
};

/* `in` decoded in pieces of `step` bytes, each in a block of its own so that a read past it shows.
 * The payload has room for all of it. */
static struct body decode(struct gw_str in, size_t step) {
    struct body b = {malloc(in.n + 1), 0, 0, GW_H1_MORE};
    MUST(b.payload != NULL);
    struct gw_h1_chunks c;
    gw_h1_chunks_init(&c);
    while (b.used < in.n && b.end == GW_H1_MORE) {
        size_t n = in.n - b.used < step ? in.n - b.used : step, at = 0, used;
        char *piece = malloc(n);
        MUST(piece != NULL);
        memcpy(piece, in.p + b.used, n);
        struct gw_str data;
        do {
            b.end = gw_h1_chunks_next(&c, piece + at, n - at, &used, &data);
            MUST(used <= n - at && (data.n > 0) == (b.end == GW_H1_DATA));
            at += used;
            if (b.end == GW_H1_DATA) {
                MUST(data.p >= piece && data.p + data.n == piece + at);
                memcpy(b.payload + b.n, data.p, data.n);
                b.n += data.n;
            }
        } while (b.end == GW_H1_DATA);
        MUST(b.end != GW_H1_MORE || at == n);
        MUST(b.end != GW_H1_BAD || c.why.n > 0);
        b.used += at;
        free(piece);
    }
    MUST(c.payload == b.n);
    return b;
}

static void check_same(const struct body *a, const struct body *b) {
    MUST(a->end == b->end && a->used == b->used && a->n == b->n);
    MUST(memcmp(a->payload, b->payload, a->n) == 0);
}

static void check_again(const struct body *b) {
    char *text = malloc(GW_H1_SIZE_LINE + b->n + 2 + 5);
    MUST(text != NULL);
    size_t n = 0;
    if (b->n > 0) {
        n = gw_h1_chunk_write(text, b->n);
        memcpy(text + n, b->payload, b->n);
        memcpy(text + n + b->n, GW_H1_CRLF.p, GW_H1_CRLF.n);
        n += b->n + 2;
    }
    memcpy(text + n, GW_H1_LAST_CHUNK.p, GW_H1_LAST_CHUNK.n);
    n += GW_H1_LAST_CHUNK.n;
    struct body again = decode(gw_str(text, n), n);
    MUST(again.end == GW_H1_END && again.used == n && again.n == b->n);
    MUST(memcmp(again.payload, b->payload, b->n) == 0);
    free(again.payload);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n < 2)
        return 0;
    struct gw_str in = gw_str(data + 1, n - 1);
    struct body whole = decode(in, in.n), pieces = decode(in, (size_t)data[0] + 1);
    check_same(&whole, &pieces);
    if (whole.end == GW_H1_END)
        check_again(&whole);
    free(whole.payload);
    free(pieces.payload);
    return 0;
}
