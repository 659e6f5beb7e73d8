/*
 * A client that has ended its side of the connection while its call runs. It may have sent all that it has
 * to send and wait for the answer (shutdown(SHUT_WR), as `nc -N` does), or it may have left: the FIN, or
 * close_notify, looks the same. The difference shows when we send something: a client that is there
 * acknowledges it, one that has left resets the connection. So:
 *
 *     since the FIN it has   | what is done
 *     -----------------------+----------------------------------------------------------------------
 *     acknowledged nothing   | looked at every LOOK_MS. After ASK_MS something must be under way: bytes
 *                            | of the answer, or else a "100 Continue", which every HTTP/1.1 client
 *                            | skips (RFC 9110 15.2.1). If that cannot be sent (the head is out, or it
 *                            | is HTTP/1.0), or nothing comes back for as long again, it has left
 *     acknowledged something | it is there. Until the answer's head it is asked again, each time after
 *                            | twice as long: if it leaves, the target works in vain no longer than it
 *                            | had worked by then
 *
 * Rejected: to take each FIN for leaving, as nginx does (half-closing clients would get nothing); to take
 * none for it (a GPU would go on for a client that has gone); to judge by how soon the FIN comes behind the
 * request (a client that leaves at once would pass for one that waits).
 */
#include "native/front/client_parts.h"
#include "native/net/peer.h"

enum { LOOK_MS = 100, LOOK_LATER_MS = 1000, ASK_MS = 400 };

void client_fin(struct client *c, uint8_t how) {
    struct peer peer;
    if (c->fin != FIN_NONE) {
        c->fin = how;
    } else if (!peer_look(c->conn->fd, &peer)) {
        client_shut(c, false);
    } else {
        c->fin = how;
        c->fin_acked = peer.acked;
        client_fin_call(c);
    }
}

void client_fin_call(struct client *c) {
    double now = client_now_ms(c);
    c->look_at = now + LOOK_MS;
    c->ask_ms = ASK_MS;
    c->ask_at = now + ASK_MS;
    if (c->look_at < c->conn->timer.at)
        timer_set(&c->conn->timer, c->look_at);
}

void client_end_requests(struct client *c) {
    bool half = c->state == CLIENT_CALL && !c->in_done;
    bool over = c->state == CLIENT_HEAD || (c->state == CLIENT_IDLE && c->kept == NULL);
    if (half) {
        drive_gone(c->front.drive);
        c->reset = c->headed; /* an answer that has begun must not look whole */
    }
    if (half || over)
        client_flush_out(c);
}

static bool ask(struct client *c) {
    if (c->minor == 0 || c->headed || c->conn->queued > 0)
        return false;
    conn_put(c->conn, GW_H1_CONTINUE);
    return true;
}

void client_fin_look(struct client *c, double now) {
    struct peer peer;
    if (!peer_look(c->conn->fd, &peer)) {
        client_shut(c, false);
        return;
    }
    bool there = peer.acked > c->fin_acked;
    if (now >= c->ask_at) {
        bool again = c->ask_ms > ASK_MS;
        bool said = ask(c) || peer.unacked;
        if (!there && (again || !said)) {
            client_shut(c, false);
            return;
        }
        c->ask_at = now + c->ask_ms;
        c->ask_ms *= 2;
    }
    c->look_at = fmin(now + (there ? LOOK_LATER_MS : LOOK_MS), c->ask_at);
}
