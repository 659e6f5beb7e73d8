/*
 * Model servers, as llama.cpp is one: they take everything and serve so many at a time, in the order in
 * which they came. What waits is told at once that it was taken (its head and the role), or nothing.
 * Then the prompt is read, but for what the slot has of the same conversation, and then come tokens.
 * Both are slower the more streams there are at once.
 *
 * In most of these worlds nothing ever goes wrong with them. In the others a server dies (its streams are
 * cut, connections are refused, and it comes back with nothing in its caches), stalls (nothing moves, and
 * it does not say that it lives), or cuts a stream.
 */
#include "sim.h"

#include <math.h>

enum {
    TOKEN = 4,           /* bytes of a prompt */
    BATCH = 512 * TOKEN, /* are read at a time; in between it notices who has left */
    EVENT = 20,          /* bytes of an answer that is no stream, for an event of one that is */
    LOOK_MS = 20,
};

void model_settle(struct sim *sim) {
    struct settings *s = &sim->set;
    s->models = true;
    s->load_only = chance(sim, 0.6);
    s->chaos_ms = between(sim, 30000, 200000);
    s->request_ms = 600000;
    s->queue_ms = chance(sim, 0.6) ? -1 : between(sim, 1000, 60000);
    s->queue_max = chance(sim, 0.2) ? 4 : 1024;
    s->first_byte_ms = 95000;
    s->silence_ms = 30000;
    s->probe_ms = chance(sim, 0.2) ? 1000 : 0;
    s->threshold = 3;
    s->replay_bytes_max = 1 << 20;
    s->replay_total_max = 32 << 20;
    s->frame_ms = between(sim, 2, 500);
    s->in_flight_max = chance(sim, 0.6) ? 8 : 1 + pick(sim, 4);
    s->leaves = chance(sim, 0.3) ? 0.1 : 0;
    s->hurried = chance(sim, 0.2) ? 0.1 : 0;
    s->streams = 0.9;
    s->edge = chance(sim, 0.5);
}

/* ------------------------------------------------------------------ what there is to do */

static struct model *of(const struct attempt *a) {
    return &a->sim->model[a->target];
}

static bool is_wanted(const struct attempt *a) {
    return a->state != DROPPED && node_is_heard(a);
}

static uint32_t streams(const struct model *m) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->slots; i++)
        n += m->slot[i].at != NULL;
    return n;
}

/* How many times longer everything takes. */
static double load(const struct model *m) {
    uint32_t n = streams(m);
    return 1 + m->drag * (n > 1 ? n - 1 : 0);
}

double model_read_ms(const struct model *m, size_t bytes) {
    return (double)bytes / m->read_rate;
}

size_t model_has_read(const struct model *m, uint32_t talk) {
    for (uint32_t i = 0; i < m->slots; i++)
        if (m->slot[i].talk == talk && talk != 0)
            return m->slot[i].read;
    return 0;
}

static double own_ms(const struct attempt *a) {
    const struct model *m = of(a);
    return (model_read_ms(m, a->unread) + a->left / m->give_rate) * (1 + m->drag * (m->slots - 1));
}

double model_busy_ms(const struct sim *sim, uint32_t target) {
    const struct model *m = &sim->model[target];
    double sum = 0;
    for (uint32_t i = 0; i < m->slots; i++)
        sum += m->slot[i].at != NULL ? own_ms(m->slot[i].at) : 0;
    for (const struct attempt *a = m->first; a != NULL; a = a->behind)
        sum += is_wanted(a) ? own_ms(a) : 0;
    return sum / m->slots;
}

double model_left_ms(const struct attempt *a) {
    return a->work >= READS ? own_ms(a) : model_busy_ms(a->sim, a->target) + own_ms(a);
}

bool model_is_well(const struct sim *sim, uint32_t target) {
    const struct model *m = &sim->model[target];
    return !m->dead && m->stalled_until <= sim->now;
}

/* ------------------------------------------------------------------ the course of an attempt */

static void take_step(struct sim *sim, void *attempt);

static void tell_event(struct attempt *a) {
    const struct plot *p = &a->plot;
    struct gw_str rest = gw_str_sub(text_str(&p->body), p->at, p->stop);
    ptrdiff_t end = a->client->streamed && !a->probe ? gw_str_find(rest, GW_STR("\n\n")) : -1;
    of(a)->moved_at = a->sim->now;
    load_on_bytes(a);
    node_tell_bytes(a, end < 0 ? rest.n : (size_t)end + 2);
}

/* The head, and of a stream the role. */
static void greet(struct attempt *a) {
    if (a->headed)
        return;
    node_tell_head(a);
    if (is_wanted(a) && a->client->streamed)
        tell_event(a);
}

/* The one that has most of the conversation, or that was idle for longest. */
static struct model_slot *free_slot(struct model *m, uint32_t talk) {
    struct model_slot *best = NULL;
    for (struct model_slot *s = m->slot; s < m->slot + m->slots; s++) {
        bool own = s->talk == talk && talk != 0;
        if (s->at == NULL &&
            (best == NULL || own || (best->talk != talk && s->since < best->since)))
            best = s;
    }
    return best;
}

static void start(struct attempt *a, struct model_slot *s) {
    uint32_t talk = a->client->talk != NULL ? a->client->talk->id : 0;
    size_t read = talk != 0 && s->talk == talk ? s->read : 0;
    s->at = a;
    s->talk = talk;
    s->read = read < a->client->body_n ? read : a->client->body_n;
    a->unread = a->client->body_n - s->read;
    of(a)->misread |= (read > 0) != a->warm;
    a->work = READS;
    say(a->sim, "node-%u begins with call %u: %zu of %zu bytes to read", a->target + 1,
        a->client->id, a->unread, a->client->body_n);
    world_at(a->sim, a->sim->now, take_step, a);
}

static void start_next(struct model *m) {
    while (m->first != NULL) {
        struct attempt *a = m->first;
        struct model_slot *s = free_slot(m, a->client->talk != NULL ? a->client->talk->id : 0);
        if (s == NULL && is_wanted(a))
            return;
        m->first = a->behind;
        if (is_wanted(a))
            start(a, s);
    }
}

static void stand_in_line(struct attempt *a) {
    struct model *m = of(a);
    struct attempt **at = &m->first;
    while (*at != NULL)
        at = &(*at)->behind;
    *at = a;
    a->behind = NULL;
    a->work = IN_LINE;
    start_next(m);
    m->misread |= a->work == IN_LINE || streams(m) > 1;
    if (m->eager && a->client->streamed)
        greet(a);
}

static struct model_slot *slot_of(const struct attempt *a) {
    struct model *m = of(a);
    for (struct model_slot *s = m->slot; s < m->slot + m->slots; s++)
        if (s->at == a)
            return s;
    return NULL;
}

static void give_slot(struct model_slot *s, struct attempt *a) {
    s->at = NULL;
    s->since = a->sim->now;
    start_next(of(a));
}

/* How long a batch of the prompt takes, or an event; then it is done. */
static double read_on(struct attempt *a, struct model_slot *s) {
    struct model *m = of(a);
    size_t n = a->unread < BATCH ? a->unread : BATCH;
    a->unread -= n;
    s->read += n;
    m->moved_at = a->sim->now;
    if (n == 0)
        a->work = GIVES;
    return model_read_ms(m, n) * load(m);
}

static double give(struct attempt *a) {
    const struct model *m = of(a);
    bool stream = a->client->streamed;
    a->left -= a->left > 0;
    of(a)->moved_at = a->sim->now;
    if (stream || a->left == 0)
        greet(a);
    if (is_wanted(a) && a->plot.at < a->plot.stop && (stream || a->left == 0))
        tell_event(a);
    return load(m) / m->give_rate;
}

static void take_step(struct sim *sim, void *attempt) {
    struct attempt *a = attempt;
    struct model_slot *s = slot_of(a);
    const struct model *m = of(a);
    if (s == NULL)
        return;
    if (!is_wanted(a)) {
        give_slot(s, a);
    } else if (m->stalled_until > sim->now) {
        world_at(sim, m->stalled_until, take_step, a);
    } else if (a->work == READS) {
        world_at(sim, sim->now + read_on(a, s), take_step, a);
    } else if (a->plot.at < a->plot.stop) {
        world_at(sim, sim->now + give(a), take_step, a);
    } else {
        give_slot(s, a);
        node_tell_end(a, GW_CLEAN);
    }
}

static void arrive(struct sim *sim, void *attempt) {
    struct attempt *a = attempt;
    const struct model *m = of(a);
    if (!is_wanted(a))
        return;
    if (m->dead) {
        a->plot.fail = GW_FAIL_REFUSED;
        a->plot.sent = GW_SENT_NONE;
        node_tell_fail(a);
    } else if (m->stalled_until > sim->now || (!a->client->fin && !a->probe)) {
        double at = sim->now + LOOK_MS;
        world_at(sim, m->stalled_until > at ? m->stalled_until : at, arrive, a);
    } else if (a->probe) {
        node_tell_head(a);
        if (is_wanted(a))
            tell_event(a);
        if (is_wanted(a))
            node_tell_end(a, GW_CLEAN);
    } else {
        stand_in_line(a);
    }
}

static uint32_t events(struct gw_str body) {
    uint32_t n = 0;
    for (size_t i = 1; i < body.n; i++)
        n += body.p[i] == '\n' && body.p[i - 1] == '\n';
    return n;
}

void model_begin(struct attempt *a) {
    struct sim *sim = a->sim;
    node_answer(a);
    size_t n = a->plot.body.n;
    a->left = a->client->streamed ? events(text_str(&a->plot.body)) : 1 + (uint32_t)n / EVENT;
    a->unread = a->client->body_n;
    world_at(sim, sim->now + sim->node[a->target].latency_ms, arrive, a);
}

/* ------------------------------------------------------------------ what goes wrong */

static void break_off(struct attempt *a, bool along) {
    if (!is_wanted(a) || a->work == ON_ITS_WAY)
        return;
    a->plot.fail = along ? GW_FAIL_ALONG : GW_FAIL_RESET;
    a->plot.sent = GW_SENT_ALL;
    if (a->headed)
        node_tell_end(a, along ? GW_CUT_ALONG : GW_CUT);
    else
        node_tell_fail(a);
}

static void revive(struct sim *sim, void *model) {
    struct model *m = model;
    say(sim, "node-%u is back", (uint32_t)(m - sim->model) + 1);
    m->dead = false;
}

static void die(struct sim *sim, uint32_t target) {
    struct model *m = &sim->model[target];
    struct attempt *line = m->first;
    bool along = chance(sim, 0.5), first = true;
    say(sim, "node-%u dies", target + 1);
    m->dead = true;
    m->stalled_until = 0;
    m->first = NULL;
    for (struct model_slot *s = m->slot; s < m->slot + m->slots; s++) {
        struct attempt *a = s->at;
        *s = (struct model_slot){0};
        if (a != NULL)
            break_off(a, along && !first);
        first &= a == NULL;
    }
    for (struct attempt *a = line; a != NULL; a = a->behind)
        break_off(a, along && !first);
    world_at(sim, sim->now + between(sim, 1000, 60000), revive, m);
}

static void stall(struct sim *sim, uint32_t target) {
    double ms = between(sim, 1000, chance(sim, 0.5) ? 10000 : 120000);
    say(sim, "node-%u stalls for %.0f ms", target + 1, ms);
    sim->model[target].stalled_until = sim->now + ms;
    sim->model[target].misread = true;
    load_on_stall(sim, target);
}

static void cut(struct model *m) {
    for (struct model_slot *s = m->slot; s < m->slot + m->slots; s++)
        if (s->at != NULL) {
            struct attempt *a = s->at;
            give_slot(s, a);
            break_off(a, false);
            return;
        }
}

/* Mostly one that has something to do. */
static uint32_t victim(struct sim *sim) {
    uint32_t target = pick(sim, NODES);
    for (uint32_t i = 0; i < NODES && chance(sim, 0.9); i++, target = (target + 1) % NODES)
        if (streams(&sim->model[target]) > 0)
            break;
    return target;
}

static void go_wrong(struct sim *sim, void *nothing) {
    if (sim->calm)
        return;
    uint32_t target = victim(sim);
    if (model_is_well(sim, target))
        switch (pick(sim, 3)) {
        case 0:
            die(sim, target);
            break;
        case 1:
            stall(sim, target);
            break;
        default:
            cut(&sim->model[target]);
            break;
        }
    world_at(sim, sim->now + between(sim, 0, 20000), go_wrong, nothing);
}

void model_calm(struct sim *sim) {
    for (uint32_t i = 0; i < NODES; i++)
        if (sim->model[i].dead)
            revive(sim, &sim->model[i]);
}

void model_begin_all(struct sim *sim) {
    double rate = exp(between(sim, log(100), log(3000))) * TOKEN / 1000,
           give_rate = exp(between(sim, log(10), log(100))) / 1000;
    uint32_t slots = chance(sim, 0.5) ? 1 : 1 + pick(sim, MODEL_SLOTS);
    bool alike = chance(sim, 0.5), eager = chance(sim, 0.5);
    uint32_t odd = pick(sim, 2); /* which of each pair is the slower, if they differ */
    for (uint32_t i = 0; i < TARGETS; i++) {
        double factor = alike ? 1 : i % 2 == odd ? between(sim, 0.2, 0.5) : between(sim, 0.8, 1.7);
        sim->node[i] = (struct node){.index = i, .latency_ms = between(sim, 2, 30)};
        sim->model[i] = (struct model){.slots = slots,
                                       .eager = eager,
                                       .read_rate = rate * factor,
                                       .give_rate = give_rate * factor,
                                       .drag = between(sim, 0.1, 0.7)};
    }
    say(sim, "%s model servers: %u slots, %.0f tokens read and %.1f events given a second%s%s",
        alike ? "like" : "unlike", slots, rate * 1000 / TOKEN, give_rate * 1000,
        eager ? ", eager" : "", sim->set.load_only ? "; nothing goes wrong" : "");
    if (!sim->set.load_only)
        world_at(sim, sim->now + between(sim, 0, 20000), go_wrong, NULL);
}
