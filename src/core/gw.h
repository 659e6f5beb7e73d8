/*
 * gw.h: the core's one public header, the contract between the gateway's core and its hosts.
 *
 * The core decides; a host does I/O. The core has no sockets, clock, threads, environment, stdio
 * or static mutable data, and calls nothing back but gw_mem's two functions. A host turns what happens
 * into events, feeds one, then polls actions until GW_WAIT, and carries them out. Everything a call
 * needs (time, random seed, configuration, environment) comes in as an argument, so every decision
 * replays.
 *
 *     host                                   core
 *      | gw_open                              |   a client's request begins
 *      | gw_feed(REQ_HEAD)                    |   auth, route, plan
 *      | gw_poll -> READ, SEND, ..., WAIT     |   until WAIT: then wait for the next event or `at`
 *      | gw_feed(REQ_BODY | RES_HEAD | ...)   |
 *      | gw_poll -> HEAD, DATA, ..., WAIT     |
 *      | gw_poll -> END                       |   nothing follows an END
 *      | gw_close                             |   exactly once on every path
 *
 * The one rule: feed once, then poll until GW_WAIT (or GW_END). Then drain what gw_ready names: calls
 * that this one has woken (a slot became free); each is polled the same way.
 *
 * Threads. A gateway and its calls belong to one thread. Gateways of one process share nothing but
 * the cells (struct gw_cells).
 *
 * Lifetimes. What goes in is borrowed for the duration of the call. What comes out is valid until
 * the next gw_feed or gw_close of the same gw_call. Nobody frees the other's memory.
 *
 * Trouble comes in three kinds.
 *
 *     an outcome            bad JSON, 429, every node down    an action
 *     exhaustion, misuse    GW_EMEM, GW_EUSE below            a negative GW_E... of gw_feed: that call
 *                                                             may only be closed; the host answers 500,
 *                                                             or resets if the head is out
 *     a bug                                                   a trap
 *
 * Times are milliseconds as doubles: a monotonic clock for waits, a wall clock for calendars and
 * signatures. The monotonic clock never goes back.
 */
#ifndef GW_CORE_GW_H
#define GW_CORE_GW_H

#include "base/arena.h"
#include "base/str.h"

enum { GW_ABI = 3 };
#define GW_VERSION "0.2.0"

/* GW_EMEM: the call's memory is used up (1 MiB), or the system's. GW_EUSE: the host is wrong: an event
 * that nobody knows, a second REQ_HEAD, or a REQ_BODY before the head, behind the last one, or at
 * another offset than where the one before it ended. */
enum { GW_EMEM = -1, GW_EUSE = -2 };

enum {
    GW_HEADERS_MAX = 100,        /* of a request's head */
    GW_ANSWER_HEADERS_MAX = 128, /* of a response's: servers add what they like */
    GW_HEAD_MAX = 65536,         /* bytes of either */
    GW_SHOW_BODY = 65536,     /* request bytes that the core may ask to see without needing all */
    GW_ANSWER_MAX = 16384,    /* bytes of an answer to an ASK, but for RECALL's */
    GW_SHOW_ANSWER = 4194304, /* response bytes that the core may ask to see of what is relayed */
    GW_AHEAD = 262144, /* request bytes that a host may have beyond what an attempt has taken */
};

/* What a host keeps by STORE. Where one of the last three would be passed, what ends soonest is given up. */
enum {
    GW_STORED_MAX = 2 << 20,        /* bytes of one */
    GW_STORED_OF_OWNER = 4096,      /* of one owner */
    GW_STORED_OWNER_MAX = 64 << 20, /* bytes of one owner */
    GW_STORED_ALL_MAX = 1 << 30,    /* bytes of all, where they are in one file */
};

/* Offsets and lengths: these two stand for what is not known. */
#define GW_UNKNOWN UINT64_MAX /* a length that is not declared: chunked */
#define GW_REST UINT64_MAX    /* to the end, as it comes */

struct gw;
struct gw_call;

struct gw_time {
    double mono_ms, wall_ms;
};

/* Counts that the loops of one process share: slots in flight, breakers, retry budgets, bytes held. All
 * zero at first; the host keeps them for as long as any gw uses them. `loops` is how many gw share them:
 * with one, a freed slot wakes its waiter at once (gw_ready); with more, a waiter also looks again every
 * 20 ms. */
struct gw_cells {
    uint64_t *cell; /* gw_cells_n of them, touched with C11 atomics */
    uint32_t loops;
};
/* How many cells gw_new wants: always the same number. May be called at any time. */
uint32_t gw_cells_n(void);

enum gw_host { GW_RACK = 0, GW_EDGE = 1 };

/* What a gateway is made from. `env` is a sequence of "NAME=value" records, each ended by a NUL
 * byte; names the core does not know are ignored. Environment beats the file. `file` is JSON with
 * comments; empty means the defaults. Both are borrowed for the call. */
struct gw_source {
    uint32_t host; /* enum gw_host */
    struct gw_str env, file;
};

/* Makes a gateway. `mem` and the cells must outlive it; all else is borrowed for the call.
 * NULL on failure: `why_buf`, of `why_cap` bytes, then holds one line of `*why_n` bytes, cut if it does
 * not fit: where, what is wrong, and what to do. Without a line there was no memory. */
struct gw *gw_new(const struct gw_mem *mem, const struct gw_cells *cells,
                  const struct gw_source *source, uint64_t seed, char *why_buf, size_t why_cap,
                  size_t *why_n);
/* Replaces the configuration, at any time between two events. 0; or -1, `why` as above, and the old one
 * stays in force. Open calls keep the configuration that they began with. What is known of a target is
 * kept, by name. */
int gw_load(struct gw *gw, const struct gw_source *source, char *why_buf, size_t why_cap,
            size_t *why_n);
/* Frees the gateway. All its calls must be closed: it traps otherwise. */
void gw_del(struct gw *gw);

/* ------------------------------------------------------------------ events: what happened */

enum gw_event_kind {
    GW_REQ_HEAD = 1, /* the first event of every client's call */
    GW_REQ_BODY,     /* more of the request body arrived and is held by the host */
    GW_RES_HEAD,     /* an attempt's response head; 102 to 199: a hint, the head is still to come */
    GW_RES_BODY,     /* bytes of an attempt's response body; only while it is observed, or shown */
    GW_RES_END,      /* an attempt's response is over, after its head */
    GW_RES_FAIL,     /* an attempt failed before its response head */
    GW_TICK,         /* the time that WAIT asked for has come (early is allowed). A host puts it off
                      * while it waits for the client to take its answer */
    GW_GONE,         /* the client left; pump on to END */
    GW_ANSWER,       /* what came of an ASK */
};

struct gw_header {
    struct gw_str name, value; /* as on the wire, without the white space around the value */
};

enum gw_peer {
    GW_PEER_LOOPBACK = 1, /* both ends of the client's connection are loopback addresses */
};

struct gw_req_head {
    struct gw_str method, target;    /* target: origin form, "/path?query"; or "*", for OPTIONS */
    struct gw_str authority;         /* the Host header or :authority; empty if there is none */
    struct gw_str certificate;       /* the name in the client's certificate, which the host has
                                      * verified; empty if there is none */
    const struct gw_header *headers; /* all of them, also those of the connection */
    uint32_t headers_n;
    uint32_t peer;     /* enum gw_peer, or-ed */
    uint64_t body_len; /* declared length, 0 for none, GW_UNKNOWN for chunked */
};

struct gw_req_body {
    uint64_t off, len;   /* off continues where the last one ended */
    bool fin;            /* the body is complete (may come with len 0) */
    struct gw_str bytes; /* those bytes, or n == 0: held but not shown */
};

struct gw_res_head {
    uint32_t status;
    const struct gw_header *headers;
    uint32_t headers_n;
    uint64_t body_len; /* declared length, GW_UNKNOWN if none; 0 where no body may come (204, 304).
                        * In an answer to HEAD: what is declared, and RES_END follows at once */
};

enum gw_how {
    GW_CLEAN = 0,
    GW_CUT,       /* ended before its framing said so */
    GW_CUT_ALONG, /* CUT, with a lost connection whose loss another attempt has already told */
};

enum gw_fail {
    GW_FAIL_REFUSED = 1,  /* the connection could not be made (refused, unreachable) */
    GW_FAIL_DNS,          /* the name does not resolve */
    GW_FAIL_TLS,          /* handshake or verification failed */
    GW_FAIL_CONNECT_TIME, /* connecting took longer than SEND's connect_ms */
    GW_FAIL_RESET,        /* closed or reset before a response head */
    GW_FAIL_STALE,        /* the same on a connection that was kept alive: the server had gone */
    GW_FAIL_JUNK,         /* what came was not HTTP, or broke a limit */
    GW_FAIL_LOCAL,        /* this host could not try: no descriptors, no memory */
    GW_FAIL_UNTAKEN,      /* the target has not begun with it, so it may be sent again: HTTP/2
                           * REFUSED_STREAM or GOAWAY, or no stream was free within connect_ms */
    GW_FAIL_ALONG,        /* RESET, with a lost connection whose loss another attempt has already
                           * told: one lost connection is one failure */
};

/* What a host says with a TICK about request bytes that READ lets in and that have not come. */
enum gw_tick_body {
    GW_AWAITED = 0, /* it waits for them, and none have come since the last event */
    GW_HELD_BACK,   /* it does not read them, because the target has not taken those that came */
    GW_UNSEEN,      /* it waits for them, and cannot see how many have come before all have */
};

enum gw_sent { GW_SENT_NONE = 0, GW_SENT_PART, GW_SENT_ALL }; /* of the request, to the target */

enum gw_answer_status {
    GW_ANSWER_DONE = 0, /* what was to be kept is kept; what was asked for is in `bytes` */
    GW_ANSWER_NONE,     /* there is nothing under this key */
    GW_ANSWER_OLDER,    /* not kept: what is there is as new, or newer */
    GW_ANSWER_LATE,     /* not by the deadline; whether it will be done is not known */
    GW_ANSWER_UNASKED,  /* this host could not put it: no descriptors, no memory */
    GW_ANSWER_FAILED, /* nothing was done, or nobody is there to ask; `bytes` may say why, in words */
};

/* Each ASK has one at most: those that come late, twice, or for nothing that was asked, are ignored. */
struct gw_answer {
    uint32_t id, status; /* as ASK gave it; enum gw_answer_status */
    struct gw_str bytes; /* at most GW_ANSWER_MAX; of RECALL, GW_STORED_MAX */
};

struct gw_event {
    uint32_t kind;    /* enum gw_event_kind */
    uint32_t attempt; /* RES_*: as SEND gave it; events of a dropped attempt are ignored */
    union {
        struct gw_req_head req_head;
        struct gw_req_body req_body;
        struct gw_res_head res_head;
        struct gw_str res_body;
        struct {
            uint32_t body; /* enum gw_tick_body */
        } tick;
        struct {
            uint32_t how; /* enum gw_how */
        } res_end;
        struct {
            uint32_t fail, sent; /* enum gw_fail, enum gw_sent */
        } res_fail;
        struct gw_answer answer;
    };
};

/* ------------------------------------------------------------------ actions: what to do */

enum gw_action_kind {
    GW_WAIT = 0, /* drained: sleep until an event or until `at`, which is always finite */
    GW_READ,     /* let request bytes below `read.upto` in */
    GW_SEND,     /* start an attempt; also after a HEAD: a stream goes on at another target */
    GW_FORGET,   /* request bytes below `forget.below` may be freed once they are sent */
    GW_DROP,     /* cancel attempt `attempt`; none of its events count any more */
    GW_HEAD,     /* the response head to the client; 102 to 199: a hint before it, if the client
                  * may expect one */
    GW_DATA,     /* response bytes to the client */
    GW_RELAY,    /* the rest of attempt `attempt` goes to the client as it comes */
    GW_END,      /* the call is over: gw_close it */
    GW_RECORD,   /* one finished request, as a JSON object on one line, for the log */
    GW_ASK, /* put a question and go on: several may be under way, and none touches an attempt. If
                  * nobody answers it by `at`, that is an answer too. Nobody waits for one whose call is
                  * over */
};

/* What is asked. Each host has a table of who answers (native/drive/asks.c, worker-shim/ask.js). A
 * question without bytes to keep changes nothing. Those that go to a target by HTTP have its URL as their
 * key, and as their bytes the head block of the GET. */
enum gw_ask_what {
    GW_ASK_PROOF = 1, /* a node by HTTP: DONE is a 200, and `bytes` its x-heady-proof */
    GW_ASK_LEASES,    /* the registry, in the rack by HTTP: all leases, as lines */
    GW_ASK_KEEP,  /* the registry or the store: to keep the lease that `bytes` are, of node `key` */
    GW_ASK_ALIVE, /* a target by HTTP: DONE is an answer, whatever it is */
    /* The store. `key` is "OWNER/NAME"; the name has no slash. DONE of a STORE is kept for good, until
     * its time is over. */
    GW_ASK_STORE, /* to keep `bytes`: a line that says until when, in ms since 1970, and what is kept */
    GW_ASK_RECALL, /* what is kept, without that line */
    GW_ASK_FORGET, /* not to keep it any longer */
    GW_ASKS,
};

/* Where a request goes; carried by value, so that a reload cannot pull it from under a call. */
struct gw_target {
    struct gw_str name;      /* "node-3": what clients and logs may see; the rest is secret */
    struct gw_str origin;    /* "https://host:port" (port always there): the key of a pool */
    struct gw_str host;      /* the name or address to connect to, without brackets; also the SNI */
    struct gw_str authority; /* what goes into Host: host, and the port unless it is the default */
    uint32_t port;
    uint32_t tls; /* 1: TLS with verification */
};

enum gw_slice_kind { GW_LITERAL = 0, GW_REQUEST, GW_CHUNK };

/* A piece of a body: literal bytes (p, len), a range of the request that the host holds (off, len;
 * len GW_REST: from off to the end, as it comes), or a range of the response chunk just fed. */
struct gw_slice {
    uint32_t kind; /* enum gw_slice_kind */
    const char *p;
    uint64_t off, len;
};

/* Head blocks are lines "name: value\r\n" with lower-case names, checked to hold no CR, LF or NUL
 * elsewhere. They hold no host, connection, content-length or transfer-encoding: those the host writes.
 * The block of a HEAD holds at most one date, that of the upstream; if there is none the host writes its
 * own. */
struct gw_action {
    uint32_t kind;    /* enum gw_action_kind */
    uint32_t attempt; /* SEND, DROP, RELAY: counts from 1 within the call */
    double at;        /* WAIT: when to TICK; RELAY: by when the relay must be over; ASK: by when an
                       * answer counts (monotonic) */
    union {
        struct {
            /* An offset in the body. Bytes below it may be let in and held: their room is counted
             * already. Only what one read brings may go beyond it. GW_REST: as much as
             * back-pressure lets through, so that at most GW_AHEAD bytes have come that no attempt
             * has taken. */
            uint64_t upto;
            uint64_t show; /* bytes below this offset are to be shown; those above need not be */
            /* 1: a body that has come whole, and that is not forgotten, is told once more from offset
             * `from` on, all of it shown, while no attempt is under way. The offsets of REQ_BODY go on from there. */
            uint32_t again;
            uint64_t from;
        } read;
        struct {
            struct gw_target target;
            struct gw_str method;
            struct gw_str url;  /* origin-form appended to the target: "https://host/path?query" */
            struct gw_str path; /* the part of url from the path on: the request target */
            struct gw_str head; /* head block */
            const struct gw_slice *slices;
            uint32_t slices_n; /* 0: no body */
            uint32_t connect_ms;
            uint64_t body_len; /* of all slices; GW_UNKNOWN: chunked; 0 with slices_n 0 */
        } send;
        struct {
            uint64_t below; /* GW_REST: everything */
        } forget;
        struct {
            uint32_t status;
            struct gw_str head;
            uint64_t body_len; /* GW_UNKNOWN: chunked, or until close for HTTP/1.0 */
        } head;
        struct {
            const struct gw_slice *slices;
            uint32_t slices_n;
        } data;
        struct {
            /* 1: feed RES_END when it is over, the call goes on until then. 0: END follows
             * in this turn; the host closes the call and finishes the relay by itself. */
            uint32_t report;
            /* With a report: so many bytes of it are told by RES_BODY, too, once they are on their way
             * to the client, in the same turn. 0: it goes unseen. */
            uint64_t show;
        } relay;
        struct {
            uint32_t code; /* 0: the answer is whole (after RELAY 0: as whole as the relay will
                            * be). Else cut it: reset, never a clean end. */
        } end;
        struct {
            struct gw_str line;
        } record;
        struct {
            uint32_t id;             /* counts from 1 within the call */
            uint32_t what;           /* enum gw_ask_what */
            struct gw_target target; /* of a question by HTTP */
            struct gw_str key, bytes;
        } ask;
    };
};

/* ------------------------------------------------------------------ calls */

/* Begins a call; feed it a REQ_HEAD next. NULL: out of memory, and the host answers 503. */
struct gw_call *gw_open(struct gw *gw, struct gw_time now);
/* An event of this call is near: what it will need is fetched (base/prefetch.h). Only a hint: it may be
 * left out, and changes nothing. */
void gw_expect(const struct gw_call *call);
/* Tells an event. 0; or GW_EMEM or GW_EUSE: then only gw_close is legal. Never wrong: events of an
 * attempt that was dropped or that nobody knows, and any event behind END; they are ignored. What has
 * not been polled yet stays, and comes first: a call that was woken may be fed before it is polled. */
int gw_feed(struct gw_call *call, const struct gw_event *event, struct gw_time now);
/* The next action: fills `*action` and returns its kind. It cannot fail. After GW_WAIT there is nothing
 * more until the next gw_feed; after GW_END only gw_close is left. */
uint32_t gw_poll(struct gw_call *call, struct gw_action *action);
/* Ends a call, in any state, and gives back what it holds: slots, room, its place in the queue. Exactly
 * once for each call that gw_open, gw_task or gw_probe gave. Calls may be woken by it: see gw_ready. */
void gw_close(struct gw_call *call, struct gw_time now);
/* A call that another one has woken, and that must now be polled until WAIT or END; NULL: there is none.
 * Ask until NULL whenever a call has been polled to its WAIT or END. The host finds its own state by
 * gw_user. */
struct gw_call *gw_ready(struct gw *gw);
/* Work that no client asked for: the registry is to be asked, or a node that was down is to be probed. A
 * call without a client, driven like any other, but it gets no REQ_HEAD: poll it first. Ask until NULL:
 * nothing is due, or there is no memory. `*next_ms` then says how long to wait before asking again. */
struct gw_call *gw_task(struct gw *gw, struct gw_time now, double *next_ms);

/* For an operator: a call like gw_task's that asks the next target with an endpoint for GET /health,
 * whatever its breaker says. `*at`, 0 at first, counts on. NULL: that was the last one, or there is no
 * memory. When these calls are over, gw_report(GW_SHOW_PROBES) is a table of what came of them, and
 * gw_probes_failed how many targets did not answer well. */
struct gw_call *gw_probe(struct gw *gw, uint32_t *at, struct gw_time now);
uint32_t gw_probes_failed(const struct gw *gw);

/* Kinds of frames, or-ed: what may come by a channel. Whoever can write to a channel writes its frames,
 * and a lease sends requests, with the node's bearer, to where it says. So a channel carries no more
 * than it must. */
enum gw_frames {
    GW_FRAMES_BREAKERS = 1,
    GW_FRAMES_LEASES = 2,
    GW_FRAMES_ALL = GW_FRAMES_BREAKERS | GW_FRAMES_LEASES,
};

/* State between shards: other loops, other isolates, and oneself after a restart. Frames are lines of
 * text (cluster/sync.c). `in` are those of others, in any order and as often as they come; it may be
 * empty. What is no frame, or one of a kind that is not among `kinds`, is skipped: this cannot fail.
 * `*out` is what has changed here since the last gw_sync, for the others; it may be empty, and is valid
 * as long as what gw_show gives.
 * gw_has_news: whether `*out` would hold anything. It costs next to nothing: ask after every event. */
void gw_sync(struct gw *gw, uint32_t kinds, struct gw_str in, struct gw_time now,
             struct gw_str *out);
bool gw_has_news(const struct gw *gw);

/* What a host answers by itself, because there is no call that could: a request that is no HTTP or does
 * not arrive, memory that ran out, an instance that died. */
struct gw_refusal {
    uint32_t status;      /* 0: not an answer's body but an event within server-sent events */
    struct gw_str target; /* the request's, as in its head; empty if it is not known */
    struct gw_str code, message; /* of an event the code is its dialect's own */
};
/* Writes it into `out` in the shape that clients of that path know: its length, 0 if that is above `cap`.
 * At any time: it needs no gateway. */
size_t gw_refuse(const struct gw_refusal *refusal, char *out, size_t cap);

/* Whether the attempt under way may well be dropped before its head comes, as those of streamed requests are
 * that another target could serve: 1 or 0, right for the SEND that was polled last. For a host that must prepare for that (at
 * the edge a signal costs a request a twentieth, and a relayed chunk as much); others need not ask. An
 * attempt that is dropped unprepared may stay open until its head comes or the call ends. A client that
 * asks for the fast way has chosen that. */
uint32_t gw_may_drop(const struct gw_call *call);

/* A word of the host's on a call, NULL at first. Legal until gw_close. */
void gw_set_user(struct gw_call *call, void *user);
void *gw_user(const struct gw_call *call);

enum gw_show_what {
    GW_SHOW_HEALTH = 1, /* each backend's health: JSON */
    GW_SHOW_LIMITS,     /* numbers a host needs: lines "name value" */
    GW_SHOW_STATE,      /* all frames of gw_sync that a new shard should begin with */
    GW_SHOW_TARGETS,    /* the names of all targets: lines */
    GW_SHOW_KEYED,      /* "1" if keys are configured, "off" if GATEWAY_AUTH=off, else "0" */
    GW_SHOW_CHECK,      /* effective routes, and every address that may be called: text */
    GW_SHOW_MISSING,    /* what is configured but cannot work (no endpoint): lines; empty is good */
    GW_SHOW_LISTEN,     /* "listen" of the file: addresses, one a line */
    GW_SHOW_PROBES,     /* of gw_probe: a table */
    GW_SHOW_TLS,        /* "upstream_tls": lines of five fields, each ended by a tab: host, CA file,
                         * certificate, key, server name; the first line is for all hosts */
};
/* Text about the gateway, at any time. Valid until the next gw_show, gw_report, gw_explain, gw_sync,
 * gw_feed (of any call), gw_load or gw_del. Empty for what it does not know.
 * gw_report gives what a daemon's operator asks for (CHECK, MISSING, LISTEN, PROBES, TLS), gw_show the
 * rest: apart, so that the Worker's module does not carry it. */
struct gw_str gw_show(struct gw *gw, uint32_t what, struct gw_time now);
struct gw_str gw_report(struct gw *gw, uint32_t what);

/* The complexity score of a request, given as JSON, and its reasons, as JSON (policy/score.h). 0; or -1
 * and `*out` is a sentence: what is wrong and what to send. `*out` is valid as long as what gw_show
 * gives. */
int gw_explain(struct gw *gw, struct gw_str request, struct gw_time now, struct gw_str *out);

#endif
