#include <stdlib.h>

#include "native/loop/log.h"
#include "native/up/h2_up_parts.h"

static double now_ms(const struct h2_up *h) {
    return (double)uv_now(&h->loop->uv);
}

/* ------------------------------------------------------------------ the end */

static bool takes_streams(const struct h2_up *h) {
    return !h->ended && nghttp2_session_check_request_allowed(h->session) != 0;
}

static void unlink_session(struct h2_up *h) {
    struct h2_up **p = &h->origin->h2;
    while (*p != h)
        p = &(*p)->next;
    *p = h->next;
}

/* One lost connection is one failure of its target: the first stream tells it. */
static void lose_stream(const struct h2_up *h, struct attempt *a, uint32_t why, bool told) {
    a->h2.over = true;
    upstream_hold(a);
    if (a->state == UPSTREAM_BODY) {
        upstream_finish(a, told ? GW_CUT_ALONG : GW_CUT);
    } else {
        upstream_fail(a, h->quiet ? GW_FAIL_STALE : told ? GW_FAIL_ALONG : why);
    }
    upstream_unhold(a);
}

/* All is over: `why` is what attempts without a head fail with. */
static void end(struct h2_up *h, uint32_t why) {
    struct origin *origin = h->origin;
    unlink_session(h); /* what streams tell may start attempts, which are not to find it */
    h->ended = h->busy = true;
    for (bool told = false; h->attempts != NULL; told = true)
        lose_stream(h, h->attempts, why, told);
    loop_later_off(h->loop, &h->later);
    nghttp2_session_del(h->session);
    conn_close(h->conn);
    free(h);
    origin_turn(origin);
    origin_release(origin);
}

/* Says goodbye, as far as the socket takes it. */
static void leave(struct h2_up *h) {
    (void)nghttp2_session_terminate_session(h->session, NGHTTP2_NO_ERROR);
    (void)h2_send(h->session, h->conn);
    conn_flush(h->loop);
    end(h, GW_FAIL_RESET);
}

/* ------------------------------------------------------------------ turns */

/* Tells the drives that some of their requests has been sent. */
static void tell_moved(struct h2_up *h) {
    struct attempt *next;
    for (struct attempt *a = h->attempts; a != NULL; a = next) {
        next = a->h2.next;
        if (!a->h2.moved)
            continue;
        a->h2.moved = false;
        a->owner->ops->sent(a->owner);
    }
}

static bool is_over(const struct h2_up *h) {
    return h->ended || (nghttp2_session_want_read(h->session) == 0 &&
                        nghttp2_session_want_write(h->session) == 0);
}

/* Sends what there is. The session may be at its end afterwards. */
static void turn(struct h2_up *h) {
    h->busy = true;
    int result = h2_send(h->session, h->conn);
    if (h->opened) {
        conn_flush(h->loop);
        conn_ack(h->conn);
        h->opened = false;
    }
    tell_moved(h);
    h->busy = false;
    if (result != 0 || is_over(h)) {
        conn_flush(h->loop);
        end(h, GW_FAIL_JUNK);
    } else if (h->attempts_n == 0 && (h->loop->draining || !takes_streams(h))) {
        leave(h);
    }
}

static void run_later(struct later *later) {
    turn(later->owner);
}

void h2_up_pump(struct h2_up *h) {
    loop_later(h->loop, &h->later);
}

int h2_up_calm_down(struct h2_up *h, const char *why) {
    if (!h->ended)
        log_note(h->loop->log, "warn", "an upstream's HTTP/2 connection was ended: %s", why);
    h->ended = true;
    (void)nghttp2_session_terminate_session(h->session, NGHTTP2_ENHANCE_YOUR_CALM);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* ------------------------------------------------------------------ events */

static void receive(struct h2_up *h) {
    ssize_t n = conn_read(h->conn, h->loop->scratch->data, LOOP_SCRATCH);
    if (n == CONN_AGAIN)
        return;
    if (n <= 0) {
        end(h, GW_FAIL_RESET);
        return;
    }
    h->quiet = h->pinged = false;
    h->heard_ms = now_ms(h);
    h->busy = true;
    if (nghttp2_session_mem_recv(h->session, (const uint8_t *)h->loop->scratch->data, (size_t)n) <
        0)
        h->ended = true;
    turn(h);
}

static void ready(struct conn *conn, unsigned events) {
    struct h2_up *h = conn->owner;
    if ((events & CONN_LEFT) != 0) {
        end(h, GW_FAIL_RESET);
    } else if ((events & CONN_READABLE) != 0) {
        if ((events & CONN_DRAINED) != 0)
            h2_up_pump(h);
        receive(h);
    } else if ((events & CONN_DRAINED) != 0) {
        turn(h);
    }
}

static double deadline(const struct h2_up *h) {
    if (h->attempts_n == 0)
        return h->heard_ms + h->loop->limits.upstream_idle_ms;
    return h->heard_ms + (h->pinged ? 2 * H2_UP_QUIET_MS : H2_UP_QUIET_MS);
}

static void due(struct timer *timer) {
    struct conn *conn = (struct conn *)((char *)timer - offsetof(struct conn, timer));
    struct loop *loop = conn->loop;
    struct h2_up *h = conn->owner;
    bool late = now_ms(h) >= deadline(h);
    if (late && h->attempts_n == 0) {
        leave(h);
    } else if (late && h->pinged) {
        end(h, GW_FAIL_RESET);
    } else {
        if (late && nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL) == 0) {
            h->pinged = true;
            h2_up_pump(h);
        }
        timer_set(timer, deadline(h));
    }
    conn_flush(loop);
}

/* ------------------------------------------------------------------ streams come and go */

/* How many at once: one until the server has said it. */
static uint32_t streams_max(const struct h2_up *h) {
    uint32_t max =
        nghttp2_session_get_remote_settings(h->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    return !h->settled ? 1 : max < H2_UP_STREAMS ? max : H2_UP_STREAMS;
}

static bool has_room(const struct h2_up *h) {
    return takes_streams(h) && h->attempts_n < streams_max(h);
}

static void link_attempt(struct h2_up *h, struct attempt *a) {
    a->h2.next = h->attempts;
    a->h2.prev = NULL;
    if (h->attempts != NULL)
        h->attempts->h2.prev = a;
    h->attempts = a;
    if (h->attempts_n++ > 0)
        return;
    h->quiet = h->used;
    h->used = true;
    h->pinged = false;
    h->heard_ms = now_ms(h);
    timer_set(&h->conn->timer, deadline(h));
}

static void unlink_attempt(struct h2_up *h, struct attempt *a) {
    if (a->h2.next != NULL)
        a->h2.next->h2.prev = a->h2.prev;
    if (a->h2.prev != NULL) {
        a->h2.prev->h2.next = a->h2.next;
    } else {
        h->attempts = a->h2.next;
    }
    if (--h->attempts_n > 0)
        return;
    h->heard_ms = now_ms(h);
    timer_set(&h->conn->timer, deadline(h));
}

int h2_up_join(struct attempt *a) {
    struct h2_up *h = a->origin->h2;
    while (h != NULL && !has_room(h))
        h = h->next;
    if (h == NULL)
        return CONN_AGAIN;
    a->h2.session = h;
    h2_fields_init(&a->h2.head);
    if (h2_up_submit(a) != 0) {
        a->h2.session = NULL;
        return CONN_ERROR;
    }
    link_attempt(h, a);
    h2_up_pump(h);
    return 0;
}

void h2_up_leave(struct attempt *a) {
    struct h2_up *h = a->h2.session;
    /* of a stream that the server has ended, the rest of the request is of no use */
    if (!a->h2.over || !send_done(&a->send))
        (void)nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, a->h2.id, NGHTTP2_CANCEL);
    (void)nghttp2_session_set_stream_user_data(h->session, a->h2.id, NULL);
    h2_fields_del(&a->h2.head, &h->loop->blocks);
    unlink_attempt(h, a);
    a->h2.session = NULL;
    if (h->ended)
        return;
    h2_up_pump(h);
    origin_turn(h->origin);
}

void h2_up_more(struct attempt *a) {
    struct h2_up *h = a->h2.session;
    if (nghttp2_session_resume_data(h->session, a->h2.id) == 0)
        h2_up_pump(h);
}

void h2_up_resume(struct attempt *a) {
    struct h2_up *h = a->h2.session;
    if (a->h2.owed == 0)
        return;
    (void)nghttp2_session_consume_stream(h->session, a->h2.id, a->h2.owed);
    a->h2.owed = 0;
    h2_up_pump(h);
}

uint32_t h2_up_n(const struct origin *origin, bool *starting) {
    uint32_t n = 0;
    *starting = false;
    for (const struct h2_up *h = origin->h2; h != NULL; h = h->next) {
        n += takes_streams(h);
        *starting |= takes_streams(h) && !h->settled;
    }
    return n;
}

bool h2_up_none_taken(const struct origin *origin) {
    uint32_t n = 0, max = 0;
    for (const struct h2_up *h = origin->h2; h != NULL; h = h->next) {
        n += takes_streams(h);
        max += takes_streams(h) ? streams_max(h) : 0;
    }
    return n > 0 && max == 0;
}

/* ------------------------------------------------------------------ life */

static int session_new(struct h2_up *h) {
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int result = -1;
    if (nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0) {
        h2_up_stream_callbacks(callbacks);
        nghttp2_option_set_no_auto_window_update(option, 1);
        /* as nghttp2 counts, more than a head of GW_HEAD_MAX is */
        nghttp2_option_set_max_send_header_block_length(option, (size_t)2 * GW_HEAD_MAX);
        result = nghttp2_session_client_new2(&h->session, callbacks, h, option);
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return result;
}

static int submit_settings(struct h2_up *h) {
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, GW_HEAD_MAX},
    };
    size_t n = sizeof settings / sizeof *settings;
    return nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, n) != 0
               ? -1
               : nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
                                                       H2_CONN_WINDOW);
}

bool h2_up_start(struct origin *origin, struct conn *conn) {
    struct h2_up *h = calloc(1, sizeof *h);
    if (h == NULL)
        return false;
    h->origin = origin;
    h->loop = origin->loop;
    h->conn = conn;
    h->later = (struct later){.run = run_later, .owner = h};
    h->heard_ms = now_ms(h);
    h2_calm_init(&h->calm, h->heard_ms);
    if (session_new(h) != 0 || submit_settings(h) != 0) {
        nghttp2_session_del(h->session);
        free(h);
        return false;
    }
    h->next = origin->h2;
    origin->h2 = h;
    origin->users++;
    conn->owner = h;
    conn->ready = ready;
    conn->stall_ms = 2 * H2_UP_QUIET_MS;
    conn->timer.due = due;
    timer_set(&conn->timer, deadline(h));
    conn_want_write(conn, false);
    conn_watch(conn, CONN_READ);
    h2_up_pump(h);
    return true;
}

void h2_up_close_idle(struct origin *origin) {
    struct h2_up *next;
    for (struct h2_up *h = origin->h2; h != NULL; h = next) {
        next = h->next;
        if (h->attempts_n == 0 && !h->busy)
            leave(h);
    }
}
