/* trap.c: see trap.h. Empty unless GW_TRAP_TEST is defined. */
#include "trap.h"

#ifdef GW_TRAP_TEST

enum { ARMED_MAX = 16 };

static struct {
    const struct gw_call *call;
    enum trap_place place;
} armed[ARMED_MAX];

static const struct gw_str places[] = {
    [TRAP_HEAD] = GW_STR_INIT("head"),           [TRAP_BODY] = GW_STR_INIT("body"),
    [TRAP_RESPONSE] = GW_STR_INIT("response"),   [TRAP_CHUNK] = GW_STR_INIT("chunk"),
    [TRAP_RECURSION] = GW_STR_INIT("recursion"),
};

/* Through a volatile pointer, so that no compiler turns the recursion into a loop. The depth is
 * beyond any engine's stack, and a frame has nothing in linear memory, whose stack ends sooner. */
static uint32_t (*volatile again)(uint32_t);

static uint32_t recurse(uint32_t depth) {
    return depth ? again(depth - 1) * 3 + depth : 1;
}

void trap_arm(const struct gw_call *call, const struct gw_header *headers, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (!gw_str_ieq(headers[i].name, GW_STR("x-heady-test-trap"))) {
            continue;
        }
        for (uint32_t at = 0; at < ARMED_MAX; at++) {
            if (armed[at].call) {
                continue;
            }
            for (enum trap_place place = TRAP_HEAD; place <= TRAP_RECURSION; place++) {
                if (gw_str_eq(headers[i].value, places[place])) {
                    armed[at].call = call;
                    armed[at].place = place;
                }
            }
            return;
        }
    }
}

void trap_at(const struct gw_call *call, enum trap_place place) {
    for (uint32_t at = 0; at < ARMED_MAX; at++) {
        if (armed[at].call != call) {
            continue;
        }
        if (armed[at].place == TRAP_RECURSION && place == TRAP_HEAD) {
            again = recurse;
            armed[at].place = (enum trap_place)(recurse(1u << 30) & 1 ? TRAP_HEAD : TRAP_BODY);
        }
        if (armed[at].place == place) {
            __builtin_trap();
        }
    }
}

void trap_disarm(const struct gw_call *call) {
    for (uint32_t at = 0; at < ARMED_MAX; at++) {
        if (armed[at].call == call) {
            armed[at].call = NULL;
        }
    }
}

#endif
