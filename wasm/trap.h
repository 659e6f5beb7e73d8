/*
 * Deliberate traps, for the test of what happens after one. Only a build with GW_TRAP_TEST has
 * them: there the request header `x-heady-test-trap` says where its call is to trap: at its head,
 * body, response or chunk, or at its head by endless recursion (for V8 a RangeError).
 */
#ifndef GW_WASM_TRAP_H
#define GW_WASM_TRAP_H

#include "core/gw.h"

enum trap_place { TRAP_HEAD = 1, TRAP_BODY, TRAP_RESPONSE, TRAP_CHUNK, TRAP_RECURSION };

#ifdef GW_TRAP_TEST
void trap_arm(const struct gw_call *call, const struct gw_header *headers, uint32_t n);
void trap_at(const struct gw_call *call, enum trap_place place);
void trap_disarm(const struct gw_call *call);
#else
static inline void trap_arm(const struct gw_call *call, const struct gw_header *h, uint32_t n) {
    (void)call;
    (void)h;
    (void)n;
}
static inline void trap_at(const struct gw_call *call, enum trap_place place) {
    (void)call;
    (void)place;
}
static inline void trap_disarm(const struct gw_call *call) {
    (void)call;
}
#endif

#endif
