#include <stdlib.h>
#include <string.h>

#include "native/front/client_parts.h"
#include "native/net/tls.h"
#include "native/net/tls_server.h"

bool client_shake_begin(struct client *c) {
    c->state = CLIENT_SHAKE;
    return tls_accept(c->conn, c->loop->tls_server) == 0;
}

/* The client speaks plainly where TLS is spoken, and is told so plainly. */
static void refuse_plain(struct client *c) {
    tls_del(c->conn);
    client_fresh_answer(c);
    client_refuse(c, 400, "this port speaks TLS: use https://", "tls_required");
}

/* OpenSSL has sent its alert. What the client still sends is read, so that it can read that. */
static void fail(struct client *c) {
    tls_del(c->conn);
    client_linger(c);
}

static void done(struct client *c) {
    char name[TLS_NAME];
    tls_client_name(c->conn, name);
    if (name[0] != '\0')
        c->certificate = strdup(name);
    bool good = name[0] == '\0' || c->certificate != NULL;
    c->state = CLIENT_IDLE;
    client_wait(c);
    if (good && tls_chose_h2(c->conn))
        good = h2_client_start(c, (struct gw_str){NULL, 0});
    if (!good)
        client_shut(c, true);
}

void client_shake(struct client *c) {
    int result = tls_shake(c->conn);
    if (result == CONN_AGAIN)
        return;
    bool plain = result != 0 && tls_met_http();
    conn_want_write(c->conn, false);
    if (plain) {
        refuse_plain(c);
    } else if (result != 0) {
        fail(c);
    } else {
        done(c);
    }
}
