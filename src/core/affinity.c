#include "core/affinity.h"

enum { KEY_NONE = 0, KEY_MESSAGES, KEY_ROLE };
enum { IN_ROOT = 1, IN_LIST = 2, IN_MESSAGE = 3 }; /* depths */

#define START UINT64_C(0xcbf29ce484222325)
#define PRIME UINT64_C(0x100000001b3)

void affinity_init(struct affinity *a) {
    memset(a, 0, sizeof *a);
    a->hash = START;
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
        break;
    }
}

bool affinity_feed(struct affinity *a, struct gw_str bytes) {
    for (size_t i = 0; i < bytes.n && !a->done; i++) {
        char c = bytes.p[i];
        if (a->in_messages && !a->first_ended)
            a->hash = (a->hash ^ (unsigned char)c) * PRIME;
        if (a->first_ended)
            look_behind(a, c);
        else if (a->in_string)
            in_string(a, c);
        else
            outside(a, c);
        if (++a->seen >= AFFINITY_MAX)
            a->later_turn = a->done = true; /* first messages that long are worth a warm cache */
    }
    return a->done;
}

uint64_t affinity_of(const struct affinity *a, struct gw_str client) {
    uint64_t hash = a->hash;
    if (hash == 0 || hash == START) /* never begun; nothing found */
        return 0;
    for (size_t i = 0; i < client.n; i++)
        hash = (hash ^ (unsigned char)client.p[i]) * PRIME;
    return hash;
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
