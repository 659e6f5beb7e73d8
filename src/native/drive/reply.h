/*
 * Answers that the host itself must give because there is no call that could: a request that is not
 * HTTP, one that does not arrive, memory that ran out.
 */
#ifndef NATIVE_DRIVE_REPLY_H
#define NATIVE_DRIVE_REPLY_H

#include "native/drive/front.h"

struct loop;

#define OUT_OF_MEMORY "the gateway is out of memory; try again"

/* Head and body of an error, the body as the core words it. The caller ends the answer. Returns the code
 * to end it with. */
uint32_t reply_error(struct loop *loop, struct front *front, uint32_t status, const char *message,
                     const char *code);

#endif
