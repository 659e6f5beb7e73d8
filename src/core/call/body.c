/*
 * A request's body on its way in: how much of it is held, when enough has arrived for a target to be
 * asked, and how fast it must arrive.
 *
 * Room is taken (room.h) before READ lets bytes in, so what hosts hold for all calls stays within
 * limits.replay_total_max: all at once for a body of declared length, so that what is begun can be
 * finished, else step by step. Room that turns out not to be needed is given back at the body's end.
 *
 *   a model's           held up to replay_bytes_max, and whole before a node is asked. Beyond that, or
 *                       without room, it streams once (forgotten): a slot is taken first, and only then
 *                       is more let in
 *   must be read whole  /process, a registration, what is signed: without room 503, before anything is
 *                       read
 *   a service's         the target is asked at once; held in the same way
 *
 * While more is let in, the client must send it: client_body_ms and client_rate_min apply as in pace.h,
 * from the beginning and anew from the start of each attempt. If it does not, it gets 408, and the target
 * that had the request is not blamed.
 */
#include "core/call/call.h"

enum { STEP = 65536, ROOM_AGAIN_S = 5 };

/* ------------------------------------------------------------------ refusals */

struct next body_check_size(struct gw_call *c, uint64_t bytes) {
    uint64_t max = c->conf->limits.body_bytes_max;
    bool whole = route_rules[c->route.kind].body == ROUTE_WHOLE || sign_is_due(c);
    if (c->state <= CALL_SNIFF && whole && max > c->conf->limits.json_bytes_max)
        max = c->conf->limits.json_bytes_max;
    if (bytes == GW_UNKNOWN || bytes <= max)
        return next_on();
    return end_refuse(
        c, &(struct call_error){.status = 413,
                                .type = GW_STR("invalid_request_error"),
                                .code = GW_STR("request_too_large"),
                                .message = GW_STR("the request body is larger than this gateway "
                                                  "takes; send less, or raise "
                                                  "limits.body_bytes_max (or json_bytes_max)")});
}

static struct next refuse_invalid(struct gw_call *c) {
    return end_refuse(
        c, &(struct call_error){.status = 400,
                                .type = GW_STR("invalid_request_error"),
                                .code = GW_STR("invalid_json"),
                                .message = GW_STR("the request body is not valid JSON (or names "
                                                  "a member twice that decides where it goes); "
                                                  "mend it")});
}

struct next body_refuse_no_room(struct gw_call *c) {
    if (route_rules[c->route.kind].who == ROUTE_SIGNED)
        return nodes_on_no_room(c);
    end_because(c, GW_STR("body"), GW_STR("found no room"));
    return end_refuse(
        c, &(struct call_error){.status = 503,
                                .type = GW_STR("server_error"),
                                .code = GW_STR("no_room_for_body"),
                                .message = GW_STR("this request must be read whole first, and "
                                                  "there is no room for it now; send it again "
                                                  "later, or raise limits.replay_total_max"),
                                .retry_after_s = ROOM_AGAIN_S});
}

static struct next refuse_slow(struct gw_call *c) {
    end_because(c, GW_STR("client"), GW_STR("sends too slowly"));
    return request_on_late(c);
}

/* ------------------------------------------------------------------ the room */

static void keep_room(struct gw_call *c, uint64_t n) {
    room_give(&c->gw->cluster.pool.cells, c->body.client, c->body.held - n);
    c->body.held = n;
}

void body_give_room(struct gw_call *c) {
    keep_room(c, 0);
}

static bool take_room(struct gw_call *c, uint64_t upto) {
    struct call_body *b = &c->body;
    if (!room_take(&c->gw->cluster.pool.cells, b->client, upto - b->held,
                   c->conf->limits.replay_total_max))
        return false;
    b->held = upto;
    return true;
}

static void let_in(struct gw_call *c, uint64_t upto) {
    struct gw_action *a = call_push(c, GW_READ);
    a->read.upto = upto;
    a->read.show = c->body.must ? GW_REST : GW_SHOW_BODY;
    c->awaited = true;
}

/* No second attempt can have it, and no more is let in before an attempt takes it. What has arrived may
 * still have to be sent, so its room is kept. */
static void forget(struct gw_call *c) {
    c->body.forgotten = true;
    c->awaited = false;
    call_push(c, GW_FORGET)->forget.below = GW_REST;
}

bool body_begin(struct gw_call *c, uint64_t max, bool must, struct gw_time now) {
    struct call_body *b = &c->body;
    uint64_t first = b->declared == GW_UNKNOWN ? STEP : b->declared;
    b->max = max;
    b->must = must;
    pace_begin(&b->pace, now.mono_ms);
    if (first > max)
        first = max;
    bool held = first > 0 && take_room(c, first);
    if (held)
        let_in(c, first);
    else if (!must)
        forget(c);
    return held || !must;
}

void body_follow(struct gw_call *c, struct gw_time now) {
    struct call_body *b = &c->body;
    if (b->fin)
        return;
    pace_begin(&b->pace, now.mono_ms);
    if (b->forgotten && !b->streams)
        let_in(c, GW_REST);
    b->streams = b->forgotten;
}

/* A body that streams holds nothing any more when so much has arrived that the target must have taken
 * what was held. */
static void hold_stream(struct gw_call *c) {
    if (c->body.held > 0 && c->body.received >= c->body.held + GW_AHEAD)
        keep_room(c, 0);
}

/* All that was let in has arrived (a read may bring more): takes the next step, if it is worth holding
 * and there is room. False if the body must be read whole, and there is none. */
static bool hold_more(struct gw_call *c, struct gw_time now) {
    struct call_body *b = &c->body;
    bool worth = b->fin ? b->received <= b->max : b->received < b->max;
    uint64_t next = b->received + (b->fin ? 0 : STEP);
    if (next > b->max)
        next = b->max;
    if (worth && take_room(c, next)) {
        if (!b->fin)
            let_in(c, next);
    } else if (!b->must) {
        forget(c);
        if (c->attempt.open)
            body_follow(c, now);
    } else {
        return !worth;
    }
    return true;
}

static bool hold(struct gw_call *c, struct gw_time now) {
    struct call_body *b = &c->body;
    if (b->forgotten)
        hold_stream(c);
    else if (b->fin && b->received <= b->held)
        keep_room(c, b->received);
    else if (b->fin || (b->received >= b->held && b->received != b->declared))
        return hold_more(c, now);
    return true;
}

/* ------------------------------------------------------------------ what is in it */

/* The body is read for its type. Anything that is not one JSON object is refused, so that the node and
 * we cannot read it differently. */
static struct next sniffed(struct gw_call *c, bool fin) {
    struct facts *f = c->facts;
    bool bad = f == NULL || f->scan.at != c->body.received ||
               (c->route.kind == GW_ROUTE_PROCESS && facts_is_twice(f, FACTS_TYPE));
    if (bad || (fin && facts_end(f) != 0))
        return refuse_invalid(c);
    return fin ? next_phase(PHASE_DECIDE) : next_stay();
}

/* The body is read until it is whole, or is no longer held. */
static struct next gathered(const struct gw_call *c) {
    return c->body.fin || c->body.forgotten ? next_phase(PHASE_DECIDE) : next_stay();
}

static void take_facts(struct gw_call *c) {
    struct gw *gw = c->gw;
    const struct gw_mem *mem = gw->cluster.mem;
    union facts_box *box = gw->facts_free;
    if (box != NULL) {
        gw->facts_free = box->next;
        gw->facts_free_n--;
    } else {
        box = mem->get(mem->user, sizeof *box);
        c->arena_full |= box == NULL;
    }
    c->facts = box != NULL ? &box->facts : NULL;
    if (box != NULL)
        facts_init(c->facts, c->talks,
                   c->body.must || c->binds ? FACTS_ALL
                   : c->seeds               ? FACTS_STREAMED
                                            : FACTS_BRIEF);
}

/* The first messages tell which conversation it is, and that tells its node. */
static void note_talk(struct gw_call *c) {
    if (!c->talks)
        return;
    c->talk = affinity_of(&c->facts->talk.tally, c->key_name);
    c->later_turn = c->facts->talk.later_turn;
}

/* What a target remembers no other one knows. */
static void note_bond(struct gw_call *c) {
    if (c->binds && c->facts->scan.at != c->body.received)
        c->bound = true; /* what was not seen may be that */
    for (uint32_t m = FACTS_PREVIOUS; c->binds && m <= FACTS_CONVERSATION; m++)
        c->bound |= c->facts->at[m].kind > GW_JSON_NULL || facts_is_twice(c->facts, m);
}

void body_drop_facts(struct gw_call *c) {
    struct gw *gw = c->gw;
    const struct gw_mem *mem = gw->cluster.mem;
    union facts_box *box = (union facts_box *)c->facts;
    if (box == NULL)
        return;
    note_talk(c);
    note_bond(c);
    c->facts = NULL;
    if (gw->facts_free_n == FACTS_FREE_MAX) {
        mem->put(mem->user, box, sizeof *box);
        return;
    }
    box->next = gw->facts_free;
    gw->facts_free = box;
    gw->facts_free_n++;
}

/* Whether something that is needed is not known yet. Whether a stream is asked for decides how long its
 * first content may take: that is only a hint, and the host is not asked to show more for its sake. */
static bool needs_facts(const struct gw_call *c) {
    return c->body.must || c->binds || !c->facts->talk.done ||
           (!c->streamed && facts_is(c->facts, FACTS_STREAM, GW_JSON_NONE)) ||
           (c->seeds && !facts_is(c->facts, FACTS_STREAM, GW_JSON_FALSE));
}

static void read_facts(struct gw_call *c, const struct gw_req_body *body) {
    if (body->off == 0 && c->facts == NULL)
        take_facts(c);
    if (c->facts == NULL || body->off != c->facts->scan.at)
        return;
    (void)facts_feed(c->facts, body->bytes);
    c->says_stream |= facts_is(c->facts, FACTS_STREAM, GW_JSON_TRUE);
    c->streamed |= c->says_stream;
    if (!needs_facts(c))
        body_drop_facts(c);
}

static void look_at(struct gw_call *c, const struct gw_req_body *body) {
    read_facts(c, body);
    if (c->body_sum != NULL)
        gw_sha256_add(&c->body_sum->sum, body->bytes);
    if (body->off < GW_SHOW_BODY)
        blame_note_body(&c->body, body->bytes);
}

/* Whatever waits for the body goes on. */
static struct next tell(struct gw_call *c, const struct gw_req_body *body) {
    if (c->state == CALL_SIGNED)
        return nodes_on_body(c, body);
    if (c->state != CALL_SNIFF) {
        if (body->fin)
            body_drop_facts(c);
        return next_stay();
    }
    return c->body.must && c->body_sum == NULL ? sniffed(c, body->fin) : gathered(c);
}

struct next body_read_again(struct gw_call *c, uint64_t from, call_reader *reader) {
    GW_ASSERT(c->body.fin && !c->body.forgotten && !c->attempt.open && from < c->body.received);
    struct gw_action *a = call_push(c, GW_READ);
    a->read.upto = c->body.received;
    a->read.show = GW_REST;
    a->read.again = 1;
    a->read.from = c->body.again = from;
    c->body.reader = reader;
    return next_wait(CALL_SNIFF);
}

/* It has been counted when it came. */
static struct next take_again(struct gw_call *c, const struct gw_req_body *body,
                              struct gw_time now) {
    call_reader *reader = c->body.reader;
    uint64_t left = c->body.received - c->body.again;
    if (body->off != c->body.again || body->len > left || body->bytes.n != body->len)
        return next_misuse();
    c->body.again += body->len;
    if (body->len == left)
        c->body.reader = NULL;
    return reader(c, body->bytes, body->len == left, now);
}

struct next body_on_bytes(struct gw_call *c, const struct gw_req_body *body, struct gw_time now) {
    if (c->body.reader != NULL)
        return take_again(c, body, now);
    if (!c->has_request || body->off != c->body.received || c->body.fin)
        return next_misuse();
    c->body.received += body->len;
    c->body.fin = body->fin;
    struct next next = body_check_size(c, c->body.received);
    if (!next_is(next, NEXT_ON))
        return next;
    look_at(c, body);
    pace_moved(&c->body.pace, now.mono_ms, body->len);
    if (body->fin)
        queue_is_whole(c, now);
    if (!hold(c, now))
        return body_refuse_no_room(c);
    /* No target can answer what has not arrived: its time begins with the end of the body. */
    c->attempt.heard_at = now.mono_ms;
    try_set_limit(c, now);
    return tell(c, body);
}

/* ------------------------------------------------------------------ its pace */

double body_late_at(const struct gw_call *c) {
    const struct limits_conf *l = &c->conf->limits;
    return pace_deadline(&c->body.pace, (double)l->client_body_ms, (double)l->client_rate_min);
}

/* A body that arrives unseen is taken to arrive at the least rate, until all of it should be there. */
static bool may_come_unseen(struct gw_call *c, struct gw_time now) {
    struct pace *p = &c->body.pace;
    double rate = (double)c->conf->limits.client_rate_min / 1000;
    double bytes = (now.mono_ms - p->since_ms) * rate;
    if (rate > 0 && p->moved + bytes > (double)(c->body.held - c->body.received))
        return false;
    pace_moved(p, now.mono_ms, (uint64_t)bytes + 1);
    return true;
}

struct next body_on_tick(struct gw_call *c, uint32_t what, struct gw_time now) {
    if (!c->awaited || now.mono_ms < body_late_at(c))
        return next_stay();
    if (what == GW_UNSEEN && may_come_unseen(c, now))
        return next_stay();
    if (what == GW_HELD_BACK) {
        pace_begin(&c->body.pace, now.mono_ms);
        return next_stay();
    }
    return refuse_slow(c);
}
