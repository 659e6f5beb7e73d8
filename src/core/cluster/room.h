/*
 * The room for request bytes that are held: limits.replay_total_max, one for all loops of a process.
 *
 * It is counted to the byte, in cells that the loops share. A share for each loop would be simpler, but
 * with many loops a body of json_bytes_max would fit into none of them, and the share of an idle loop
 * would be wasted.
 *
 * A client may hold as much as it leaves free: half of the room when it is alone, a third if another one
 * wants as much. So there is always some left for the next client, and nobody needs to know how many
 * there are. Bytes are taken before they are let in. Nothing waits for room: what does not fit is not
 * held, or is refused.
 */
#ifndef GW_CORE_CLUSTER_ROOM_H
#define GW_CORE_CLUSTER_ROOM_H

#include "core/config/config.h"

/* A client's place (cells.h): that of its key; for a certificate without one, a place computed from its
 * name. All clients that are not identified share one. */
uint32_t room_client(const struct config *conf, const struct key_conf *key, struct gw_str name);
/* Takes `n` bytes of a room of `total` for this client; false if there is no room for them. */
bool room_take(const struct gw_cells *cells, uint32_t client, uint64_t n, uint64_t total);
void room_give(const struct gw_cells *cells, uint32_t client, uint64_t n);
/* Whether this client holds at most half of what it may. */
bool room_is_ample(const struct gw_cells *cells, uint32_t client, uint64_t total);
uint64_t room_taken(const struct gw_cells *cells);

#endif
