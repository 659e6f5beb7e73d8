/*
 * The simulator: whole gateways under a fake clock, among nodes and clients that misbehave.
 *
 * A seed makes a world: some processes, each of one or more shards (a struct gw; those of a process
 * share cells), eight nodes and a spare service, and clients that come at random. Nothing but the
 * seed decides what happens, so a failure is a number. The gateways are driven through gw.h alone;
 * only checks.c and load.c look inside, to know in which state a breaker is, and change nothing there.
 *
 *     world.c    the clock and its queue of events, chance, the log, the digest, memory
 *     host.c     a host that follows gw.h's one rule, and loses calls now and then
 *     nodes.c    what nodes do with an attempt, and what they answer
 *     clients.c  who asks, for what, and whether the answer is right
 *     models.c   the other kind of world: nodes as model servers are, which queue and read
 *     talks.c    who asks there: conversations, long prompts, many at once
 *     frames.c   what processes tell each other, over a bad network
 *     checks.c   what must hold whatever happens
 *     load.c     what must hold at model servers
 *     sim.c      the course of one seed, and many of them
 *
 * A run of one seed: CHAOS, in which nodes change their moods and frames are lost; CALM, in which all
 * nodes are well, so that everything must be found healthy again; then no client comes any more, and
 * what was lost is reaped. In each third seed the nodes are model servers, see models.c. Nothing is freed before the end, so no event finds its object gone.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/rng.h"
#include "core/gw.h"

enum {
    NODES = 8,
    SPARE = NODES, /* the service that a class may overflow to */
    TARGETS = NODES + 1,
    CLASSES = 4,
    PROCESSES_MAX = 3,
    SHARDS_MAX = 4,
    MODEL_SLOTS = 4,
    HOMES = 256,    /* as AFFINITY_TALKS */
    TRIES_MAX = 12, /* attempts of one call, repeats on fresh connections among them */
};

struct sim;
typedef void sim_step(struct sim *sim, void *who);

struct text {
    char *p;
    size_t n, cap;
};

/* What a seed chooses for the whole run. */
struct settings {
    /* queue_ms below 0: it is not configured */
    double chaos_ms, request_ms, queue_ms, first_byte_ms, silence_ms, probe_ms;
    uint32_t in_flight_max, queue_max, threshold, replay_bytes_max, replay_total_max;
    bool has_spare;
    double rate; /* requests a second */
    double frame_ms, frames_lost, frames_repeated;
    double lost, slow, leaves, hurried, streams, repeats, differs, large, poison;
    bool edge, out_of_memory;
    bool storm; /* many requests, most of them of one class, and every node fails them */
    double focus;
    bool models;    /* the nodes are model servers, ... */
    bool load_only; /* ... and nothing ever goes wrong with them */
};

enum mood {
    GOOD,
    FLAKY, /* anything may happen to a single request */
    DOWN,  /* never reached */
    TUNNEL,
    BUSY,
    ERRORS,
    GATEWAY,
    RESETS,
    MUTE,
    CUTS,
    STALLS,
    LATE,
    REFUSES, /* 400 */
    MOODS,
};

struct node {
    uint32_t index;
    enum mood mood;
    double latency_ms;
    bool differs; /* says something else than the others, asked the same */
};

/* A place of a model server: what it works on, and the conversation that it has read last. */
struct model_slot {
    struct attempt *at;
    uint32_t talk;
    size_t read; /* bytes of it */
    double since;
};

/* A model server: it takes everything, and serves so many at a time, in the order in which they came. */
struct model {
    uint32_t slots;
    bool eager;                  /* its head and the role come before the request's turn has come */
    double read_rate, give_rate; /* bytes of a prompt, and events, in a millisecond */
    double drag;                 /* how much slower each is for each further stream at once */
    struct model_slot slot[MODEL_SLOTS];
    struct attempt *first; /* in line */
    bool dead;
    double stalled_until, moved_at;
    bool
        misread; /* it once took longer than its gateway can explain: it had forgotten, or others came first */
};

/* What the checks know of a target as a process sees it. */
struct watch {
    uint32_t unreached; /* failures in a row, before the target was reached */
    struct attempt *trial;
};

struct process {
    uint32_t index, loops;
    uint64_t *cells;
    double mono_offset, wall_offset; /* every process has clocks of its own */
    struct watch watch[TARGETS];
    double busy_at[TARGETS]; /* when it last said so; 0: never */
    uint32_t in_flight[TARGETS];
    double tokens[CLASSES], tokens_at[CLASSES]; /* the retry budget, as it must be */
};

/* Who has served a conversation last. */
struct home {
    uint64_t talk;
    uint32_t target;
    bool shared; /* by another conversation, so nothing is known */
};

struct shard {
    struct sim *sim;
    struct process *process;
    struct gw *gw;
    uint32_t index;
    double cooled_at[TARGETS], cool_until[TARGETS]; /* by Retry-After */
    double told_at[TARGETS]; /* the newest that it has said or been told of each breaker */
    double ahead[TARGETS];   /* the furthest of its future that it has been told */
    struct home home[HOMES];
    bool believes; /* that a stream may end without a finish: two targets have agreed once */
};

enum attempt_state {
    UNDER_WAY,
    RELAYED, /* its bytes go to the client unseen */
    DROPPED,
    OVER,
};

/* How an attempt will go, decided when it is sent. */
struct plot {
    uint32_t fail, sent; /* enum gw_fail; 0: there is an answer */
    uint32_t status;
    const char *retry_after, *type;
    bool ngrok_error, cloudflare;
    struct text body;
    size_t at, stop;                /* told so far; where it stops */
    enum { ENDS, CUT, HANGS } then; /* a stream may just end, though it is cut */
    bool mute;                      /* no head either */
    bool poisoned;                  /* it was not the node that failed */
    double first_ms, head_ms, pace_ms;
    uint32_t chunk_max;
};

struct attempt {
    struct sim *sim;
    struct attempt *next; /* of its call, latest first */
    struct client *client;
    uint32_t number, target;
    enum attempt_state state;
    bool headed, probe, has_slot, late_events;
    bool free_next;      /* what follows it need not be paid from the retry budget */
    uint32_t generation; /* of the breaker, when it was sent */
    double sent_at;
    double lease_until, permit_until; /* of a trial; 0: it is none */
    struct plot plot;
    /* at a model server */
    struct attempt *behind; /* in line */
    enum { ON_ITS_WAY, IN_LINE, READS, GIVES } work;
    size_t unread; /* bytes of the prompt */
    uint32_t left; /* events, or as many of an answer that is no stream */
    uint32_t chunks;
    double chunk_at[2]; /* the first and the last */
    double leave_at;    /* if its server still stalls then, it must be over */
    bool warm;          /* its gateway takes it that the server has read the turns before */
    bool panic;         /* its breaker was open */
};

/* A conversation: its turns begin alike, and grow. */
struct talk {
    struct sim *sim;
    uint32_t id, class, turns; /* that are left */
    struct shard *shard;
    struct text messages;
    double think_ms;
};

/* One call, its client, and what the client got. */
struct client {
    struct sim *sim;
    struct client *next;
    uint32_t id;
    struct shard *shard;
    struct gw_call *call; /* NULL: closed */
    bool task;
    /* what it asks for */
    uint32_t class;
    uint64_t content; /* what the text is made from */
    bool streamed, fast, sniffed, large, chunked;
    bool poison; /* no node survives it */
    char *body;
    size_t body_n, told;
    uint64_t upto, show;
    bool fin;
    double deadline, limit_ms;
    struct talk *talk; /* NULL: none */
    uint64_t talk_hash;
    double came_at, fin_at;
    /* the host's part */
    double tick_at, slow_until, relay_at;
    bool lost, paid, in_line, paused; /* `paid`: for the retry that waits for a slot */
    uint32_t ticks, sends;
    uint32_t asked, answer; /* the last question, and what comes of it */
    size_t memory;          /* what the gateway holds for it */
    struct attempt *attempts;
    struct gw_str chunk;
    /* what came of it */
    bool headed, over, left, finished, excused, broken_off;
    uint32_t early; /* a bit for each target whose stream ended cleanly before its finish */
    uint32_t status;
    uint64_t declared;
    struct attempt *source; /* of a relayed answer */
    struct text reason, got;
};

struct counts {
    uint64_t seeds, calls, attempts, retries, trials, panics, frames, lost, streams, ok;
    uint64_t aborted, opened, upset, homes; /* at model servers, by load alone: see load.c */
    size_t memory;                          /* the most of one call */
};

struct sim {
    uint64_t seed;
    struct gw_rng rng;
    double now;
    struct settings set;
    struct process process[PROCESSES_MAX];
    uint32_t processes;
    struct shard shard[SHARDS_MAX];
    uint32_t shards;
    struct node node[TARGETS];
    struct model model[TARGETS];
    uint32_t talks, opened; /* a bit for each target whose breaker load has opened */
    struct client *clients;
    uint32_t clients_n;
    bool calm, settled, ending; /* all is well; and has been for long; nobody comes any more */
    struct counts counts;
    /* world.c */
    struct event *events;
    uint32_t events_n, events_cap;
    uint64_t sequence, steps, digest;
    struct gw_mem mem;
    struct block *blocks;
    size_t live, peak;
    struct own *own;
    bool failed, aloud; /* aloud: the log is printed */
    char why[512];
    struct look *look; /* the breakers before what is going on now */
};

/* world.c */
void world_init(struct sim *sim, uint64_t seed);
void world_del(struct sim *sim);
void *world_new(struct sim *sim, size_t n); /* zeroed; lives to the end of the seed */
void world_at(struct sim *sim, double at, sim_step *step, void *who);
bool world_step(struct sim *sim); /* false: nothing more will happen */
double between(struct sim *sim, double least, double most);
uint32_t pick(struct sim *sim, uint32_t n); /* below n */
bool chance(struct sim *sim, double of_one);
void say(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The first failure of a seed counts; the run ends. */
void fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void digest_word(struct sim *sim, uint64_t word);
void digest_bytes(struct sim *sim, struct gw_str bytes);
void text_put(struct sim *sim, struct text *t, struct gw_str s);
void text_putf(struct sim *sim, struct text *t, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
struct gw_str text_str(const struct text *t);

/* host.c */
bool host_start(struct sim *sim); /* makes processes and shards */
void host_stop(struct sim *sim);
struct gw_time host_time(const struct shard *shard);
void host_open(struct client *c);
void host_feed(struct client *c, const struct gw_event *event);
void host_body(struct sim *sim, void *client); /* tells what has come of the request body */
void host_leave(struct client *c);
/* TARGETS: there is none of that name. */
uint32_t target_named(struct gw_str name);
void host_task(struct sim *sim, void *shard);
void host_reap(struct sim *sim);

/* nodes.c */
void node_begin(struct attempt *a);
void node_begin_moods(struct sim *sim);
void node_calm(struct sim *sim);
/* What a target says to this content, as the inside of JSON strings: its thoughts are streamed only. */
void node_text(struct sim *sim, uint64_t content, const struct node *node, struct text *thoughts,
               struct text *text);

/* The parts of an attempt, for models.c: the answer is made; its head, some bytes, its end, its failure
 * are told. */
void node_answer(struct attempt *a);
bool node_is_heard(const struct attempt *a); /* whether anybody still wants to know */
void node_tell_head(struct attempt *a);
void node_tell_bytes(struct attempt *a, size_t n);
void node_tell_end(struct attempt *a, uint32_t how);
void node_tell_fail(struct attempt *a);

/* models.c */
void model_settle(struct sim *sim);
void model_begin_all(struct sim *sim);
void model_begin(struct attempt *a);
void model_calm(struct sim *sim);
bool model_is_well(const struct sim *sim, uint32_t target);
/* How long it takes to read so many bytes of a prompt when it has nothing else to do. */
double model_read_ms(const struct model *m, size_t bytes);
/* What it has read of the conversation. */
size_t model_has_read(const struct model *m, uint32_t talk);
/* How long the attempt will take from now on, and how long all that the target has to do. */
double model_left_ms(const struct attempt *a);
double model_busy_ms(const struct sim *sim, uint32_t target);

/* talks.c */
void talk_begin_all(struct sim *sim);
void talk_on_end(struct client *c, bool served);

/* load.c: each is told of what happens at a model server */
void load_on_send(struct attempt *a);
void load_on_drop(struct attempt *a);
void load_on_bytes(struct attempt *a);
void load_on_stall(struct sim *sim, uint32_t target);
void load_on_open(struct client *c, uint32_t target);
void load_on_refusal(struct client *c, struct gw_str head);
void load_on_end(struct client *c, bool ok);

/* clients.c */
void client_ask(struct client *c, uint32_t class, bool streamed);
void client_leave(struct sim *sim, void *client);
void client_arrive(struct sim *sim, void *nothing);
void client_calm_round(struct sim *sim, void *nothing);
struct client *client_new(struct sim *sim, struct shard *shard);
void client_head(struct client *c, uint32_t status, struct gw_str head, uint64_t body_len);
void client_data(struct client *c, struct gw_str bytes);
/* The answer is over; `code` as of GW_END. */
void client_end(struct client *c, uint32_t code);

/* frames.c */
/* Tells the others what has changed here. */
void frames_send(struct shard *from);

/* checks.c */
/* Whether the target is in the plan of the call's class. */
bool check_is_in_plan(const struct client *c, uint32_t target);
bool check_was_tried(const struct client *c, uint32_t target, const struct attempt *but);
/* Beyond doubt. */
bool check_is_well(const struct client *c, uint32_t target);
bool check_was_closed(const struct sim *sim, uint32_t target);
void check_before(struct shard *s);
void check_event(struct client *c, const struct gw_event *event, struct attempt *a);
void check_send(struct attempt *a);
void check_after(struct client *c);
/* Of the gateways' memory, `before` were in use before the feed. */
void check_memory(struct client *c, size_t before);
void check_release(struct attempt *a);
void check_paid(struct client *c);
void check_refusal(struct client *c);
/* A stream was broken off. */
void check_broken(struct client *c);
/* What a shard says of its breakers, and what it makes of what it is told. */
void check_news(struct shard *s, struct gw_str lines);
void check_told(struct shard *s, struct gw_str lines);
void check_calm(struct sim *sim);
void check_reaped(struct sim *sim);

#endif
