/*
 * What a gateway knows of the places that requests can go to: their configuration, how they are doing
 * (pool.h), and where registered nodes are (registry.h).
 */
#ifndef GW_CORE_CLUSTER_CLUSTER_H
#define GW_CORE_CLUSTER_CLUSTER_H

#include "core/cluster/pool.h"
#include "core/cluster/registry.h"

struct cluster {
    const struct gw_mem *mem;
    struct config *conf; /* in force: calls that are open may hold an older one */
    struct pool pool;
    struct registry registry;
};

/* sync.c: state between shards, as lines. */
/* Takes in lines of other shards, those of the given kinds (enum gw_frames). */
void sync_take(struct cluster *cluster, uint32_t kinds, struct gw_str lines, struct gw_time now);
/* Appends what has changed here since the last call (`changed`), or everything. */
void sync_put(struct cluster *cluster, bool changed, struct gw_time now, struct gw_buf *out);
/* Whether anything has changed. */
bool sync_has_news(const struct cluster *cluster);
/* Checks the time of a frame. A time that is more than `tolerance` ahead is replaced by now, but only
 * once: false if it, or a later one, has been seen before. `*ahead` keeps the latest one seen. */
bool sync_time(double *at, double tolerance, double *ahead, struct gw_time now);

#endif
