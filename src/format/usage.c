#include "format/usage.h"

#include "base/utf8.h"
#include "base/word.h"

/* What an open object or array is. */
enum place {
    OUTSIDE = 0,
    ANSWERS, /* a list of them */
    ANSWER,
    USAGE,
    DETAILS, /* an object of them */
    ITEMS,   /* a list of them */
    ITEM,
};

enum scalar { NOTHING = 0, NUMBER, COUNT, MODALITY, MODEL };

static struct gw_str name_of(const struct usage_reader *r) {
    return gw_str(r->name, r->name_n);
}

static bool is(const struct usage_reader *r, struct gw_str word) {
    return gw_str_eq(name_of(r), word);
}

static const struct dialect *dialect_at(const struct usage_reader *r, uint32_t i) {
    return r->only == NULL ? dialects_at(i) : i == 0 ? r->only : NULL;
}

static enum place place_of(const struct usage_reader *r) {
    return r->depth > 0 ? (enum place)r->place[r->depth - 1] : OUTSIDE;
}

/* ------------------------------------------------------------------ numbers */

/* "details.member" */
static struct gw_str joined(const struct usage_reader *r, struct gw_str name, char *out) {
    memcpy(out, r->parent, r->parent_n);
    out[r->parent_n] = '.';
    memcpy(out + r->parent_n + 1, name.p, name.n);
    return gw_str(out, r->parent_n + 1 + name.n);
}

static void note_for(const struct dialect *d, struct usage *said, struct gw_str name,
                     uint64_t value) {
    for (uint32_t i = 0; i < USAGE_N; i++)
        if (gw_str_eq(d->usage[i], name) || gw_str_eq(d->usage_too[i], name)) {
            said->n[i] = value;
            said->present |= 1U << i;
        }
}

static void note(struct usage_reader *r, struct gw_str name, uint64_t value) {
    const struct dialect *d;
    char out[2 * GW_JSON_NAME + 1];
    enum place place = place_of(r);
    if (name.n == 0)
        return; /* of what a dialect does not report the name is empty, too */
    for (uint32_t i = 0; (d = dialect_at(r, i)) != NULL; i++)
        if ((d->usage_of.n == 0) == (place == ANSWER)) {
            note_for(d, &r->said[i], name, value);
            if (place == DETAILS || place == ITEMS)
                note_for(d, &r->said[i], joined(r, name, out), value);
        }
}

static void end_number(struct usage_reader *r) {
    uint64_t value;
    if (!gw_str_u64(gw_str(r->digits, r->digits_n), &value))
        return;
    if (r->scalar == NUMBER) {
        note(r, name_of(r), value);
        return;
    }
    r->count = value;
    r->counted = true;
}

/* ------------------------------------------------------------------ where it is */

static enum gw_json_tell enter(struct usage_reader *r, enum place place) {
    if (r->depth == USAGE_LEVELS)
        return GW_JSON_SKIP;
    r->place[r->depth++] = (uint8_t)place;
    return GW_JSON_TELL;
}

static enum gw_json_tell take(struct usage_reader *r, enum scalar scalar) {
    r->scalar = (uint8_t)scalar;
    if (scalar == MODEL)
        r->model_n = 0;
    if (scalar == MODALITY)
        r->word_n = 0;
    r->digits_n = 0;
    return GW_JSON_PIECES;
}

static bool is_usage(const struct usage_reader *r) {
    const struct dialect *d;
    for (uint32_t i = 0; (d = dialect_at(r, i)) != NULL; i++)
        if (d->usage_of.n > 0 && is(r, d->usage_of))
            return true;
    return false;
}

static bool is_model(const struct usage_reader *r) {
    const struct dialect *d;
    for (uint32_t i = 0; (d = dialect_at(r, i)) != NULL; i++)
        if (d->model.n > 0 && is(r, d->model))
            return true;
    return false;
}

static enum gw_json_tell begin_outside(struct usage_reader *r, enum gw_json_kind kind) {
    bool inner = r->inside && r->only->usage_of.n > 0;
    if (kind == GW_JSON_OBJECT)
        return enter(r, inner ? USAGE : ANSWER);
    return kind == GW_JSON_ARRAY ? enter(r, ANSWERS) : GW_JSON_SKIP;
}

static enum gw_json_tell begin_in_answer(struct usage_reader *r, enum gw_json_kind kind) {
    if (kind == GW_JSON_NUMERAL)
        return take(r, NUMBER);
    if (kind == GW_JSON_STRING && is_model(r))
        return take(r, MODEL);
    if (kind != GW_JSON_OBJECT)
        return GW_JSON_SKIP;
    if (is_usage(r))
        return enter(r, USAGE);
    return r->depth == 1 && (is(r, GW_STR("message")) || is(r, GW_STR("response")))
               ? enter(r, ANSWER)
               : GW_JSON_SKIP;
}

static enum gw_json_tell begin_in_usage(struct usage_reader *r, enum gw_json_kind kind) {
    if (kind == GW_JSON_NUMERAL)
        return take(r, NUMBER);
    if ((kind != GW_JSON_OBJECT && kind != GW_JSON_ARRAY) ||
        (!gw_str_ends(name_of(r), GW_STR("_details")) &&
         !gw_str_ends(name_of(r), GW_STR("Details"))))
        return GW_JSON_SKIP;
    memcpy(r->parent, r->name, r->name_n);
    r->parent_n = r->name_n;
    return enter(r, kind == GW_JSON_OBJECT ? DETAILS : ITEMS);
}

static enum gw_json_tell begin_in_item(struct usage_reader *r, enum gw_json_kind kind) {
    if (kind == GW_JSON_STRING && is(r, GW_STR("modality")))
        return take(r, MODALITY);
    return kind == GW_JSON_NUMERAL && is(r, GW_STR("tokenCount")) ? take(r, COUNT) : GW_JSON_SKIP;
}

static enum gw_json_tell begin(struct usage_reader *r, enum gw_json_kind kind) {
    switch (place_of(r)) {
    case OUTSIDE:
        return begin_outside(r, kind);
    case ANSWERS:
        return kind == GW_JSON_OBJECT ? enter(r, ANSWER) : GW_JSON_SKIP;
    case ANSWER:
        return begin_in_answer(r, kind);
    case USAGE:
        return begin_in_usage(r, kind);
    case DETAILS:
        return kind == GW_JSON_NUMERAL ? take(r, NUMBER) : GW_JSON_SKIP;
    case ITEMS:
        r->counted = false;
        r->word_n = 0;
        return kind == GW_JSON_OBJECT ? enter(r, ITEM) : GW_JSON_SKIP;
    default:
        return begin_in_item(r, kind);
    }
}

/* What is not looked into is passed over: the scanner stops behind its bracket. */
static enum gw_json_tell on_begin(struct gw_json_scan *s, enum gw_json_kind kind, uint64_t at) {
    struct usage_reader *r = (struct usage_reader *)s;
    enum gw_json_tell tell = begin(r, kind);
    (void)at;
    r->skips = s->enough = tell == GW_JSON_SKIP && kind >= GW_JSON_ARRAY;
    return tell;
}

static void on_name(struct gw_json_scan *s, struct gw_str name) {
    struct usage_reader *r = (struct usage_reader *)s;
    memcpy(r->name, name.p, name.n);
    r->name_n = (uint8_t)name.n;
}

/* As much of it as there is room for. */
static uint8_t keep(char *to, size_t n, size_t max, struct gw_str piece) {
    piece = gw_str_sub(piece, 0, max - n);
    memcpy(to + n, piece.p, piece.n);
    return (uint8_t)(n + piece.n);
}

static void on_piece(struct gw_json_scan *s, struct gw_str piece) {
    struct usage_reader *r = (struct usage_reader *)s;
    if (r->scalar == MODEL)
        r->model_n = keep(r->model, r->model_n, USAGE_MODEL, piece);
    else if (r->scalar == MODALITY)
        r->word_n = keep(r->word, r->word_n, USAGE_WORD, piece);
    else /* what is too long is no number of tokens: gw_str_u64 refuses it */
        r->digits_n = keep(r->digits, r->digits_n, USAGE_DIGITS, piece);
}

static void on_end(struct gw_json_scan *s, uint64_t end) {
    struct usage_reader *r = (struct usage_reader *)s;
    (void)end;
    if (r->scalar != NOTHING) {
        if (r->scalar <= COUNT)
            end_number(r);
        r->scalar = NOTHING;
        return;
    }
    r->depth--;
    if (r->place[r->depth] == ITEM && r->counted)
        note(r, gw_str(r->word, r->word_n), r->count);
}

static const struct gw_json_watch watch = {on_begin, on_name, on_piece, on_end};

/* ------------------------------------------------------------------ from outside */

void usage_begin(struct usage_reader *r, const struct dialect *only) {
    size_t said = only != NULL ? sizeof *r->said : sizeof r->said;
    memset(r, 0, offsetof(struct usage_reader, said) + said);
    gw_json_scan_init(&r->scan, &watch);
    r->only = only;
}

void usage_begin_inside(struct usage_reader *r, const struct dialect *only) {
    usage_begin(r, only);
    r->inside = true;
}

/* A byte of what is passed over; false: it closes it, and is the scanner's again. */
static bool pass(struct usage_reader *r, char c) {
    if (r->escaped)
        r->escaped = false;
    else if (r->quoted && c == '\\')
        r->escaped = true;
    else if (c == '"')
        r->quoted = !r->quoted;
    else if (!r->quoted && (c == '[' || c == '{'))
        r->open++;
    else if (!r->quoted && (c == ']' || c == '}') && r->open-- == 0)
        return false;
    return true;
}

/* As far as nothing opens or closes: how many bytes. Brackets and braces are above all that numbers are
 * made of. */
static size_t dull_run(const struct usage_reader *r, const char *p, size_t n) {
    size_t i = 0;
    if (r->quoted)
        return r->escaped ? 0 : gw_word_plain_run(p, n);
    while (i < n && p[i] < '[' && p[i] != '"')
        i++;
    return i;
}

/* Up to the bracket that closes it, if that is there: how many bytes. */
static size_t pass_over(struct usage_reader *r, struct gw_str s) {
    size_t i = 0;
    while (i < s.n) {
        i += dull_run(r, s.p + i, s.n - i);
        if (i < s.n && !pass(r, s.p[i])) {
            r->open = 0;
            r->skips = false;
            return i;
        }
        i += i < s.n;
    }
    return i;
}

void usage_feed(struct usage_reader *r, struct gw_str bytes) {
    r->bytes += bytes.n;
    while (bytes.n > 0) {
        size_t n = r->skips ? pass_over(r, bytes) : 0;
        bytes = gw_str_sub(bytes, n, bytes.n);
        uint64_t at = r->scan.at;
        r->scan.enough = false;
        if (r->skips || gw_json_scan_feed(&r->scan, bytes) != 0)
            return;
        bytes = gw_str_sub(bytes, (size_t)(r->scan.at - at), bytes.n);
    }
}

static uint32_t count_of(uint32_t bits) {
    uint32_t n = 0;
    for (; bits != 0; bits &= bits - 1)
        n++;
    return n;
}

void usage_merge(const struct usage_reader *r, struct usage *u) {
    const struct dialect *d;
    uint32_t best = 0;
    for (uint32_t i = 1; dialect_at(r, i) != NULL; i++)
        if (count_of(r->said[i].present) > count_of(r->said[best].present))
            best = i;
    const struct usage *said = &r->said[best];
    d = dialect_at(r, best);
    for (uint32_t i = 0; i < USAGE_N; i++)
        if (said->present >> i & 1)
            u->n[i] = said->n[i];
    u->present |= said->present;
    if (d->input_is_rest && usage_has(said, USAGE_INPUT))
        u->n[USAGE_INPUT] = said->n[USAGE_INPUT] + u->n[USAGE_CACHED] + u->n[USAGE_WRITTEN];
    if (d->output_is_rest && usage_has(said, USAGE_REASONING)) {
        u->n[USAGE_OUTPUT] = said->n[USAGE_OUTPUT] + said->n[USAGE_REASONING];
        u->present |= 1U << USAGE_OUTPUT;
    }
}

struct gw_str usage_model(const struct usage_reader *r) {
    struct gw_str model = gw_str(r->model, r->model_n);
    return gw_str_sub(model, 0, gw_utf8_valid(model)); /* it may have been cut within a character */
}
