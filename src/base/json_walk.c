#include "base/json_walk.h"

#include "base/word.h"

void gw_walk_init(struct gw_walk *w, struct gw_str text) {
    const char *p = text.n > 0 ? text.p : ""; /* it may be nowhere */
    *w = (struct gw_walk){.p = p, .end = p + text.n};
}

static bool fault(struct gw_walk *w) {
    w->bad = true;
    return false;
}

static bool is_white(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The first comparison spares the others in JSON without white space, which most is. */
static void skip_white(struct gw_walk *w) {
    while (w->p < w->end && (unsigned char)*w->p <= ' ' && is_white(*w->p))
        w->p++;
}

char gw_walk_kind(struct gw_walk *w) {
    skip_white(w);
    return w->bad || w->p == w->end ? 0 : *w->p;
}

/* ------------------------------------------------------------------ strings */

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (gw_lower(c) >= 'a' && gw_lower(c) <= 'f');
}

/* The byte behind the escape whose backslash is at `p`, or NULL. */
static const char *escape_end(const char *p, const char *end) {
    if (end - p < 2)
        return NULL;
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 2;
    default:
        break;
    }
    if (p[1] != 'u' || end - p < 6 || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) ||
        !is_hex(p[5]))
        return NULL;
    return p + 6;
}

/* The first byte that needs a closer look, or one of the last seven. */
static const char *skip_text(const char *p, const char *end) {
    while (end - p >= 8) {
        uint64_t w = gw_word_at(p), marks = gw_word_marks(w) | gw_word_far(w);
        if (marks != 0)
            return p + __builtin_ctzll(marks) / 8;
        p += 8;
    }
    return p;
}

const char *gw_json_string_end(const char *p, const char *end, bool *plain) {
    *plain = true;
    while (p != NULL && (p = skip_text(p, end)) < end) {
        unsigned char c = (unsigned char)*p;
        if (c == '"')
            return p;
        if (c < 0x20)
            return NULL;
        *plain &= c != '\\' && c < 0xf0;
        p = c == '\\' ? escape_end(p, end) : p + 1;
    }
    return NULL;
}

bool gw_walk_string(struct gw_walk *w, struct gw_str *raw) {
    bool plain;
    if (gw_walk_kind(w) != '"') {
        gw_walk_skip(w);
        return false;
    }
    const char *end = gw_json_string_end(w->p + 1, w->end, &plain);
    if (end == NULL)
        return fault(w);
    *raw = gw_str(w->p + 1, (size_t)(end - w->p) - 1);
    w->p = end + 1;
    return true;
}

/* ------------------------------------------------------------------ other scalars */

static size_t digits(struct gw_walk *w) {
    const char *from = w->p;
    while (w->p < w->end && *w->p >= '0' && *w->p <= '9')
        w->p++;
    return (size_t)(w->p - from);
}

static bool at(const struct gw_walk *w, char c) {
    return w->p < w->end && *w->p == c;
}

static bool take_number(struct gw_walk *w) {
    w->p += at(w, '-');
    if (at(w, '0'))
        w->p++;
    else if (digits(w) == 0)
        return fault(w);
    if (at(w, '.')) {
        w->p++;
        if (digits(w) == 0)
            return fault(w);
    }
    if (at(w, 'e') || at(w, 'E')) {
        w->p++;
        w->p += at(w, '+') || at(w, '-');
        if (digits(w) == 0)
            return fault(w);
    }
    return true;
}

bool gw_walk_number(struct gw_walk *w, uint32_t *n) {
    bool digit = gw_walk_kind(w) >= '0' && *w->p <= '9';
    const char *from = w->p;
    uint64_t value;
    if (!gw_walk_skip(w) || !digit || !gw_str_u64(gw_str(from, (size_t)(w->p - from)), &value) ||
        value > 999999999)
        return false;
    *n = (uint32_t)value;
    return true;
}

static bool take_word(struct gw_walk *w) {
    static const struct gw_str words[] = {GW_STR_INIT("true"), GW_STR_INIT("false"),
                                          GW_STR_INIT("null")};
    struct gw_str rest = gw_str(w->p, (size_t)(w->end - w->p));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (gw_str_starts(rest, words[i])) {
            w->p += words[i].n;
            return true;
        }
    }
    return fault(w);
}

/* ------------------------------------------------------------------ levels */

static bool push(struct gw_walk *w) {
    if (w->depth == GW_WALK_DEPTH)
        return fault(w);
    uint64_t bit = 1ULL << w->depth++;
    w->objects = *w->p == '{' ? w->objects | bit : w->objects & ~bit;
    w->fresh = true;
    w->p++;
    return true;
}

bool gw_walk_enter(struct gw_walk *w, char open) {
    if (gw_walk_kind(w) == open && open != 0)
        return push(w);
    gw_walk_skip(w);
    return false;
}

/* Whether another value comes at this level; behind the last one the level is left. */
static bool next(struct gw_walk *w, char close) {
    char c = gw_walk_kind(w);
    bool fresh = w->fresh;
    if (w->bad)
        return false;
    w->fresh = false;
    if (c == close) {
        w->depth--;
        w->p++;
        return false;
    }
    if (fresh)
        return c != 0 || fault(w);
    if (c != ',')
        return fault(w);
    w->p++;
    return true;
}

bool gw_walk_member(struct gw_walk *w, struct gw_str *name) {
    if (!next(w, '}'))
        return false;
    if (gw_walk_kind(w) != '"' || !gw_walk_string(w, name) || gw_walk_kind(w) != ':')
        return fault(w);
    w->p++;
    return true;
}

bool gw_walk_item(struct gw_walk *w) {
    return next(w, ']');
}

static bool in_object(const struct gw_walk *w) {
    return (w->objects >> (w->depth - 1) & 1) != 0;
}

/* One scalar, or the opening bracket of a level. */
static bool take_one(struct gw_walk *w) {
    struct gw_str ignored;
    char c = gw_walk_kind(w);
    if (c == '{' || c == '[')
        return push(w);
    if (c == '"')
        return gw_walk_string(w, &ignored);
    if (c == '-' || (c >= '0' && c <= '9'))
        return take_number(w);
    return take_word(w);
}

bool gw_walk_skip(struct gw_walk *w) {
    struct gw_str ignored;
    uint32_t base = w->depth;
    do {
        if (w->bad || !take_one(w))
            return false;
        while (w->depth > base && !(in_object(w) ? gw_walk_member(w, &ignored) : gw_walk_item(w)))
            if (w->bad)
                return false;
    } while (w->depth > base);
    return true;
}

bool gw_walk_end(struct gw_walk *w) {
    skip_white(w);
    return !w->bad && w->depth == 0 && w->p == w->end;
}
