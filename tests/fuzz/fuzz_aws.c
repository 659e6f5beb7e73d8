/*
 * AWS's frames. The first byte of the input is the size of the pieces in which a stream comes; the CRCs
 * of the frame that it begins with are mended, or hardly any would pass. Holds: every cut finds the same
 * frames and the same fault, a frame is as long as it says, and what it names lies within it.
 */
#include <stdlib.h>

#include "../unit/frames.h"
#include "base/check.h"
#include "format/frame.h"

static void within(struct gw_str frame, struct gw_str part) {
    GW_ASSERT(part.n == 0 || (part.p >= frame.p && part.p + part.n <= frame.p + frame.n));
}

static void look(struct gw_str frame) {
    struct aws_frame f;
    GW_ASSERT(frame.n >= AWS_FRAME_MIN && frame.n <= FRAME_MAX && aws_read(frame, &f));
    within(frame, f.message_type);
    within(frame, f.event_type);
    within(frame, f.exception_type);
    within(frame, f.content_type);
    within(frame, f.payload);
}

struct found {
    size_t frames, upto;
    bool bad;
};

static struct found walk(struct gw_str all, size_t step) {
    struct found found = {0, 0, false};
    size_t seen = 0;
    for (size_t have = 0; have < all.n && !found.bad;) {
        have = all.n - have < step ? all.n : have + step;
        for (;;) {
            struct gw_str rest = gw_str(all.p + found.upto, have - found.upto);
            size_t n = frame_length(rest, seen, FRAMING_AWS);
            found.bad = n == FRAME_BAD;
            seen = n == 0 ? rest.n : 0;
            if (n == 0 || found.bad)
                break;
            look(gw_str_sub(rest, 0, n));
            found.frames++;
            found.upto += n;
        }
    }
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    char *copy = malloc(size - 1);
    GW_ASSERT(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    struct gw_str all = gw_str(copy, size - 1);
    frames_mend(copy, all.n);
    struct found whole = walk(all, all.n), cut = walk(all, data[0] % 16 + 1u);
    GW_ASSERT(whole.frames == cut.frames && whole.upto == cut.upto && whole.bad == cut.bad);
    free(copy);
    return 0;
}
