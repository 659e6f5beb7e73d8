#include "native/net/h2.h"

#include "native/net/conn.h"

void h2_put(struct conn *conn, struct gw_str s) {
    while (s.n > 0) {
        size_t n = s.n < BATCH_STAGE ? s.n : BATCH_STAGE;
        conn_put_copy(conn, gw_str(s.p, n));
        s = gw_str(s.p + n, s.n - n);
    }
}

int h2_send(nghttp2_session *session, struct conn *conn) {
    ssize_t n = 0;
    const uint8_t *p;
    while (!conn_full(conn) && (n = nghttp2_session_mem_send(session, &p)) > 0)
        h2_put(conn, gw_str(p, (size_t)n));
    return n < 0 ? -1 : 0;
}
