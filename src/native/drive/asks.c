#include "native/drive/asks.h"

#include <stdlib.h>

#include "native/drive/drive_parts.h"
#include "native/loop/loop.h"
#include "native/store/whats.h"
#include "native/up/upstream.h"

struct question {
    struct attempt_owner up;  /* of one by HTTP */
    struct question *next;    /* of the drive, or of those that are forsaken */
    struct question **before; /* what points to it */
    struct drive *drive;      /* NULL: forsaken */
    const struct who *who;
    double until;
    uint32_t id;
    struct later later;
    size_t n;
    char text[]; /* GW_ANSWER_MAX bytes, if it goes by HTTP: what has come */
};

/* Who answers a `what`. */
struct who {
    bool (*ask)(struct question *q, const struct gw_action *action); /* false: FAILED */
    uint32_t store;       /* the store: enum in store/whats.h */
    bool any;             /* by HTTP: whatever it answers */
    bool http;            /* a target */
    struct gw_str header; /* whose answer is this header of a 200; empty: its body */
};

static bool ask_http(struct question *q, const struct gw_action *action);
static bool ask_store(struct question *q, const struct gw_action *action);

static const struct who table[GW_ASKS] = {
    [GW_ASK_PROOF] = {ask_http, .http = true, .header = GW_STR_INIT("x-heady-proof")},
    [GW_ASK_LEASES] = {ask_http, .http = true},
    [GW_ASK_KEEP] = {ask_store, .store = WHATS_KEEP_FRAME},
    [GW_ASK_ALIVE] = {ask_http, .http = true, .any = true},
    [GW_ASK_STORE] = {ask_store, .store = WHATS_PUT_KEPT},
    [GW_ASK_RECALL] = {ask_store, .store = WHATS_GET_KEPT},
    [GW_ASK_FORGET] = {ask_store, .store = WHATS_DROP_KEPT},
};

/* ------------------------------------------------------------------ life */

static void link_to(struct question *q, struct question **list) {
    q->next = *list;
    q->before = list;
    if (q->next != NULL)
        q->next->before = &q->next;
    *list = q;
}

static void unlink_it(struct question *q) {
    *q->before = q->next;
    if (q->next != NULL)
        q->next->before = q->before;
}

/* It is in no list any more. */
static void dispose(struct question *q) {
    loop_later_off(q->up.loop, &q->later);
    if (q->up.attempts != NULL)
        upstream_drop(q->up.attempts);
    free(q);
}

static void question_free(struct question *q) {
    unlink_it(q);
    dispose(q);
}

/* `bytes` may lie in the question: it is freed when they have been told. */
static void answer(struct question *q, uint32_t status, struct gw_str bytes) {
    struct drive *d = q->drive;
    struct gw_answer told = {q->id, status, bytes};
    unlink_it(q);
    link_to(q, &q->up.loop->forsaken);
    q->drive = NULL;
    if (d != NULL)
        drive_answered(d, &told);
    question_free(q);
}

static void fail(struct question *q, struct gw_str why) {
    answer(q, GW_ANSWER_FAILED, why);
}

/* ------------------------------------------------------------------ by HTTP */

static struct question *of_owner(const struct attempt_owner *up) {
    return (struct question *)((const char *)up - offsetof(struct question, up));
}

static bool find(const struct gw_res_head *head, struct gw_str name, struct gw_str *value) {
    for (uint32_t i = 0; i < head->headers_n; i++) {
        *value = head->headers[i].value;
        if (gw_str_ieq(head->headers[i].name, name))
            return true;
    }
    return false;
}

static void on_head(struct attempt_owner *up, uint32_t attempt, const struct gw_res_head *head) {
    struct question *q = of_owner(up);
    struct gw_str value;
    (void)attempt;
    if (head->status < 200)
        return;
    if (q->who->any) {
        answer(q, GW_ANSWER_DONE, gw_str(NULL, 0));
    } else if (head->status != 200) {
        struct gw_buf why = {.p = q->text, .cap = GW_ANSWER_MAX, .max = GW_ANSWER_MAX};
        gw_buf_put(&why, GW_STR("status "));
        gw_buf_put_u64(&why, head->status);
        fail(q, gw_buf_str(&why));
    } else if (q->who->header.n > 0 && find(head, q->who->header, &value)) {
        answer(q, GW_ANSWER_DONE, value);
    } else if (q->who->header.n > 0) {
        answer(q, GW_ANSWER_NONE, gw_str(NULL, 0));
    }
}

static void on_body(struct attempt_owner *up, uint32_t attempt, struct gw_str bytes) {
    struct question *q = of_owner(up);
    (void)attempt;
    if (bytes.n > GW_ANSWER_MAX - q->n) {
        fail(q, GW_STR("it is too long"));
        return;
    }
    memcpy(q->text + q->n, bytes.p, bytes.n);
    q->n += bytes.n;
}

static void on_end(struct attempt_owner *up, uint32_t attempt, uint32_t how, bool relayed) {
    struct question *q = of_owner(up);
    (void)attempt;
    (void)relayed;
    if (how == GW_CLEAN)
        answer(q, GW_ANSWER_DONE, gw_str(q->text, q->n));
    else
        fail(q, GW_STR("it was cut off"));
}

static void on_fail(struct attempt_owner *up, uint32_t attempt, uint32_t why, uint32_t sent) {
    (void)attempt;
    (void)sent;
    if (why == GW_FAIL_LOCAL)
        answer(of_owner(up), GW_ANSWER_UNASKED, gw_str(NULL, 0));
    else
        fail(of_owner(up), GW_STR("no answer"));
}

static void on_forget(struct attempt_owner *up, struct attempt *a) {
    (void)a;
    up->attempts = NULL;
}

static void on_relayed(struct attempt_owner *up, struct gw_str bytes) {
    (void)up;
    (void)bytes;
}

static void on_sent(struct attempt_owner *up) {
    (void)up;
}

static void on_expect(const struct attempt_owner *up) {
    (void)up;
}

static bool on_full(const struct attempt_owner *up) {
    (void)up;
    return false;
}

static void name_near(const struct attempt_owner *up, const void *near[CONN_NEAR - 2]) {
    for (int i = 0; i < CONN_NEAR - 2; i++)
        near[i] = up;
}

static const struct attempt_ops ops = {
    .head = on_head,
    .body = on_body,
    .end = on_end,
    .fail = on_fail,
    .relayed = on_relayed,
    .sent = on_sent,
    .forget = on_forget,
    .expect = on_expect,
    .full = on_full,
    .name_near = name_near,
};

static bool ask_http(struct question *q, const struct gw_action *action) {
    enum { CONNECT_MS = 3000 };
    struct gw_action send = {.kind = GW_SEND, .attempt = 1};
    send.send.target = action->ask.target;
    send.send.method = GW_STR("GET");
    send.send.url = action->ask.key;
    send.send.path = gw_str_sub(action->ask.key, action->ask.target.origin.n, action->ask.key.n);
    send.send.head = action->ask.bytes;
    send.send.connect_ms = CONNECT_MS;
    q->up.ops = &ops;
    q->up.attempts = upstream_send(&q->up, &send);
    return q->up.attempts != NULL;
}

/* ------------------------------------------------------------------ by the store */

static uint32_t status_of(enum store_status status) {
    static const uint8_t statuses[] = {
        [STORE_DONE] = GW_ANSWER_DONE,     [STORE_NONE] = GW_ANSWER_NONE,
        [STORE_OLDER] = GW_ANSWER_OLDER,   [STORE_LATE] = GW_ANSWER_LATE,
        [STORE_FAILED] = GW_ANSWER_FAILED, [STORE_NEWER] = GW_ANSWER_FAILED,
    };
    return statuses[status];
}

static void stored(struct loop *loop, uint64_t id, enum store_status status, struct gw_str bytes) {
    (void)loop;
    answer((struct question *)(uintptr_t)id, status_of(status), bytes);
}

static bool ask_store(struct question *q, const struct gw_action *action) {
    const struct store_ask ask = {
        .id = (uintptr_t)q,
        .what = q->who->store,
        .key = action->ask.key,
        .bytes = action->ask.bytes,
        .deadline_ms = action->at,
        .answered = stored,
    };
    return store_ask(q->up.loop, &ask);
}

/* ------------------------------------------------------------------ asking */

static void begin(struct later *later) {
    struct question *q = later->owner;
    if (q->up.attempts != NULL)
        upstream_more(q->up.attempts);
    else
        fail(q, GW_STR("there is nobody to ask"));
}

bool asks_put(struct drive *d, const struct gw_action *action) {
    const struct who *who = &table[action->ask.what];
    struct question *q = calloc(1, sizeof *q + (who->http ? GW_ANSWER_MAX : 0));
    if (q == NULL)
        return false;
    q->up.loop = d->up.loop;
    q->drive = d;
    q->who = who;
    q->id = action->ask.id;
    q->until = action->at;
    q->later = (struct later){.run = begin, .owner = q};
    link_to(q, &d->asks);
    if (!who->ask(q, action) || who->http)
        loop_later(d->up.loop, &q->later);
    return true;
}

void asks_tick(struct drive *d, double now) {
    struct question *next;
    for (struct question *q = d->asks; q != NULL; q = next) {
        next = q->next;
        if (q->who->http && q->until <= now)
            question_free(q);
    }
}

void asks_leave(struct drive *d) {
    struct question *next;
    for (struct question *q = d->asks; q != NULL; q = next) {
        next = q->next;
        q->drive = NULL;
        if (q->who->http || q->later.queued)
            dispose(q);
        else
            link_to(q, &q->up.loop->forsaken);
    }
    d->asks = NULL;
}

void asks_del_forsaken(struct loop *loop) {
    struct question *next;
    for (struct question *q = loop->forsaken; q != NULL; q = next) {
        next = q->next;
        dispose(q);
    }
    loop->forsaken = NULL;
}
