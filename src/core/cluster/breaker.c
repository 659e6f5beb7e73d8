#include "core/cluster/breaker.h"

#include <stdatomic.h>

enum {
    WORD = 0,   /* generation, run of failures, run of openings, trial, until */
    WHY = 1,    /* since when, and the trouble */
    WINDOW = 2, /* two halves of the last 10 s, used in turn */
    TIME_BITS = 42,
    FAILURES_MAX = 63,
    OPENS_MAX = 15,
    GENERATIONS = 1 << 11,
    HALF_WINDOW_MS = 5000,
    WINDOW_MIN = 20,
    OPEN_FIRST_MS = 5000,
    OPEN_YOUNG_MS = 25000, /* the longest open time while an outage is young, ... */
    YOUNG_OPENS = 12,      /* ... that is, for its first openings */
    COUNT_BITS = 20,
};

struct word {
    double until; /* 0: closed */
    uint32_t failures, opens, generation;
    bool trial;
};

static _Atomic uint64_t *cell(const uint64_t *cells, int at) {
    return (_Atomic uint64_t *)&cells[at];
}

static uint64_t load(const uint64_t *cells, int at) {
    return atomic_load_explicit(cell(cells, at), memory_order_acquire);
}

static bool swap(uint64_t *cells, int at, uint64_t *old, uint64_t new) {
    return atomic_compare_exchange_weak_explicit(cell(cells, at), old, new, memory_order_acq_rel,
                                                 memory_order_acquire);
}

static uint64_t time_bits(double ms) {
    const uint64_t most = (UINT64_C(1) << TIME_BITS) - 1;
    return ms<1 ? 1 : ms>(double) most ? most : (uint64_t)ms;
}

static struct word unpack(uint64_t w) {
    return (struct word){.until = (double)(w & ((UINT64_C(1) << TIME_BITS) - 1)),
                         .failures = (uint32_t)(w >> 42) & FAILURES_MAX,
                         .opens = (uint32_t)(w >> 48) & OPENS_MAX,
                         .trial = (w >> 52) & 1,
                         .generation = (uint32_t)(w >> 53)};
}

static uint64_t pack(struct word w) {
    return (w.until > 0 ? time_bits(w.until) : 0) | (uint64_t)w.failures << 42 |
           (uint64_t)w.opens << 48 | (uint64_t)w.trial << 52 |
           (uint64_t)(w.generation % GENERATIONS) << 53;
}

static enum breaker_state state_of(struct word w, double now) {
    if (w.until <= 0)
        return BREAKER_CLOSED;
    if (w.until <= now)
        return BREAKER_HALF_OPEN;
    return w.trial ? BREAKER_TRIAL : BREAKER_OPEN;
}

static void note(uint64_t *cells, uint32_t trouble, uint64_t since) {
    atomic_store_explicit(cell(cells, WHY), since | (uint64_t)trouble << TIME_BITS,
                          memory_order_release);
}

static uint64_t since_of(uint64_t why) {
    return why & ((UINT64_C(1) << TIME_BITS) - 1);
}

void breaker_look(const uint64_t *cells, double now, struct breaker_view *out) {
    struct word w = unpack(load(cells, WORD));
    uint64_t why = load(cells, WHY);
    *out = (struct breaker_view){.state = state_of(w, now),
                                 .generation = w.generation,
                                 .failures = w.failures,
                                 .opens = w.opens,
                                 .until = w.until,
                                 .since = (double)since_of(why),
                                 .trouble = (uint32_t)(why >> TIME_BITS)};
}

bool breaker_ask(uint64_t *cells, double now, struct breaker_grant *out) {
    uint64_t old = load(cells, WORD);
    for (;;) {
        struct word w = unpack(old);
        enum breaker_state state = state_of(w, now);
        *out = (struct breaker_grant){.generation = w.generation};
        if (state != BREAKER_HALF_OPEN)
            return state == BREAKER_CLOSED;
        w.trial = true;
        w.until = (double)time_bits(now + BREAKER_LEASE_MS);
        if (swap(cells, WORD, &old, pack(w))) {
            out->trial = true;
            out->until = w.until;
            return true;
        }
    }
}

void breaker_force(const uint64_t *cells, struct breaker_grant *out) {
    *out = (struct breaker_grant){.generation = unpack(load(cells, WORD)).generation};
}

/* ------------------------------------------------------------------ the last 10 s */

/* The number of a half of the window. Its cell holds that, the answers, and the failures among them. */
static uint64_t half_at(double now) {
    return (uint64_t)(now / HALF_WINDOW_MS) & ((UINT64_C(1) << (64 - 2 * COUNT_BITS)) - 1);
}

static uint64_t count_half(uint64_t *cells, uint64_t half, bool failed) {
    const uint64_t most = (UINT64_C(1) << COUNT_BITS) - 1;
    int at = WINDOW + (int)(half & 1);
    uint64_t old = load(cells, at), new;
    do {
        uint64_t w = old >> (2 * COUNT_BITS) == half ? old : half << (2 * COUNT_BITS);
        new = (w & most) == most ? w : w + 1 + ((uint64_t)failed << COUNT_BITS);
    } while (!swap(cells, at, &old, new));
    return new;
}

/* Counts one answer. True if there were at least WINDOW_MIN, and half of them failed. */
static bool count(uint64_t *cells, bool failed, double now) {
    const uint64_t most = (UINT64_C(1) << COUNT_BITS) - 1;
    uint64_t half = half_at(now), both = count_half(cells, half, failed);
    uint64_t before = load(cells, WINDOW + (int)(~half & 1));
    uint64_t all = both & most, bad = both >> COUNT_BITS & most;
    if (before >> (2 * COUNT_BITS) == half - 1) {
        all += before & most;
        bad += before >> COUNT_BITS & most;
    }
    return all >= WINDOW_MIN && bad * 2 >= all;
}

static void clear_window(uint64_t *cells) {
    atomic_store_explicit(cell(cells, WINDOW), 0, memory_order_release);
    atomic_store_explicit(cell(cells, WINDOW + 1), 0, memory_order_release);
}

/* ------------------------------------------------------------------ outcomes */

bool breaker_succeeded(uint64_t *cells, struct breaker_grant *grant, bool served, double now) {
    uint64_t old = load(cells, WORD);
    for (;;) {
        struct word w = unpack(old);
        if (w.generation != grant->generation)
            return false;
        bool closes = w.until > 0;
        if (!closes && (w.failures == 0 || !served))
            break;
        if (closes)
            w = (struct word){.generation = (w.generation + 1) % GENERATIONS};
        w.failures = 0;
        if (!swap(cells, WORD, &old, pack(w)))
            continue;
        if (!closes)
            break;
        *grant = (struct breaker_grant){.generation = w.generation};
        clear_window(cells);
        note(cells, (uint32_t)(load(cells, WHY) >> TIME_BITS), time_bits(now));
        return true;
    }
    if (served)
        count(cells, false, now);
    return false;
}

/* How long this opening lasts. */
static double open_ms(const struct breaker_conf *conf, uint32_t opens, uint32_t random) {
    double most = (double)conf->recovery_ms, ms = OPEN_FIRST_MS;
    if (opens <= YOUNG_OPENS && most > OPEN_YOUNG_MS)
        most = OPEN_YOUNG_MS;
    for (uint32_t i = 1; i < opens && ms < most; i++)
        ms *= 2;
    if (ms > most)
        ms = most;
    return ms - ms / 5 * ((double)random / 4294967296.0);
}

static struct word opened(struct word w, const struct breaker_conf *conf, uint32_t random,
                          double now) {
    uint32_t opens = w.opens < OPENS_MAX ? w.opens + 1 : w.opens;
    return (struct word){.until = (double)time_bits(now + open_ms(conf, opens, random)),
                         .opens = opens,
                         .generation = (w.generation + 1) % GENERATIONS};
}

bool breaker_failed(uint64_t *cells, const struct breaker_conf *conf, struct breaker_grant *grant,
                    uint32_t trouble, uint32_t random, double now) {
    uint64_t old = load(cells, WORD);
    bool counted = false, half_failed = false;
    for (;;) {
        struct word w = unpack(old);
        if (w.generation != grant->generation)
            return false;
        /* An attempt that was sent although the breaker was open tells nothing new. */
        if (w.until > 0 && !grant->trial)
            return false;
        if (!counted && w.until <= 0)
            half_failed = count(cells, true, now);
        counted = true;
        bool opens = grant->trial || half_failed || w.failures + 1 >= conf->threshold;
        struct word next = w;
        if (opens)
            next = opened(w, conf, random, now);
        else
            next.failures = w.failures < FAILURES_MAX ? w.failures + 1 : w.failures;
        if (!swap(cells, WORD, &old, pack(next)))
            continue;
        note(cells, trouble, opens ? time_bits(now) : since_of(load(cells, WHY)));
        return opens;
    }
}

void breaker_let_go(uint64_t *cells, struct breaker_grant *grant, double now) {
    uint64_t old = load(cells, WORD);
    while (grant->trial) {
        struct word w = unpack(old);
        if (w.generation != grant->generation || !w.trial || w.until != grant->until)
            break; /* its lease has ended, and the permit may be another's */
        w.trial = false;
        w.until = (double)time_bits(now);
        if (swap(cells, WORD, &old, pack(w)))
            break;
    }
    grant->trial = false;
}

bool breaker_tell(uint64_t *cells, const struct breaker_conf *conf, bool open, double until,
                  uint32_t opens, uint32_t trouble, double now) {
    uint64_t old = load(cells, WORD);
    double most = now + (double)conf->recovery_ms;
    for (;;) {
        struct word w = unpack(old);
        bool is_open = w.until > 0;
        if (open == is_open && (!open || w.trial || until <= w.until))
            return false;
        struct word next = {.generation = (w.generation + 1) % GENERATIONS};
        if (open) {
            next.until = (double)time_bits(until < most ? until : most);
            next.opens = opens == 0 ? 1 : opens > OPENS_MAX ? OPENS_MAX : opens;
        }
        if (!swap(cells, WORD, &old, pack(next)))
            continue;
        if (!open)
            clear_window(cells);
        note(cells, open ? trouble : (uint32_t)(load(cells, WHY) >> TIME_BITS), time_bits(now));
        return true;
    }
}

void breaker_forget(uint64_t *cells) {
    uint64_t old = load(cells, WORD);
    struct word w;
    do {
        /* Attempts still under way belong to the target that had this place before. */
        w = (struct word){.generation = (unpack(old).generation + 1) % GENERATIONS};
    } while (!swap(cells, WORD, &old, pack(w)));
    atomic_store_explicit(cell(cells, WHY), 0, memory_order_release);
    clear_window(cells);
}
