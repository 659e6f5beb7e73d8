/*
 * What must hold whatever happens. This is the one file that looks inside a gateway: at the state of
 * the breakers before and after each feed, at what is in flight, and at who waits. It changes nothing.
 *
 *   memory       what a call takes is bounded; what is held of requests is what its room says, stays
 *                within its total and a client's share of it, and in the end there is none
 *   slots        no node has more in flight than it may; in the end none has any
 *   budget       retries that are not free stay within a bucket as SPEC section 4 describes it
 *   breakers     open: not touched, unless nothing else of the plan can serve (panic); half-open: one
 *                trial at a time; so many failures in a row that never reached a node: not closed
 *   Retry-After  a node that is busy is not asked again before its time
 *   generations  a breaker changes only by attempts that were sent since its last change
 *   poison       what no node survives counts against none
 *   frames       the newest is believed, an older one is not
 *   uptime       nobody is refused, and no stream broken off, while a node that is well was not asked
 *   last         nor while none was asked whose breaker is open, when no other is left
 *   calm         when all nodes are well, every breaker closes, and then every request is served
 */
#include "core/call/call.h"
#include "core/cluster/capacity.h"
#include "core/cluster/cells.h"
#include "sim.h"

enum {
    BUCKET = 20,
    BUCKET_SLACK = 2, /* the core counts in whole milliseconds */
    COOL_MS = 31000,  /* the longest that a node can count as busy */
    ATTEMPTS_MAX = 6,
    MEMORY_MAX = 64 << 10, /* of one call, whose events are small */
};

struct look {
    struct breaker_view breaker[TARGETS];
    double at;
};

static uint32_t slot_of(uint32_t target) {
    return target == SPARE ? (uint32_t)GW_NODES : target;
}

static bool exists(const struct sim *sim, uint32_t target) {
    return target < NODES || sim->set.has_spare;
}

static void look(const struct shard *s, struct look *out) {
    out->at = host_time(s).mono_ms;
    for (uint32_t i = 0; i < TARGETS; i++)
        if (exists(s->sim, i))
            pool_look(&s->gw->cluster.pool, slot_of(i), out->at, &out->breaker[i]);
}

static struct watch *watch_of(const struct attempt *a) {
    return &a->client->shard->process->watch[a->target];
}

void check_before(struct shard *s) {
    if (s->sim->look == NULL)
        s->sim->look = world_new(s->sim, sizeof *s->sim->look);
    look(s, s->sim->look);
}

bool check_was_closed(const struct sim *sim, uint32_t target) {
    return sim->look->breaker[target].state == BREAKER_CLOSED;
}

/* ------------------------------------------------------------------ the plan, as SPEC has it */

bool check_is_in_plan(const struct client *c, uint32_t target) {
    return target / 2 == c->class || target == 0 || (target == SPARE && c->sim->set.has_spare);
}

bool check_was_tried(const struct client *c, uint32_t target, const struct attempt *but) {
    for (const struct attempt *a = c->attempts; a != NULL; a = a->next)
        if (a != but && a->target == target)
            return true;
    return false;
}

static bool has_room(const struct client *c, uint32_t target) {
    const struct pool *pool = &c->shard->gw->cluster.pool;
    uint32_t slot = slot_of(target);
    uint32_t max = target == SPARE ? c->shard->gw->cluster.conf->services[0].in_flight_max
                                   : c->sim->set.in_flight_max;
    bool partial = c->call != NULL && c->call->plan.partial;
    max = capacity_max(pool, slot, max, c->sim->now);
    return pool->backend[slot].waiting == 0 && (max == 0 || pool_in_flight(pool, slot) < max) &&
           (!partial || pool_takes_uploads(pool, slot, max));
}

/* Beyond doubt: closed before and after, not busy for long, has room. */
bool check_is_well(const struct client *c, uint32_t target) {
    const struct sim *sim = c->sim;
    double busy_at = c->shard->process->busy_at[target];
    struct look now;
    look(c->shard, &now);
    return sim->look->breaker[target].state == BREAKER_CLOSED &&
           now.breaker[target].state == BREAKER_CLOSED &&
           (busy_at <= 0 || sim->now > busy_at + COOL_MS) && has_room(c, target);
}

/* A target that is well and that this call has not tried, but for the attempt `but`; -1: none. */
static int passed_over(const struct client *c, const struct attempt *but) {
    for (uint32_t i = 0; i < TARGETS; i++)
        if (check_is_in_plan(c, i) && !check_was_tried(c, i, but) &&
            (but == NULL || but->target != i) && check_is_well(c, i))
            return (int)i;
    return -1;
}

/* ------------------------------------------------------------------ memory */

void check_memory(struct client *c, size_t before) {
    struct sim *sim = c->sim;
    if (sim->live > before)
        c->memory += sim->live - before;
    if (c->memory > sim->counts.memory)
        sim->counts.memory = c->memory;
    if (c->memory > MEMORY_MAX)
        fail(sim, "call %u has taken %zu bytes", c->id, c->memory);
}

/* What hosts may hold: what each call has let in. */
static uint64_t held_by(const struct sim *sim, const struct process *p) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < sim->shards; i++) {
        const struct shard *s = &sim->shard[i];
        if (s->process != p)
            continue;
        for (const struct gw_call *call = s->gw->calls; call != NULL; call = call->next)
            sum += call->body.held;
    }
    return sum;
}

static void check_held(const struct client *c) {
    struct sim *sim = c->sim;
    const struct pool *pool = &c->shard->gw->cluster.pool;
    uint64_t taken = room_taken(&pool->cells), held = held_by(sim, c->shard->process);
    /* all of them are one client, who may have half of the room */
    if (taken > sim->set.replay_total_max / 2 || taken != held)
        fail(sim, "%llu bytes are held, of half of %u that may be; the room says %llu",
             (unsigned long long)held, sim->set.replay_total_max, (unsigned long long)taken);
}

/* ------------------------------------------------------------------ slots */

void check_release(struct attempt *a) {
    if (a->has_slot)
        a->client->shard->process->in_flight[a->target]--;
    a->has_slot = false;
}

static void check_slot(struct attempt *a) {
    uint32_t *n = &a->client->shard->process->in_flight[a->target];
    if (a->probe)
        return;
    a->has_slot = true;
    if (++*n > a->sim->set.in_flight_max && a->target != SPARE)
        fail(a->sim, "call %u: %u in flight at node-%u", a->client->id, *n, a->target + 1);
}

/* ------------------------------------------------------------------ the retry budget */

static double *tokens_of(const struct client *c) {
    struct process *p = c->shard->process;
    double *tokens = &p->tokens[c->class], *at = &p->tokens_at[c->class],
           most = BUCKET + BUCKET_SLACK;
    *tokens += (c->sim->now - *at) / 100;
    if (*at <= 0 || *tokens > most)
        *tokens = most;
    *at = c->sim->now;
    return tokens;
}

void check_paid(struct client *c) {
    *tokens_of(c) += 0.2;
}

static void spend(struct client *c, uint32_t number) {
    double *tokens = tokens_of(c);
    *tokens -= 1;
    if (*tokens < 0)
        fail(c->sim, "call %u: attempt %u is beyond the retry budget", c->id, number);
}

static bool is_retry(const struct attempt *last) {
    return last != NULL && !last->probe && !last->free_next;
}

/* What is decided upon is paid at once, though it may have to wait for a slot. */
static void check_decided(struct client *c) {
    bool waits = c->call != NULL && c->call->state == CALL_QUEUE && is_retry(c->attempts);
    if (waits && !c->paid)
        spend(c, c->attempts->number + 1);
    c->paid |= waits;
    bool queued = c->call != NULL && c->call->state == CALL_QUEUE;
    c->paused |= queued && c->attempts != NULL;
    c->in_line = queued;
}

static void check_budget(const struct attempt *a) {
    bool retry = is_retry(a->next);
    a->sim->counts.retries += retry;
    if (retry && !a->client->paid)
        spend(a->client, a->number);
    a->client->paid = false;
}

/* ------------------------------------------------------------------ breakers */

/* The breaker's clock counts whole milliseconds, so its lease may end within the last of them. */
static bool on_trial(const struct attempt *a, const struct sim *sim) {
    return a != NULL && a->state == UNDER_WAY && a->lease_until > sim->now + 1 && !a->client->lost;
}

/* `permit_until`: what the breaker says. */
static void begin_trial(struct attempt *a, struct watch *w, double permit_until) {
    struct sim *sim = a->sim;
    bool same = a->next != NULL && a->next == w->trial; /* once more on a fresh connection */
    if (!same && on_trial(w->trial, sim))
        fail(sim, "call %u: node-%u has two trials at once, the other is call %u", a->client->id,
             a->target + 1, w->trial->client->id);
    a->lease_until = same ? w->trial->lease_until : sim->now + BREAKER_LEASE_MS;
    a->permit_until = permit_until;
    w->trial = a;
    sim->counts.trials += !same;
}

/* It was sent to a node whose breaker says no. */
static void check_panic(struct attempt *a, const struct breaker_view *before) {
    int better = passed_over(a->client, a);
    a->sim->counts.panics++;
    a->panic = true;
    if (better >= 0)
        fail(a->sim, "call %u: sent to node-%u, which is %s for %.0f ms, but node-%d is well",
             a->client->id, a->target + 1, before->state == BREAKER_OPEN ? "open" : "on trial",
             before->until - a->sim->look->at, better + 1);
}

/* Whether the permit has been taken in this feed; it may have been given back in it before. */
static bool is_new(const struct watch *w, const struct breaker_view *before,
                   const struct breaker_view *after, const struct look *now) {
    bool given_back = w->trial != NULL && w->trial->state != UNDER_WAY;
    return before->state == BREAKER_HALF_OPEN || after->until > before->until ||
           (given_back && after->until >= now->at + BREAKER_LEASE_MS - 1);
}

static void check_breaker(struct attempt *a) {
    struct sim *sim = a->sim;
    struct watch *w = watch_of(a);
    const struct breaker_view *before = &sim->look->breaker[a->target];
    struct look now;
    look(a->client->shard, &now);
    const struct breaker_view *after = &now.breaker[a->target];
    bool taken = after->state == BREAKER_TRIAL && is_new(w, before, after, &now);
    a->generation = after->generation;
    if (before->state == BREAKER_CLOSED || after->state == BREAKER_CLOSED)
        return;
    if (taken || (a->next != NULL && a->next == w->trial && a->next->lease_until > sim->now))
        begin_trial(a, w, after->until);
    else
        check_panic(a, before);
}

/* ------------------------------------------------------------------ Retry-After */

/* Seconds; a date in the past is none; -1: it says nothing that can be read. */
static double retry_after(const struct plot *p) {
    uint64_t seconds;
    const char *text = p->retry_after;
    if (text == NULL || strcmp(text, "soon") == 0)
        return -1;
    return gw_str_u64(gw_str(text, strlen(text)), &seconds) ? (double)seconds : 0;
}

static void note_busy(struct shard *s, const struct attempt *a) {
    double seconds = retry_after(&a->plot);
    say(s->sim, "shard %u: node-%u is busy (%u), Retry-After %s", s->index, a->target + 1,
        a->plot.status, a->plot.retry_after != NULL ? a->plot.retry_after : "-");
    s->process->busy_at[a->target] = s->sim->now;
    s->cooled_at[a->target] = s->sim->now;
    if (seconds >= 0)
        s->cool_until[a->target] = s->sim->now + seconds * 1000;
}

/* An answer to what was sent since. */
static void note_free(struct shard *s, const struct attempt *a) {
    if (a->sent_at >= s->cooled_at[a->target])
        s->cool_until[a->target] = 0;
}

static void check_cooling(const struct attempt *a) {
    const struct shard *s = a->client->shard;
    bool panic = a->sim->look->breaker[a->target].state != BREAKER_CLOSED;
    if (!panic && a->sim->now + 1 < s->cool_until[a->target])
        fail(a->sim, "call %u: sent to node-%u, which has asked for %.0f ms more", a->client->id,
             a->target + 1, s->cool_until[a->target] - a->sim->now);
}

void check_send(struct attempt *a) {
    a->sent_at = a->sim->now;
    check_cooling(a);
    check_slot(a);
    check_budget(a);
    check_breaker(a);
}

/* ------------------------------------------------------------------ what comes back */

static bool is_busy(const struct plot *p) {
    return p->status == 429 || p->status == 503 || p->status == 529;
}

static bool is_page(const struct plot *p) {
    return p->ngrok_error || p->cloudflare || p->status == 530 || p->status == 523;
}

static bool never_reached(const struct gw_event *e) {
    switch (e->res_fail.fail) {
    case GW_FAIL_STALE:
    case GW_FAIL_LOCAL:
    case GW_FAIL_UNTAKEN:
    case GW_FAIL_ALONG:
        return false;
    default:
        return e->res_fail.sent == GW_SENT_NONE;
    }
}

static void note_fail(struct attempt *a, const struct gw_event *e) {
    const struct breaker_view *before = &a->sim->look->breaker[a->target];
    a->free_next = e->res_fail.sent == GW_SENT_NONE || e->res_fail.fail == GW_FAIL_STALE ||
                   e->res_fail.fail == GW_FAIL_UNTAKEN;
    if (e->res_fail.fail == GW_FAIL_UNTAKEN) /* said twice, it is busy */
        a->client->shard->process->busy_at[a->target] = a->sim->now;
    if (never_reached(e) && a->generation == before->generation && before->state == BREAKER_CLOSED)
        watch_of(a)->unreached++;
}

void check_event(struct client *c, const struct gw_event *e, struct attempt *a) {
    if (a->state == DROPPED || e->kind == GW_RES_BODY)
        return;
    if (e->kind == GW_RES_FAIL) {
        check_release(a);
        note_fail(a, e);
        return;
    }
    if (e->kind == GW_RES_END)
        check_release(a);
    watch_of(a)->unreached = 0;
    a->free_next = is_busy(&a->plot) || is_page(&a->plot);
    if (a->probe)
        return;
    if (is_busy(&a->plot))
        note_busy(c->shard, a);
    else
        note_free(c->shard, a);
}

/* ------------------------------------------------------------------ generations */

static bool has_say(const struct client *c, uint32_t target, uint32_t generation) {
    for (const struct attempt *a = c->attempts; a != NULL; a = a->next)
        if (a->target == target && a->generation == generation)
            return true;
    return false;
}

static bool has_answered(const struct client *c, uint32_t target) {
    for (const struct attempt *a = c->attempts; a != NULL; a = a->next)
        if (a->target == target && a->headed)
            return true;
    return false;
}

/* The attempt that has closed the breaker may yet fail, and have done so in the same turn. */
static void renew(struct client *c, uint32_t target, uint32_t generation) {
    struct attempt *a = c->attempts;
    while (a != NULL && a->target != target)
        a = a->next;
    if (a != NULL)
        a->generation = generation;
}

/* Whether this target has failed the call by nothing but poison. */
static bool was_poisoned(const struct client *c, uint32_t target) {
    uint32_t others = 0;
    for (const struct attempt *a = c->attempts; a != NULL; a = a->next)
        others += a->target == target && !a->plot.poisoned;
    return c->poison && others == 0;
}

static void check_change(struct client *c, uint32_t target, const struct breaker_view *before,
                         const struct breaker_view *after) {
    struct watch *w = &c->shard->process->watch[target];
    if (after->generation == before->generation && after->failures == before->failures)
        return;
    if (!has_say(c, target, before->generation))
        fail(c->sim, "call %u changes the breaker of node-%u by what it knows of generation %u ago",
             c->id, target + 1, before->generation);
    bool opens = after->generation != before->generation && after->state != BREAKER_CLOSED;
    if ((opens || after->failures > before->failures) && was_poisoned(c, target))
        fail(c->sim, "call %u: its poison counts against node-%u", c->id, target + 1);
    if (after->failures < before->failures && has_answered(c, target))
        w->unreached = 0; /* a stream was found whole by its silence behind the end mark */
    if (after->generation == before->generation)
        return;
    say(c->sim, "process %u: node-%u is %s, %.0f ms", c->shard->process->index, target + 1,
        after->state == BREAKER_CLOSED ? "closed" : "open", after->until - c->sim->look->at);
    w->unreached = 0;
    w->trial = NULL;
    if (after->state == BREAKER_CLOSED)
        renew(c, target, after->generation);
}

/* What a call has taken it gives back when it is over, if not before. */
static void check_permits(const struct client *c, const struct look *now) {
    for (const struct attempt *a = c->attempts; a != NULL && c->call == NULL; a = a->next) {
        const struct breaker_view *is = &now->breaker[a->target];
        bool held = c->shard->process->watch[a->target].trial == a; /* by nobody since */
        /* Whoever is woken in the same millisecond has one that looks the same. */
        bool older = a->sent_at < c->sim->now;
        if (held && older && a->permit_until > 0 && is->state == BREAKER_TRIAL &&
            is->until == a->permit_until && is->generation == a->generation)
            fail(c->sim, "call %u is over, and keeps the permit of node-%u", c->id, a->target + 1);
    }
}

void check_after(struct client *c) {
    struct sim *sim = c->sim;
    struct look now;
    look(c->shard, &now);
    for (uint32_t i = 0; i < TARGETS && !sim->failed; i++) {
        struct watch *w = &c->shard->process->watch[i];
        if (!exists(sim, i))
            continue;
        check_change(c, i, &sim->look->breaker[i], &now.breaker[i]);
        if (sim->set.load_only && now.breaker[i].state != BREAKER_CLOSED)
            load_on_open(c, i);
        if (w->unreached >= sim->set.threshold && now.breaker[i].state == BREAKER_CLOSED)
            fail(sim, "node-%u was not reached %u times in a row, and its breaker is closed", i + 1,
                 w->unreached);
    }
    check_permits(c, &now);
    check_decided(c);
    check_held(c);
}

/* ------------------------------------------------------------------ frames */

/* "breaker NAME AT open|closed UNTIL ..." */
struct told {
    uint32_t target;
    double at, until;
    bool open;
};

static bool read_told(struct gw_str line, struct told *out) {
    uint64_t at, until;
    if (!gw_str_eq(gw_str_cut(&line, ' '), GW_STR("breaker")))
        return false;
    struct gw_str name = gw_str_cut(&line, ' ');
    out->target = target_named(name);
    bool good = gw_str_u64(gw_str_cut(&line, ' '), &at);
    struct gw_str state = gw_str_cut(&line, ' ');
    if (!good || out->target >= TARGETS || !gw_str_u64(gw_str_cut(&line, ' '), &until))
        return false;
    out->at = (double)at;
    out->until = (double)until;
    out->open = gw_str_eq(state, GW_STR("open"));
    return true;
}

void check_news(struct shard *s, struct gw_str lines) {
    while (lines.n > 0) {
        struct told t;
        struct gw_str line = gw_str_cut(&lines, '\n');
        if (!read_told(line, &t))
            fail(s->sim, "shard %u says something strange: %.*s", s->index, (int)line.n, line.p);
        else if (t.at > s->told_at[t.target])
            s->told_at[t.target] = t.at;
    }
}

static void check_line(struct shard *s, const struct told *t, const struct look *now) {
    double wall = host_time(s).wall_ms, at = t->at < wall ? t->at : wall;
    const struct breaker_view *is = &now->breaker[t->target];
    bool closed = is->state == BREAKER_CLOSED;
    if (t->at > wall && t->at <= s->ahead[t->target])
        return; /* it has been told that before */
    if (t->at > wall)
        s->ahead[t->target] = t->at;
    if (at <= s->told_at[t->target])
        return;
    s->told_at[t->target] = at;
    if (t->open ? t->until > wall && closed : !closed)
        fail(s->sim, "shard %u is told that node-%u is %s, and does not believe it", s->index,
             t->target + 1, t->open ? "open" : "closed");
}

/* What is not newer than what it knew has changed nothing. */
static void check_unmoved(struct shard *s, const double before[TARGETS], const struct look *now) {
    for (uint32_t i = 0; i < TARGETS; i++) {
        struct watch *w = &s->process->watch[i];
        if (!exists(s->sim, i) || now->breaker[i].generation == s->sim->look->breaker[i].generation)
            continue;
        if (s->told_at[i] <= before[i])
            fail(s->sim, "shard %u believes old news of node-%u", s->index, i + 1);
        w->unreached = 0;
        w->trial = NULL;
    }
}

void check_told(struct shard *s, struct gw_str lines) {
    struct look now;
    double before[TARGETS];
    memcpy(before, s->told_at, sizeof before);
    look(s, &now);
    while (lines.n > 0) {
        struct told t;
        if (read_told(gw_str_cut(&lines, '\n'), &t))
            check_line(s, &t, &now);
    }
    check_unmoved(s, before, &now);
}

/* ------------------------------------------------------------------ uptime */

static bool says(const struct client *c, struct gw_str what) {
    return gw_str_find(text_str(&c->reason), what) >= 0;
}

/* Whether it could not have gone on at any target. */
static bool is_excused(struct client *c) {
    const struct sim *sim = c->sim;
    return sim->now + 1 >= c->deadline || sim->set.out_of_memory || c->sends >= ATTEMPTS_MAX ||
           says(c, GW_STR("over budget")) || says(c, GW_STR("not held")) ||
           says(c, GW_STR("no room"));
}

/* Where all that is left of the plan is open, and none of it was tried: one that has room; -1: none. */
static int last_open(const struct client *c) {
    struct look now;
    int last = -1;
    look(c->shard, &now);
    /* One that pauses before it asks the same target again has that one left, be it full by then. */
    if (c->paused || says(c, GW_STR("queue"))) /* others were merely full */
        return -1;
    for (const struct attempt *a = c->attempts; a != NULL; a = a->next)
        if (a->panic)
            return -1;
    for (uint32_t i = 0; i < TARGETS; i++) {
        double busy_at = c->shard->process->busy_at[i];
        if (!check_is_in_plan(c, i))
            continue;
        if (busy_at > 0 && c->sim->now <= busy_at + COOL_MS)
            return -1; /* it is left as well */
        if (check_was_tried(c, i, NULL))
            continue;
        if (now.breaker[i].state != BREAKER_OPEN || c->sim->look->breaker[i].state != BREAKER_OPEN)
            return -1;
        if (has_room(c, i))
            last = (int)i;
    }
    return last;
}

void check_refusal(struct client *c) {
    int well = passed_over(c, NULL), open = last_open(c);
    if (open >= 0 && c->status != 500 && !is_excused(c)) /* else it is what another has said */
        fail(c->sim,
             "call %u: refused with %u, but node-%d, the last, which is open, was not tried", c->id,
             c->status, open + 1);
    if (well >= 0 && !is_excused(c))
        fail(c->sim, "call %u: refused with %u, but node-%d is well and was not asked", c->id,
             c->status, well + 1);
}

void check_broken(struct client *c) {
    const struct sim *sim = c->sim;
    int well = passed_over(c, NULL), open = last_open(c);
    bool held = c->body_n <= sim->set.replay_bytes_max && sim->set.differs <= 0 &&
                sim->set.replay_total_max >= 1 << 20; /* else there may be no room for it */
    /* What was paid for and refused in the same turn is not seen here. */
    bool rich = *tokens_of(c) > BUCKET && !sim->set.storm;
    /* A target's own error is passed on if only open ones are left. */
    bool own = gw_str_find(text_str(&c->got), GW_STR("out of memory")) >= 0;
    if (open >= 0 && held && rich && !own && !is_excused(c))
        fail(c->sim, "call %u: broken off, but node-%d, the last, which is open, was not tried",
             c->id, open + 1);
    if (well >= 0 && held && rich && !is_excused(c))
        fail(c->sim, "call %u: broken off, but node-%d is well and could have gone on", c->id,
             well + 1);
}

void check_calm(struct sim *sim) {
    for (uint32_t i = 0; i < sim->shards; i++) {
        const struct shard *s = &sim->shard[i];
        for (uint32_t n = 0; n < NODES; n++) {
            enum pool_state state = pool_state_of(&s->gw->cluster.pool, n, host_time(s).mono_ms);
            bool is_full = pool_in_flight(&s->gw->cluster.pool, n) >= sim->set.in_flight_max;
            if (state != POOL_READY && !is_full)
                fail(sim, "shard %u: node-%u is well, and in state %d", i, n + 1, (int)state);
        }
    }
}

void check_reaped(struct sim *sim) {
    for (uint32_t i = 0; i < sim->shards; i++) {
        const struct shard *s = &sim->shard[i];
        struct gw_str rest = gw_show(s->gw, GW_SHOW_HEALTH, host_time(s)),
                      name = GW_STR("\"in_flight\":");
        if (room_taken(&s->gw->cluster.pool.cells) != 0)
            fail(sim, "shard %u: bytes are still held", i);
        for (uint32_t n = 0; n < NODES; n++)
            if (s->gw->cluster.pool.backend[n].awaiting != 0 ||
                cells_of(&s->gw->cluster.pool.cells)->backend[n].serving != 0 ||
                cells_of(&s->gw->cluster.pool.cells)->backend[n].unseen != 0)
                fail(sim, "shard %u: node-%u counts requests that are over", i, n + 1);
        ptrdiff_t at;
        for (uint32_t n = 0; (at = gw_str_find(rest, name)) >= 0; n++) {
            rest = gw_str_sub(rest, (size_t)at + name.n, rest.n);
            if (!gw_str_starts(rest, GW_STR("0,")))
                fail(sim, "shard %u: slots of backend %u were not given back: %.8s", i, n + 1,
                     rest.p);
        }
    }
}
