/*
 * A tool that takes a text is a function with one argument, "input", to those who know no others. A client that has
 * such a tool must be told the text alone, as it comes. So the arguments are read letter by letter, and the letters of
 * the string "input" at their outermost level go on as they stand: the inside of one JSON string is that of another.
 *
 * An escape, or two that are one character, goes on when it is whole. What is no good JSON is made such.
 */
#include "format/custom_input.h"

enum state {
    AT_START = 0,
    AT_KEY,
    IN_KEY,
    AT_COLON,
    AT_INPUT, /* the value of "input" */
    IN_INPUT,
    IN_OTHER, /* a value that is passed over */
    OVER,     /* it has come, or never will */
    NOWHERE,  /* these are no arguments */
};

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* ------------------------------------------------------------------ the text */

static bool is_hex(char c) {
    char l = gw_lower(c);
    return (c >= '0' && c <= '9') || (l >= 'a' && l <= 'f');
}

/* Whether an escape is the first half of a character, like \ud83d; or the second, like \ude42. */
static bool is_half(const char *escape, const char *letters) {
    char next = gw_lower(escape[3]);
    return gw_lower(escape[2]) == 'd' && gw_str_chr(gw_str(letters, 4), next) >= 0;
}

static bool is_high(const char *escape) {
    return is_half(escape, "89ab");
}

static bool is_low(const char *escape) {
    return is_half(escape, "cdef");
}

/* How many bytes what is held must have to be whole. */
static uint32_t needs(const struct custom_input *in) {
    if (in->held_n < 2 || in->held[1] != 'u')
        return 2;
    return in->held_n >= 6 && is_high(in->held) ? 12 : 6;
}

/* Whether this byte can stand at its place in an escape. */
static bool goes_on(const struct custom_input *in, char c) {
    static const struct gw_str letters = GW_STR_INIT("\"\\/bfnrtu");
    uint32_t at = in->held_n % 6;
    if (at == 0)
        return c == '\\';
    if (at == 1)
        return in->held_n > 6 ? c == 'u' : gw_str_chr(letters, c) >= 0;
    return is_hex(c);
}

/* What is held does not go on: half a character is none, and the backslash of what is no escape is meant. */
static void let_go(struct custom_input *in, struct gw_buf *out) {
    uint8_t n = in->held_n >= 6 ? 6 : in->held_n;
    gw_buf_put(out, n == 6 ? GW_STR("\\ufffd") : GW_STR("\\"));
    if (n < 6)
        gw_buf_put(out, gw_str(in->held, n));
    in->held_n -= n;
    memmove(in->held, in->held + n, in->held_n);
}

static void take_plain(struct custom_input *in, char c, struct gw_buf *out) {
    if (c == '"')
        in->state = OVER;
    else if (c == '\\')
        in->held[in->held_n++] = c;
    else if ((uint8_t)c < 0x20)
        gw_buf_put_json(out, gw_str(&c, 1));
    else
        gw_buf_putc(out, c);
}

static void take_letter(struct custom_input *in, char c, struct gw_buf *out) {
    while (in->held_n > 0 && !goes_on(in, c))
        let_go(in, out);
    if (in->held_n == 0) {
        take_plain(in, c, out);
        return;
    }
    in->held[in->held_n++] = c;
    if (in->held_n == 12 && !is_low(in->held + 6))
        let_go(in, out);
    if (in->held_n < needs(in))
        return;
    if (in->held_n == 6 && is_low(in->held))
        let_go(in, out);
    gw_buf_put(out, gw_str(in->held, in->held_n));
    in->held_n = 0;
}

/* ------------------------------------------------------------------ what is around it */

static void take_quoted(struct custom_input *in, char c) {
    if (in->escaped)
        in->escaped = false;
    else if (c == '\\')
        in->escaped = true;
    else if (c == '"')
        in->quoted = false;
}

/* A value that is passed over ends with its last bracket, or before what parts it from the next. */
static void take_other(struct custom_input *in, char c) {
    if (in->quoted) {
        take_quoted(in, c);
        return;
    }
    bool ends = in->depth == 0 && (c == ',' || c == '}');
    if (ends)
        in->state = c == ',' ? AT_KEY : OVER;
    else if (c == '"')
        in->quoted = true;
    else if (c == '{' || c == '[')
        in->depth++;
    else if ((c == '}' || c == ']') && in->depth > 0)
        in->depth--;
}

static void take_key(struct custom_input *in, char c) {
    bool ends = c == '"' && !in->escaped;
    in->escaped = c == '\\' && !in->escaped;
    if (ends)
        in->state = AT_COLON;
    else if (in->key_n < sizeof in->key)
        in->key[in->key_n++] = c;
}

static void take_colon(struct custom_input *in, char c) {
    bool input = gw_str_eq(gw_str(in->key, in->key_n), GW_STR("input"));
    if (c == ':')
        in->state = input ? AT_INPUT : IN_OTHER;
    else if (!is_space(c))
        in->state = OVER;
}

/* Between the values. */
static void take_between(struct custom_input *in, char c) {
    if (is_space(c))
        return;
    if (in->state == AT_START)
        in->state = c == '{' ? AT_KEY : NOWHERE;
    else if (in->state == AT_KEY)
        in->state = c == '"' ? IN_KEY : OVER;
    else if (c == '"')
        in->state = IN_INPUT;
    else
        in->state = OVER; /* it is no text */
    in->key_n = in->state == IN_KEY ? 0 : in->key_n;
}

static void take(struct custom_input *in, char c, struct gw_buf *out) {
    switch (in->state) {
    case IN_KEY:
        take_key(in, c);
        break;
    case AT_COLON:
        take_colon(in, c);
        break;
    case IN_INPUT:
        take_letter(in, c, out);
        break;
    case IN_OTHER:
        take_other(in, c);
        break;
    case OVER:
    case NOWHERE:
        break;
    default:
        take_between(in, c);
    }
}

void custom_input_feed(struct custom_input *in, struct gw_str json, struct gw_buf *out) {
    for (size_t i = 0; i < json.n; i++) {
        take(in, json.p[i], out);
        in->found |= in->state == IN_INPUT;
    }
}
