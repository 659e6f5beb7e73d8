/*
 * Questions of the core (GW_ASK) on their way to whoever answers them. The twin of worker-shim/ask.js.
 *
 *     state      | waits for                    | goes to
 *     -----------+------------------------------+----------------------------------------------------
 *     asked      | the next turn of the loop    | by HTTP: sent; by the store: sent, or FAILED
 *     sent       | the answer                   | answered: the drive is fed, the question is freed
 *                | its time                     | by HTTP: freed; the store says LATE
 *     forsaken   | the store's answer           | freed: its call is over, nobody is told
 *
 * A question never answers from inside asks_put. One by HTTP ends with its drive; the store answers each
 * that it has taken, so such a question outlives its drive.
 */
#ifndef NATIVE_DRIVE_ASKS_H
#define NATIVE_DRIVE_ASKS_H

#include "core/gw.h"

struct drive;
struct loop;

/* Puts the question of a GW_ASK. False: there is no memory for it. */
bool asks_put(struct drive *d, const struct gw_action *action);
/* Those by HTTP whose time is over end: the core knows by itself that they are late. */
void asks_tick(struct drive *d, double now);
/* The drive is over. */
void asks_leave(struct drive *d);
/* After the loop has ended. */
void asks_del_forsaken(struct loop *loop);

#endif
