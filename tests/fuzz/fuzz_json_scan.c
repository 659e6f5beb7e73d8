/*
 * The scanner in any cut tells what it tells of the whole, watched or not it accepts the same, and what
 * it accepts cJSON accepts, with the same values in the same order.
 * The first byte of the input is the seed of the cuts.
 */
#include <cJSON.h>
#include <stdlib.h>

#include "base/json_scan.h"
#include "base/tally.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok) {
    if (!ok)
        abort();
}

/* Everything that is told, as one hash: names and pieces, and after each value what it was. */
struct told {
    struct gw_json_scan scan;
    struct tally all;
    uint64_t values, chars, bytes;
    uint64_t last;          /* where the last value began or ended */
    bool whole;             /* pieces are wanted of everything; else of every other value */
    enum gw_json_kind kind; /* of the scalar at hand */
};

static void add(struct told *t, uint64_t number) {
    tally_add(&t->all, (const char *)&number, sizeof number);
}

static enum gw_json_tell on_begin(struct gw_json_scan *s, enum gw_json_kind kind, uint64_t at) {
    struct told *t = (struct told *)s;
    must(at >= t->last && kind > GW_JSON_NONE && kind <= GW_JSON_OBJECT);
    t->last = at;
    t->kind = kind;
    add(t, at << 8 | (uint64_t)kind);
    t->values++;
    return t->whole ? GW_JSON_PIECES : (enum gw_json_tell)(t->values % 3);
}

static void on_name(struct gw_json_scan *s, struct gw_str name) {
    must(name.n <= GW_JSON_NAME);
    add((struct told *)s, name.n);
    tally_add(&((struct told *)s)->all, name.p, name.n);
}

static void on_piece(struct gw_json_scan *s, struct gw_str piece) {
    struct told *t = (struct told *)s;
    must(piece.n > 0);
    tally_add(&t->all, piece.p, piece.n);
    if (t->kind == GW_JSON_STRING) {
        t->bytes += piece.n;
        t->chars += gw_utf8_count(piece);
    }
}

static void on_end(struct gw_json_scan *s, uint64_t end) {
    struct told *t = (struct told *)s;
    must(end > t->last);
    t->last = end;
    add(t, end);
    if (t->kind == GW_JSON_STRING) {
        add(t, s->chars);
        must(!t->whole || s->chars == t->chars);
    }
    t->kind = GW_JSON_NONE;
    t->chars = 0;
}

static const struct gw_json_watch watch = {on_begin, on_name, on_piece, on_end};

static int feed_cut(struct gw_json_scan *s, struct gw_str text, unsigned seed) {
    for (size_t i = 0; i < text.n;) {
        seed = seed * 1103515245u + 12345u;
        struct gw_str part = gw_str_sub(text, i, 1 + (seed >> 16) % 20);
        char *copy = malloc(part.n);
        must(copy != NULL);
        memcpy(copy, part.p, part.n);
        int got = gw_json_scan_feed(s, gw_str(copy, part.n));
        free(copy);
        if (got != 0)
            return got;
        i += part.n;
    }
    return gw_json_scan_end(s);
}

static int feed_whole(struct gw_json_scan *s, struct gw_str text) {
    return gw_json_scan_feed(s, text) == 0 ? gw_json_scan_end(s) : -1;
}

/* Both ways of being told. */
static int check_cuts(struct told *t, struct gw_str text, unsigned seed, bool whole) {
    struct told cut = {.whole = whole};
    *t = cut;
    gw_json_scan_init(&t->scan, &watch);
    gw_json_scan_init(&cut.scan, &watch);
    int got = feed_whole(&t->scan, text);
    must(feed_cut(&cut.scan, text, seed) == got);
    must(t->scan.at == cut.scan.at && t->scan.what == cut.scan.what);
    must(t->all.n == cut.all.n && tally_hash(&t->all) == tally_hash(&cut.all));
    must((got == 0) == (t->scan.what == NULL));
    return got;
}

static void count(const cJSON *item, uint64_t *values, uint64_t *bytes) {
    for (; item; item = item->next) {
        ++*values;
        *bytes += cJSON_IsString(item) ? strlen(item->valuestring) : 0;
        count(item->child, values, bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct gw_str text = gw_str(data + 1, size - 1);
    struct told part, all;
    struct gw_json_scan alone;
    int got = check_cuts(&part, text, data[0], false);
    must(check_cuts(&all, text, data[0], true) == got);
    gw_json_scan_init(&alone, NULL);
    must(feed_whole(&alone, text) == got && alone.what == all.scan.what);

    cJSON *root = cJSON_ParseWithLengthOpts(text.p, text.n, NULL, 0);
    uint64_t values = 0, bytes = 0;
    must(root || got != 0);
    count(root, &values, &bytes);
    must(got != 0 || (all.values == values && all.bytes == bytes));
    cJSON_Delete(root);
    return 0;
}
