/*
 * The end of a loop, in good order.
 *
 *     told by     | new connections       | idle connections             | running calls
 *     ------------+-----------------------+------------------------------+-----------------------
 *     HUB_DRAIN   | taken in, then refused| closed; one that has just    | go on for drain_ms;
 *                 |                       | sent a request is served     | answers say
 *     HUB_LEAVE   | left to the process   | closed when their last       | "connection: close"
 *                 | that has taken over   | request is CLIENT_GRACE_MS ago|
 *
 * The grace is for clients that are about to use a kept connection: closing it under a request that is on
 * its way would lose that request, and HTTP/1 has no way to warn of it. A process that has a successor is
 * in no hurry. HUB_DRAIN ends the grace. The loop ends when nothing is left, or when drain_ms is over.
 */
#ifndef NATIVE_PROCESS_DRAIN_H
#define NATIVE_PROCESS_DRAIN_H

#include <stdbool.h>

struct loop;

void drain_init(struct loop *loop);
/* Begins; `leave`: the listening sockets live on in another process. */
void drain_begin(struct loop *loop, bool leave);

#endif
