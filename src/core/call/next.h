/*
 * What a handler wants to happen next. Handlers do not call each other to go on: call.c alone advances a
 * call, and the order can be read there.
 */
#ifndef GW_CORE_CALL_NEXT_H
#define GW_CORE_CALL_NEXT_H

#include <stdbool.h>
#include <stdint.h>

/* States of a call: what it waits in. The transitions are in call.c. */
enum call_state {
    CALL_NEW = 0,
    CALL_SNIFF,   /* the body is read: for the class, for the conversation, and until it is whole */
    CALL_QUEUE,   /* every target is busy, and one waits for a slot; or a pause before a retry */
    CALL_TRY,     /* an attempt is out, no response head yet */
    CALL_KEEP,    /* the body of a first 500, or of a 400, is kept aside while it arrives */
    CALL_RELAY,   /* the answer goes to the client unseen; the host will report its end */
    CALL_HOLD,    /* a stream's head and preamble are held until its first content */
    CALL_OBSERVE, /* a stream's events go through the core, chunk by chunk */
    CALL_PROBE,   /* no client: a node is asked how it is */
    CALL_SIGNED,  /* a node registers: the body that its signature covers is coming */
    CALL_ASK,     /* nothing goes on before a question of its own is answered (ask.c) */
    CALL_DONE,
};

/* The phases of a call, in their order: the table in call.c says what each does. */
enum phase {
    PHASE_ADMIT = 0,
    PHASE_READ,
    PHASE_DECIDE,
    PHASE_CACHE,
    PHASE_PLAN,
    PHASE_CHOOSE,
    PHASE_RESERVE,
    PHASE_SEND,
    PHASE_ANSWER,
    PHASE_SETTLE,
    PHASE_RECORD,
    PHASES,
};

enum next_what {
    /* The call waits, ... */
    NEXT_STAY = 0, /* in the state that it is in */
    NEXT_WAIT,     /* in that state */
    /* ... or goes on: */
    NEXT_ON,     /* with the phase below this one */
    NEXT_PHASE,  /* with that phase */
    NEXT_TARGET, /* with another target, if there is one and it may be asked */
    NEXT_ASK, /* likewise, but if that is due the registry is asked first where the node is now */
    NEXT_REFUSE, /* it is refused: its `error` says how */
    NEXT_KEPT,   /* the answer that was kept aside is the client's */
    NEXT_DONE,   /* all has been said: END, with that code */
    /* ... or the host must not have said this now. */
    NEXT_MISUSE,
};

enum {
    NEXT_MAY_REPEAT = 1, /* another target may get the request, too */
    NEXT_REACHED = 2,    /* the last attempt cost its target something: the next one costs budget */
    NEXT_ARG = 256,
};

/* One word, so that returning it costs nothing: what, plus NEXT_ARG times the argument. Anything larger
 * stands in the call. */
struct next {
    uint32_t word;
};

static inline struct next next_make(enum next_what what, uint32_t arg) {
    return (struct next){what + arg * NEXT_ARG};
}

static inline enum next_what next_what(struct next next) {
    return next.word % NEXT_ARG;
}

static inline uint32_t next_arg(struct next next) {
    return next.word / NEXT_ARG;
}

static inline bool next_is(struct next next, enum next_what what) {
    return next_what(next) == what;
}

static inline struct next next_stay(void) {
    return next_make(NEXT_STAY, 0);
}

static inline struct next next_wait(enum call_state state) {
    return next_make(NEXT_WAIT, state);
}

/* For the handlers in the table of phases, and their parts; others name the phase. */
static inline struct next next_on(void) {
    return next_make(NEXT_ON, 0);
}

static inline struct next next_phase(enum phase phase) {
    return next_make(NEXT_PHASE, phase);
}

static inline uint32_t next_flags(bool may_repeat, bool reached) {
    return (may_repeat ? NEXT_MAY_REPEAT : 0) | (reached ? NEXT_REACHED : 0);
}

static inline struct next next_target(bool may_repeat, bool reached) {
    return next_make(NEXT_TARGET, next_flags(may_repeat, reached));
}

static inline struct next next_ask(bool may_repeat, bool reached) {
    return next_make(NEXT_ASK, next_flags(may_repeat, reached));
}

static inline struct next next_kept(void) {
    return next_make(NEXT_KEPT, 0);
}

/* The error is filled in: see end_refuse. */
static inline struct next next_refuse(void) {
    return next_make(NEXT_REFUSE, 0);
}

static inline struct next next_done(uint32_t code) {
    return next_make(NEXT_DONE, code);
}

static inline struct next next_misuse(void) {
    return next_make(NEXT_MISUSE, 0);
}

#endif
