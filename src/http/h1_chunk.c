#include "http/h1.h"
#include "http/h1_class.h"

/*
 * One byte of framing at a time; payload is passed on in pieces as large as they come.
 *
 *   state    | byte                | next
 *   ---------|---------------------|------------------------------------------------------
 *   SIZE     | hex digit           | SIZE     at most 16, and a value below 2^62
 *            | ';'                 | EXT      after at least one digit
 *            | SP, HTAB            | EXT_GAP  after at least one digit
 *            | CR                  | SIZE_LF  after at least one digit
 *   EXT      | SP, HTAB            | EXT, EXT_NAMED after a name
 *            | token               | EXT      all extensions of a chunk: at most GW_H1_EXT_MAX
 *            | '='                 | EXT_VALUE  after a name
 *            | ';'                 | EXT      after a name
 *            | CR                  | SIZE_LF  after a name
 *   EXT_NAMED| SP, HTAB, ';', '='  | EXT_NAMED, or as in EXT
 *   EXT_VALUE| SP, HTAB            | EXT_VALUE, EXT_GAP after a value
 *            | token               | EXT_VALUE
 *            | '"'                 | EXT_QUOTED  at its beginning
 *            | ';' or CR           | as in EXT, after a value
 *   EXT_QUOTED | '\'               | EXT_PAIR
 *            | '"'                 | EXT_OVER
 *            | other byte of a value | EXT_QUOTED
 *   EXT_PAIR | byte of a value     | EXT_QUOTED
 *   EXT_OVER | SP, HTAB            | EXT_GAP
 *            | ';' or CR           | as in EXT
 *   EXT_GAP  | SP, HTAB, ';'       | EXT_GAP, or as in EXT
 *   SIZE_LF  | LF                  | DATA, or after a size of 0 TRAILER; checks the overhead
 *   DATA     | any, `left` of them | DATA_CR
 *   DATA_CR  | CR                  | DATA_LF
 *   DATA_LF  | LF                  | SIZE
 *   TRAILER  | CR                  | LAST_LF
 *            | token               | NAME
 *   NAME     | token               | NAME     trailers: at most GW_H1_TRAILER_MAX in all
 *            | ':'                 | VALUE    unless the name speaks of framing
 *   VALUE    | byte of a value     | VALUE
 *            | CR                  | VALUE_LF
 *   VALUE_LF | LF                  | TRAILER
 *   LAST_LF  | LF                  | END
 *   END      | takes nothing       |
 *   any      | anything else       | BAD
 */
enum chunk_state {
    SIZE = 0,
    EXT,
    EXT_NAMED,
    EXT_VALUE,
    EXT_QUOTED,
    EXT_PAIR,
    EXT_OVER,
    EXT_GAP,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,
    NAME,
    VALUE,
    VALUE_LF,
    LAST_LF,
    END,
    BAD
};

enum { DIGITS_MAX = 16, OVERHEAD_FREE = 65536, OVERHEAD_PER_BYTE = 8 };

#define SIZE_LIMIT ((uint64_t)1 << 62)

void gw_h1_chunks_init(struct gw_h1_chunks *c) {
    *c = (struct gw_h1_chunks){.state = SIZE};
}

static uint32_t fault(struct gw_h1_chunks *c, struct gw_str why) {
    c->why = why;
    return BAD;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    char l = gw_lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

static uint32_t step_size(struct gw_h1_chunks *c, char byte) {
    int digit = hex_value(byte);
    if (digit >= 0) {
        /* Below 2^62 before, 16 times that and more would not fit. */
        if (++c->count > DIGITS_MAX || c->left >= SIZE_LIMIT / 16)
            return fault(c, GW_STR("chunk size too large"));
        c->left = c->left * 16 + (uint64_t)digit;
        return SIZE;
    }
    bool white = byte == ' ' || byte == '\t';
    if (c->count == 0 || (byte != ';' && byte != '\r' && !white))
        return fault(c, GW_STR("bad chunk size"));
    c->count = white ? 1 : 0;
    c->part = 0;
    return white ? EXT_GAP : byte == ';' ? EXT : SIZE_LF;
}

/* What white space in an extension leads to: it may stand before and behind ';' and '='. */
static uint32_t step_ext_white(const struct gw_h1_chunks *c) {
    if (c->state == EXT_OVER || (c->state == EXT_VALUE && c->part > 0))
        return EXT_GAP;
    return c->state == EXT && c->part > 0 ? EXT_NAMED : c->state;
}

/* Whether `byte` may come here and ends a name, a value or the white space behind it. */
static bool ends_ext_part(const struct gw_h1_chunks *c, char byte) {
    bool gap = c->state == EXT_NAMED || c->state == EXT_GAP;
    bool some = c->part > 0 || c->state == EXT_OVER || gap;
    bool named = c->state == EXT || c->state == EXT_NAMED;
    return some && (byte == ';' || (byte == '=' && named) || (byte == '\r' && !gap));
}

static uint32_t step_ext_part(struct gw_h1_chunks *c, char byte) {
    if (byte == ' ' || byte == '\t')
        return step_ext_white(c);
    if (ends_ext_part(c, byte)) {
        c->part = 0;
        return byte == ';' ? EXT : byte == '=' ? EXT_VALUE : SIZE_LF;
    }
    if (byte == '"' && c->state == EXT_VALUE && c->part == 0)
        return EXT_QUOTED;
    if ((c->state != EXT && c->state != EXT_VALUE) || !h1_is(byte, H1_TOKEN))
        return fault(c, GW_STR("bad chunk extension"));
    c->part++;
    return c->state;
}

static uint32_t step_ext_quoted(struct gw_h1_chunks *c, char byte) {
    if (!h1_is(byte, H1_VALUE))
        return fault(c, GW_STR("bad chunk extension"));
    if (c->state == EXT_PAIR)
        return EXT_QUOTED;
    return byte == '"' ? EXT_OVER : byte == '\\' ? EXT_PAIR : EXT_QUOTED;
}

static uint32_t step_ext(struct gw_h1_chunks *c, char byte) {
    if (byte != '\r' && ++c->count > GW_H1_EXT_MAX)
        return fault(c, GW_STR("chunk extension too long"));
    bool quoted = c->state == EXT_QUOTED || c->state == EXT_PAIR;
    return quoted ? step_ext_quoted(c, byte) : step_ext_part(c, byte);
}

static uint32_t step_size_lf(struct gw_h1_chunks *c, char byte) {
    if (byte != '\n')
        return fault(c, GW_STR("CR without LF"));
    /* By division, since 8 times the payload might not fit. */
    if (c->overhead > OVERHEAD_FREE &&
        (c->overhead - OVERHEAD_FREE) / OVERHEAD_PER_BYTE > c->payload)
        return fault(c, GW_STR("more framing than payload"));
    c->count = 0;
    return c->left > 0 ? DATA : TRAILER;
}

/* Trailers are dropped, but what another reader might take for a length is not let through. */
static bool speaks_of_framing(const struct gw_h1_chunks *c) {
    const struct gw_str name = gw_str(c->name, c->part);
    return gw_str_ieq(name, GW_STR("content-length")) ||
           gw_str_ieq(name, GW_STR("transfer-encoding"));
}

static uint32_t step_name(struct gw_h1_chunks *c, char byte) {
    if (byte == ':' && c->state == NAME) {
        bool framing = c->part <= sizeof c->name && speaks_of_framing(c);
        return framing ? fault(c, GW_STR("a trailer that speaks of framing")) : VALUE;
    }
    if (!h1_is(byte, H1_TOKEN))
        return fault(c, GW_STR("bad trailer"));
    if (c->state == TRAILER)
        c->part = 0;
    if (c->part < sizeof c->name)
        c->name[c->part] = byte;
    c->part++;
    return NAME;
}

static uint32_t step_trailer(struct gw_h1_chunks *c, char byte) {
    if (byte == '\r' && c->state != NAME)
        return c->state == VALUE ? VALUE_LF : LAST_LF;
    if (++c->count > GW_H1_TRAILER_MAX)
        return fault(c, GW_STR("trailers too long"));
    if (c->state == VALUE)
        return h1_is(byte, H1_VALUE) ? VALUE : fault(c, GW_STR("bad trailer"));
    return step_name(c, byte);
}

static uint32_t expect_byte(struct gw_h1_chunks *c, char byte, char wanted, uint32_t next) {
    if (byte == wanted)
        return next;
    return fault(c,
                 wanted == '\n' ? GW_STR("CR without LF") : GW_STR("chunk longer than its size"));
}

static uint32_t take_byte(struct gw_h1_chunks *c, char byte) {
    switch (c->state) {
    case SIZE:
        return step_size(c, byte);
    case EXT:
    case EXT_NAMED:
    case EXT_VALUE:
    case EXT_QUOTED:
    case EXT_PAIR:
    case EXT_OVER:
    case EXT_GAP:
        return step_ext(c, byte);
    case SIZE_LF:
        return step_size_lf(c, byte);
    case DATA_CR:
        return expect_byte(c, byte, '\r', DATA_LF);
    case DATA_LF:
        return expect_byte(c, byte, '\n', SIZE);
    case VALUE_LF:
        return expect_byte(c, byte, '\n', TRAILER);
    case LAST_LF:
        return expect_byte(c, byte, '\n', END);
    default:
        return step_trailer(c, byte);
    }
}

static struct gw_str take_data(struct gw_h1_chunks *c, const char *p, size_t n) {
    if (n > c->left)
        n = (size_t)c->left;
    c->left -= n;
    c->payload += n;
    if (c->left == 0)
        c->state = DATA_CR;
    return gw_str(p, n);
}

int gw_h1_chunks_next(struct gw_h1_chunks *c, const char *p, size_t n, size_t *used,
                      struct gw_str *data) {
    *data = gw_str(NULL, 0);
    *used = 0;
    while (c->state != END && c->state != BAD) {
        if (*used == n)
            return GW_H1_MORE;
        if (c->state == DATA) {
            *data = take_data(c, p + *used, n - *used);
            *used += data->n;
            return GW_H1_DATA;
        }
        c->overhead++;
        c->state = take_byte(c, p[(*used)++]);
    }
    return c->state == END ? GW_H1_END : GW_H1_BAD;
}
