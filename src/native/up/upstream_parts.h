/*
 * What the parts of an attempt share: upstream.c (life, connecting, sending) and upstream_answer.c
 * (receiving). The states are in upstream.h.
 */
#ifndef NATIVE_UP_UPSTREAM_PARTS_H
#define NATIVE_UP_UPSTREAM_PARTS_H

#include "native/up/upstream.h"

enum upstream_state {
    UPSTREAM_TURN = 1,
    UPSTREAM_RESOLVE,
    UPSTREAM_CONNECT,
    UPSTREAM_SHAKE,
    UPSTREAM_HEAD,
    UPSTREAM_BODY,
    UPSTREAM_FAILED,
};

/* upstream.c: the attempt is gone afterwards, but its memory stays while it is held. */

void upstream_hold(struct attempt *a);
void upstream_unhold(struct attempt *a);

void upstream_fail(struct attempt *a, uint32_t why);
void upstream_finish(struct attempt *a, uint32_t how);
/* The connection ended or broke. */
void upstream_closed(struct attempt *a, bool clean);

/* upstream_answer.c */

/* The head is there: the drive hears of it. */
void upstream_headed(struct attempt *a, const struct gw_h1_res *res,
                     const struct gw_header *headers);
/* An interim answer came before it: true, and the drive hears of it unless it is a 100, or there have
 * been too many of them. */
bool upstream_hinted(struct attempt *a, const struct gw_h1_res *res,
                     const struct gw_header *headers);
/* Body bytes for the drive or the front. */
void upstream_deliver(struct attempt *a, const char *p, size_t n);
/* Receives once and hands on what came. */

void upstream_receive(struct attempt *a);

#endif
