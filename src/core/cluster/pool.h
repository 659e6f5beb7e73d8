/*
 * The backends as the gateway sees them: what is in flight at each, whether it is busy or offline, and
 * how fast it is.
 *
 * Slots in flight, breakers and retry budgets are exact across loops (gw_cells); the rest is this
 * gateway's own view. A backend's state:
 *
 *   READY      COOLING    429, 503, 529: for Retry-After, else 1 s doubling to 30 s; no requests until then
 *   COOLING    READY      the time is over, or an answer to a later request came
 *   READY      DOWN       its breaker has opened (breaker.h)
 *   COOLING    DOWN       the same, by requests that were under way
 *   DOWN       HALF_OPEN  its open time is over: one request may try it
 *   HALF_OPEN  DOWN       that request has the permit
 *   DOWN       READY      it has served; or another shard says so (sync.c)
 *   DOWN       COOLING    it was tried and is busy: alive, and no more is known
 *   COOLING    HALF_OPEN  the time is over, and the trial is still to come
 */
#ifndef GW_CORE_CLUSTER_POOL_H
#define GW_CORE_CLUSTER_POOL_H

#include "base/rng.h"
#include "core/cluster/breaker.h"
#include "core/cluster/overload.h"
#include "core/cluster/predict.h"
#include "core/config/config.h"

enum {
    POOL_NAME_MAX = 48,
    POOL_NO_KEY = 0,
};

struct pool_backend {
    double ewma_ms, ewma_at; /* peak-EWMA of the time to first content, without what reading a long
                              * prompt took; at 0: no history */
    double read_ms;          /* how long it takes to read a byte of a prompt; 0: not known */
    double read_long_ms;     /* likewise, of long prompts only */
    double reads_until; /* by then it has read what was sent to it, if it is as quick as ever */
    double silent_from; /* since when those that wait for its content have seen nobody get any */
    uint32_t awaiting;  /* how many wait for it */
    double moved_at;    /* when the content of an answer began or ended */
    double ended_at;    /* when an answer of it ended, while it served `served_then` (capacity.c) */
    uint32_t served_then;
    uint32_t served_most;  /* at a time, ever */
    uint32_t waited_runs;  /* streams in a row that have waited there */
    double looked_at;      /* when it last got one more than its capacity */
    double serve_ms;       /* how long it serves a request; 0: not known */
    double cool_until;     /* monotonic; 0: it is not cooling */
    double cooled_at;      /* when it last said that it is busy */
    double heard_at;       /* when a quick stream of its was last heard (call/doubt.c); monotonic */
    double asked_at;       /* when it was last asked whether it lives (call/late.c) */
    double answered_at;    /* when that was answered, or no answer had come, and ... */
    bool lives;            /* ... which of the two */
    double seen_at;        /* last answer of any kind, wall clock; 0: never */
    double closed_at;      /* when its breaker last closed; 0: never. For the slow start */
    double told_at;        /* wall clock of the last change of its breaker, ours or told */
    double told_ahead;     /* the latest time from the future that was told (sync.c) */
    double probe_at;       /* when it may be probed next */
    double probe_ms;       /* how long the last probe took; 0: there was none */
    uint32_t probe_status; /* what it answered, or 0 and ... */
    uint32_t probe_trouble;
    struct predict predict; /* of streamed answers */
    bool finishes;          /* one of its streams has sent a finish reason */
    bool unfinished;        /* its streams end without one */
    uint32_t cool_runs;     /* in a row */
    uint32_t picked;        /* sequence number of the last pick, so that ties alternate */
    uint32_t passed;        /* how often another of its tier was picked since */
    uint32_t waiting;       /* candidates of queued calls that could use it */
    uint8_t prefill;        /* enum pool_prefill */
    uint8_t prefill_runs;   /* how often in a row it was asked for its proof and gave none */
    bool prefill_counts;    /* one event of its streams is one token */
    uint64_t prefill_of;    /* hash of where it was asked, and how ... */
    uint64_t prefill_says;  /* ... and of what it said: targets that say the same are alike */
    double prefill_at;      /* when it may be asked (again) whether it can; monotonic */
    bool changed;           /* its breaker has changed here since the last frame (sync.c) */
};

struct pool {
    struct pool_backend backend[GW_BACKENDS];
    struct overload models; /* of providers */
    struct gw_cells cells;
    struct gw_rng *rng;
    struct breaker_conf breaker;
    uint32_t sequence;
    bool news; /* some backend has `changed` */
};

/* Whether it goes on with an answer that has begun as it would have given it whole (call/prefix.c). */
enum pool_prefill {
    POOL_PREFILL_UNASKED = 0,
    POOL_PREFILL_WANTED, /* some stream could need it: to be asked when it is idle */
    POOL_PREFILL_PROVEN,
    POOL_PREFILL_UNFIT,
};

enum pool_state { POOL_READY, POOL_HALF_OPEN, POOL_COOLING, POOL_DOWN };

/* What a backend's last failure was. */
enum pool_trouble {
    POOL_FINE = 0,
    POOL_BUSY,
    POOL_REFUSED,
    POOL_DNS,
    POOL_TLS,
    POOL_CONNECT_TIME,
    POOL_JUNK,
    POOL_RESET,
    POOL_LATE,
    POOL_OFFLINE,
    POOL_ERRORED,
    POOL_CUT,
    POOL_SILENT,
    POOL_PROBED,
    POOL_TROUBLES,
};
struct gw_str pool_trouble_name(uint32_t trouble);

enum pool_state pool_state_of(const struct pool *p, uint32_t slot, double now);
/* Until when it is DOWN or COOLING; 0: neither. */
double pool_until(const struct pool *p, uint32_t slot, double now);
void pool_look(const struct pool *p, uint32_t slot, double now, struct breaker_view *out);
uint32_t pool_in_flight(const struct pool *p, uint32_t slot);
/* Takes a slot and the breaker's grant. False if `max` requests are in flight (0: no limit), or the
 * breaker refuses; `forced`: the breaker is not asked. */
bool pool_take(struct pool *p, uint32_t slot, uint32_t max, bool forced, double now,
               struct breaker_grant *grant);
void pool_give(struct pool *p, uint32_t slot);
/* Whether one more request that is still arriving may take a slot: half of them at most. Loops that ask
 * at the same time may each begin one. */
bool pool_takes_uploads(const struct pool *p, uint32_t slot, uint32_t max);
void pool_upload(struct pool *p, uint32_t slot, bool begins);
/* Its peak-EWMA; 0 without history. */
double pool_latency(const struct pool *p, uint32_t slot, double now);
/* What one more request there would cost, with so many bytes to read: `latency` x (in flight + 1), the time
 * until it has been read, and how long it has been silent. For a while after its breaker has closed it is
 * held to be slower. */
double pool_cost(const struct pool *p, uint32_t slot, double unread, double latency, double now);
/* A request was sent, and waits for its first content; and waits no longer, `content` or not. It was to be
 * read by `reads_until` (pool_reads_from). */
void pool_awaits(struct pool *p, uint32_t slot, double now);
void pool_awaits_no_more(struct pool *p, uint32_t slot, bool content, double reads_until,
                         double now);
/* How long those that wait there have seen nothing; 0: nobody waits. */
double pool_silence(const struct pool *p, uint32_t slot, double now);
/* How long it takes to read so many bytes; 0: not known. */
double pool_read_ms(const struct pool *p, uint32_t slot, double bytes);
/* A request with so many bytes to read goes there; returns from when on it will be read, and until when. */
double pool_reads_from(struct pool *p, uint32_t slot, double unread, double now, double *until);

/* One of the backend's keys, from 1 to CELLS_KEYS, was refused: it rests until then (monotonic), to the
 * sixteenth of a second, for all loops. The others go on. */
void pool_rest(struct pool *p, uint32_t slot, uint32_t key, double until);
/* Until when the key rests; 0: it does not. */
double pool_rests_until(const struct pool *p, uint32_t slot, uint32_t key, double now);

/* Another backend has this slot now. Calls that wait for the slot go on waiting. */
void pool_forget(struct pool *p, uint32_t slot);

/* Outcomes of attempts. Those with a grant tell the breaker. `unread`: bytes of the prompt that the target
 * had to read first; only a streamed answer shows how long that took. */
void pool_first_content(struct pool *p, uint32_t slot, double took_ms, bool streamed, double unread,
                        double now);
/* It answers. `sent_at`: when the attempt began. `served`: the answer is whole. */
void pool_succeeded(struct pool *p, uint32_t slot, struct breaker_grant *grant, double sent_at,
                    bool served, struct gw_time now);
/* A request has waited there this long in vain: that counts as its latency. */
void pool_kept_waiting(struct pool *p, uint32_t slot, double waited_ms, double now);
/* It is alive and has no room. `retry_after_ms` < 0: it did not say. */
void pool_busy(struct pool *p, uint32_t slot, struct breaker_grant *grant, double retry_after_ms,
               struct gw_time now);
/* `lone`: no other of its tier is well, so it is tried again sooner. */
void pool_failed(struct pool *p, uint32_t slot, struct breaker_grant *grant, uint32_t trouble,
                 bool lone, struct gw_time now);
void pool_let_go(struct pool *p, uint32_t slot, struct breaker_grant *grant, double now);

/* Another shard has seen its breaker open until `until` (monotonic), or close. */
void pool_tell(struct pool *p, uint32_t slot, bool open, double until, uint32_t opens,
               uint32_t trouble, double now);

/* Retry budgets: one for each class, and one for all else. Every request pays in a fifth of a retry, and
 * every second ten; at most 20 are saved up. */
void pool_budget_pay(struct pool *p, uint32_t budget, double now);
bool pool_budget_take(struct pool *p, uint32_t budget, double now);

#endif
