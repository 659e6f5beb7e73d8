/*
 * What gw and gw_call are inside. Private to src/core.
 */
#ifndef GW_CORE_CALL_CALL_H
#define GW_CORE_CALL_CALL_H

#include "base/check.h"
#include "base/json.h"
#include "base/pace.h"
#include "base/prefetch.h"
#include "base/rng.h"
#include "core/call/chain.h"
#include "core/call/edit.h"
#include "core/call/next.h"
#include "core/call/stream.h"
#include "core/cluster/affinity.h"
#include "core/cluster/cluster.h"
#include "core/cluster/plan.h"
#include "core/cluster/room.h"
#include "core/policy/head.h"
#include "core/policy/models.h"
#include "core/policy/route.h"
#include "format/facts.h"

enum {
    CALL_ACTIONS = 12, /* one input gives a bounded output */
    CALL_ASKS = 4,     /* under way at once */
    CALL_ARENA_BLOCK = 4096,
    CALL_ARENA_MAX = 1 << 20,
    CALL_FREE_MAX = 256, /* closed calls kept for reuse */
    FACTS_FREE_MAX = 16, /* and boxes of facts (union facts_box) */
    CALL_HEAD_MAX = 65536,
    CALL_KEPT_REFUSAL = 131072, /* bytes of a provider's refusal that has to be read */
    CALL_KEPT_ANSWER = 16384,   /* bytes of a first 500, for the client if no target does better */
    GW_SUSPECTS = 64,
    DOUBT_CHUNKS = 8, /* see doubt.c */
    QUEUE_KEYS = 64,  /* that take turns (queue.c); of more, some share theirs */
};

struct gw_call;
struct call_meter;
struct call_prefix;
struct call_check;
struct call_translation;

/* Whoever reads a body once more gets it piece by piece; `last`: this is the end of it. */
typedef struct next call_reader(struct gw_call *c, struct gw_str bytes, bool last,
                                struct gw_time now);

struct call_body {
    uint64_t declared;   /* GW_UNKNOWN: chunked */
    uint64_t max;        /* how much of it is worth holding */
    uint64_t received;   /* of it */
    uint64_t held;       /* room taken for it, so that the host may hold it: what READ lets in */
    uint32_t client;     /* whose room that is (room.h) */
    bool must;           /* it must be read whole: without room the call is refused */
    bool fin, forgotten; /* forgotten: a second attempt cannot have it */
    bool streams;        /* READ lets all of it in */
    struct pace pace;    /* while it is awaited */
    struct tally tally;  /* of its beginning (blame.c) */
    call_reader *reader; /* of what is told again; NULL: nothing is */
    uint64_t again;      /* where that is */
};

struct call_attempt {
    uint32_t number;
    bool open;
    const struct backend_conf *to;
    uint32_t at;                        /* its index in the plan */
    double sent_at, heard_at, limit_at; /* heard_at: the client, whose body may still be arriving */
    double reads_from,
        reads_until;   /* what was sent to its target before will be read by then; and this */
    double counted_at; /* from when on its time has yet to be added to upstream_ms */
    bool has_slot, first_content, repeated;
    bool awaited; /* its first content is awaited (pool_awaits) */
    bool serving; /* it is counted as being served (capacity.h) ... */
    bool seen;    /* ... since its content was seen */
    double served_from;
    uint32_t asked;   /* the question whether it lives; 0: none */
    double asks_from; /* answers to that since then count */
    bool late;        /* its limit has passed, and it goes on (hedge.c) */
    bool uploads;     /* it counts among those whose body is still arriving (pool_upload) */
    bool junk;        /* what it answered is not HTTP: a 502, if no other attempt follows */
    double first_ms;  /* how long its first content took; 0: none yet */
    double stays_ms;  /* it failed so that its place may be asked again after that; see STAYS_... */
    struct breaker_grant grant;
};

/* Of stays_ms: its place is not asked again; or after a short while, at random. */
#define STAYS_NOT 0.0
#define STAYS_JITTERED (-1.0)

/* An attempt that goes on beside the one at hand (hedge.c). */
struct call_hedge {
    struct call_attempt attempt;
    struct stream *stream;
    enum call_state state; /* TRY, HOLD or KEEP */
    bool swapped; /* what happens now happens to it: it is in the place of the one at hand */
};

/* A question that is not answered yet. */
struct call_ask {
    uint32_t what, id; /* enum gw_ask_what */
    double asked_at, until;
};

struct call_asks {
    uint32_t last;     /* the id of the last one */
    double counted_ms; /* what was waited for them until then has been counted */
    struct call_ask ask[CALL_ASKS];
    bool looked_up; /* for a request the registry is asked once */
    bool reached;   /* as in next_target, which follows */
};

/* A node that registers. */
struct call_node {
    struct lease lease;
    struct gw_str path, timestamp;
    uint8_t signature[GW_SHA256], proof[GW_SHA256]; /* what came; what is to come */
    struct gw_buf body;
    struct backend_conf to;
    double asking; /* until when its challenge has the node's place (registry_ask); 0: none */
};

/* A seed of ours, in what targets get (seed.c). */
struct call_seed {
    uint32_t value;
    struct edit edit;
};

enum { ASKED_SLICES = 16 };

/* A request that the gateway has made of the client's (generate.c): what is sent as its body. */
struct call_asked {
    uint32_t n;
    uint64_t len;
    struct gw_slice slice[ASKED_SLICES];
};

/* The hash of what is sent: of the body as it has come; or of what is asked instead, of which `at` slices are in
 * it, and all but `left` bytes of the next one. */
struct call_sum {
    struct gw_sha256_sum sum;
    uint32_t at;
    uint64_t left;
};

/* An answer that is kept while others are asked, to be given if nobody does better; or read, since its words
 * decide (answer.c). */
struct call_kept {
    bool whole, cut;
    bool translates; /* it comes in another dialect, and will be translated once it is whole ... */
    bool translated; /* ... and has been */
    uint32_t status;
    uint32_t at; /* the candidate whose it is */
    struct gw_str head;
    struct gw_buf body;
};

/* How a request is refused. */
struct call_error {
    uint32_t status;
    struct gw_str type, code, param, message;
    struct gw_str allow;    /* of a 405 */
    uint32_t retry_after_s; /* 0: no such header */
    bool is_final;          /* it will not be better if it is sent again: x-should-retry: false */
};

struct gw_call {
    /* What every event of a stream needs stands first and close together: when many calls wait, the one
     * that goes on is in no cache. */
    struct gw *gw;
    struct config *conf;
    void *user;
    struct stream *stream; /* NULL: none is observed */
    enum call_state state;
    uint32_t actions_n, actions_at;
    uint32_t status; /* of the HEAD that went out; 0: none yet */
    uint32_t code;   /* of its END */
    uint32_t asks_n; /* questions that are not answered yet */
    uint8_t hints;   /* that went out before it */
    bool has_head;
    bool awaited;    /* more of the request may come: the client must send it */
    bool arena_full; /* something did not fit: the next gw_feed says so */
    bool in_queue, in_ready;
    double deadline_ms;
    struct call_hedge *hedge; /* NULL: there never was one */
    struct call_attempt attempt;
    struct gw_action actions[CALL_ACTIONS];

    struct gw_arena arena;
    struct gw_call *next, *prev;             /* all open calls, oldest first */
    struct gw_call *queue_next, *queue_prev; /* waiting for a slot, oldest first */
    struct gw_call *ready_next;
    double opened_ms, wait_at;
    bool in_time;          /* something to wait for was due by queue_until_ms */
    double queue_until_ms; /* 0: has not waited yet */
    double queued_at;      /* when it began to wait */
    double queued_ms;      /* how long it has waited for slots */
    double expected_ms;    /* how long it was to wait; 0: nobody knows */
    uint64_t queue_turn;
    double pause_until_ms; /* the same target again, after a pause */
    bool again, panicked;  /* again: after a pause, once; panicked: past an open breaker, once */
    double upstream_ms;    /* spent in attempts, for x-heady-overhead-us */
    uint32_t attempts;     /* that were sent */
    const struct gw_req_head *req; /* while it is admitted */
    const struct gw_res_head *res; /* while it is judged */
    struct gw_str method, path, query, id;
    struct route route;
    struct client_head head;
    const struct key_conf *key;
    struct gw_str key_name;
    bool has_request, from_twin, client_limited;
    bool estimated;   /* the answer is not anybody's word, but an estimate of ours */
    bool streamed;    /* a stream is wanted, by the head or ... */
    bool says_stream; /* ... by the body */
    bool talks;       /* its body may hold a conversation, which is not known yet */
    const struct dialect *
        dialect; /* in which answers are made at this path of the unified API or of nodes; NULL: none */
    bool seeds;            /* it may get a seed */
    bool binds;            /* it may say what one target remembers: that is not known yet */
    bool bound;            /* it does; once sent, it is not repeated elsewhere */
    struct gw_buf up_head; /* lines for every attempt; what is particular to one comes after */
    size_t up_head_n;
    struct call_body body;
    uint64_t talk;   /* the conversation; 0: none */
    bool later_turn; /* of it */
    struct plan plan;
    struct call_kept kept;
    struct call_asks asks;
    struct call_node *node;         /* NULL: no node registers here */
    struct call_seed *seed;         /* NULL: it has none of ours */
    struct gw_str own_key;          /* the client's, at the provider (scope byok); n == 0: none */
    struct call_asked *asked;       /* NULL: the client's own body is sent */
    struct call_chain *chain;       /* NULL: it names no model, as far as is known here */
    struct call_prefix *prefix;     /* NULL: its answer cannot go on from one (prefix.c) */
    struct call_check *check;       /* NULL: no target is asked here whether it can */
    struct call_meter *meter;       /* NULL: what it costs is not counted (meter.c) */
    struct call_sum *body_sum;      /* NULL: no attempt is signed (sign.c) */
    struct call_unsealed *unsealed; /* NULL: nothing was (unseal.c) */
    struct call_translation *translation; /* NULL: nothing is translated (translate.c) */
    struct gw_buf reason;                 /* why the answer came from where it came */
    bool reason_closed;
    struct gw_slice slice, send_slice; /* of DATA, of SEND */
    struct facts *facts;               /* while the body is read for them; else NULL */
    /* From here on a new call is not cleared. */
    struct call_error error; /* once it is refused */
};

/* Facts are large, and needed for a moment: calls take a box and give it back. */
union facts_box {
    union facts_box *next; /* of those that are free */
    struct facts facts;
};

/* A failure that may be the request's own fault, and when it was counted. */
struct gw_suspect {
    uint64_t hash; /* of the key, the path and the body */
    double at;
};

struct gw {
    struct cluster cluster;
    struct gw_rng rng;
    struct gw_arena shown; /* behind gw_show */
    struct gw_call *calls, *calls_last;
    struct gw_call *queue, *queue_last;
    uint32_t queue_n;
    uint64_t queue_turn, queue_turns[QUEUE_KEYS]; /* the last that was served; given to each key */
    struct gw_call *ready, *ready_last;
    struct gw_call *free;
    uint32_t free_n;
    union facts_box *facts_free;
    uint32_t facts_free_n;
    struct affinity_table talks;
    struct gw_suspect suspects[GW_SUSPECTS];
    uint32_t suspect_next;
    bool store_away; /* what was to be kept last was not */
};

/* call.c. Handlers return what shall happen next (next.h), and only call.c makes it happen. What is not
 * explained here is explained in its file. */
struct gw_action *call_push(struct gw_call *c, uint32_t kind);
/* For calls that no event has reached: one that begins by itself, ... */
void call_advance(struct gw_call *c, struct next next, struct gw_time now);
/* ... one that another call has woken, which its host polls, ... */
void call_wake(struct gw_call *c, struct next next, struct gw_time now);
/* ... and one that its host has lost. */
void call_lose(struct gw_call *c, struct gw_time now);
/* The attempt at hand and the one beside it (c->hedge) change places. */
void call_swap(struct gw_call *c, struct gw_time now);
/* request.c: the phases admit, read and decide */
struct next request_admit(struct gw_call *c, struct gw_time now);
struct next request_read(struct gw_call *c, struct gw_time now);
struct next request_decide(struct gw_call *c, struct gw_time now);
struct next request_on_late(struct gw_call *c);
struct next request_refuse_class(struct gw_call *c);
/* body.c: the request's body on its way in */
/* On, or refused. */
struct next body_check_size(struct gw_call *c, uint64_t bytes);
/* Lets it in as far as it is worth holding, `max` bytes, if there is room. Without room it streams once;
 * or, if it `must` be read whole, this returns false. */
bool body_begin(struct gw_call *c, uint64_t max, bool must, struct gw_time now);
struct next body_refuse_no_room(struct gw_call *c);
/* Nothing more is read from the body. */
void body_drop_facts(struct gw_call *c);
/* An attempt begins: what is not held follows it as it comes. */
void body_follow(struct gw_call *c, struct gw_time now);
/* The body, which must be whole and held, is told once more from this offset on. No attempt may be under
 * way: it would wait for what is told. */
struct next body_read_again(struct gw_call *c, uint64_t from, call_reader *reader);
struct next body_on_bytes(struct gw_call *c, const struct gw_req_body *body, struct gw_time now);
/* Nothing of it is held here any more. */
void body_give_room(struct gw_call *c);
/* By when the awaited part of it must have come. */
double body_late_at(const struct gw_call *c);
/* Refuses if the client is too slow with it. */
struct next body_on_tick(struct gw_call *c, uint32_t what, struct gw_time now);
/* try.c: the phases plan, choose and send */
struct next try_plan(struct gw_call *c, struct gw_time now);
struct next try_choose(struct gw_call *c, struct gw_time now);
struct next try_send(struct gw_call *c, struct gw_time now);
/* Whether and how the next target is asked, as in next_target. */
struct next try_next(struct gw_call *c, bool may_repeat, bool reached, struct gw_time now);
struct next try_on_fail(struct gw_call *c, uint32_t fail, uint32_t sent, struct gw_time now);
struct next try_on_limit(struct gw_call *c, struct gw_time now);
/* enum pool_trouble of an enum gw_fail. */
uint32_t try_trouble_of(uint32_t fail);
/* Adds the time of the attempt at hand, up to now, to upstream_ms. */
void try_count_time(struct gw_call *c, struct gw_time now);
/* Its content is awaited no more: it has begun, or will not come. */
void try_await_no_more(struct gw_call *c, bool content, struct gw_time now);
void try_close(struct gw_call *c, bool drop, struct gw_time now);
void try_give_slot(struct gw_call *c, struct gw_time now);
void try_set_limit(struct gw_call *c, struct gw_time now);
/* Whether the request may be sent once more, as far as it and the number of attempts go. */
bool try_may_again(const struct gw_call *c);
/* Takes what plan_pick has chosen: on to SEND. */
struct next try_take(struct gw_call *c, struct plan_choice choice);
/* It does not count any more among those whose body is still arriving. */
void try_end_upload(struct gw_call *c);
/* No target is left; or no time. */
struct next try_refuse_none(struct gw_call *c, struct gw_time now);
struct next try_refuse_late(struct gw_call *c);
/* queue.c: the bounded wait for a slot */
/* Whether there is something to wait for, time for it, and room in the queue. */
bool queue_may_wait(struct gw_call *c, struct plan_choice choice, struct gw_time now);
struct next queue_wait(struct gw_call *c, struct plan_choice choice, struct gw_time now);
struct next queue_on_tick(struct gw_call *c, struct gw_time now);
void queue_leave(struct gw_call *c);
/* It leaves the queue because it has a slot. */
void queue_served(struct gw_call *c, struct gw_time now);
/* A slot is free. */
void queue_wake(struct gw *gw, uint32_t slot, struct gw_time now);
/* The last of the request has come. */
void queue_is_whole(struct gw_call *c, struct gw_time now);
/* Appends the lines that this target's tunnel and the node itself expect. */
void try_put_lines_for(const struct backend_conf *to, struct gw_buf *out);
/* provider.c: what is particular to providers */
/* Whether a client may ask this provider for that; and puts the version in front of the path. */
struct next provider_check(struct gw_call *c);
struct next provider_refuse_unknown(struct gw_call *c);
/* What the provider of this route speaks; NULL: the route is none, or nobody here reads it. */
const struct dialect *provider_dialect(const struct gw_call *c);
/* The client brings a key of its own, and may: it is kept for every attempt. */
void provider_note_own_key(struct gw_call *c);
/* Appends the gateway's key for this attempt, and what else the provider must have. */
void provider_put_head(struct gw_call *c, const struct backend_conf *to, struct gw_str path,
                       struct gw_time now, struct gw_buf *out);
/* Appends a query without the client's own key. */
void provider_put_query(struct gw_str query, struct gw_buf *out);
/* Whether this answer refuses the gateway's key; that is noted; and whether all keys were refused. */
bool provider_refuses_key(struct gw_call *c, uint32_t status);
void provider_on_refused_key(struct gw_call *c, uint32_t status);
bool provider_refuses_all(const struct gw_call *c);
/* Then the log says so. */
void provider_tell_refused(struct gw_call *c, struct gw_time now);
/* The request was served: the keys that were refused before that rest. */
void provider_settle(struct gw_call *c, struct gw_time now);
/* Google says so with a 400, whose words tell: whether this provider does, and whether these are they. */
bool provider_says_bad_key(struct gw_call *c);
bool provider_is_bad_key(struct gw_call *c, struct gw_str body);
/* The attempt's key is left alone for so long (-1: for a while). False: it has none. */
bool provider_rests_key(struct gw_call *c, double retry_after_ms, struct gw_time now);
/* Whether the client's key may use this provider. */
bool provider_is_allowed(const struct gw_call *c, uint32_t provider);
/* A path as the provider wants it, with its version in front if that was left out; p NULL: clients may not
 * ask it for that. */
struct gw_str provider_path(struct gw_call *c, uint32_t provider, struct gw_str path);
struct next provider_refuse_absent(struct gw_call *c, uint32_t provider);
struct next provider_refuse_key(struct gw_call *c);
/* chain.c, chain_link.c: requests that name a model, and where it may be served: see chain.h */
/* able.c: notes what the models of the chain can, and leaves places out that cannot do what the request needs, unless
 * that leaves none. */
void able_keep(struct gw_call *c);
/* translate.c: requests that are sent to some place in another dialect; translated.c: what comes of them */
/* The client's dialect, by the path; NULL: what is asked there is not translated. */
const struct dialect *translate_dialect(const struct gw_call *c);
/* Whether a place that does not offer the path can be asked in its own dialect; fills in the rest of the link. */
bool translate_fits(struct gw_call *c, struct chain_link *link);
/* Likewise for the nodes of a class, which are asked in OpenAI's dialect unless they speak the client's. */
bool translate_fits_nodes(struct gw_call *c, struct chain_link *link);
/* Whether there is such a place; then the body is read for it, in the phase decide. */
bool translate_is_due(const struct gw_call *c);
/* `follows`: it names an answer that it goes on from (remember.c). */
struct next translate_read(struct gw_call *c, bool follows);
/* What has come is read, and the places that cannot be asked for it are left out. */
struct next translate_understand(struct gw_call *c, struct gw_time now);
/* count.c: the dialect whose clients ask at this path how many tokens a request is, or NULL; and the answer, an
 * estimate of the request that has been read. */
const struct dialect *count_dialect(struct gw_str path);
struct next count_tell(struct gw_call *c, struct gw_time now);
/* The dialect in which whoever speaks this one counts; NULL: he does not. */
const struct dialect *count_dialect_of(const struct dialect *d);
/* Whether that was asked of the attempt's target, or is to be; and the client's answer, of what it has said. False: it
 * has not said how many. */
bool count_is_asked(const struct gw_call *c);
bool count_put_answer(struct gw_call *c, struct gw_buf *out);
/* Whether the attempt at hand is made in another dialect. */
static inline bool call_translates(const struct gw_call *c) {
    return c->translation != NULL && chain_link(c)->speaks != NULL;
}
/* Its body, the hash of that, and the client's lines that it may have. */
void translate_put(struct gw_call *c, struct gw_action *send);
void translate_hash(const struct gw_call *c, struct gw_sha256_sum *sum);
void translate_put_head(struct gw_str lines, struct gw_buf *out);
/* Appends the line that tells the client what was left out, if anything was. */
void translate_put_warnings(const struct gw_call *c, struct gw_buf *out);
/* Appends the line in which this client's dialect tells a request's id. */
void translate_put_id(const struct gw_call *c, struct gw_buf *out);
/* Whether the attempt at hand is translated for a client that wants a stream, and this is its answer; and what follows
 * if it is a stream that nobody wants. */
bool translate_wants(const struct gw_call *c, const struct gw_res_head *res);
struct next translate_refuse_stream(struct gw_call *c, struct gw_time now);
/* An answer that is no stream: it is kept; it has come; and a kept error in the client's dialect. */
struct next translate_keep(struct gw_call *c, const struct gw_res_head *res, struct gw_time now);
/* Whether there is room for so much more of that. */
bool translate_takes(struct gw_call *c, size_t n);
struct next translate_on_kept(struct gw_call *c, uint32_t how, bool drop, struct gw_time now);
void translate_error(struct gw_call *c);
/* Nothing of it is needed any more. */
void translate_release(struct gw_call *c);
/* unseal.c: requests that were refused in the client's own dialect, perhaps for the seals of a translated conversation */
/* Whether the one that is refused may be looked through for them, and whether the words of the refusal may mean them. Once
 * the attempt is closed: it is looked through, and asked again without them; if there are none, the answer that was
 * kept is the client's. */
bool unseal_may(const struct gw_call *c);
bool unseal_is_meant(struct gw_str refusal);
struct next unseal_read(struct gw_call *c);
/* What is changed in the body for that, for whoever is asked in the client's dialect. */
void unseal_put(const struct gw_call *c, struct edits *edits);
void unseal_release(struct gw_call *c);
/* remember.c: what clients of Responses leave here */
/* Whether the answer at hand, which is translated, is to be kept; then it is, and given behind that. */
bool remember_is_due(const struct gw_call *c);
struct next remember_answer(struct gw_call *c, struct gw_time now);
/* Likewise one that was a stream, of at most `n` bytes. False: it cannot be kept; nothing is to be waited for. */
struct mean_stream;
bool remember_stream(struct gw_call *c, const struct mean_stream *s, size_t n, struct gw_time now);
struct next remember_on_kept(struct gw_call *c, const struct gw_answer *answer, struct gw_time now);
/* Whether a request may go on from what is kept, by the facts of its body; whether it does, by its body; then what is
 * kept is asked for, and the request goes on as one that says all that itself. */
bool remember_may_be_asked(const struct gw_call *c);
bool remember_is_named(const struct gw_call *c);
struct next remember_recall(struct gw_call *c, struct gw_time now);
struct next remember_on_recalled(struct gw_call *c, const struct gw_answer *answer,
                                 struct gw_time now);
/* GET and DELETE of one that is kept. */
struct next remember_tell(struct gw_call *c, struct gw_time now);
struct next remember_on_forgotten(struct gw_call *c, const struct gw_answer *answer,
                                  struct gw_time now);
/* speak.c: streams that are translated */
/* The head of an attempt's answer has come; false: no memory. */
bool speak_begin(struct gw_call *c, struct gw_time now);
void speak_commit(struct gw_call *c);
/* The lines of its head that are the stream's own. */
void speak_put_head(const struct gw_call *c, struct gw_buf *out);
/* What an event says; one piece of content; the end. */
void speak_event(struct gw_call *c, const struct event *e, struct gw_str event, struct gw_time now);
void speak_piece(struct gw_call *c, const struct event_piece *piece);
void speak_end(struct gw_call *c, struct gw_time now);
/* Whether the end waits until the answer is kept (remember.c); and it need not any more. */
bool speak_waits(const struct gw_call *c);
void speak_last(struct gw_call *c);
/* The message of an event that tells an error. */
struct gw_str speak_error(struct gw_call *c, struct gw_str event);
/* Whether the client hears a list of JSON in pieces, and no events; and what stands before its next item. */
bool speak_lists(const struct gw_call *c);
struct gw_str speak_lead_item(const struct gw_call *c);
/* The number of the next event, in dialects that number them. */
uint32_t speak_sequence(const struct gw_call *c);
/* generate.c: /generate of a provider, before its body has come and behind that */
struct next generate_check(struct gw_call *c);
struct next generate_decide(struct gw_call *c);
/* catalog.c: GET /v1/models */
struct next catalog_tell(struct gw_call *c, struct gw_time now);
/* sign.c: requests that are signed */
/* Whether those of this route are. */
static inline bool sign_is_due(const struct gw_call *c) {
    bool may_be = c->route.kind == GW_ROUTE_AI || c->route.kind == GW_ROUTE_MODEL;
    return may_be && c->conf->providers[c->route.provider].signing != NULL;
}
/* Its part in the phase decide, where what is sent has been made of the body. */
struct next sign_asked(struct gw_call *c);
/* Its part in the phase read. */
struct next sign_read(struct gw_call *c, struct gw_time now);
/* Appends what an attempt's signature needs: of the request's target, its content-type (p NULL: none), ... */
void sign_put(struct gw_call *c, const struct provider_conf *p, struct gw_str target,
              struct gw_str type, struct gw_time now, struct gw_buf *out);
/* Whether AWS refuses the key, the signature or the clock. It may then say what was signed. */
bool sign_is_refused(const struct gw_res_head *res);
/* late.c: an attempt that is late with its first content */
/* Its limit has come. NEXT_ON: it is to be given up. */
struct next late_on_limit(struct gw_call *c, struct gw_time now);
/* From when on its time counts, and how much it has while it is silent. */
double late_from(const struct gw_call *c);
double late_silent_ms(const struct gw_call *c);
/* Its limit, if it may take as long at all. */
void late_set_limit(struct gw_call *c, double at, struct gw_time now);
void late_on_head(struct gw_call *c, struct gw_time now);
/* Something came that is no content. */
void late_on_sign(struct gw_call *c, struct gw_time now);
/* Whether its target's other requests have got content since. */
bool late_moves(const struct gw_call *c, struct gw_time now);
/* Whether the request's time is over before the target had what it usually has. */
bool late_is_hurried(const struct gw_call *c, struct gw_time now);
/* Whether being late is its fault. */
bool late_is_to_blame(const struct gw_call *c, struct gw_time now);
/* The target is asked whether it lives if it may be busy with others; and what has come of that. */
void late_ask_if_busy(struct gw_call *c, struct gw_time now);
struct next late_on_alive(struct gw_call *c, const struct gw_answer *answer, struct gw_time now);
/* hedge.c: a second attempt beside a late one */
/* Begins one, if there is somebody to be asked; else NEXT_STAY. */
struct next hedge_begin(struct gw_call *c, struct gw_time now);
/* When the time of the attempt beside is over, if there is one; and that it may be. */
#define HEDGE_NEVER 1e15
double hedge_until(const struct gw_call *c);
void hedge_on_tick(struct gw_call *c, struct gw_time now);
/* Whether another attempt is under way. */
static inline bool hedge_is_open(const struct gw_call *c) {
    return c->hedge != NULL && c->hedge->attempt.open;
}
/* Puts the other attempt in the place of the one at hand, since an event of its has come; false if the
 * event is not its own. */
bool hedge_swap_for(struct gw_call *c, uint32_t attempt, struct gw_time now);
/* What comes next, there being two attempts: if one has failed the other goes on. */
struct next hedge_turn(struct gw_call *c, struct next next, struct gw_time now);
/* The call waits now. The one that serves drops the other. */
void hedge_wait(struct gw_call *c, struct gw_time now);
/* The call is over. */
void hedge_release(struct gw_call *c, struct gw_time now);
/* blame.c: whose fault a failure was */
/* The target was never reached: it has failed, whatever the request was. */
void blame_now(struct gw_call *c, uint32_t trouble, struct gw_time now);
/* The target failed, or the request is to blame: that is resolved when another target has served the
 * request, or none has. The breaker's grant is kept until then. */
void blame_later(struct gw_call *c, uint32_t trouble);
void blame_resolve(struct gw_call *c, bool served, struct gw_time now);
/* The target `at` of the plan was not at fault. */
void blame_clear(struct gw_call *c, uint32_t at, struct gw_time now);
void blame_note_body(struct call_body *body, struct gw_str shown);
/* answer.c: the phase answer, of what upstreams say */
struct next answer_begin(struct gw_call *c, struct gw_time now);
void answer_on_hint(struct gw_call *c, const struct gw_res_head *res);
struct next answer_on_kept(struct gw_call *c, const struct gw_event *e, struct gw_time now);
struct next answer_on_relayed(struct gw_call *c, uint32_t how, struct gw_time now);
struct next answer_on_silence(struct gw_call *c, struct gw_time now);
/* Appends the lines of an upstream's head that may go to the client. */
void answer_put_head(const struct gw_call *c, const struct gw_res_head *res, struct gw_buf *out);
/* The attempt's target answers the request. `whole`: to the end; unless the answer is a 4xx or 5xx, the
 * targets that failed before are then to blame. */
void answer_served(struct gw_call *c, bool whole, struct gw_time now);
/* A whole answer of this status has come: how its target did. */
void answer_judge(struct gw_call *c, uint32_t status, struct gw_time now);
/* Whether a 400 says that the request is too long for this model. */
bool answer_is_too_long(struct gw_str body);
/* What can be told of a kept refusal of which not all came, or more than is kept. */
struct gw_str answer_torn(struct gw_call *c);
/* How long a provider says in its words that it is busy, as `name`: "1.5s"; in ms. -1: it does not say. */
double answer_wait_within(struct gw_str body, struct gw_str name);
void answer_first_content(struct gw_call *c, struct gw_time now);
void answer_put_stream_lines(struct gw_buf *head);
/* It has not brought any yet, and what it has taken until now counts as its time. */
void answer_is_late(struct gw_call *c, struct gw_time now);
/* Whether answers of this route are looked at, if the client does not want them fast. */
bool answer_is_inspected(const struct gw_call *c);
/* Whether a stream that answers this request is observed. */
bool answer_observes(const struct gw_call *c);
/* No other target will be asked: the request need not be held any longer. */
void answer_let_body_go(struct gw_call *c);
/* meter.c: what an answer has cost, for the record */
/* Nobody counts what goes into no record. */
static inline bool meter_is_wanted(const struct gw_call *c) {
    return c->conf->limits.log_requests != 0;
}
/* An attempt's stream begins that is observed. */
void meter_begin(struct gw_call *c);
/* There is a meter, and an event of it may name the model; an event reports usage. */
void meter_name(struct gw_call *c, struct gw_str event);
void meter_note(struct gw_call *c, const struct event *e);
/* Whether a whole answer is to be shown while it is relayed; and what is shown of it. */
bool meter_reads(struct gw_call *c, const struct gw_res_head *res, const struct answer_head *h);
void meter_show(struct gw_call *c, struct gw_str bytes);
/* What a whole answer says that has been read elsewhere; the model's name is raw. */
void meter_tell(struct gw_call *c, const struct usage *u, struct gw_str model);
/* The call is over: appends the members of its record. */
void meter_put(struct gw_call *c, struct gw_buf *out);
/* end.c: answers of our own, and the phase record */
struct next end_refuse(struct gw_call *c, const struct call_error *error);
/* What NEXT_REFUSE and NEXT_KEPT come to. */
struct next end_tell_error(struct gw_call *c, struct gw_time now);
struct next end_give_kept(struct gw_call *c, struct gw_time now);
struct next end_reply(struct gw_call *c, uint32_t status, struct gw_str type, struct gw_str body,
                      struct gw_time now);
/* 204, with the methods that are allowed. */
struct next end_reply_allow(struct gw_call *c, struct gw_str allow, struct gw_time now);
struct next end_on_gone(struct gw_call *c, struct gw_time now);
struct next end_record(struct gw_call *c, struct gw_time now);
void end_release(struct gw_call *c, struct gw_time now);
/* Appends the x-heady-* headers and x-request-id. */
void end_put_why(struct gw_call *c, struct gw_buf *out, struct gw_str target, struct gw_time now);
void end_because(struct gw_call *c, struct gw_str who, struct gw_str what);
/* nodes.c: nodes that register. Their part in the phases admit, read and decide: */
struct next nodes_admit(struct gw_call *c, struct gw_time now);
struct next nodes_read(struct gw_call *c, struct gw_time now);
struct next nodes_decide(struct gw_call *c, struct gw_time now);
struct next nodes_on_body(struct gw_call *c, const struct gw_req_body *body);
struct next nodes_on_late(struct gw_call *c);
struct next nodes_on_no_room(struct gw_call *c);
struct next nodes_on_proof(struct gw_call *c, const struct gw_answer *answer, struct gw_time now);
struct next nodes_on_kept(struct gw_call *c, const struct gw_answer *answer, struct gw_time now);
struct next nodes_tell(struct gw_call *c, struct gw_time now);
/* No challenge is under way any more. */
void nodes_asked(struct gw_call *c);
/* Whether this end is to be in the log; if so, `*left_out` is how many before it were not. */
bool nodes_may_log(struct gw_call *c, uint32_t *left_out, struct gw_time now);
/* ask.c: questions of the gateway's own */
/* The ASK of a question; key and bytes are the caller's to fill in. At most CALL_ASKS may be under way. */
struct gw_action *ask_put(struct gw_call *c, enum gw_ask_what what, double limit_ms,
                          struct gw_time now);
/* The URL of a path at a target; and the head of a GET of its /health, with a challenge if there is one. */
struct gw_str ask_url(struct gw_call *c, const struct backend_conf *to, struct gw_str path);
struct gw_str ask_health_head(struct gw_call *c, const struct backend_conf *to,
                              struct gw_str challenge);
/* A line for the log when whoever is asked goes away, and when he is back; `*away` is what was known until now. */
struct ask_words {
    struct gw_str event, back, gone, remedy; /* between the last two stands why */
};
void ask_note(struct gw_call *c, const struct ask_words *words, const struct gw_answer *answer,
              bool *away, struct gw_time now);
/* By when the next of those under way must be answered; there is one. */
double ask_until(const struct gw_call *c);
struct next ask_on_answer(struct gw_call *c, const struct gw_answer *answer, struct gw_time now);
struct next ask_on_tick(struct gw_call *c, struct gw_time now);
/* lookup.c: where are the nodes? */
struct next lookup_leases(struct gw_call *c, double limit_ms, struct gw_time now);
/* Whether the call asks the registry before it goes on: where a node has failed, or none is known. */
bool lookup_is_due(struct gw_call *c, struct gw_time now);
/* `reached`: as in next_target, which follows. */
struct next lookup_begin(struct gw_call *c, bool reached, struct gw_time now);
struct next lookup_on_leases(struct gw_call *c, const struct gw_answer *answer, struct gw_time now);
/* A call that asks the registry if that is due; lowers *next_ms to when it will be. */
struct gw_call *lookup_task(struct gw *gw, struct gw_time now, double *next_ms);
/* doubt.c: a quick stream that has fallen silent */
#define DOUBT_FAR 1e15 /* it is not to be looked at */
void doubt_begin(struct stream *s);
void doubt_count(struct stream *s);
/* It has said something. */
static inline void doubt_heard(struct stream *s, struct gw_time now) {
    s->heard_at = now.mono_ms;
    if (++s->chunks <= DOUBT_CHUNKS)
        doubt_count(s);
}
void doubt_on_tick(struct gw_call *c, struct gw_time now);
struct next doubt_on_answer(struct gw_call *c, const struct gw_answer *answer, struct gw_time now);
/* seed.c */
/* Whether a request of this route may get one, if its body says that it is streamed. */
bool seed_may_be_wanted(const struct gw_call *c, const struct dialect *d);
/* Reads the rest of a large body that may want one, and comes back to the phase DECIDE. */
struct next seed_read(struct gw_call *c);
/* Draws one, if the body, which has been read, wants it. */
void seed_draw(struct gw_call *c);
/* prefix.c */
/* By the body, which has been read, whether the answer may go on from a prefix. */
void prefix_note(struct gw_call *c);
/* A stream begins: its text is kept if a prefix may be needed. */
void prefix_keep(struct gw_call *c);
/* Puts the prefix into an attempt that goes on with a stream, if its target has proved that it can. */
void prefix_put(struct gw_call *c, struct edits *edits);
/* The answer to such an attempt begins. */
void prefix_begin(struct gw_call *c);
/* The attempt was made with a prefix, and failed for it: it is closed, and next_target should follow.
 * False: it was not. */
bool prefix_fails(struct gw_call *c, bool refused, struct gw_time now);
/* Whether an event's usage counts another answer than the client's. */
bool prefix_miscounts(const struct gw_call *c, const struct event *e);
/* A call that asks a target for its proof, if one is due; lowers *next_ms to when one may be. */
struct gw_call *prefix_task(struct gw *gw, struct gw_time now, double *next_ms);
struct next prefix_on_event(struct gw_call *c, const struct gw_event *e, struct gw_time now);
/* When the attempt's time began: when it was sent, or with the last of the body that was heard. */
static inline double call_began_at(const struct gw_call *c) {
    return c->attempt.heard_at > c->attempt.sent_at ? c->attempt.heard_at : c->attempt.sent_at;
}
/* How long the attempt may take for its first byte. */
static inline double call_first_byte_ms(const struct gw_call *c) {
    double own = c->chain != NULL ? chain_own_first_byte_ms(c) : 0;
    return own > 0 ? own : c->attempt.to->first_byte_ms;
}
static inline bool call_at_provider(const struct gw_call *c) {
    return c->attempt.to != NULL && config_is_provider(c->attempt.to);
}
/* Whether a request that is paid for must not be sent to anybody else, since this one may have done it. Of a
 * stream nothing has been seen then, so another model may begin it. */
static inline bool call_pays_once(const struct gw_call *c) {
    return c->attempt.to->paid && !(c->streamed && c->chain != NULL && c->chain->n > 1);
}
/* The candidate that the attempt is made at. */
static inline struct candidate *call_candidate(struct gw_call *c) {
    return &c->plan.candidates[c->attempt.at];
}
/* show/probe.c: what came of gw_probe, as a table */
void probe_show(const struct gw *gw, struct gw_buf *b);
/* task.c: asks the call's only target for GET /health; its slot is taken, and leave of its breaker */
void task_probe(struct gw_call *c, struct breaker_grant grant, struct gw_time now);
struct next task_on_event(struct gw_call *c, const struct gw_event *event, struct gw_time now);

#endif
