/*
 * What must hold at model servers (models.c), beside all that checks.c says.
 *
 *   load         where nothing goes wrong, no breaker is ever opened, and nobody is refused but by what
 *                the queue's rules say, with a Retry-After
 *   patience     nor is an attempt dropped that was alive and would have been done in time
 *   home         a conversation stays where it was served last, if that target is well and idle, has
 *                most of it, and would not take longer than another that reads all of it; and if that
 *                could be known
 *   stall        who hangs at a server that has stopped is taken away from there within the limit
 *
 * (What is tried when all that is left is open is in checks.c: "last".)
 */
#include "core/call/call.h"
#include "sim.h"

#include <stdio.h>

enum {
    QUEUE_MS = 3000,     /* if it is not configured, and nobody knows how long it takes */
    WAIT_MAX_MS = 60000, /* whoever has to wait for longer may be refused at once */
    MOVES_MS = 2000,     /* a target that has said something since then is alive */
    LAST_EVENTS = 3, /* the finish, the usage, the end mark: a stream is whole without the last */
    QUICK_MS = 80,   /* between events, on the average: doubt.c has a little more */
    QUICK_EVENTS = 10,
    DOUBT_MS = 6000, /* a quick stream is left after as long at the latest */
    SLACK_MS = 1000,
    MISTOLD = 4,
    WARM = 3, /* a home has so much less to read that no small change tips it */
};

_Static_assert((int)HOMES == (int)AFFINITY_TALKS, "home has a place for each of the core's");

static void count(struct sim *sim, uint64_t *counted, const char *what, const struct client *c) {
    ++*counted;
    say(sim, "call %u: %s, by load alone", c->id, what);
    fail(sim, "call %u: %s, by load alone", c->id, what);
}

/* ------------------------------------------------------------------ load */

void load_on_open(struct client *c, uint32_t target) {
    struct sim *sim = c->sim;
    char what[40];
    if (sim->opened >> target & 1)
        return;
    sim->opened |= 1u << target;
    snprintf(what, sizeof what, "the breaker of node-%u is opened", target + 1);
    count(sim, &sim->counts.opened, what, c);
}

/* How long whoever comes now has to wait, if all goes well. */
static double expected_wait_ms(const struct client *c) {
    const struct sim *sim = c->sim;
    double work = 0, waiting = 0;
    uint32_t slots = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        if (!check_is_in_plan(c, i))
            continue;
        uint32_t max = sim->set.in_flight_max, n = sim->model[i].slots;
        if (max > 0 && max < n)
            n = max;
        work += model_busy_ms(sim, i) * n;
        slots += n;
    }
    for (const struct client *w = sim->clients; w != NULL; w = w->next)
        if (w->call != NULL && w->shard == c->shard && w->call->state == CALL_QUEUE)
            waiting += model_read_ms(&sim->model[c->class * 2], w->body_n) +
                       30 / sim->model[c->class * 2].give_rate;
    return (work + waiting) / slots;
}

/* A node of its plan brought content when it came, and everybody knows. */
static bool brought_content(const struct client *c) {
    for (uint32_t i = 0; i < NODES && c->sim->shards == 1; i++) {
        double at = c->sim->model[i].moved_at;
        if (check_is_in_plan(c, i) && at > 0 && at <= c->came_at && c->came_at - at < MOVES_MS)
            return true;
    }
    return false;
}

/* Whether the queue's rules allow it to refuse this call now. */
static bool is_queue(const struct client *c) {
    const struct settings *s = &c->sim->set;
    double queue_ms = s->queue_ms >= 0 ? s->queue_ms : QUEUE_MS, left = c->deadline - c->sim->now;
    if (s->queue_ms < 0 && brought_content(c))
        queue_ms = WAIT_MAX_MS;
    return c->shard->gw->queue_n >= s->queue_max || c->sim->now - c->came_at + 1 >= queue_ms ||
           expected_wait_ms(c) * 2 >= (left < WAIT_MAX_MS ? left : WAIT_MAX_MS);
}

static bool is_over_time(const struct client *c) {
    return c->left || c->sim->now + 1 >= c->deadline;
}

void load_on_refusal(struct client *c, struct gw_str head) {
    struct sim *sim = c->sim;
    bool told = gw_str_find(head, GW_STR("\r\nretry-after: ")) >= 0;
    bool busy = (c->status == 503 || c->status == 429) && told;
    if (sim->set.load_only && !(busy && is_queue(c)) && !is_over_time(c))
        count(sim, &sim->counts.upset, "refused", c);
}

/* ------------------------------------------------------------------ patience */

static bool others_under_way(const struct attempt *a) {
    for (const struct attempt *other = a->client->attempts; other != NULL; other = other->next)
        if (other != a && (other->state == UNDER_WAY || other->state == RELAYED))
            return true;
    return false;
}

/* It has said something, or what else the gateway has there says something. */
static bool is_alive(const struct attempt *a) {
    bool others = a->client->shard->process->in_flight[a->target] > 1;
    double moved_at = a->sim->model[a->target].moved_at;
    return a->headed || (others && moved_at > 0 && a->sim->now - moved_at < MOVES_MS);
}

static bool is_nearly_whole(const struct attempt *a) {
    return a->headed && a->left <= LAST_EVENTS;
}

static double waits_since(const struct attempt *a) {
    return a->client->fin_at > a->sent_at ? a->client->fin_at : a->sent_at;
}

void load_on_drop(struct attempt *a) {
    struct sim *sim = a->sim;
    const struct client *c = a->client;
    bool patient = sim->now - waits_since(a) + 1 >= sim->set.first_byte_ms && a->chunks < 2;
    if (!sim->set.load_only || a->probe || is_over_time(c) || others_under_way(a) || patient ||
        is_nearly_whole(a) || !is_alive(a) || !model_is_well(sim, a->target) ||
        sim->now + model_left_ms(a) >= c->deadline)
        return;
    say(sim, "call %u: after %.0f ms; %.0f ms more would have done", c->id, sim->now - a->sent_at,
        model_left_ms(a));
    count(sim, &sim->counts.aborted, "an attempt that was alive is dropped", c);
}

/* ------------------------------------------------------------------ home */

static struct home *home_of(const struct client *c) {
    return &c->shard->home[c->talk_hash % HOMES];
}

static bool is_idle(const struct attempt *a, uint32_t target) {
    return a->client->shard->process->in_flight[target] == 0 &&
           model_busy_ms(a->sim, target) <= 0 && model_is_well(a->sim, target);
}

/* Another is preferred to the home. */
static void check_home(const struct attempt *a, uint32_t home) {
    const struct sim *sim = a->sim;
    const struct client *c = a->client;
    const struct model *own = &sim->model[home], *other = &sim->model[a->target];
    double own_ms = model_read_ms(own, c->body_n - model_has_read(own, c->talk->id)),
           other_ms = model_read_ms(other, c->body_n);
    bool trial = !check_was_closed(sim, a->target);
    /* Another conversation may have taken its place in the table by now; and what is known of the other
     * node's reading may be of a prompt that it had read before. */
    const struct gw *gw = c->shard->gw;
    double told_ms = pool_read_ms(&gw->cluster.pool, a->target, (double)c->body_n);
    bool known = affinity_find(&gw->talks, c->call->talk) != NULL &&
                 (told_ms <= 0 || told_ms * MISTOLD >= other_ms);
    if (known && own_ms * WARM <= other_ms && !own->misread && !other->misread &&
        home / 2 == c->class && !trial && is_idle(a, home) && check_is_well(c, home))
        fail(
            a->sim,
            "call %u: conversation %u is sent to node-%u, which has %.0f ms to read, from node-%u, "
            "which is well and idle and has %.0f ms",
            c->id, c->talk->id, a->target + 1, other_ms, home + 1, own_ms);
}

void load_on_send(struct attempt *a) {
    struct client *c = a->client;
    if (c->call == NULL || c->task)
        return;
    c->talk_hash = c->call->talk;
    struct home *home = home_of(c);
    home->shared |= home->talk != 0 && home->talk != c->talk_hash;
    bool known = home->talk == c->talk_hash && c->talk_hash != 0 && !home->shared;
    if (known && c->talk != NULL && a->next == NULL && a->target != home->target)
        check_home(a, home->target);
    a->warm = known && c->talk != NULL && a->target == home->target;
    a->sim->counts.homes += a->warm;
}

/* ------------------------------------------------------------------ stall */

void load_on_bytes(struct attempt *a) {
    if (++a->chunks == 2) /* the first is the role, and may have come long before */
        a->chunk_at[0] = a->sim->now;
    a->chunk_at[1] = a->sim->now;
}

static bool is_quick(const struct attempt *a) {
    uint32_t n = a->chunks > 2 ? a->chunks - 2 : 0;
    return n >= QUICK_EVENTS && a->next == NULL &&
           a->chunk_at[1] - a->chunk_at[0] < n * (double)QUICK_MS;
}

static void still_there(struct sim *sim, void *attempt) {
    const struct attempt *a = attempt;
    bool stalls = sim->model[a->target].stalled_until > sim->now;
    if (stalls && sim->now + 0.001 >= a->leave_at && a->state == UNDER_WAY &&
        a->client->call != NULL && !is_nearly_whole(a) && !others_under_way(a))
        fail(sim, "call %u: still at node-%u, which has stalled %s", a->client->id, a->target + 1,
             is_quick(a) ? "in a quick stream" : "for long");
}

static void watch(struct sim *sim, struct attempt *a) {
    bool begun = a->chunks > 1 && a->next == NULL;
    double quick = sim->now + DOUBT_MS, silent = sim->now + sim->set.silence_ms,
           first = waits_since(a) + sim->set.first_byte_ms;
    if (!begun && a->chunks > 1 && first < silent)
        first = silent; /* it goes on with what another has begun */
    a->leave_at = (is_quick(a) ? quick : begun ? silent : first) + SLACK_MS;
    world_at(sim, a->leave_at, still_there, a);
}

void load_on_stall(struct sim *sim, uint32_t target) {
    for (struct client *c = sim->clients; c != NULL; c = c->next)
        for (struct attempt *a = c->attempts; a != NULL; a = a->next)
            if (a->target == target && a->state == UNDER_WAY && c->call != NULL && !a->probe &&
                c->fin)
                watch(sim, a);
}

/* ------------------------------------------------------------------ the end */

/* The attempt that the answer ended with; NULL: none. */
static const struct attempt *served_by(const struct client *c) {
    const struct attempt *a = c->attempts;
    while (a != NULL && (!a->headed || a->plot.at == 0 || a->left > LAST_EVENTS))
        a = a->next;
    return a;
}

void load_on_end(struct client *c, bool ok) {
    struct sim *sim = c->sim;
    struct home *home = home_of(c);
    const struct attempt *by = served_by(c);
    if (by != NULL && c->talk_hash != 0 && ok) {
        home->talk = c->talk_hash;
        home->target = by->target;
    }
    if (sim->set.load_only && c->status == 200 && !ok && !is_over_time(c) && !is_queue(c))
        count(sim, &sim->counts.upset, "an answer is broken off", c);
}
