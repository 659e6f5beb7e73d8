/*
 * The frames of gw_sync in the store: a row for each breaker and lease, the newest wins.
 *
 *     what        | bytes  | answer
 *     ------------+--------+---------------------------------------------------------------------------
 *     get_frames  |        | all lines; behind them those of an old file "state", if there is one
 *     put_frames  | lines  | each is kept, unless a newer one of its key is. What says that it is from
 *                 |        | the future is not newer: it would stay for good
 *     keep_frame  | a line | the same for one, which must be newer than what is there: else OLDER
 *     drop_state  |        | the file "state" is removed: what was in it has been put
 *
 * A row that is older than FRAMES_KEEP_MS says nothing any more and is deleted.
 */
#ifndef NATIVE_STORE_FRAMES_H
#define NATIVE_STORE_FRAMES_H

#include "native/store/store.h"

enum { FRAMES_LINES = 64, FRAMES_LINE_MAX = 1280, FRAMES_MAX = FRAMES_LINES * FRAMES_LINE_MAX };

/* "KIND NAME AT ...": its key is "KIND NAME". False: it is no frame. */
bool frames_parse(struct gw_str line, struct gw_str *key, uint64_t *at);

enum store_status frames_get(struct db *db, struct gw_str key, struct gw_str bytes,
                             struct store_out *out);
enum store_status frames_put(struct db *db, struct gw_str key, struct gw_str bytes,
                             struct store_out *out);
enum store_status frames_keep(struct db *db, struct gw_str key, struct gw_str bytes,
                              struct store_out *out);
enum store_status frames_drop(struct db *db, struct gw_str key, struct gw_str bytes,
                              struct store_out *out);

#endif
