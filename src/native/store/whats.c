#include "native/store/whats.h"

#include "native/store/frames.h"
#include "native/store/kept.h"

const struct store_what whats_table[WHATS_N] = {
    [WHATS_GET_FRAMES] = {"get_frames", false, frames_get},
    [WHATS_PUT_FRAMES] = {"put_frames", true, frames_put},
    [WHATS_KEEP_FRAME] = {"keep_frame", true, frames_keep},
    [WHATS_DROP_STATE] = {"drop_state", false, frames_drop},
    [WHATS_PUT_KEPT] = {"put_kept", true, kept_put},
    [WHATS_GET_KEPT] = {"get_kept", false, kept_get},
    [WHATS_DROP_KEPT] = {"drop_kept", true, kept_drop},
};
