/*
 * An observed stream: an answer whose events are looked at on their way to the client.
 *
 *     state     what came                                     what follows
 *     HOLD      head, preamble                                held: another target may still serve
 *               content, or the finish                        the commit: OBSERVE
 *               an error, the end, silence                    the next target, as after a 5xx
 *     OBSERVE   events                                        each goes to the client in its turn
 *               part of an event                              held until the rest of it is there
 *               no JSON where there should be                 dropped; a frame of a translated stream: as if
 *                                                             it broke off
 *               the end, after the finish                     the end mark, if it is missing; END
 *               the end, an error, silence before the finish  the next target: TRY, then OBSERVE
 *               ... and none is left, or it differs           an error in the stream's dialect; END
 *               ... and it ends cleanly at the same place     the end: these targets send no finish,
 *                                                             which is remembered
 *
 * The head waits at most ten seconds for the first content. From then on, whenever the client has heard
 * nothing for ten seconds, it gets a comment (in JSON lines a space).
 *
 * The next target gets the same request, which is held as long as it may be needed for that. Its answer
 * is compared with what the client has (delivered.h) and dropped while it is the same; what follows goes
 * to the client.
 *
 * A stream in no known dialect, or with an event above STREAM_EVENT_MAX, is passed on as it comes (raw),
 * and cannot be resumed. One that is translated may have events up to STREAM_TOLD_MAX; with a longer one it fails.
 *
 * Memory. At most 136 KiB are held (of a stream that is translated 2 MiB and 8 KiB, if it has events as long), and usually nothing: STREAM_PREAMBLE_MAX of preamble, one event that
 * is not whole yet, and, in the turn in which it becomes whole, the next one. What goes out is named by
 * slices; only if an answer is resumed in more than STREAM_SLICES places of one chunk is the rest of that
 * chunk copied. To that come the structure itself (1.4 KiB) and what delivered.h says.
 */
#ifndef GW_CORE_CALL_STREAM_H
#define GW_CORE_CALL_STREAM_H

#include "core/call/delivered.h"
#include "core/call/next.h"
#include "core/gw.h"
#include "format/frame.h"
#include "format/shape.h"

struct backend_conf;
struct gw_call;
struct answer_head;
struct stream_speech;

enum {
    STREAM_PREAMBLE_MAX = 8192,
    STREAM_EVENT_MAX = FRAME_MAX,
    STREAM_TOLD_MAX =
        FRAME_TOLD_MAX, /* where it is translated: it cannot be passed on as it comes */
    STREAM_TOLD_HELD = STREAM_PREAMBLE_MAX + 2 * STREAM_TOLD_MAX,
    STREAM_SPILL_MAX = 1 << 19,
    STREAM_SPEECH_MAX =
        6 << 20, /* likewise, where all of it is written: an end may tell the whole once more */
    STREAM_SLICES = 8,
    STREAM_DATA =
        4, /* DATA of a turn: before what is large, before an attempt is dropped, before END, at its end */
    STREAM_ID_MAX = 128,
    STREAM_NUMBER_MAX = 20,
};

/* What goes out in this turn, in order; up to `given` it is in a DATA already. A literal without `p` is
 * at `off` in what is held, which may move until the DATA is made. */
struct stream_out {
    uint32_t n, given;
    bool spilled; /* no slice is left but one for each DATA to come: from now on bytes are copied */
    size_t spill_given;
    char number[STREAM_SLICES + 1][STREAM_NUMBER_MAX]; /* of slices; the last one is copied */
    struct gw_buf spill;
    struct gw_slice slice[STREAM_SLICES + STREAM_DATA];
};

/* What the question of doubt.c is made of, once it has been asked of a target. */
struct stream_doubt {
    const struct backend_conf *of; /* NULL: of none yet */
    struct gw_str url, head;
};

/* What every event needs stands first, as in struct gw_call. */
struct stream {
    struct event_source in;    /* what the current attempt speaks */
    const struct dialect *out; /* what the client hears, in keep-alives, errors and the end too */
    enum framing framing;      /* of what comes in */
    bool raw;
    bool begun;       /* content has gone to the client */
    bool further;     /* the current attempt has brought more than those before */
    bool ended_early; /* the last attempt ended cleanly, but unfinished */
    bool resumable, resuming;
    bool finished;      /* its finish reasons have come */
    bool errored;       /* it has said an error, which was passed on */
    bool ended;         /* its end mark came */
    bool closing;       /* nothing follows: what looks like its last event may be torn */
    uint32_t chunks;    /* of the attempt at hand, from its first content on */
    uint64_t said;      /* bytes of content that went out and that `delivered` does not count */
    double doubt_at;    /* when to look whether it is in doubt (doubt.c) */
    double heard_at;    /* when the last of them came */
    double silence_ms;  /* how long the attempt at hand may be silent */
    double comment_at;  /* when the client gets a comment */
    size_t partial;     /* where an event begins in what is held */
    struct gw_buf held; /* preamble, then the beginning of an event */
    struct gw_str chunk;
    struct delivered delivered;
    struct stream_out turn;
    struct shape shape;
    struct stream_speech *speech; /* NULL: it is passed on, and not translated (speak.c) */

    const struct dialect *likely;   /* dialect, by the path; NULL: it does not say */
    uint32_t ended_at;              /* which candidate of the plan ended early */
    uint32_t choices, choices_over; /* of the current attempt: a bit each */
    uint32_t choices_told;          /* to the client */
    uint32_t numbered;         /* if its events have numbers: the next one's; 0: they have none */
    uint32_t status;           /* of the answer that is held */
    struct gw_str head;        /* its lines for the client */
    double head_at;            /* when the head goes out without content at the latest */
    double first_at, asked_at; /* when the first of the chunks came; the last doubt */
    struct stream_doubt doubt;
    struct gw_str id;       /* of the first answer */
    struct frame_tail tail; /* of what has gone out, in a raw one */
};

/* stream_out.c: what goes to the client in this turn */
void stream_begin_turn(struct gw_call *c);
void stream_put(struct gw_call *c, struct gw_slice slice);
void stream_put_number(struct gw_call *c, uint32_t n);
void stream_put_text(struct gw_call *c, struct gw_str constant);
/* Where text may be appended that goes out in this turn, behind what has been put until now. */
struct gw_buf *stream_spill(struct gw_call *c);
/* Makes the DATA: at the turn's end, before END, and before the attempt that the chunk is of is dropped. */
void stream_flush(struct gw_call *c);
/* The same, once in a turn; what is put next is large and goes out from where it is, if a slice is left. */
void stream_end_copies(struct gw_call *c);

/* stream.c */
/* The head of an answer that is to be observed has come. */
struct next stream_on_head(struct gw_call *c, const struct gw_res_head *res,
                           const struct answer_head *h, struct gw_time now);
struct next stream_on_chunk(struct gw_call *c, struct gw_str bytes, struct gw_time now);
struct next stream_on_end(struct gw_call *c, uint32_t how, struct gw_time now);
/* It is silent for good. */
struct next stream_on_dead(struct gw_call *c, struct gw_time now);
/* attempt.limit_at has come. */
struct next stream_on_limit(struct gw_call *c, struct gw_time now);
/* A stream for an attempt beside the one whose stream this is (NULL: it has none), with its head: the
 * client is not to wait for it any longer. */
struct stream *stream_beside(struct gw_call *c, const struct stream *s, struct gw_time now);
/* Begins the answer to a request that waits in the queue, with this comment. */
void stream_begin_queued(struct gw_call *c, struct gw_str comment, struct gw_time now);
/* Sends the head, or a comment, if it is time; and when it will be time. */
void stream_on_tick(struct gw_call *c, struct gw_time now);
double stream_tick_at(const struct gw_call *c);
void stream_note_end(struct stream *s, const struct event *e);
/* No other target will be asked for the rest of it. */
void stream_let_go(struct gw_call *c);

/* resume.c */
/* The stream failed after its commit: the next target goes on, or the stream ends. */
struct next resume_or_break(struct gw_call *c, uint32_t trouble, struct gw_str why, bool drop,
                            struct gw_time now);
/* An event of an attempt that shall go on where an earlier one stopped. */
struct next resume_on_event(struct gw_call *c, struct gw_slice at, struct gw_str event,
                            const struct event *e, struct gw_time now);
/* It says something else than the earlier one. */
struct next resume_differs(struct gw_call *c, struct gw_time now);
/* Tells the client, in the stream's dialect, that it cannot go on, and ends the call. */
struct next stream_break(struct gw_call *c, struct gw_str why);
/* Likewise, a stream that has not begun yet. */
struct next stream_refuse(struct gw_call *c, struct gw_str why);
/* Ends a good stream. */
struct next stream_complete(struct gw_call *c, bool drop, struct gw_time now);

#endif
