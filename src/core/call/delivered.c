#include "core/call/delivered.h"

#include "base/utf8.h"

/* ------------------------------------------------------------------ decoding */

/* One step through the inside of a JSON string: `raw` bytes of it stand for these decoded ones. */
struct decoded {
    size_t raw, n;
    const char *p;
    char own[6];
};

static unsigned hex4(const char *p) {
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        char c = gw_lower(p[i]);
        value = value << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return value;
}

static char unescape(char c) {
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

/* In three bytes, surrogates as well. */
static size_t put_unit(unsigned unit, char *out) {
    if (unit >= 0x800) {
        out[0] = (char)(0xe0 | unit >> 12);
        out[1] = (char)(0x80 | (unit >> 6 & 0x3f));
        out[2] = (char)(0x80 | (unit & 0x3f));
        return 3;
    }
    return gw_utf8_put(unit, out);
}

static void decode_escape(const char *p, struct decoded *d) {
    d->p = d->own;
    d->raw = p[1] == 'u' ? 6 : 2;
    d->n = 1;
    if (p[1] == 'u')
        d->n = put_unit(hex4(p + 2), d->own);
    else
        d->own[0] = unescape(p[1]);
}

/* A character of four bytes as two surrogates. */
static void decode_far(const char *p, struct decoded *d) {
    const unsigned char *u = (const unsigned char *)p;
    unsigned code = (u[0] & 7U) << 18 | (u[1] & 63U) << 12 | (u[2] & 63U) << 6 | (u[3] & 63U);
    code -= 0x10000;
    d->p = d->own;
    d->raw = 4;
    d->n = put_unit(0xd800 + (code >> 10), d->own);
    d->n += put_unit(0xdc00 + (code & 0x3ff), d->own + d->n);
}

/* The next step. The string is known to be well-formed. */
static void decode(const char *p, const char *end, struct decoded *d) {
    if (*p == '\\') {
        decode_escape(p, d);
        return;
    }
    if ((unsigned char)*p >= 0xf0 && gw_utf8_char(p, (size_t)(end - p)) == 4) {
        decode_far(p, d);
        return;
    }
    const char *to = p + 1;
    while (to < end && *to != '\\' && (unsigned char)*to < 0xf0)
        to++;
    d->p = p;
    d->raw = d->n = (size_t)(to - p);
}

/* A value that is not a string stands for itself, and so does a plain string. */
static void decode_at(const struct event_piece *piece, size_t at, struct decoded *d) {
    const char *p = piece->raw.p + at, *end = piece->raw.p + piece->raw.n;
    if (!piece->whole && !piece->plain) {
        decode(p, end, d);
        return;
    }
    d->p = p;
    d->raw = d->n = (size_t)(end - p);
}

/* ------------------------------------------------------------------ noting */

/* The text's channel, and its number while the text is kept: no event has it. */
#define TEXT event_channel(0, 0, PART_TEXT)
#define KEPT event_channel(0, 0x80, PART_TEXT)

void delivered_init(struct delivered *d, struct gw_arena *arena) {
    *d = (struct delivered){.arena = arena};
}

static void reset_channel(struct delivered_channel *ch, uint32_t channel) {
    *ch = (struct delivered_channel){.next = ch->next, .channel = channel, .step = DELIVERED_STEP};
}

static void empty_text(struct delivered_text *t) {
    t->raw.n = 0;
    t->events = t->seams_n = 0;
}

void delivered_reset(struct delivered *d) {
    for (struct delivered_channel *ch = d->first; ch != NULL; ch = ch->next)
        reset_channel(ch, ch->channel);
    d->behind = d->mark = d->ids_n = 0;
    d->ids = NULL;
    if (d->text != NULL)
        empty_text(d->text);
}

static struct delivered_channel *look_up(const struct delivered *d, uint32_t channel) {
    for (struct delivered_channel *ch = d->first; ch != NULL; ch = ch->next)
        if (ch->channel == channel)
            return ch;
    return NULL;
}

static struct delivered_channel *make(struct delivered *d, uint32_t channel) {
    if (d->channels_n == DELIVERED_CHANNELS)
        return NULL;
    struct delivered_channel *ch = gw_arena_get(d->arena, sizeof *ch);
    if (ch == NULL)
        return NULL;
    reset_channel(ch, channel);
    ch->next = d->first;
    d->first = ch;
    d->channels_n++;
    return ch;
}

/* Keeps the hash as it stands; if there is no space, every second one is dropped first. */
static void note_check(struct delivered_channel *ch) {
    if (ch->checks_n == DELIVERED_CHECKS) {
        for (uint32_t i = 0; i < DELIVERED_CHECKS / 2; i++)
            ch->check[i] = ch->check[2 * i + 1];
        ch->checks_n = DELIVERED_CHECKS / 2;
        ch->step *= 2;
    }
    if (ch->tally.n == ch->step * (ch->checks_n + 1))
        ch->check[ch->checks_n++] = ch->tally.hash;
}

static void note(struct delivered_channel *ch, const char *p, size_t n) {
    while (n > 0) {
        uint64_t room = ch->step * (ch->checks_n + 1) - ch->tally.n;
        size_t take = n < room ? n : (size_t)room;
        tally_add(&ch->tally, p, take);
        if (take == room)
            note_check(ch);
        p += take;
        n -= take;
    }
}

static void note_piece(struct delivered_channel *ch, const struct event_piece *piece, size_t from) {
    struct decoded d;
    for (size_t at = from; at < piece->raw.n; at += d.raw) {
        decode_at(piece, at, &d);
        note(ch, d.p, d.n);
    }
}

/* ------------------------------------------------------------------ the text itself */

void delivered_keep(struct delivered *d, struct delivered_text *text) {
    gw_buf_init(&text->raw, d->arena, DELIVERED_TEXT_MAX);
    empty_text(text);
    d->text = text;
}

static void keep_no_more(struct delivered *d) {
    struct delivered_channel *ch = look_up(d, KEPT);
    d->text = NULL;
    if (ch != NULL)
        ch->channel = TEXT;
}

static bool is_seam(const struct gw_buf *raw, struct gw_str next) {
    if (raw->n < 2 || next.n < 2 || raw->p[raw->n - 2] == '\\')
        return false;
    bool word = next.p[0] == ' ' && next.p[1] > ' ' && next.p[1] != '\\';
    return word || (unsigned char)next.p[0] >= 0xc0;
}

static void keep(struct delivered *d, struct gw_str raw) {
    struct delivered_text *t = d->text;
    if (is_seam(&t->raw, raw))
        t->seam[t->seams_n++ % DELIVERED_SEAMS] =
            (struct delivered_seam){(uint32_t)t->raw.n, t->events};
    t->events++;
    gw_buf_put(&t->raw, raw);
    if (t->raw.full)
        keep_no_more(d);
}

struct delivered_seam delivered_seam(const struct delivered_text *t, size_t behind) {
    uint32_t n = t->seams_n < DELIVERED_SEAMS ? t->seams_n : DELIVERED_SEAMS;
    for (uint32_t i = 1; i <= n; i++) {
        struct delivered_seam seam = t->seam[(t->seams_n - i) % DELIVERED_SEAMS];
        if (seam.at + behind <= t->raw.n)
            return seam;
    }
    return (struct delivered_seam){0, 0};
}

/* A channel that does not stand in the list under its own number. */
static struct delivered_channel *find_other(struct delivered *d, uint32_t channel) {
    if (d->text == NULL)
        return make(d, channel);
    if (channel != TEXT) {
        keep_no_more(d);
        return make(d, channel);
    }
    struct delivered_channel *ch = look_up(d, KEPT);
    return ch != NULL ? ch : make(d, KEPT);
}

/* Apart, so that the usual event does not pay for it. */
__attribute__((noinline)) static bool add_other(struct delivered *d,
                                                const struct event_piece *piece) {
    struct delivered_channel *ch = find_other(d, piece->channel);
    if (ch == NULL)
        return false;
    note_piece(ch, piece, 0);
    if (d->text != NULL)
        keep(d, piece->raw);
    return true;
}

uint64_t delivered_bytes(const struct delivered *d) {
    uint64_t n = 0;
    for (const struct delivered_channel *ch = d->first; ch != NULL; ch = ch->next)
        n += ch->tally.n;
    return n;
}

bool delivered_add(struct delivered *d, const struct event_piece *piece) {
    struct delivered_channel *ch = look_up(d, piece->channel);
    if (ch == NULL)
        return add_other(d, piece);
    note_piece(ch, piece, 0);
    return true;
}

const struct gw_str *delivered_id(struct delivered *d, const struct event_id *id) {
    struct delivered_id **at = &d->ids, *next = NULL;
    if (id->raw.n > DELIVERED_ID_MAX)
        return NULL;
    for (; *at != NULL; at = &(*at)->next) {
        if ((*at)->kind != id->kind)
            continue;
        if (gw_str_eq((*at)->now, id->raw))
            return &(*at)->first;
        if (next == NULL && (*at)->now.n == 0)
            next = *at;
    }
    bool is_new = next == NULL;
    if (is_new &&
        (d->ids_n == DELIVERED_IDS || (next = gw_arena_get(d->arena, sizeof *next)) == NULL))
        return NULL;
    struct gw_str own = gw_arena_dup(d->arena, id->raw);
    if (own.p == NULL)
        return NULL;
    if (is_new) {
        *next = (struct delivered_id){.kind = id->kind, .first = own};
        *at = next;
        d->ids_n++;
    }
    next->now = own;
    return &next->first;
}

/* ------------------------------------------------------------------ comparing */

void delivered_again(struct delivered *d) {
    d->behind = 0;
    for (struct delivered_id *id = d->ids; id != NULL; id = id->next)
        id->now.n = 0;
    for (struct delivered_channel *ch = d->first; ch != NULL; ch = ch->next) {
        ch->had = ch->tally.n > 0;
        ch->behind = ch->had && !event_is_token(ch->channel);
        ch->again = (struct tally){.n = 0};
        d->behind += ch->behind;
    }
}

/* Whether the hash at the attempt's current byte is what it was, if it was kept there. */
static bool agrees(const struct delivered_channel *ch) {
    uint64_t n = ch->again.n, at = n / ch->step;
    if (n == ch->tally.n)
        return tally_hash(&ch->again) == tally_hash(&ch->tally);
    return n % ch->step != 0 || at > ch->checks_n || ch->again.hash == ch->check[at - 1];
}

/* Compares these bytes with the delivered ones; false if they differ. */
static bool compare(struct delivered_channel *ch, const char *p, size_t n) {
    while (n > 0) {
        uint64_t check = ch->step - ch->again.n % ch->step, left = ch->tally.n - ch->again.n;
        uint64_t room = check < left ? check : left;
        size_t take = n < room ? n : (size_t)room;
        tally_add(&ch->again, p, take);
        if (take == room && !agrees(ch))
            return false;
        p += take;
        n -= take;
    }
    return true;
}

/* Compares the part of the piece that was delivered before. */
static bool meet_common(struct delivered_channel *ch, const struct event_piece *piece,
                        size_t *cut) {
    struct decoded d;
    while (*cut < piece->raw.n && ch->again.n < ch->tally.n) {
        uint64_t left = ch->tally.n - ch->again.n;
        decode_at(piece, *cut, &d);
        bool run = d.p != d.own && !piece->whole; /* can be cut anywhere */
        if (d.n > left && !run)
            return false;
        if (d.n > left)
            d.n = d.raw = (size_t)left;
        if (!compare(ch, d.p, d.n))
            return false;
        *cut += d.raw;
    }
    return true;
}

static bool is_tool(uint32_t channel) {
    return event_part_of(channel) >= PART_ID;
}

/* One channel brings something new while another of the same choice still lacks what was delivered: the
 * order differs. Only tools that are called side by side may overtake each other. */
static bool overtakes(const struct delivered *d, uint32_t channel) {
    for (const struct delivered_channel *ch = d->first; ch != NULL; ch = ch->next) {
        if (ch->behind && event_choice_of(ch->channel) == event_choice_of(channel) &&
            !(is_tool(channel) && is_tool(ch->channel)))
            return true;
    }
    return false;
}

bool delivered_meet(struct delivered *d, const struct event_piece *piece, size_t *cut) {
    struct delivered_channel *ch = look_up(d, piece->channel);
    *cut = 0;
    if (ch == NULL)
        ch = find_other(d, piece->channel);
    if (ch == NULL)
        return false;
    if (event_is_token(piece->channel) && ch->had) {
        *cut = piece->raw.n;
        return true;
    }
    if (ch->behind && !meet_common(ch, piece, cut))
        return false;
    if (ch->behind && ch->again.n == ch->tally.n) {
        ch->behind = false;
        d->behind--;
    }
    if (*cut < piece->raw.n && overtakes(d, piece->channel))
        return false;
    note_piece(ch, piece, *cut);
    if (d->text != NULL && *cut < piece->raw.n)
        keep(d, gw_str_sub(piece->raw, *cut, piece->raw.n));
    return true;
}
