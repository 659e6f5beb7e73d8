/*
 * Who answers what: a line in the table of whats.c for each question that the daemon's store knows. A new
 * one is a handler in a file of its own and a line here and there; if it needs tables, a step in db.c.
 */
#ifndef NATIVE_STORE_WHATS_H
#define NATIVE_STORE_WHATS_H

#include "native/store/store.h"

enum {
    WHATS_GET_FRAMES,
    WHATS_PUT_FRAMES,
    WHATS_KEEP_FRAME,
    WHATS_DROP_STATE,
    WHATS_PUT_KEPT,
    WHATS_GET_KEPT,
    WHATS_DROP_KEPT,
    WHATS_N,
};

extern const struct store_what whats_table[WHATS_N];

#endif
