/*
 * Carrying out the core's actions.
 */
#include "native/drive/asks.h"
#include "native/drive/drive_parts.h"
#include "native/loop/log.h"
#include "native/loop/loop.h"
#include "native/up/upstream.h"

static void act_send(struct drive *d, const struct gw_action *action) {
    struct attempt *a = upstream_send(&d->up, action);
    if (a == NULL) {
        d->broken = true;
        return;
    }
    a->next = d->up.attempts;
    d->up.attempts = a;
}

static void act_read(struct drive *d, const struct gw_action *a) {
    if (a->read.upto > d->upto)
        d->upto = a->read.upto;
    if (a->read.show > d->show)
        d->show = a->read.show;
    if (a->read.again != 0) {
        d->up.body.told = a->read.from;
        d->up.body.fin_told = false;
    }
    if (d->front != NULL)
        d->front->ops->wanted(d->front);
}

static void act_drop(struct drive *d, uint32_t number) {
    struct attempt *a = drive_find(d, number);
    if (a != NULL)
        upstream_drop(a);
}

static void act_hint(struct drive *d, const struct gw_action *a) {
    if (d->front != NULL)
        d->front->ops->hint(d->front, a->head.status, a->head.head);
}

static void act_head(struct drive *d, const struct gw_action *a) {
    uint64_t body_len = a->head.body_len == 0 ? d->up.declared : a->head.body_len;
    d->headed = true;
    if (d->front != NULL)
        d->front->ops->head(d->front, a->head.status, a->head.head, body_len);
}

/* The slices as pieces; false if one names bytes that are not there. */
static bool piece_of(const struct drive *d, const struct gw_slice *s, struct front_piece *piece) {
    *piece = (struct front_piece){.copy = s->kind == GW_LITERAL};
    switch (s->kind) {
    case GW_LITERAL:
        piece->bytes = gw_str(s->p, (size_t)s->len);
        break;
    case GW_CHUNK:
        piece->bytes = gw_str_sub(d->chunk, (size_t)s->off, (size_t)s->len);
        break;
    default:
        piece->bytes = body_at(&d->up.body, s->off, s->len);
        break;
    }
    return piece->bytes.n == s->len;
}

static void act_data(struct drive *d, const struct gw_action *a) {
    enum { AT_ONCE = 16 };
    struct front_piece pieces[AT_ONCE];
    uint32_t n = 0;
    if (d->front == NULL)
        return;
    for (uint32_t i = 0; i < a->data.slices_n; i++) {
        if (!piece_of(d, &a->data.slices[i], &pieces[n++])) {
            d->broken = true;
            return;
        }
        if (n == AT_ONCE || i + 1 == a->data.slices_n) {
            d->front->ops->data(d->front, pieces, n);
            n = 0;
        }
    }
}

static void act_relay(struct drive *d, const struct gw_action *action) {
    struct attempt *a = drive_find(d, action->attempt);
    d->relay_at = action->at;
    if (a == NULL)
        return; /* it had no more bytes: its end has been told */
    d->relay = action->attempt;
    upstream_relay(a, action->relay.show);
}

static void act_wait(struct drive *d, double at) {
    if (d->relay != 0 && d->relay_at < at)
        at = d->relay_at;
    timer_set(&d->timer, at);
    if (d->headed && !d->tight && d->up.body.fin && d->relay == 0)
        drive_tighten(d);
}

/* Carries one action out; false when there is nothing more to poll. */
bool drive_act(struct drive *d, const struct gw_action *a) {
    switch (a->kind) {
    case GW_READ:
        act_read(d, a);
        return true;
    case GW_SEND:
        act_send(d, a);
        return true;
    case GW_DROP:
        act_drop(d, a->attempt);
        return true;
    case GW_HEAD:
        if (a->head.status < 200)
            act_hint(d, a);
        else
            act_head(d, a);
        return true;
    case GW_DATA:
        act_data(d, a);
        return true;
    case GW_RELAY:
        act_relay(d, a);
        return true;
    case GW_RECORD:
        log_record(d->up.loop, a->record.line);
        return true;
    case GW_ASK:
        d->broken |= !asks_put(d, a);
        return true;
    case GW_FORGET:
        d->forget = a->forget.below;
        drive_release(d);
        return true;
    case GW_END:
        d->over = true;
        d->code = a->end.code;
        return false;
    default:
        act_wait(d, a->at);
        return false;
    }
}
