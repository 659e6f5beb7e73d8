#include "core/cluster/affinity.h"

enum { KEY_NONE = 0, KEY_MESSAGES, KEY_ROLE };
enum { IN_ROOT = 1, IN_LIST = 2, IN_MESSAGE = 3 }; /* depths */

void affinity_init(struct affinity *a) {
    memset(a, 0, sizeof *a);
}

static bool word_is(const struct affinity *a, struct gw_str what) {
    return gw_str_eq(gw_str(a->word, a->word_n), what);
}

static void string_ends(struct affinity *a) {
    a->in_string = false;
    if (a->is_value) {
        if (a->key == KEY_ROLE && a->depth == IN_MESSAGE && word_is(a, GW_STR("user")))
            a->by_user = true;
        return;
    }
    a->key = KEY_NONE;
    if (a->depth == IN_ROOT && word_is(a, GW_STR("messages")))
        a->key = KEY_MESSAGES;
    if (a->depth == IN_MESSAGE && a->in_messages && word_is(a, GW_STR("role")))
        a->key = KEY_ROLE;
}

/* Only short words matter; a longer one is cut and equals none of them. */
static void in_string(struct affinity *a, char c) {
    if (a->escaped || c == '\\') {
        a->escaped = !a->escaped;
    } else if (c == '"') {
        string_ends(a);
        return;
    }
    if (a->word_n < AFFINITY_WORD)
        a->word[a->word_n++] = c;
}

static void opens(struct affinity *a, char c) {
    if (c == '[' && a->depth == IN_ROOT && a->key == KEY_MESSAGES && a->is_value)
        a->in_messages = true;
    a->depth++;
    a->is_value = false;
    a->key = KEY_NONE;
}

static void closes(struct affinity *a) {
    a->depth -= a->depth > 0;
    a->is_value = false;
    a->key = KEY_NONE;
    if (a->in_messages && a->depth == IN_LIST && a->by_user)
        a->first_ended = true;
    if (a->in_messages && a->depth == IN_ROOT)
        a->done = true;
}

/* Behind the first messages: is there another? */
static void look_behind(struct affinity *a, char c) {
    a->later_turn = c == ',';
    a->done = c == ',' || c == ']';
}

static void outside(struct affinity *a, char c) {
    switch (c) {
    case '"':
        a->in_string = true;
        a->word_n = 0;
        break;
    case '{':
    case '[':
        opens(a, c);
        break;
    case '}':
    case ']':
        closes(a);
        break;
    case ':':
        a->is_value = true;
        break;
    case ',':
        a->is_value = false;
        break;
    default:
        if (a->depth == 0 && (unsigned char)c > ' ')
            a->done = true; /* no object */
        break;
    }
}

static void one(struct affinity *a, char c) {
    if (a->first_ended)
        look_behind(a, c);
    else if (a->in_string)
        in_string(a, c);
    else
        outside(a, c);
}

/* How many of the bytes are the inside of a string, up to what may end it. */
static size_t run_length(const struct affinity *a, struct gw_str rest) {
    if (!a->in_string || a->escaped || a->first_ended)
        return 0;
    ptrdiff_t end = gw_str_chr(rest, '"');
    struct gw_str run = gw_str_sub(rest, 0, end < 0 ? rest.n : (size_t)end);
    end = gw_str_chr(run, '\\');
    return end < 0 ? run.n : (size_t)end;
}

static void take_run(struct affinity *a, struct gw_str run) {
    size_t room = AFFINITY_WORD - (size_t)a->word_n, n = run.n < room ? run.n : room;
    if (n > 0)
        memcpy(a->word + a->word_n, run.p, n);
    a->word_n = (uint8_t)(a->word_n + n);
}

static bool is_tallied(const struct affinity *a) {
    return a->in_messages && !a->first_ended;
}

bool affinity_feed(struct affinity *a, struct gw_str bytes) {
    size_t i = 0, from = 0;
    bytes = gw_str_sub(bytes, 0, AFFINITY_MAX - a->seen);
    while (i < bytes.n && !a->done) {
        size_t n = run_length(a, gw_str_sub(bytes, i, bytes.n));
        take_run(a, gw_str_sub(bytes, i, n));
        i += n;
        if (i == bytes.n)
            break;
        bool was = is_tallied(a);
        one(a, bytes.p[i++]);
        if (!was)
            from = i;
        else if (!is_tallied(a))
            tally_add(&a->tally, bytes.p + from, i - from);
    }
    if (is_tallied(a) && i > from)
        tally_add(&a->tally, bytes.p + from, i - from);
    a->seen += (uint32_t)i;
    if (a->seen >= AFFINITY_MAX && !a->done)
        a->later_turn = a->done = true; /* first messages that long are worth a warm cache */
    return a->done;
}

uint64_t affinity_of(const struct affinity *a, struct gw_str client) {
    struct tally tally = a->tally;
    if (tally.n == 0) /* never begun; nothing found */
        return 0;
    tally_add(&tally, client.p, client.n);
    return tally_hash(&tally);
}

void affinity_note(struct affinity_table *t, uint64_t talk, uint32_t slot) {
    if (talk == 0)
        return;
    t->home[talk % AFFINITY_TALKS].talk = talk;
    t->home[talk % AFFINITY_TALKS].slot = slot;
}

bool affinity_find(const struct affinity_table *t, uint64_t talk, uint32_t *slot) {
    *slot = t->home[talk % AFFINITY_TALKS].slot;
    return talk != 0 && t->home[talk % AFFINITY_TALKS].talk == talk;
}
