#include "sim.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    STEPS_MAX = 400000,
    STEPS_MAX_MODELS = 4000000, /* of one seed: more is a loop without end */
    OWN_BLOCK = 64 << 10,
};

/* ------------------------------------------------------------------ memory */

/* What the simulator has: pieces of large blocks. */
struct own {
    struct own *next;
    size_t used, size;
    _Alignas(16) char bytes[];
};

/* What the gateways have, each with its size before it. */
struct block {
    struct block *next, *prev;
    size_t n;
};

static void *get(void *user, size_t n) {
    struct sim *sim = user;
    if (sim->set.out_of_memory && chance(sim, 0.002))
        return NULL;
    struct block *b = malloc(sizeof *b + n);
    if (b == NULL)
        abort();
    *b = (struct block){.next = sim->blocks, .n = n};
    if (b->next != NULL)
        b->next->prev = b;
    sim->blocks = b;
    sim->live += n;
    if (sim->live > sim->peak)
        sim->peak = sim->live;
    return b + 1;
}

static void put(void *user, void *p, size_t n) {
    struct sim *sim = user;
    struct block *b = (struct block *)p - 1;
    if (b->n != n)
        fail(sim, "memory of %zu bytes was given back as %zu", b->n, n);
    sim->live -= b->n;
    if (b->next != NULL)
        b->next->prev = b->prev;
    if (b->prev != NULL)
        b->prev->next = b->next;
    else
        sim->blocks = b->next;
    free(b);
}

void *world_new(struct sim *sim, size_t n) {
    struct own *own = sim->own;
    n = (n + 15) & ~(size_t)15;
    if (own == NULL || own->size - own->used < n) {
        size_t size = n > OWN_BLOCK ? n : OWN_BLOCK;
        own = malloc(sizeof *own + size);
        if (own == NULL)
            abort();
        own->next = sim->own;
        own->used = 0;
        own->size = size;
        sim->own = own;
    }
    void *p = own->bytes + own->used;
    own->used += n;
    return memset(p, 0, n);
}

void text_put(struct sim *sim, struct text *t, struct gw_str s) {
    if (t->n + s.n + 1 > t->cap) {
        char *old = t->p;
        t->cap = (t->n + s.n + 1) * 2;
        t->p = world_new(sim, t->cap);
        if (t->n > 0)
            memcpy(t->p, old, t->n);
    }
    if (s.n > 0)
        memcpy(t->p + t->n, s.p, s.n);
    t->n += s.n;
    t->p[t->n] = '\0';
}

void text_putf(struct sim *sim, struct text *t, const char *format, ...) {
    char line[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    text_put(sim, t, gw_str(line, n < (int)sizeof line ? (size_t)n : sizeof line - 1));
}

struct gw_str text_str(const struct text *t) {
    return gw_str(t->p, t->n);
}

/* ------------------------------------------------------------------ chance */

double between(struct sim *sim, double least, double most) {
    return least + (most - least) * gw_rng_unit(&sim->rng);
}

uint32_t pick(struct sim *sim, uint32_t n) {
    return (uint32_t)(gw_rng_next(&sim->rng) % n);
}

bool chance(struct sim *sim, double of_one) {
    return gw_rng_unit(&sim->rng) < of_one;
}

/* ------------------------------------------------------------------ the clock */

struct event {
    double at;
    uint64_t sequence; /* of events of the same time, the older goes first */
    sim_step *step;
    void *who;
};

static bool is_sooner(const struct event *a, const struct event *b) {
    return a->at < b->at || (a->at <= b->at && a->sequence < b->sequence);
}

static void swap(struct event *a, struct event *b) {
    struct event t = *a;
    *a = *b;
    *b = t;
}

void world_at(struct sim *sim, double at, sim_step *step, void *who) {
    if (sim->events_n == sim->events_cap) {
        sim->events_cap = sim->events_cap > 0 ? sim->events_cap * 2 : 256;
        struct event *more = realloc(sim->events, sim->events_cap * sizeof *more);
        if (more == NULL)
            abort();
        sim->events = more;
    }
    struct event *heap = sim->events;
    uint32_t i = sim->events_n++;
    heap[i] = (struct event){at > sim->now ? at : sim->now, sim->sequence++, step, who};
    for (; i > 0 && is_sooner(&heap[i], &heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&heap[i], &heap[(i - 1) / 2]);
}

static struct event take_first(struct sim *sim) {
    struct event *heap = sim->events, first = heap[0];
    uint32_t n = --sim->events_n, i = 0;
    heap[0] = heap[n];
    for (;;) {
        uint32_t least = i, left = 2 * i + 1;
        if (left < n && is_sooner(&heap[left], &heap[least]))
            least = left;
        if (left + 1 < n && is_sooner(&heap[left + 1], &heap[least]))
            least = left + 1;
        if (least == i)
            return first;
        swap(&heap[i], &heap[least]);
        i = least;
    }
}

bool world_step(struct sim *sim) {
    if (sim->failed || sim->events_n == 0)
        return false;
    struct event e = take_first(sim);
    sim->now = e.at;
    if (++sim->steps > (sim->set.models ? STEPS_MAX_MODELS : STEPS_MAX))
        fail(sim, "it does not come to rest");
    else
        e.step(sim, e.who);
    return !sim->failed;
}

/* ------------------------------------------------------------------ the log */

void say(struct sim *sim, const char *format, ...) {
    va_list args;
    if (!sim->aloud)
        return;
    va_start(args, format);
    printf("%10.3f  ", sim->now / 1000);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

void fail(struct sim *sim, const char *format, ...) {
    va_list args;
    if (sim->failed)
        return;
    sim->failed = true;
    va_start(args, format);
    vsnprintf(sim->why, sizeof sim->why, format, args);
    va_end(args);
    say(sim, "FAILED: %s", sim->why);
}

void digest_word(struct sim *sim, uint64_t word) {
    uint64_t h = (sim->digest ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    sim->digest = h ^ h >> 29;
}

void digest_bytes(struct sim *sim, struct gw_str bytes) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < bytes.n; i++)
        h = (h ^ (unsigned char)bytes.p[i]) * UINT64_C(0x100000001b3);
    digest_word(sim, h ^ bytes.n);
}

/* ------------------------------------------------------------------ beginning and end */

void world_init(struct sim *sim, uint64_t seed) {
    bool aloud = sim->aloud;
    memset(sim, 0, sizeof *sim);
    sim->aloud = aloud;
    sim->seed = seed;
    gw_rng_init(&sim->rng, seed * 2 + 1);
    sim->mem = (struct gw_mem){get, put, sim};
    sim->now = 1000;
}

void world_del(struct sim *sim) {
    while (sim->own != NULL) {
        struct own *own = sim->own;
        sim->own = own->next;
        free(own);
    }
    /* After a failure the gateways may still hold theirs. */
    while (sim->blocks != NULL) {
        struct block *b = sim->blocks;
        sim->blocks = b->next;
        free(b);
    }
    free(sim->events);
    sim->events = NULL;
}
