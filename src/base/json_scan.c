/*
 * The scanner of json_scan.h: a push parser, one byte at a time, with a fast way over
 * strings.
 *
 *   state     may come                                   next
 *   VALUE     a value's first byte                       by kind: STRING NAME_END FIRST MINUS.. WORD
 *   FIRST     the same, or ] (after [)                   the same, or AFTER
 *   NAME_END  " or } (after {)                           STRING, AFTER
 *   NAME      " (after , in an object)                   STRING
 *   COLON     :                                          VALUE
 *   AFTER     , or the closing bracket of the level      VALUE or NAME, AFTER
 *   DONE      white space only                           DONE
 *   STRING    anything but control characters            " COLON/AFTER, \ ESCAPE, lead byte TAIL
 *   TAIL      so many continuation bytes in their range  STRING
 *   ESCAPE    " \ / b f n r t, or u                      STRING, HEX
 *   HEX       four hexadecimal digits                    STRING, or PAIR after a high surrogate
 *   PAIR      \                                          PAIR_U
 *   PAIR_U    u                                          HEX, for the low surrogate
 *   MINUS     0 or 1-9                                   ZERO, INT
 *   ZERO      . or e                                     DOT, E           may end
 *   INT       digit, . or e                              INT, DOT, E      may end
 *   DOT       digit                                      FRAC
 *   FRAC      digit or e                                 FRAC, E          may end
 *   E         + - or digit                               SIGN, EXP
 *   SIGN      digit                                      EXP
 *   EXP       digit                                      EXP              may end
 *   WORD      the next letter of true, false or null     WORD, AFTER
 *   BAD       nothing                                    BAD
 *
 * White space may come before the first byte of VALUE..DONE. A number that may end is ended by the
 * byte after it, which then counts for AFTER. AFTER at depth 0 is DONE.
 */
#include "base/json_scan.h"

#include "base/utf8.h"
#include "base/word.h"

enum state {
    VALUE = 0, /* the first one */
    FIRST,
    NAME_END,
    NAME,
    COLON,
    AFTER,
    DONE,
    STRING,
    TAIL,
    ESCAPE,
    HEX,
    PAIR,
    PAIR_U,
    MINUS,
    ZERO,
    INT,
    DOT,
    FRAC,
    E,
    SIGN,
    EXP,
    WORD,
    BAD,
};

static const char *const words[] = {
    [GW_JSON_NULL] = "null", [GW_JSON_FALSE] = "false", [GW_JSON_TRUE] = "true"};
static const char short_escapes[] = "\"\\/bfnrt", short_escaped[] = "\"\\/\b\f\n\r\t";
static const char lone[] = "half of a surrogate pair";
static const char not_utf8[] = "invalid UTF-8";

enum { NOBODY = UINT8_MAX }; /* told: no level is */

void gw_json_scan_init(struct gw_json_scan *s, const struct gw_json_watch *watch) {
    memset(s, 0, offsetof(struct gw_json_scan, name));
    s->watch = watch;
    s->told = watch ? 0 : NOBODY;
}

/* ------------------------------------------------------------------ levels */

static bool is_object(const struct gw_json_scan *s, unsigned level) {
    return (s->stack[level / 8] >> level % 8 & 1) != 0;
}

static const char *push(struct gw_json_scan *s, bool object) {
    if (s->depth == GW_JSON_DEPTH)
        return "nested deeper than 128 levels";
    unsigned level = s->depth++;
    uint8_t bit = (uint8_t)(1u << level % 8);
    s->stack[level / 8] =
        (uint8_t)(object ? s->stack[level / 8] | bit : s->stack[level / 8] & ~bit);
    s->object = object;
    s->state = object ? NAME_END : FIRST;
    return NULL;
}

/* A scalar is over before `end`. */
static void scalar_is_over(struct gw_json_scan *s, uint64_t end) {
    s->state = s->depth > 0 ? AFTER : DONE;
    if (s->tell)
        s->watch->end(s, end);
}

static const char *pop(struct gw_json_scan *s, uint64_t at) {
    bool told = s->told == s->depth;
    s->depth--;
    s->object = s->depth > 0 && is_object(s, s->depth - 1u);
    s->state = s->depth > 0 ? AFTER : DONE;
    if (told) {
        s->told = s->depth;
        s->watch->end(s, at + 1);
    }
    return NULL;
}

/* ------------------------------------------------------------------ strings */

/* Decoded bytes of the string at hand, or of the number. */
static void emit(struct gw_json_scan *s, struct gw_str bytes) {
    if (s->tell != GW_JSON_PIECES)
        return;
    if (!s->is_name) {
        s->watch->piece(s, bytes);
        return;
    }
    size_t room = GW_JSON_NAME - (size_t)s->name_n, n = bytes.n < room ? bytes.n : room;
    memcpy(s->name + s->name_n, bytes.p, n);
    s->name_n += (uint8_t)n;
}

static void emit_byte(struct gw_json_scan *s, unsigned char c) {
    emit(s, gw_str(&(char){(char)c}, 1));
}

static void begin_name(struct gw_json_scan *s) {
    s->state = STRING;
    s->is_name = true;
    s->tell = s->told == s->depth ? GW_JSON_PIECES : GW_JSON_SKIP;
    s->name_n = 0;
}

/* The second byte's range is narrower after four of the lead bytes (see utf8.c). */
static const char *lead(struct gw_json_scan *s, unsigned char c) {
    if (c < 0xC2 || c > 0xF4)
        return not_utf8;
    s->left = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    s->low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    s->high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    s->state = TAIL;
    s->chars++;
    emit_byte(s, c);
    return NULL;
}

static const char *tail(struct gw_json_scan *s, unsigned char c) {
    if (c < s->low || c > s->high)
        return not_utf8;
    s->low = 0x80;
    s->high = 0xBF;
    if (--s->left == 0)
        s->state = STRING;
    emit_byte(s, c);
    return NULL;
}

/* What is neither plain nor the closing quote. */
static const char *in_string(struct gw_json_scan *s, unsigned char c) {
    if (c >= 0x80)
        return lead(s, c);
    if (c != '\\')
        return "control character in a string";
    s->state = ESCAPE;
    return NULL;
}

static const char *escape(struct gw_json_scan *s, unsigned char c) {
    if (c == 'u') {
        s->state = HEX;
        s->number = s->code = 0;
        return NULL;
    }
    const char *at = memchr(short_escapes, c, sizeof short_escapes - 1);
    if (!at)
        return "unknown escape in a string";
    s->state = STRING;
    s->chars++;
    emit(s, gw_str(short_escaped + (at - short_escapes), 1));
    return NULL;
}

/* With `k` digits of an escape read: can it still become a character? */
static bool is_lone(const struct gw_json_scan *s, unsigned k) {
    if (s->surrogate)
        return (k == 1 && s->code != 0xD) || (k == 2 && (s->code & 0xFC) != 0xDC);
    return k == 2 && (s->code & 0xFC) == 0xDC;
}

static const char *hex(struct gw_json_scan *s, unsigned char c) {
    unsigned char letter = c | 0x20;
    if (c >= '0' && c <= '9')
        s->code = s->code << 4 | (c - (uint32_t)'0');
    else if (letter >= 'a' && letter <= 'f')
        s->code = s->code << 4 | (letter - (uint32_t)'a' + 10);
    else
        return "unknown escape in a string";
    if (is_lone(s, ++s->number))
        return lone;
    if (s->number < 4)
        return NULL;
    if (s->code == 0)
        return "\\u0000 in a string";
    if (!s->surrogate && (s->code & 0xFC00) == 0xD800) {
        s->surrogate = s->code;
        s->state = PAIR;
        return NULL;
    }
    if (s->surrogate)
        s->code = 0x10000 + ((s->surrogate & 0x3FF) << 10) + (s->code & 0x3FF);
    char utf8[4];
    emit(s, gw_str(utf8, gw_utf8_put(s->code, utf8)));
    s->chars++;
    s->surrogate = 0;
    s->state = STRING;
    return NULL;
}

static const char *pair(struct gw_json_scan *s, unsigned char c) {
    if (c != (s->state == PAIR ? '\\' : 'u'))
        return lone;
    if (s->state == PAIR) {
        s->state = PAIR_U;
    } else {
        s->state = HEX;
        s->number = s->code = 0;
    }
    return NULL;
}

static bool is_short_escape(char c) {
    return c == 'n' || c == '"' || c == '\\' || c == 't' || c == 'r' || c == '/' || c == 'b' ||
           c == 'f';
}

/* Escapes of one letter, where what they stand for is not wanted: how many bytes. */
static size_t escape_run(const char *p, size_t n) {
    size_t i = 0;
    while (n - i >= 2 && p[i] == '\\' && is_short_escape(p[i + 1]))
        i += 2;
    return i;
}

/* Characters beyond ASCII, with the spaces between words of them: how many bytes. */
static size_t far_run(const char *p, size_t n, size_t *chars) {
    size_t i = 0, count = 0, len = 1;
    for (; i < n && len > 0; i += len, count += len > 0) {
        uint32_t w = 0;
        if (n - i >= sizeof w)
            memcpy(&w, p + i, sizeof w);
        if ((w & 0xC0E0) == 0x80C0 && (w & 0x1E) != 0)
            len = 2;
        else if ((w & 0xC0C0F0) == 0x8080E0 && (w & 0x200F) != 0 && (w & 0x200F) != 0x200D)
            len = 3;
        else if ((w & 0x80FF) == (0x8000 | ' '))
            len = 1;
        else
            len = (unsigned char)p[i] < 0x80 ? 0 : gw_utf8_char(p + i, n - i);
    }
    *chars += count;
    return i;
}

/* As far as a string goes on without anything special: how many bytes. */
static size_t string_run(struct gw_json_scan *s, const char *p, size_t n) {
    size_t i = 0, more = 1, chars = 0;
    for (; more > 0; i += more) {
        size_t plain = gw_word_plain_run(p + i, n - i);
        i += plain;
        chars += plain;
        more = 0;
        if (i < n && (unsigned char)p[i] >= 0x80) {
            more = far_run(p + i, n - i, &chars);
        } else if (s->tell != GW_JSON_PIECES) {
            more = escape_run(p + i, n - i);
            chars += more / 2;
        }
    }
    s->chars += chars;
    return i;
}

/* The quote at `p` ends the string. */
static size_t close_string(struct gw_json_scan *s, struct gw_str rest, struct gw_str name,
                           uint64_t end) {
    if (!s->is_name) {
        scalar_is_over(s, end);
        return 1;
    }
    if (s->tell)
        s->watch->name(s, name);
    bool colon = rest.n > 1 && rest.p[1] == ':'; /* as nearly always */
    s->state = colon ? VALUE : COLON;
    return colon ? 2 : 1;
}

/* Takes such a run, and what closes the string if it follows: most strings are no more. */
static size_t take_run(struct gw_json_scan *s, const char *p, size_t n, uint64_t at) {
    size_t run = string_run(s, p, n);
    bool closed = run < n && p[run] == '"', whole = closed && s->is_name && s->name_n == 0;
    if (run > 0 && !whole)
        emit(s, gw_str(p, run));
    if (!closed)
        return run;
    struct gw_str name = gw_str(s->name, s->name_n);
    if (whole)
        name = gw_str(p, run < GW_JSON_NAME ? run : GW_JSON_NAME);
    return run + close_string(s, gw_str(p + run, n - run), name, at + run + 1);
}

/* ------------------------------------------------------------------ between strings */

static void begin_scalar(struct gw_json_scan *s, enum gw_json_kind kind, enum state state,
                         uint64_t at) {
    s->state = (uint8_t)state;
    s->is_name = false;
    s->number = 1;
    s->chars = 0;
    s->tell = s->told == s->depth ? (uint8_t)s->watch->begin(s, kind, at) : GW_JSON_SKIP;
}

static const char *begin_level(struct gw_json_scan *s, bool object, uint64_t at) {
    bool told = s->told == s->depth;
    const char *fault = push(s, object);
    if (s->depth == 1)
        s->before = at;
    if (!fault && told &&
        s->watch->begin(s, object ? GW_JSON_OBJECT : GW_JSON_ARRAY, at) != GW_JSON_SKIP)
        s->told = s->depth;
    return fault;
}

static const char *begin_value(struct gw_json_scan *s, unsigned char c, uint64_t at) {
    switch (c) {
    case '{':
    case '[':
        return begin_level(s, c == '{', at);
    case '"':
        begin_scalar(s, GW_JSON_STRING, STRING, at);
        return NULL;
    case 't':
    case 'f':
    case 'n':
        s->code = c == 'n' ? GW_JSON_NULL : c == 'f' ? GW_JSON_FALSE : GW_JSON_TRUE;
        begin_scalar(s, (enum gw_json_kind)s->code, WORD, at);
        return NULL;
    default:
        if (c != '-' && (c < '0' || c > '9'))
            return "a value is expected";
        begin_scalar(s, GW_JSON_NUMERAL, c == '-' ? MINUS : c == '0' ? ZERO : INT, at);
        emit_byte(s, c);
        return NULL;
    }
}

static const char *word(struct gw_json_scan *s, unsigned char c, uint64_t at) {
    const char *text = words[s->code];
    if (c != (unsigned char)text[s->number])
        return "a value is expected";
    if (!text[++s->number])
        scalar_is_over(s, at + 1);
    return NULL;
}

static const char *after(struct gw_json_scan *s, unsigned char c, uint64_t at) {
    bool object = s->object;
    if (c == (object ? '}' : ']'))
        return pop(s, at);
    if (c != ',')
        return object ? "a comma or } is expected" : "a comma or ] is expected";
    s->state = object ? NAME : VALUE;
    if (s->depth == 1)
        s->before = at;
    return NULL;
}

static bool is_space(unsigned char c) {
    return c <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t');
}

/* The states that white space may come before. */
static const char *between(struct gw_json_scan *s, unsigned char c, uint64_t at) {
    if (is_space(c))
        return NULL;
    switch (s->state) {
    case FIRST:
        if (c == ']')
            return pop(s, at);
        /* fall through */
    case VALUE:
        return begin_value(s, c, at);
    case NAME_END:
        if (c == '}')
            return pop(s, at);
        /* fall through */
    case NAME:
        if (c != '"')
            return s->state == NAME ? "a member name is expected"
                                    : "a member name or } is expected";
        begin_name(s);
        return NULL;
    case COLON:
        if (c != ':')
            return "a colon is expected";
        s->state = VALUE;
        return NULL;
    case AFTER:
        return after(s, c, at);
    default:
        return "something follows the document";
    }
}

/* ------------------------------------------------------------------ numbers */

static bool number_may_end(unsigned state) {
    return state == ZERO || state == INT || state == FRAC || state == EXP;
}

/* The state after `c`, or BAD if `c` does not go on with the number. */
static uint8_t number_next(unsigned state, unsigned char c) {
    bool digit = c >= '0' && c <= '9', exponent = c == 'e' || c == 'E';
    switch (state) {
    case MINUS:
        return !digit ? BAD : c == '0' ? ZERO : INT;
    case ZERO:
        return c == '.' ? DOT : exponent ? E : BAD;
    case INT:
        return digit ? INT : c == '.' ? DOT : exponent ? E : BAD;
    case DOT:
        return digit ? FRAC : BAD;
    case FRAC:
        return digit ? FRAC : exponent ? E : BAD;
    case E:
        return digit ? EXP : c == '+' || c == '-' ? SIGN : BAD;
    default: /* SIGN, EXP */
        return digit ? EXP : BAD;
    }
}

/* *over: the number has ended before `c`, which is still to be taken. */
static const char *in_number(struct gw_json_scan *s, unsigned char c, uint64_t at, bool *over) {
    uint8_t next = number_next(s->state, c);
    if (next != BAD) {
        s->state = next;
        emit_byte(s, c);
        return ++s->number > GW_JSON_NUMBER ? "number of more than 1000 characters" : NULL;
    }
    if (!number_may_end(s->state) || (s->state == ZERO && c >= '0' && c <= '9'))
        return "malformed number";
    *over = true;
    scalar_is_over(s, at);
    return NULL;
}

/* ------------------------------------------------------------------ feeding */

static const char *inside(struct gw_json_scan *s, unsigned char c, uint64_t at, bool *over) {
    switch (s->state) {
    case STRING:
        return in_string(s, c);
    case TAIL:
        return tail(s, c);
    case ESCAPE:
        return escape(s, c);
    case HEX:
        return hex(s, c);
    case PAIR:
    case PAIR_U:
        return pair(s, c);
    case WORD:
        return word(s, c, at);
    default:
        return in_number(s, c, at, over);
    }
}

static const char *take_byte(struct gw_json_scan *s, unsigned char c, uint64_t at) {
    if (s->state > DONE) {
        bool over = false;
        const char *fault = inside(s, c, at, &over);
        if (!over)
            return fault;
    }
    return between(s, c, at);
}

int gw_json_scan_feed(struct gw_json_scan *s, struct gw_str bytes) {
    const char *fault = NULL;
    size_t i = 0;
    if (s->state == BAD)
        return -1;
    while (i < bytes.n && !s->enough) {
        if (s->state == STRING) {
            size_t taken = take_run(s, bytes.p + i, bytes.n - i, s->at + i);
            i += taken;
            if (taken > 0)
                continue;
        }
        fault = take_byte(s, (unsigned char)bytes.p[i], s->at + i);
        if (fault)
            break;
        i++;
    }
    s->at += i;
    if (!fault)
        return 0;
    s->what = fault;
    s->state = BAD;
    return -1;
}

int gw_json_scan_end(struct gw_json_scan *s) {
    if (s->state == BAD)
        return -1;
    if (s->depth == 0 && number_may_end(s->state))
        scalar_is_over(s, s->at);
    if (s->state == DONE)
        return 0;
    s->state = BAD;
    s->what = "the text ends too early";
    return -1;
}
