/*
 * What the parts of the drive share: drive.c (the pump, events) and drive_act.c (actions).
 */
#ifndef NATIVE_DRIVE_DRIVE_PARTS_H
#define NATIVE_DRIVE_DRIVE_PARTS_H

#include "native/drive/drive.h"

/* drive.c */

/* The attempt with that number, or NULL. */
struct attempt *drive_find(const struct drive *d, uint32_t number);
/* Frees what nobody needs of the request body. */
void drive_release(struct drive *d);
/* The answer has begun, and the request stays held until its end: see body_tighten. */
void drive_tighten(struct drive *d);

/* What came of a question. The drive may be gone when this returns. */
void drive_answered(struct drive *d, const struct gw_answer *answer);

/* drive_act.c: carries one action out; false when there is nothing more to poll. */

bool drive_act(struct drive *d, const struct gw_action *a);

#endif
