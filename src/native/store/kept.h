/*
 * What the core keeps by owner and name (GW_ASK_STORE, RECALL, FORGET; the limits stand in core/gw.h): answers of
 * clients. The twin of worker-shim/responses.js.
 *
 *     kept_put   what is over is deleted first, a little each time; then what ends soonest of an owner that has too
 *                much, or of all if the file has
 *     kept_get   what is over is not there
 *     kept_drop  NONE: it was not there
 */
#ifndef NATIVE_STORE_KEPT_H
#define NATIVE_STORE_KEPT_H

#include "native/store/store.h"

enum store_status kept_put(struct db *db, struct gw_str key, struct gw_str bytes,
                           struct store_out *out);
enum store_status kept_get(struct db *db, struct gw_str key, struct gw_str bytes,
                           struct store_out *out);
enum store_status kept_drop(struct db *db, struct gw_str key, struct gw_str bytes,
                            struct store_out *out);

#endif
