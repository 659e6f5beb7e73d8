/*
 * How many requests a backend serves at a time, and how long one takes: learnt from streams. A server
 * like llama.cpp takes every request and answers one after the other; it never says that it is busy. What
 * is sent to it beyond its capacity waits there in vain while another backend may be free, so it had
 * better wait here (call/queue.c).
 *
 *     serving    streams whose content goes on; and all requests that are not streamed, because nothing
 *                shows when their turn comes
 *     waited     a stream's first content came soon after another request had ended, and long after the
 *                stream was sent, while no more were served than ever before. So many are its capacity
 *                when CAPACITY_SURE streams have waited in a row
 *     more       content came while as many were served already: the capacity is larger
 *     look       so that this is ever seen, one request more is let through now and then
 *     forgotten  when the backend's breaker has closed: it may be another server now
 *
 * The capacity and what is being served are common to all loops (cells.h); each learns from the streams
 * that it sees.
 */
#ifndef GW_CORE_CLUSTER_CAPACITY_H
#define GW_CORE_CLUSTER_CAPACITY_H

#include "core/cluster/pool.h"

/* A request that is not streamed was sent. */
void capacity_sent(struct pool *p, uint32_t slot);
/* The first content of a stream that was sent then, with so many bytes of prompt to read. Returns from
 * when on it was served. */
double capacity_content(struct pool *p, uint32_t slot, double sent_at, double unread, double now);
/* One that was served from then on has ended. */
void capacity_ended(struct pool *p, uint32_t slot, double from, double now);
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
