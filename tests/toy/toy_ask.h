/*
 * A question more, for a test: is an answer kept under this path? It is asked in the phase CACHE, of
 * requests with a query, which wait for it; another one goes along for which nobody waits. Its lines in gw.h, ask.c, call.c
 * and offsets.c are added by the Makefile, that of the Worker's table by toy_worker.js; CONTRIBUTING.md tells the steps.
 */
#ifndef TESTS_TOY_ASK_H
#define TESTS_TOY_ASK_H

#include "core/call/call.h"

struct next toy_ask(struct gw_call *c, struct gw_time now);
struct next toy_on_answer(struct gw_call *c, const struct gw_answer *answer, struct gw_time now);

#endif
