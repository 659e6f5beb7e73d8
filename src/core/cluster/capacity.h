/*
 * How many requests a backend serves at a time, and how long one takes: learnt from streams. A server
 * like llama.cpp takes every request and answers one after the other; it never says that it is busy. What
 * is sent to it beyond its capacity waits there in vain while another backend may be free, so it had
 * better wait here (call/queue.c).
 *
 *     serving    streams whose content goes on; and all requests that are not streamed, because nothing
 *                shows when their turn comes
 *     waited     a stream's first content came soon after another request had ended, and long after the
 *                stream was sent, while as many were served as ever. So many are its capacity when
 *                CAPACITY_SURE streams have waited, and none between them was served as one more
 *     more       content came while as many were served already, all of them seen: the capacity is larger
 *     look       so that this is ever seen, one request more is let through now and then
 *     forgotten  when its breaker has closed here, or another node has its place: it may be another server
 *
 * The capacity and what is being served are common to all loops (cells.h); each learns from the streams
 * that it sees.
 */
#ifndef GW_CORE_CLUSTER_CAPACITY_H
#define GW_CORE_CLUSTER_CAPACITY_H

#include "core/cluster/pool.h"

/* A request was sent of which nothing will show when its turn comes: it is not streamed, or not observed. */
void capacity_sent(struct pool *p, uint32_t slot);
/* The first content of a stream that was sent then, with so many bytes of prompt to read. Returns from
 * when on it was served. */
double capacity_content(struct pool *p, uint32_t slot, double sent_at, double unread, double now);
/* One that was served from then on has ended. `seen`: its content was. */
void capacity_ended(struct pool *p, uint32_t slot, bool seen, double from, double now);
void capacity_forget(struct pool *p, uint32_t slot);

/* How many requests may be in flight there, `max` being configured; 0: any number. */
uint32_t capacity_max(const struct pool *p, uint32_t slot, uint32_t max, double now);
/* One more is in flight: perhaps to look whether there is more capacity. */
void capacity_took(struct pool *p, uint32_t slot, double now);
/* What is known of it; 0: nothing. */
uint32_t capacity_known(const struct pool *p, uint32_t slot);
/* How many requests it ends in a millisecond when it is busy; 0: not known. */
double capacity_rate(const struct pool *p, uint32_t slot, uint32_t max);

#endif
