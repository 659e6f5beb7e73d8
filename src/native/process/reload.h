/*
 * SIGHUP: the configuration is read again, checked once, and taken by every loop; or it is refused in
 * one log line that says where, what and the remedy, and the old one stays in every loop.
 *
 *     state    | event                              | goes to
 *     ---------+------------------------------------+------------------------------------------
 *     still    | SIGHUP, and what is read is good   | taking: each loop is told to take it
 *     still    | SIGHUP, and it is not              | still: nothing has changed
 *     taking   | SIGHUP                             | taking, and once more when that is over
 *     taking   | the last loop has taken it         | still
 *     draining | SIGHUP                             | ignored
 *
 * Certificates are read with it: either everything is new or everything stays. Running calls keep the
 * configuration that they began with, connections their certificate. What is known of a backend is kept,
 * by name. The environment of a process cannot change, and beats the file: what is to be reloaded must
 * stand in the file. Addresses and threads stay as they are; a log line says so if the file wants others.
 * One reload is over before the next begins, so that all loops take the same ones in the same order.
 */
#ifndef NATIVE_PROCESS_RELOAD_H
#define NATIVE_PROCESS_RELOAD_H

#include <openssl/types.h>

#include "native/process/addresses.h"
#include "native/process/source.h"

struct hub;
struct upstream_tls;
struct loop;

struct reload {
    const char *file;        /* that the process began with; NULL: none */
    struct addresses listen; /* what the configuration wanted last */
    struct source source;    /* that is being taken */
    SSL_CTX *tls;            /* with it; NULL: clients speak without TLS */
    struct upstream_tls *upstream_tls;
    _Atomic uint32_t left; /* loops that have not taken it */
    bool taking, again;
};

/* What a reload is compared with. */
void reload_init(struct hub *hub, const struct source *source, const struct addresses *listen);
/* In the first loop: SIGHUP. */
void reload_begin(struct hub *hub);
/* In every loop: HUB_RELOAD. */
void reload_take(struct loop *loop);
/* In the first loop: HUB_RELOADED. */
void reload_done(struct hub *hub);
/* When all loops have ended. */
void reload_del(struct hub *hub);

#endif
