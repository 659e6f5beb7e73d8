/*
 * What one turn has gathered for a connection and not written yet: see net/conn.h, which fills it.
 */
#ifndef NATIVE_LOOP_BATCH_H
#define NATIVE_LOOP_BATCH_H

#include <stddef.h>
#include <sys/uio.h>

struct conn;

enum { BATCH_IOV = 64, BATCH_STAGE = 16384, BATCH_COPY = 1024 };

struct batch {
    struct conn *conn;
    int n;
    size_t staged;
    struct iovec iov[BATCH_IOV];
    char stage[BATCH_STAGE];
};

#endif
