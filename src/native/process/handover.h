/*
 * SIGUSR2: a new process takes over, without a connection being refused or reset.
 *
 *     state    | event                                   | goes to
 *     ---------+-----------------------------------------+-----------------------------------------
 *     serving  | SIGUSR2                                 | waiting: the program is started, from
 *              |                                         | the file that argv[0] names now, with the
 *              |                                         | same arguments and our listening sockets
 *     waiting  | it says that it serves                  | leaving: drain.h, HUB_LEAVE
 *     waiting  | it ends, cannot be started, or says     | serving: it is killed, a log line says
 *              | nothing for HANDOVER_WAIT_MS            | why, and nothing has changed here
 *     waiting  | SIGUSR2                                 | waiting
 *     waiting  | SIGTERM                                 | draining: the new process is killed
 *
 * For a moment both accept from the same sockets; no queue is ever closed. How the sockets are handed over
 * is in inherit.h. The old process, which the service manager trusts, tells it the new one's number;
 * without a service manager the log line says it.
 */
#ifndef NATIVE_PROCESS_HANDOVER_H
#define NATIVE_PROCESS_HANDOVER_H

enum { HANDOVER_WAIT_MS = 10000 };

struct hub;
struct handover;

/* In the first loop: SIGUSR2. */
void handover_begin(struct hub *hub);
/* In the first loop: this process is told to stop. */
void handover_cancel(struct hub *hub);

#endif
