/*
 *     sim SEED           one seed, with its log
 *     sim FIRST COUNT    so many seeds: one line of figures; a seed that fails is told with its log
 */
#include "sim.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    MODELS_EACH = 3,
    DRAIN_MS = 600000,
    MODELS_CALM_MS = 400000,
    CALM_MS = 50000,
    SETTLED_MS = 45000,
    TWICE = 64,
    LOG_LINES = 40
};

static char last_words[64]; /* of a seed that ends in a trap */

/* ------------------------------------------------------------------ one seed */

static void settle_settings(struct sim *sim) {
    struct settings *s = &sim->set;
    s->storm = chance(sim, 0.1);
    s->chaos_ms = between(sim, 4000, s->storm ? 6000 : 40000);
    s->rate = s->storm ? between(sim, 40, 150) : between(sim, 2, 8);
    s->request_ms = between(sim, 6000, 20000);
    s->queue_ms = chance(sim, 0.2) ? 0 : between(sim, 500, 3000);
    s->queue_max = chance(sim, 0.2) ? 2 : 64;
    s->first_byte_ms = between(sim, 1000, 5000);
    s->silence_ms = between(sim, 500, 3000);
    s->probe_ms = chance(sim, 0.2) ? 1000 : 0;
    s->threshold = chance(sim, 0.7) ? 3 : 1 + pick(sim, 5);
    s->replay_bytes_max = chance(sim, 0.2) ? 200 : 65536;
    s->replay_total_max = chance(sim, 0.3) ? 4000 + pick(sim, 6000) : 1 << 20;
    s->large = chance(sim, 0.5) ? 0.3 : 0;
    s->has_spare = chance(sim, 0.3);
    s->frame_ms = chance(sim, 0.3) ? 10000 : between(sim, 2, 500);
    s->frames_lost = chance(sim, 0.5) ? between(sim, 0, 0.5) : 0;
    s->frames_repeated = chance(sim, 0.5) ? between(sim, 0, 0.5) : 0;
    s->lost = chance(sim, 0.5) ? 0.01 : 0;
    /* What is lost keeps its slot until it is reaped: with few of them, nothing would be left. */
    s->in_flight_max = s->lost <= 0 && chance(sim, 0.5) ? 1 + pick(sim, 2) : 8;
    s->slow = chance(sim, 0.5) ? 0.05 : 0;
    s->leaves = chance(sim, 0.7) ? 0.1 : 0;
    s->hurried = chance(sim, 0.7) ? 0.15 : 0;
    s->streams = between(sim, 0, 1);
    s->repeats = chance(sim, 0.5) ? between(sim, 0, 0.6) : 0;
    s->differs = chance(sim, 0.3) ? 0.3 : 0;
    s->focus = s->storm ? 0.8 : 0;
    s->edge = chance(sim, 0.5);
    s->out_of_memory = chance(sim, 0.03);
    s->poison = chance(sim, 0.4) ? between(sim, 0, 0.3) : 0;
}

static void begin_models(struct sim *sim) {
    for (uint32_t i = 0; i < sim->shards; i++)
        host_task(sim, &sim->shard[i]);
    model_begin_all(sim);
    talk_begin_all(sim);
}

static void begin(struct sim *sim) {
    for (uint32_t i = 0; i < TARGETS; i++)
        sim->node[i] = (struct node){.index = i,
                                     .latency_ms = between(sim, 2, 300),
                                     .differs = chance(sim, sim->set.differs)};
    for (uint32_t i = 0; i < sim->shards; i++)
        host_task(sim, &sim->shard[i]);
    node_begin_moods(sim);
    client_arrive(sim, NULL);
}

static void until(struct sim *sim, double at) {
    while (sim->now < at && world_step(sim))
        ;
}

static void nobody_is_left(struct sim *sim) {
    for (const struct client *c = sim->clients; c != NULL; c = c->next)
        if (!c->over && !c->lost && !c->task)
            fail(sim, "call %u: never over", c->id);
}

/* Model servers: when all are well, whoever still waits is served; then every breaker closes. */
static void run_models(struct sim *sim) {
    begin_models(sim);
    until(sim, sim->set.chaos_ms);
    model_calm(sim);
    sim->calm = true;
    say(sim, "calm");
    if (!sim->set.load_only) {
        until(sim, sim->now + DRAIN_MS);
        client_calm_round(sim, NULL);
        until(sim, sim->now + MODELS_CALM_MS);
        if (!sim->failed)
            check_calm(sim);
    }
}

static void run_moods(struct sim *sim) {
    begin(sim);
    until(sim, sim->set.chaos_ms);
    sim->calm = true;
    say(sim, "calm");
    node_calm(sim);
    client_calm_round(sim, NULL);
    until(sim, sim->now + SETTLED_MS);
    if (!sim->failed)
        check_calm(sim);
    sim->settled = true;
    until(sim, sim->now + CALM_MS - SETTLED_MS);
}

static void run(struct sim *sim, uint64_t seed) {
    world_init(sim, seed);
    if (seed % MODELS_EACH == 0)
        model_settle(sim);
    else
        settle_settings(sim);
    snprintf(last_words, sizeof last_words, "seed %llu: a trap\n", (unsigned long long)seed);
    if (!host_start(sim))
        return;
    if (sim->set.models)
        run_models(sim);
    else
        run_moods(sim);
    sim->ending = true;
    until(sim, 1e18);
    if (!sim->failed)
        nobody_is_left(sim);
    if (!sim->failed)
        host_reap(sim);
    if (!sim->failed)
        host_stop(sim);
}

/* ------------------------------------------------------------------ many seeds */

static void add(struct counts *all, const struct counts *one) {
    all->calls += one->calls;
    all->attempts += one->attempts;
    all->retries += one->retries;
    all->trials += one->trials;
    all->panics += one->panics;
    all->frames += one->frames;
    all->lost += one->lost;
    all->streams += one->streams;
    all->ok += one->ok;
    all->aborted += one->aborted;
    all->opened += one->opened;
    all->upset += one->upset;
    all->homes += one->homes;
    if (one->memory > all->memory)
        all->memory = one->memory;
}

static void tell(uint64_t seed, const struct sim *sim) {
    printf("seed %llu at %.3f s: %s\n", (unsigned long long)seed, sim->now / 1000, sim->why);
}

/* Whether the seed is good. Every now and then it is run twice: it must do the same. */
static bool is_good(struct sim *sim, uint64_t seed, struct counts *all) {
    run(sim, seed);
    uint64_t digest = sim->digest;
    bool good = !sim->failed;
    if (!good)
        tell(seed, sim);
    add(all, &sim->counts);
    all->seeds++;
    world_del(sim);
    if (!good || seed % TWICE != 0)
        return good;
    run(sim, seed);
    good = sim->digest == digest;
    if (!good)
        printf("seed %llu: a second run does something else\n", (unsigned long long)seed);
    world_del(sim);
    return good;
}

static int aloud(struct sim *sim, uint64_t seed) {
    sim->aloud = true;
    run(sim, seed);
    if (sim->failed)
        tell(seed, sim);
    else
        printf("seed %llu: good, digest %016llx\n", (unsigned long long)seed,
               (unsigned long long)sim->digest);
    int code = sim->failed;
    world_del(sim);
    return code;
}

static void trapped(int signal) {
    (void)signal;
    _exit(write(STDOUT_FILENO, last_words, strlen(last_words)) > 0 ? 1 : 3);
}

int main(int argc, char **argv) {
    static struct sim sim;
    struct counts all = {0};
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "sim SEED | sim FIRST COUNT\n");
        return 2;
    }
    signal(SIGILL, trapped);
    signal(SIGTRAP, trapped);
    uint64_t first = strtoull(argv[1], NULL, 10), bad = 0;
    if (argc == 2)
        return aloud(&sim, first);
    uint64_t count = strtoull(argv[2], NULL, 10);
    for (uint64_t seed = first; seed < first + count && bad == 0; seed++)
        bad += !is_good(&sim, seed, &all);
    printf("%llu seeds, %llu calls, %llu served, %llu streams, %llu attempts, %llu retries, %llu "
           "trials, "
           "%llu panics, %llu frames, %llu lost, %llu at home; a call held %zu bytes; by load "
           "alone %llu "
           "aborted, %llu upset, %llu opened; %llu failed\n",
           (unsigned long long)all.seeds, (unsigned long long)all.calls, (unsigned long long)all.ok,
           (unsigned long long)all.streams, (unsigned long long)all.attempts,
           (unsigned long long)all.retries, (unsigned long long)all.trials,
           (unsigned long long)all.panics, (unsigned long long)all.frames,
           (unsigned long long)all.lost, (unsigned long long)all.homes, all.memory,
           (unsigned long long)all.aborted, (unsigned long long)all.upset,
           (unsigned long long)all.opened, (unsigned long long)bad);
    return bad > 0;
}
