#include "native/store/whats.h"

#include "native/store/frames.h"

const struct store_what whats_table[WHATS_N] = {
    [WHATS_GET_FRAMES] = {"get_frames", false, frames_get},
    [WHATS_PUT_FRAMES] = {"put_frames", true, frames_put},
    [WHATS_KEEP_FRAME] = {"keep_frame", true, frames_keep},
    [WHATS_DROP_STATE] = {"drop_state", false, frames_drop},
};
