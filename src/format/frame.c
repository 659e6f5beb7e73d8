#include "format/frame.h"

#include "base/word.h"
#include "format/aws.h"

enum {
    WORD = sizeof(uint64_t),
    LOOK_BACK = 3 /* bytes of an end that may have been seen before */
};

static bool is_break(char c) {
    return c == '\n' || c == '\r';
}

/* The position of the first CR or LF from `at` on, or s.n. */
static size_t next_break(struct gw_str s, size_t at) {
    while (at < s.n) {
        while (s.n - at >= WORD && gw_word_controls(gw_word_at(s.p + at)) == 0)
            at += WORD;
        size_t near = s.n - at < WORD ? s.n : at + WORD;
        for (; at < near; at++)
            if (is_break(s.p[at]))
                return at;
    }
    return s.n;
}

/* The length of an event whose last line ends at `at`, with a CR or a LF; 0 unless an empty line follows.
 * A CR may be half of a CRLF: only a second CR shows that it is not. */
static size_t end_behind(struct gw_str s, size_t at) {
    size_t next = at + 1;
    if (next < s.n && s.p[next] == '\n' && s.p[at] == '\n')
        return next + 1;
    if (next + 1 < s.n && s.p[at] == '\n' && s.p[next] == '\r' && s.p[next + 1] == '\n')
        return next + 2;
    if (next < s.n && s.p[at] == '\r' && s.p[next] == '\r')
        return next + 1;
    return 0;
}

/* The length of an empty line at the start: an event without content. */
static size_t blank_length(struct gw_str s) {
    if (s.n > 0 && s.p[0] == '\n')
        return 1;
    return s.n > 1 && s.p[0] == '\r' && is_break(s.p[1]) ? 2 : 0;
}

static size_t text_length(struct gw_str s, size_t seen, enum framing framing) {
    size_t from = seen > LOOK_BACK ? seen - LOOK_BACK : 0;
    if (framing == FRAMING_LINES) {
        ptrdiff_t found = gw_str_chr(gw_str_sub(s, from, s.n), '\n');
        return found < 0 ? 0 : from + (size_t)found + 1;
    }
    size_t length = blank_length(s);
    for (size_t at = from; length == 0 && (at = next_break(s, at)) < s.n; at++)
        length = end_behind(s, at);
    return length;
}

size_t frame_length_within(struct gw_str s, size_t seen, enum framing framing, size_t max) {
    return framing == FRAMING_AWS ? aws_length(s, seen, max) : text_length(s, seen, framing);
}

struct gw_str frame_type(enum framing framing) {
    static const struct gw_str types[] = {
        [FRAMING_SSE] = GW_STR_INIT("text/event-stream"),
        [FRAMING_LINES] = GW_STR_INIT("application/x-ndjson"),
        [FRAMING_AWS] = GW_STR_INIT("application/vnd.amazon.eventstream"),
    };
    return types[framing];
}

struct gw_str frame_end(enum framing framing) {
    size_t n = framing == FRAMING_AWS ? 0 : framing == FRAMING_LINES ? 1 : 2;
    return gw_str("\n\n", n);
}

void frame_tail_init(struct frame_tail *t, enum framing framing) {
    memset(t, 0, sizeof *t);
    t->framing = framing;
}

void frame_tail_add(struct frame_tail *t, struct gw_str bytes) {
    size_t add = bytes.n < sizeof t->bytes ? bytes.n : sizeof t->bytes;
    size_t kept = t->n < sizeof t->bytes - add ? t->n : sizeof t->bytes - add;
    if (add == 0)
        return;
    memmove(t->bytes, t->bytes + t->n - kept, kept);
    memcpy(t->bytes + kept, bytes.p + bytes.n - add, add);
    t->n = (uint32_t)(kept + add);
}

bool frame_between(const struct frame_tail *t) {
    struct gw_str tail = gw_str(t->bytes, t->n);
    if (t->n == 0)
        return true;
    if (t->framing == FRAMING_AWS)
        return false;
    if (t->framing == FRAMING_LINES)
        return gw_str_ends(tail, GW_STR("\n"));
    return gw_str_ends(tail, GW_STR("\n\n")) || gw_str_ends(tail, GW_STR("\r\r")) ||
           gw_str_ends(tail, GW_STR("\r\n\r\n"));
}
