/*
 * A host as gw.h wants it: feed once, poll until WAIT or END, then drain what gw_ready names. It loses
 * a call now and then, is a little late with its ticks, and tells of attempts that were dropped.
 */
#include "sim.h"

#include <stdio.h>

enum { POLLS_MAX = 64, TICKS_MAX = 5000, TICKS_MAX_MODELS = 60000, LATE_MS = 20 };

struct gw_time host_time(const struct shard *shard) {
    const struct sim *sim = shard->sim;
    return (struct gw_time){sim->now + shard->process->mono_offset,
                            sim->now + 1.7e12 + shard->process->wall_offset};
}

static double from_host(const struct shard *shard, double mono) {
    return mono - shard->process->mono_offset;
}

/* ------------------------------------------------------------------ starting */

static void put_file(struct sim *sim, struct text *t) {
    const struct settings *s = &sim->set;
    text_putf(sim, t, "{\"log_requests\":false,\"breaker\":{\"failure_threshold\":%u},",
              s->threshold);
    text_putf(sim, t, "\"limits\":{\"request_ms\":%.0f,\"silence_ms\":%.0f,\"probe_ms\":%.0f,",
              s->request_ms, s->silence_ms, s->probe_ms);
    text_putf(sim, t, "\"replay_bytes_max\":%u,\"replay_total_max\":%u},", s->replay_bytes_max,
              s->replay_total_max);
    if (s->has_spare)
        text_putf(sim, t, "\"local\":{\"services\":{\"spare\":\"http://127.0.0.1:9009\"}},");
    text_putf(sim, t, "\"heavy\":{");
    if (s->queue_ms >= 0)
        text_putf(sim, t, "\"queue_ms\":%.0f,", s->queue_ms);
    text_putf(sim, t, "\"queue_max\":%u,\"in_flight_max\":%u,", s->queue_max, s->in_flight_max);
    text_putf(sim, t, "\"first_byte_ms\":%.0f,\"overflow\":[%s]}}", s->first_byte_ms,
              s->has_spare ? "\"local/spare\"" : "");
}

static void put_env(struct sim *sim, struct text *t) {
    for (int i = 0; i < NODES; i++) {
        text_putf(sim, t, "COLAB_ENDPOINT_%d=http://127.0.0.1:%d", i + 1, 9001 + i);
        text_put(sim, t, gw_str("", 1));
    }
    if (sim->set.edge)
        text_put(sim, t, GW_STR("GATEWAY_AUTH=off\0"));
}

static void start_process(struct sim *sim, uint32_t loops) {
    struct process *p = &sim->process[sim->processes];
    p->index = sim->processes++;
    p->loops = loops;
    p->cells = world_new(sim, gw_cells_n() * sizeof *p->cells);
    p->mono_offset = between(sim, 0, 1e9);
    p->wall_offset = chance(sim, 0.3) ? between(sim, -2000, 2000) : 0;
    for (uint32_t i = 0; i < loops; i++) {
        struct shard *s = &sim->shard[sim->shards];
        *s = (struct shard){.sim = sim, .process = p, .index = sim->shards++};
    }
}

static bool start_shard(struct sim *sim, struct shard *s, const struct gw_source *source) {
    char why[256] = "";
    size_t n = 0;
    struct gw_cells cells = {s->process->cells, s->process->loops};
    s->gw = gw_new(&sim->mem, &cells, source, sim->seed * 16 + s->index, why, sizeof why - 1, &n);
    if (s->gw == NULL)
        fail(sim, "no gateway: %s", why);
    return s->gw != NULL;
}

bool host_start(struct sim *sim) {
    static const uint8_t shapes[][PROCESSES_MAX] = {{1}, {1, 1}, {2}, {1, 1, 1}, {2, 1}, {2, 2}};
    struct text file = {0}, env = {0};
    bool lone = sim->set.models && chance(sim, 0.5);
    const uint8_t *shape = shapes[lone ? 0 : pick(sim, sizeof shapes / sizeof *shapes)];
    bool out_of_memory = sim->set.out_of_memory;
    sim->set.out_of_memory = false;
    for (int i = 0; i < PROCESSES_MAX && shape[i] > 0; i++)
        start_process(sim, shape[i]);
    put_file(sim, &file);
    put_env(sim, &env);
    say(sim, "%u processes, %u shards: %s", sim->processes, sim->shards, file.p);
    struct gw_source source = {sim->set.edge ? GW_EDGE : GW_RACK, text_str(&env), text_str(&file)};
    for (uint32_t i = 0; i < sim->shards; i++)
        if (!start_shard(sim, &sim->shard[i], &source))
            return false;
    sim->set.out_of_memory = out_of_memory;
    return true;
}

void host_stop(struct sim *sim) {
    for (uint32_t i = 0; i < sim->shards; i++)
        gw_del(sim->shard[i].gw);
    if (sim->live != 0)
        fail(sim, "%zu bytes were not given back", sim->live);
}

/* ------------------------------------------------------------------ attempts */

static struct attempt *find(const struct client *c, uint32_t number) {
    struct attempt *a = c->attempts;
    while (a != NULL && a->number != number)
        a = a->next;
    return a;
}

uint32_t target_named(struct gw_str name) {
    if (name.n == 6 && gw_str_starts(name, GW_STR("node-")))
        return (uint32_t)(name.p[5] - '1');
    return gw_str_eq(name, GW_STR("local/spare")) ? (uint32_t)SPARE : (uint32_t)TARGETS;
}

static void act_send(struct client *c, const struct gw_action *action) {
    struct sim *sim = c->sim;
    struct attempt *a = world_new(sim, sizeof *a);
    *a = (struct attempt){.sim = sim, .next = c->attempts, .client = c, .number = action->attempt};
    a->target = target_named(action->send.target.name);
    a->probe = c->task;
    c->attempts = a;
    sim->counts.attempts++;
    say(sim, "call %u: sent to %.*s, attempt %u", c->id, (int)action->send.target.name.n,
        action->send.target.name.p, a->number);
    if (a->target >= TARGETS || ++c->sends > TRIES_MAX) {
        fail(sim, "call %u: attempt %u, to target %u", c->id, a->number, a->target);
        return;
    }
    if (a->next != NULL && a->next->number >= a->number)
        fail(sim, "call %u: attempt %u follows %u", c->id, a->number, a->next->number);
    check_send(a);
    if (sim->set.models)
        load_on_send(a);
    if (sim->set.models)
        model_begin(a);
    else
        node_begin(a);
}

static void act_drop(struct client *c, uint32_t number) {
    struct attempt *a = find(c, number);
    say(c->sim, "call %u: attempt %u dropped", c->id, number);
    if (a == NULL || a->state == DROPPED) {
        fail(c->sim, "call %u: DROP of attempt %u, which is not under way", c->id, number);
        return;
    }
    if (c->sim->set.models)
        load_on_drop(a);
    a->state = DROPPED;
    a->late_events = chance(c->sim, 0.3);
    check_release(a);
}

/* A relay that the core does not look after any more has its time, too. */
static void relay_late(struct sim *sim, void *who) {
    struct client *c = who;
    if (c->call != NULL || c->over || c->source->state != RELAYED)
        return;
    say(sim, "call %u: the relay takes too long", c->id);
    c->source->state = DROPPED;
    client_end(c, 1);
}

static void act_relay(struct client *c, const struct gw_action *action) {
    struct attempt *a = find(c, action->attempt);
    if (a == NULL || a->state == DROPPED || !c->headed) {
        fail(c->sim, "call %u: RELAY of attempt %u, which has no answer", c->id, action->attempt);
        return;
    }
    c->source = a;
    c->relay_at = from_host(c->shard, action->at);
    if (a->state == UNDER_WAY)
        a->state = RELAYED;
    world_at(c->sim, c->relay_at, relay_late, c);
    if (!action->relay.report)
        check_release(a);
}

static void act_data(struct client *c, const struct gw_action *action) {
    for (uint32_t i = 0; i < action->data.slices_n; i++) {
        const struct gw_slice *s = &action->data.slices[i];
        struct gw_str bytes = gw_str(s->p, (size_t)s->len);
        if (s->kind == GW_CHUNK)
            bytes = gw_str_sub(c->chunk, (size_t)s->off, (size_t)s->len);
        if (bytes.n != s->len || s->kind == GW_REQUEST)
            fail(c->sim, "call %u: DATA names bytes that are not there", c->id);
        digest_bytes(c->sim, bytes);
        client_data(c, bytes);
    }
}

/* ------------------------------------------------------------------ the pump */

static void close_call(struct client *c) {
    struct gw_call *call = c->call;
    c->call = NULL;
    for (struct attempt *a = c->attempts; a != NULL; a = a->next) {
        check_release(a);
        if (a->state == UNDER_WAY || (a->state == RELAYED && a != c->source))
            a->state = DROPPED;
    }
    gw_close(call, host_time(c->shard));
}

static void on_tick(struct sim *sim, void *who) {
    struct client *c = who;
    /* An older timer, or a client that does not take its answer. */
    if (c->call == NULL || c->lost || sim->now < c->tick_at)
        return;
    if (sim->now < c->slow_until) {
        c->tick_at = c->slow_until;
        world_at(sim, c->tick_at, on_tick, c);
        return;
    }
    if (++c->ticks > (sim->set.models ? TICKS_MAX_MODELS : TICKS_MAX)) {
        fail(sim, "call %u: %u ticks, and none enough", c->id, c->ticks);
        return;
    }
    c->tick_at = 1e18;
    struct gw_event e = {.kind = GW_TICK};
    host_feed(c, &e);
}

static void act_wait(struct client *c, double mono_at) {
    struct sim *sim = c->sim;
    double at = from_host(c->shard, mono_at);
    if (!(at < sim->now + 1e7))
        fail(sim, "call %u: waits until %g", c->id, at);
    at = at > sim->now ? at : sim->now;
    if (chance(sim, 0.1))
        at += between(sim, 0, LATE_MS);
    if (c->tick_at == at)
        return;
    c->tick_at = at;
    world_at(sim, at, on_tick, c);
}

static void answer_ask(struct sim *sim, void *who) {
    struct client *c = who;
    struct gw_event e = {.kind = GW_ANSWER, .answer = {.id = c->asked, .status = c->answer}};
    (void)sim;
    if (c->call != NULL && !c->lost)
        host_feed(c, &e);
}

/* Whether it lives: one that is down is refused, one that is mute or stalls says nothing. */
static void act_ask(struct client *c, const struct gw_action *action) {
    struct sim *sim = c->sim;
    uint32_t target = target_named(action->ask.target.name);
    enum mood mood = target < TARGETS ? sim->node[target].mood : GOOD;
    c->asked = action->ask.id;
    c->answer = mood == DOWN || mood == TUNNEL ? GW_ANSWER_FAILED : GW_ANSWER_DONE;
    if (action->ask.what != GW_ASK_ALIVE)
        fail(sim, "call %u: ASK %u", c->id, action->ask.what);
    bool stalls = sim->set.models && sim->model[target].stalled_until > sim->now;
    if (sim->set.models && sim->model[target].dead)
        c->answer = GW_ANSWER_FAILED;
    if (mood != MUTE && mood != STALLS && !stalls)
        world_at(sim, sim->now + between(sim, 1, 100), answer_ask, c);
}

static void act(struct client *c, const struct gw_action *a) {
    struct sim *sim = c->sim;
    digest_word(sim, a->kind | (uint64_t)a->attempt << 8 | (uint64_t)c->id << 32);
    switch (a->kind) {
    case GW_READ:
        c->upto = a->read.upto > c->upto ? a->read.upto : c->upto;
        c->show = a->read.show > c->show ? a->read.show : c->show;
        break;
    case GW_SEND:
        act_send(c, a);
        break;
    case GW_DROP:
        act_drop(c, a->attempt);
        break;
    case GW_HEAD:
        digest_bytes(sim, a->head.head);
        client_head(c, a->head.status, a->head.head, a->head.body_len);
        break;
    case GW_DATA:
        act_data(c, a);
        break;
    case GW_RELAY:
        act_relay(c, a);
        break;
    case GW_ASK:
        act_ask(c, a);
        break;
    case GW_WAIT:
        act_wait(c, a->at);
        break;
    default:
        break;
    }
}

/* Until WAIT or END. */
static void pump(struct client *c) {
    struct sim *sim = c->sim;
    struct gw_action a;
    for (int i = 0; i < POLLS_MAX && !sim->failed; i++) {
        uint32_t kind = gw_poll(c->call, &a);
        act(c, &a);
        if (kind == GW_END) {
            uint32_t code = a.end.code;
            close_call(c);
            if (c->source == NULL || c->source->state != RELAYED)
                client_end(c, code);
            return;
        }
        if (kind == GW_WAIT)
            return;
    }
    fail(sim, "call %u: polled without end", c->id);
}

static void drain_ready(struct shard *s) {
    struct gw_call *call;
    while (!s->sim->failed && (call = gw_ready(s->gw)) != NULL) {
        struct client *c = gw_user(call);
        say(s->sim, "call %u: woken", c->id);
        if (!c->lost)
            pump(c);
    }
}

/* The core cannot go on with this call. */
static void give_up(struct client *c, int error) {
    if (!c->sim->set.out_of_memory)
        fail(c->sim, "call %u: gw_feed says %d", c->id, error);
    say(c->sim, "call %u: given up, %d", c->id, error);
    c->excused = true;
    close_call(c);
    client_end(c, 1);
}

void host_feed(struct client *c, const struct gw_event *event) {
    static const char *const names[] = {"",        "REQ_HEAD", "REQ_BODY", "RES_HEAD", "RES_BODY",
                                        "RES_END", "RES_FAIL", "TICK",     "GONE",     "ANSWER"};
    struct sim *sim = c->sim;
    struct attempt *a = event->attempt > 0 ? find(c, event->attempt) : NULL;
    if (c->call == NULL || c->lost || sim->failed)
        return;
    if (event->kind != GW_RES_BODY)
        say(sim, "call %u: %s%s", c->id, names[event->kind],
            a != NULL && a->state == DROPPED ? " of an attempt that was dropped" : "");
    check_before(c->shard);
    if (a != NULL)
        check_event(c, event, a);
    c->chunk = event->kind == GW_RES_BODY ? event->res_body : (struct gw_str){NULL, 0};
    size_t live = sim->live;
    int error = gw_feed(c->call, event, host_time(c->shard));
    check_memory(c, live);
    if (error != 0)
        give_up(c, error);
    else
        pump(c);
    drain_ready(c->shard);
    check_after(c);
    frames_send(c->shard);
}

/* ------------------------------------------------------------------ calls */

static struct gw_call *open_call(struct client *c) {
    c->call = gw_open(c->shard->gw, host_time(c->shard));
    if (c->call == NULL && !c->sim->set.out_of_memory)
        fail(c->sim, "call %u: gw_open has no memory", c->id);
    if (c->call != NULL)
        gw_set_user(c->call, c);
    return c->call;
}

void host_open(struct client *c) {
    struct gw_header headers[4];
    char timeout[24];
    struct gw_event e = {.kind = GW_REQ_HEAD};
    uint32_t n = 0;
    static const char *const paths[CLASSES] = {
        "/api/heavy/reasoning/v1/chat/completions", "/api/heavy/code/v1/chat/completions",
        "/api/heavy/vision/v1/chat/completions", "/api/heavy/batch/v1/chat/completions"};
    const char *path = c->sniffed ? "/api/heavy/process" : paths[c->class];
    headers[n++] = (struct gw_header){GW_STR("content-type"), GW_STR("application/json")};
    if (c->fast)
        headers[n++] = (struct gw_header){GW_STR("x-heady-stream"), GW_STR("fast")};
    if (c->limit_ms > 0) {
        size_t len = (size_t)snprintf(timeout, sizeof timeout, "%.0f", c->limit_ms);
        headers[n++] = (struct gw_header){GW_STR("x-heady-timeout-ms"), gw_str(timeout, len)};
    }
    e.req_head = (struct gw_req_head){.method = GW_STR("POST"),
                                      .target = gw_str(path, strlen(path)),
                                      .authority = GW_STR("127.0.0.1:4700"),
                                      .headers = headers,
                                      .headers_n = n,
                                      .peer = GW_PEER_LOOPBACK,
                                      .body_len = c->chunked ? GW_UNKNOWN : c->body_n};
    check_before(c->shard);
    if (open_call(c) == NULL) {
        c->over = c->excused = true;
        return;
    }
    drain_ready(c->shard);
    check_paid(c);
    host_feed(c, &e);
    host_body(c->sim, c);
}

void host_body(struct sim *sim, void *client) {
    struct client *c = client;
    if (c->call == NULL || c->lost || c->fin)
        return;
    size_t n = chance(sim, 0.7) ? c->body_n - c->told : 1 + pick(sim, (uint32_t)c->body_n);
    size_t end = c->told + n < c->body_n ? c->told + n : c->body_n;
    if (end > c->upto)
        end = c->upto;
    if (end > c->told) {
        struct gw_event e = {.kind = GW_REQ_BODY,
                             .req_body = {.off = c->told, .len = end - c->told}};
        if (c->told < c->show)
            e.req_body.bytes = gw_str(c->body + c->told, end - c->told);
        c->told = end;
        c->fin = e.req_body.fin = end == c->body_n;
        c->fin_at = sim->now;
        host_feed(c, &e);
    }
    if (!c->fin)
        world_at(sim, sim->now + between(sim, 1, 200), host_body, c);
}

void host_leave(struct client *c) {
    struct gw_event e = {.kind = GW_GONE};
    if (c->call != NULL)
        host_feed(c, &e);
}

void host_task(struct sim *sim, void *shard) {
    struct shard *s = shard;
    double next_ms = 0;
    check_before(s);
    for (int i = 0; i <= NODES && !sim->failed; i++) {
        struct gw_call *call = gw_task(s->gw, host_time(s), &next_ms);
        if (call == NULL)
            break;
        struct client *c = client_new(sim, s);
        c->task = true;
        c->call = call;
        c->deadline = sim->now + 10000;
        gw_set_user(call, c);
        pump(c);
        drain_ready(s);
        check_after(c);
        frames_send(s);
        check_before(s);
    }
    if (!(next_ms > 0))
        fail(sim, "gw_task wants to be asked again in %g ms", next_ms);
    if (!sim->ending)
        world_at(sim, sim->now + (next_ms < 60000 ? next_ms : 60000), host_task, s);
}

/* All that was lost must be over by now: a call that is opened takes it back. */
void host_reap(struct sim *sim) {
    sim->set.out_of_memory = false;
    sim->now += sim->set.request_ms + 61000;
    say(sim, "what was lost is reaped");
    for (uint32_t i = 0; i < sim->shards; i++) {
        struct shard *s = &sim->shard[i];
        struct gw_call *call = gw_open(s->gw, host_time(s));
        gw_close(call, host_time(s));
    }
    check_reaped(sim);
    for (struct client *c = sim->clients; c != NULL && !sim->failed; c = c->next)
        if (c->call != NULL && c->lost)
            close_call(c);
}
