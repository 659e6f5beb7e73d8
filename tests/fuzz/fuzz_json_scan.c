/*
 * The scanner in any cut tells what it tells of the whole, watched or not it accepts the same, and what
 * it accepts a walk (json_walk.h) accepts, with as many values and as many bytes of strings as are told.
 * The first byte of the input is the seed of the cuts.
 */
#include "base/json_scan.h"
#include "base/json_walk.h"
#include "base/tally.h"
#include "base/utf8.h"
#include "cuts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

static int take(void *scan, struct gw_str piece) {
    return gw_json_scan_feed(scan, piece);
}

static int feed_cut(struct gw_json_scan *s, struct gw_str text, unsigned seed) {
    int got = cuts_feed(take, s, text, seed);
    return got == 0 ? gw_json_scan_end(s) : got;
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

/* How many bytes the inside of a valid string stands for. */
static uint64_t decoded(struct gw_str raw) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < raw.n; bytes++) {
        bool escape = raw.p[i] == '\\';
        if (escape && raw.p[i + 1] == 'u') {
            char hex[5] = {0};
            memcpy(hex, raw.p + i + 2, 4);
            unsigned long code = strtoul(hex, NULL, 16);
            bool pair = code >= 0xD800 && code < 0xDC00;
            bytes += pair ? 3 : code >= 0x800 ? 2 : code >= 0x80 ? 1 : 0;
            i += pair ? 12 : 6;
        } else {
            i += escape ? 2 : 1;
        }
    }
    return bytes;
}

/* Counts the value that the walk is before, and what is in it. */
static void count(struct gw_walk *w, uint64_t *values, uint64_t *bytes) {
    struct gw_str raw;
    char c = gw_walk_kind(w);
    ++*values;
    if (c == '"' && gw_walk_string(w, &raw))
        *bytes += decoded(raw);
    else if (c == '{' && gw_walk_enter(w, '{'))
        while (gw_walk_member(w, &raw))
            count(w, values, bytes);
    else if (c == '[' && gw_walk_enter(w, '['))
        while (gw_walk_item(w))
            count(w, values, bytes);
    else
        gw_walk_skip(w);
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

    struct gw_walk walk;
    uint64_t values = 0, bytes = 0;
    if (got != 0)
        return 0;
    gw_walk_init(&walk, text);
    count(&walk, &values, &bytes);
    if (walk.depth < GW_WALK_DEPTH) /* else it gave up there */
        must(gw_walk_end(&walk) && all.values == values && all.bytes == bytes);
    return 0;
}
