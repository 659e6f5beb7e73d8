/*
 * Requests that name a model, and the places where it may be served.
 *
 *     chain.c        from the name to the places: once, when the body has been read. It refuses, or leaves a chain of one
 *                    place at least, each with its path there and the dialect that it is asked in
 *     chain_link.c   from the places to attempts: the plan, what one of them may do, and the bytes that it is sent. It
 *                    changes nothing of the chain, and never refuses
 *
 * What is said of "the attempt" is said of the one at hand. Names and paths are in the call's arena, or slices of its
 * configuration, and live as long as the call.
 */
#ifndef GW_CORE_CALL_CHAIN_H
#define GW_CORE_CALL_CHAIN_H

#include "core/call/edit.h"
#include "core/call/next.h"
#include "core/config/config.h"
#include "core/gw.h"
#include "format/facts.h"

struct dialect;
struct event;
struct gw_call;

enum { CHAIN_LINKS = 16 };

/* One of the places that a chain leads to. */
struct chain_link {
    struct model_place at;
    const struct model_conf *says; /* what the file says of it; NULL: nothing */
    struct gw_str path;            /* what is asked there */
    struct gw_str query;           /* and with which query, where the client's own is not its */
    const struct dialect *speaks;  /* in which dialect; NULL: the client's own */
    bool counts;                   /* it is asked there how many tokens a request is (count.c) */
    struct capability can;         /* what its model can */
};

/* The model that a request names, and where it may be served. */
struct call_chain {
    struct gw_str named; /* as the client names it; n == 0: it does not */
    struct gw_str raw;   /* as it stands in the path */
    struct chain_link link[CHAIN_LINKS];
    uint32_t n;
    bool too_many; /* names that there is no room for */
    bool in_path;  /* the name stands in the path */
    bool steady;   /* sampled at temperature 0, or with a seed: it may come out the same again */
    struct facts_at model;  /* where the name stands in the body; kind 0: nowhere */
    struct facts_at models; /* where the rest of the chain does */
    uint32_t model_before, models_before, models_behind, body;
    struct edit usage; /* asks for a stream's usage; text.n == 0: it is not asked for */
};

/* ---- chain.c */

/* Its part in the phase decide: the body has been read (c->facts), the path is known. On, with c->chain and the route
 * of its first place; or refused, by the first place's reason if none may serve. */
struct next chain_decide(struct gw_call *c);
/* Appends a model's name as it stands in a path. */
void chain_put_escaped(struct gw_str name, struct gw_buf *b);

/* ---- chain_link.c: the link */

/* The link of the attempt; NULL: there is no chain. */
const struct chain_link *chain_link(const struct gw_call *c);
/* Who serves at a link, for people. */
struct gw_str chain_who(const struct gw_call *c, const struct chain_link *link);
/* The model, as the attempt's target knows it; n == 0: nobody has named one. There is a chain. */
struct gw_str chain_model(const struct gw_call *c);
/* How long the file lets the attempt's model take for its first byte; 0: it does not say. There is a chain. */
double chain_own_first_byte_ms(const struct gw_call *c);
/* How long the attempt's model may be silent behind its first content. */
double chain_silence_ms(const struct gw_call *c);
/* Whether another place of the chain could take what this one refuses as too long; and that those which are
 * not larger are not asked. */
bool chain_fits_elsewhere(const struct gw_call *c, struct gw_time now);
void chain_skip_small(struct gw_call *c);
/* Whether a stream of the attempt's target may be gone on with by asking for it again. */
bool chain_may_resume(const struct gw_call *c);
/* Whether an event tells what the client has not asked for. */
bool chain_hides(const struct gw_call *c, const struct event *e);

/* ---- chain_link.c: the plan */

/* Plans the chain, or the provider of a native route; false: no memory. */
bool chain_plan(struct gw_call *c);
/* Whether the nodes of a class (route.class) are among the places. */
bool chain_has_class(const struct gw_call *c);
/* Whether a node may serve: its class was asked for, or a model that it has. */
bool chain_has(const struct gw_call *c, uint32_t node);
/* Nodes that may not serve are left out of the plan. */
void chain_leave_out(struct gw_call *c);

/* ---- chain_link.c: the bytes */

/* What the attempt's target is told instead of what came: its name of the model, no chain, to tell its usage. Nothing
 * where the attempt is signed. */
void chain_put(struct gw_call *c, struct edits *edits);

#endif
