/*
 * The scanner of json.h: a push parser, one step for one byte, with a fast path over strings.
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
#include "base/json.h"
#include "base/utf8.h"
#include "base/word.h"

enum state {
    VALUE,
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

/* What the string at hand is: a value, a member's name, one that may be the key, its value. */
enum role { TEXT, INNER_NAME, OUTER_NAME, KEPT };

static const char *const words[] = {"true", "false", "null"};
static const char lone[] = "half of a surrogate pair";
static const char not_utf8[] = "invalid UTF-8";

void gw_json_scan_init(struct gw_json_scan *s, struct gw_str key) {
    *s = (struct gw_json_scan){.key = key, .state = VALUE};
}

/* ------------------------------------------------------------------ levels */

static bool in_object(const struct gw_json_scan *s) {
    unsigned level = s->depth - 1u;
    return s->depth > 0 && (s->stack[level / 8] >> level % 8 & 1);
}

static const char *push(struct gw_json_scan *s, bool object) {
    if (s->depth == GW_JSON_DEPTH)
        return "nested deeper than 128 levels";
    unsigned level = s->depth++;
    uint8_t bit = (uint8_t)(1u << level % 8);
    s->stack[level / 8] =
        (uint8_t)(object ? s->stack[level / 8] | bit : s->stack[level / 8] & ~bit);
    s->state = object ? NAME_END : FIRST;
    return NULL;
}

static void value_is_over(struct gw_json_scan *s) {
    s->state = s->depth > 0 ? AFTER : DONE;
}

static void pop(struct gw_json_scan *s) {
    s->depth--;
    value_is_over(s);
}

/* ------------------------------------------------------------------ strings */

/* Decoded bytes of the string at hand. */
static void emit(struct gw_json_scan *s, const char *p, size_t n) {
    if (s->role == OUTER_NAME && s->match <= s->key.n) {
        bool same = n <= s->key.n - s->match && memcmp(s->key.p + s->match, p, n) == 0;
        s->match = same ? s->match + n : SIZE_MAX;
    } else if (s->role == KEPT) {
        size_t room = GW_JSON_KEEP - s->value_n;
        if (n > room) {
            n = room;
            s->cut = true;
        }
        memcpy(s->value + s->value_n, p, n);
        s->value_n += (uint32_t)n;
    }
}

static void begin_name(struct gw_json_scan *s) {
    s->state = STRING;
    s->role = s->depth == 1 ? OUTER_NAME : INNER_NAME;
    s->match = 0;
}

static const char *end_string(struct gw_json_scan *s) {
    if (s->role == TEXT || s->role == KEPT) {
        s->found = s->found || s->role == KEPT;
        value_is_over(s);
        return NULL;
    }
    s->state = COLON;
    if (s->role == OUTER_NAME && s->match == s->key.n) {
        if (s->seen)
            return "duplicate member name";
        s->seen = s->wanted = true;
    }
    return NULL;
}

/* The second byte's range is narrower after four of the lead bytes (see utf8.c). */
static const char *lead(struct gw_json_scan *s, unsigned char c) {
    if (c < 0xC2 || c > 0xF4)
        return not_utf8;
    s->left = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    s->low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    s->high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    s->state = TAIL;
    emit(s, &(char){(char)c}, 1);
    return NULL;
}

static const char *tail(struct gw_json_scan *s, unsigned char c) {
    if (c < s->low || c > s->high)
        return not_utf8;
    s->low = 0x80;
    s->high = 0xBF;
    if (--s->left == 0)
        s->state = STRING;
    emit(s, &(char){(char)c}, 1);
    return NULL;
}

static const char *in_string(struct gw_json_scan *s, unsigned char c) {
    if (c == '"')
        return end_string(s);
    if (c == '\\') {
        s->state = ESCAPE;
        return NULL;
    }
    if (c < 0x20)
        return "control character in a string";
    if (c >= 0x80)
        return lead(s, c);
    emit(s, &(char){(char)c}, 1);
    return NULL;
}

static const char *escape(struct gw_json_scan *s, unsigned char c) {
    static const char names[] = "\"\\/bfnrt", chars[] = "\"\\/\b\f\n\r\t";
    if (c == 'u') {
        s->state = HEX;
        s->number = s->code = 0;
        return NULL;
    }
    const char *at = memchr(names, c, sizeof names - 1);
    if (!at)
        return "unknown escape in a string";
    s->state = STRING;
    emit(s, chars + (at - names), 1);
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
    emit(s, utf8, gw_utf8_put(s->code, utf8));
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

/* How many of `n` bytes stand for themselves: ASCII, no quote, backslash or control character. */
static size_t plain_run(const char *p, size_t n) {
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        uint64_t w = gw_word_at(p + i);
        if (gw_word_marks(w) != 0 || (w & GW_WORD_TOPS) != 0)
            break;
    }
    while (i < n && (unsigned char)p[i] >= 0x20 && (unsigned char)p[i] < 0x80 && p[i] != '"' &&
           p[i] != '\\')
        i++;
    return i;
}

/* As far as a string goes on without anything special. What is left is for in_string. */
static size_t string_run(struct gw_json_scan *s, const char *p, size_t n) {
    size_t i = 0, before;
    do {
        size_t len = 1;
        before = i;
        i += plain_run(p + i, n - i);
        for (; i < n && (unsigned char)p[i] >= 0x80 && len > 0; i += len)
            len = gw_utf8_char(p + i, n - i);
    } while (i > before);
    if (i > 0)
        emit(s, p, i);
    return i;
}

/* ------------------------------------------------------------------ between strings */

static const char *begin_value(struct gw_json_scan *s, unsigned char c) {
    bool wanted = s->wanted;
    s->wanted = false;
    s->number = 0;
    switch (c) {
    case '{':
        return push(s, true);
    case '[':
        return push(s, false);
    case '"':
        s->state = STRING;
        s->role = wanted ? KEPT : TEXT;
        return NULL;
    case 't':
    case 'f':
    case 'n':
        s->state = WORD;
        s->code = c == 't' ? 0 : c == 'f' ? 1 : 2;
        s->number = 1;
        return NULL;
    default:
        if (c != '-' && (c < '0' || c > '9'))
            return "a value is expected";
        s->state = c == '-' ? MINUS : c == '0' ? ZERO : INT;
        s->number = 1;
        return NULL;
    }
}

static const char *word(struct gw_json_scan *s, unsigned char c) {
    const char *text = words[s->code];
    if (c != (unsigned char)text[s->number])
        return "a value is expected";
    if (!text[++s->number])
        value_is_over(s);
    return NULL;
}

static const char *after(struct gw_json_scan *s, unsigned char c) {
    bool object = in_object(s);
    if (c == ',')
        s->state = object ? NAME : VALUE;
    else if (c == (object ? '}' : ']'))
        pop(s);
    else
        return object ? "a comma or } is expected" : "a comma or ] is expected";
    return NULL;
}

static bool is_space(unsigned char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The states that white space may come before. */
static const char *between(struct gw_json_scan *s, unsigned char c) {
    if (is_space(c))
        return NULL;
    switch (s->state) {
    case VALUE:
        return begin_value(s, c);
    case FIRST:
        if (c != ']')
            return begin_value(s, c);
        pop(s);
        return NULL;
    case NAME_END:
        if (c == '}') {
            pop(s);
            return NULL;
        }
        if (c != '"')
            return "a member name or } is expected";
        begin_name(s);
        return NULL;
    case NAME:
        if (c != '"')
            return "a member name is expected";
        begin_name(s);
        return NULL;
    case COLON:
        if (c != ':')
            return "a colon is expected";
        s->state = VALUE;
        return NULL;
    case AFTER:
        return after(s, c);
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

static const char *in_number(struct gw_json_scan *s, unsigned char c) {
    uint8_t next = number_next(s->state, c);
    if (next != BAD) {
        s->state = next;
        return ++s->number > GW_JSON_NUMBER ? "number of more than 1000 characters" : NULL;
    }
    if (!number_may_end(s->state) || (s->state == ZERO && c >= '0' && c <= '9'))
        return "malformed number";
    value_is_over(s);
    return between(s, c);
}

/* ------------------------------------------------------------------ feeding */

static const char *take_byte(struct gw_json_scan *s, unsigned char c) {
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
    case MINUS:
    case ZERO:
    case INT:
    case DOT:
    case FRAC:
    case E:
    case SIGN:
    case EXP:
        return in_number(s, c);
    case WORD:
        return word(s, c);
    default:
        return between(s, c);
    }
}

int gw_json_scan_feed(struct gw_json_scan *s, struct gw_str bytes) {
    if (s->state == BAD)
        return -1;
    for (size_t i = 0; i < bytes.n; i++, s->at++) {
        if (s->state == STRING) {
            size_t run = string_run(s, bytes.p + i, bytes.n - i);
            i += run;
            s->at += run;
            if (i == bytes.n)
                break;
        }
        s->what = take_byte(s, (unsigned char)bytes.p[i]);
        if (s->what) {
            s->state = BAD;
            return -1;
        }
    }
    return 0;
}

int gw_json_scan_end(struct gw_json_scan *s) {
    if (s->state == BAD)
        return -1;
    if (s->state == DONE || (s->depth == 0 && number_may_end(s->state)))
        return 0;
    s->state = BAD;
    s->what = "the text ends too early";
    return -1;
}
