/*
 * Who asks model servers: conversations, whose turns begin with all that was said before; long prompts,
 * one after the other; and sometimes many requests at once.
 */
#include "sim.h"

#include <math.h>

enum { SHORT_MAX = 400, LONG_MAX = 24000, BURST_MAX = 16 };

/* ------------------------------------------------------------------ what is said */

static void put_message(struct sim *sim, struct text *out, const char *role, size_t n) {
    text_putf(sim, out, "%s{\"role\":\"%s\",\"content\":\"%llu ", out->n > 0 ? "," : "", role,
              (unsigned long long)gw_rng_next(&sim->rng));
    for (size_t i = 0; i < n; i += 10)
        text_put(sim, out, GW_STR("and so on "));
    text_put(sim, out, GW_STR("\"}"));
}

static void put_request(struct client *c, struct gw_str messages) {
    struct text body = {0};
    text_putf(c->sim, &body, "{\"model\":\"m\",\"stream\":%s,\"messages\":[",
              c->streamed ? "true" : "false");
    text_put(c->sim, &body, messages);
    text_put(c->sim, &body, GW_STR("]}"));
    c->body = body.p;
    c->body_n = body.n;
}

static void ask(struct sim *sim, struct shard *shard, struct talk *talk, uint32_t class,
                struct gw_str messages) {
    const struct settings *s = &sim->set;
    struct client *c = client_new(sim, shard);
    c->talk = talk;
    c->content =
        1000 + (chance(sim, 0.3) ? 20 * pick(sim, 10) : pick(sim, 200)); /* 20n: a long answer */
    c->streamed = chance(sim, s->streams);
    /* A relayed stream makes its node the home as soon as its head comes, be it cut later. */
    c->fast = talk == NULL && chance(sim, 0.05);
    c->limit_ms = chance(sim, s->hurried) ? floor(between(sim, 2000, 60000)) : 0;
    put_request(c, messages);
    if (talk == NULL && chance(sim, s->leaves))
        world_at(sim, sim->now + between(sim, 0, 30000), client_leave, c);
    client_ask(c, class, c->streamed);
}

static size_t length(struct sim *sim, double is_long) {
    return (size_t)(chance(sim, is_long) ? between(sim, SHORT_MAX, LONG_MAX)
                                         : between(sim, 20, SHORT_MAX));
}

/* ------------------------------------------------------------------ conversations */

static void next_turn(struct sim *sim, void *who) {
    struct talk *talk = who;
    if (sim->calm || talk->turns == 0)
        return;
    talk->turns--;
    put_message(sim, &talk->messages, "user", length(sim, 0.05));
    /* A connection goes on at the same loop, mostly. */
    if (chance(sim, 0.05))
        talk->shard = &sim->shard[pick(sim, sim->shards)];
    ask(sim, talk->shard, talk, talk->class, text_str(&talk->messages));
}

void talk_on_end(struct client *c, bool served) {
    struct talk *talk = c->talk;
    put_message(c->sim, &talk->messages, "assistant", served ? c->got.n / 8 : 1);
    world_at(c->sim, c->sim->now + between(c->sim, 0.2, 1.8) * talk->think_ms, next_turn, talk);
}

static void begin_talk(struct sim *sim, void *nothing) {
    struct talk *talk = world_new(sim, sizeof *talk);
    (void)nothing;
    talk->id = ++sim->talks;
    talk->sim = sim;
    talk->class = chance(sim, sim->set.focus) ? 1 : pick(sim, CLASSES);
    talk->turns = 3 + pick(sim, 10);
    talk->shard = &sim->shard[pick(sim, sim->shards)];
    talk->think_ms = between(sim, 200, 8000);
    put_message(sim, &talk->messages, "system", length(sim, 0.5));
    next_turn(sim, talk);
}

/* ------------------------------------------------------------------ others */

static void ask_once(struct sim *sim, uint32_t class, double is_long) {
    struct text messages = {0};
    put_message(sim, &messages, "user", length(sim, is_long));
    ask(sim, &sim->shard[pick(sim, sim->shards)], NULL, class, text_str(&messages));
}

static void lone(struct sim *sim, void *nothing) {
    if (sim->calm)
        return;
    ask_once(sim, chance(sim, sim->set.focus) ? 1 : pick(sim, CLASSES), 0.5);
    world_at(sim, sim->now + between(sim, 0, 2000) / sim->set.rate, lone, nothing);
}

static void burst(struct sim *sim, void *nothing) {
    uint32_t n = 2 + pick(sim, BURST_MAX - 1);
    double is_long = chance(sim, 0.3) ? 0.3 : 0;
    if (sim->calm)
        return;
    for (uint32_t i = 0; i < n && !sim->failed; i++)
        ask_once(sim, 1, is_long);
    world_at(sim, sim->now + between(sim, 20000, 90000), burst, nothing);
}

void talk_begin_all(struct sim *sim) {
    struct settings *s = &sim->set;
    bool quiet = chance(sim, 0.3); /* a few conversations, mostly one for each node of a pair */
    uint32_t n = quiet ? 2 + pick(sim, 2) : 1 + pick(sim, 8);
    s->focus = quiet ? 1 : chance(sim, 0.5) ? 0.8 : 0;
    s->rate = quiet || chance(sim, 0.5) ? 0 : between(sim, 0.05, 0.5);
    for (uint32_t i = 0; i < n; i++)
        world_at(sim, sim->now + between(sim, 0, s->chaos_ms / 2), begin_talk, NULL);
    if (s->rate > 0)
        world_at(sim, sim->now + between(sim, 0, 5000), lone, NULL);
    if (!quiet && chance(sim, 0.5))
        world_at(sim, sim->now + between(sim, 0, 30000), burst, NULL);
}
