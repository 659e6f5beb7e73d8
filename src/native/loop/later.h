/*
 * Work put off to the next turn of a loop: see loop.h.
 */
#ifndef NATIVE_LOOP_LATER_H
#define NATIVE_LOOP_LATER_H

#include <stdbool.h>

struct later;
typedef void (*later_run)(struct later *);

struct later {
    struct later *next;
    later_run run;
    void *owner;
    bool queued;
};

#endif
