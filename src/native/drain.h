/*
 * The end of a loop, in good order.
 *
 *     told by     | new connections       | idle connections             | running calls
 *     ------------+-----------------------+------------------------------+-----------------------
 *     HUB_DRAIN   | taken in, then refused| closed; one that has just    | go on for drain_ms;
 *                 |                       | sent a request is served     | answers say
 *     HUB_LEAVE   | left to the process   | have DRAIN_GRACE_MS for one  | "connection: close"
 *                 | that has taken over   | request more, then the same  |
 *
 * The grace is for clients that are just about to use a kept connection: closing it under a request
 * that is on its way would lose that request, and a process that has a successor is in no hurry.
 * HUB_DRAIN ends the grace. The loop ends when nothing is left, or when drain_ms is over.
 */
#ifndef NATIVE_DRAIN_H
#define NATIVE_DRAIN_H

#include <stdbool.h>

enum { DRAIN_GRACE_MS = 1000 };

struct loop;

void drain_init(struct loop *loop);
/* Begins; `leave`: the listening sockets live on in another process. */
void drain_begin(struct loop *loop, bool leave);

#endif
