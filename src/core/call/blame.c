/*
 * Whose fault a failure was: the target's, or the request's. A request that no target survives must
 * not take one target after the other out of service.
 *
 *   never reached, or the page of a tunnel without a node    the target's, at once
 *   reset, timed out, 502, 504, junk, after it was sent;     the target's if another then serves the
 *   a stream that is cut, ends early or falls silent         request; else once in 60 s for the same
 *                                                            key, path and body
 *   late with the first content                              likewise; but if the other was as late,
 *                                                            or it works for others, nobody's
 *   500, an error as an event of a stream                    the target's if another then serves it
 *   cut along with a lost connection                         nobody's: one lost connection is one
 *                                                            failure, of the stream that reports it
 *   any of these before the request had arrived whole        the client's alone
 *
 * A target has served if it brings the answer to its end, and that is not a 4xx or a 5xx. Beginning it
 * is not enough: the target that goes on with a stream may be the next to fail at it. Only an answer that
 * is relayed, and is not a stream, counts by its head, because nothing else of it is seen. It makes no
 * difference whether the client had part of the answer already.
 */
#include "core/call/call.h"

enum {
    SUSPECT_MS = 60000,
    SUSPECT_BYTES = 4096, /* of a body are looked at, and its length */
};

void blame_note_body(struct call_body *body, struct gw_str shown) {
    uint64_t room = body->tally.n < SUSPECT_BYTES ? SUSPECT_BYTES - body->tally.n : 0;
    if (room > 0 && shown.n > 0)
        tally_add(&body->tally, shown.p, shown.n < room ? shown.n : (size_t)room);
}

static uint64_t suspect_hash(const struct gw_call *c) {
    struct tally tally = c->body.tally;
    tally_add(&tally, (const char *)&c->body.received, sizeof c->body.received);
    tally_add(&tally, c->key_name.p, c->key_name.n);
    tally_add(&tally, c->route.rest.p, c->route.rest.n);
    return tally_hash(&tally);
}

/* True if this request was not counted within the last minute. It is counted now. */
static bool is_first(struct gw_call *c, struct gw_time now) {
    struct gw *gw = c->gw;
    uint64_t hash = suspect_hash(c);
    for (uint32_t i = 0; i < GW_SUSPECTS; i++)
        if (gw->suspects[i].hash == hash && now.mono_ms - gw->suspects[i].at < SUSPECT_MS)
            return false;
    gw->suspects[gw->suspect_next++ % GW_SUSPECTS] = (struct gw_suspect){hash, now.mono_ms};
    return true;
}

/* Whether it is one model's trouble, and not that of the whole place. */
static bool is_models(uint32_t trouble) {
    return trouble >= POOL_LATE;
}

static void fail(struct gw_call *c, uint32_t at, struct breaker_grant *grant, uint32_t trouble,
                 struct gw_time now) {
    struct pool *pool = &c->gw->cluster.pool;
    const struct candidate *failed = &c->plan.candidates[at];
    if (failed->model != 0 && is_models(trouble)) {
        overload_failed(&pool->models, failed->model, &pool->breaker, now.mono_ms);
        pool_let_go(pool, failed->backend->slot, grant, now.mono_ms);
        return;
    }
    bool lone = plan_is_lone(&c->plan, pool, at, now.mono_ms);
    pool_failed(pool, c->plan.candidates[at].backend->slot, grant, trouble, lone, now);
}

void blame_now(struct gw_call *c, uint32_t trouble, struct gw_time now) {
    fail(c, c->attempt.at, &c->attempt.grant, trouble, now);
}

void blame_later(struct gw_call *c, uint32_t trouble) {
    if (!c->body.fin)
        return;
    struct candidate *at_fault = call_candidate(c);
    at_fault->blame = (uint8_t)trouble;
    at_fault->limit_ms = (float)(c->attempt.limit_at - call_began_at(c));
    at_fault->grant = c->attempt.grant;
    /* The permit is kept until the blame is resolved, or its lease ends. */
    c->attempt.grant.trial = false;
}

/* Whether the current attempt, which has served, did better than what candidate `i` is blamed for. */
static bool did_better(const struct gw_call *c, uint32_t i) {
    const struct candidate *blamed = &c->plan.candidates[i];
    if (i == c->attempt.at)
        return false; /* asked again, it served */
    return blamed->blame != POOL_LATE || c->attempt.first_ms < blamed->limit_ms;
}

void blame_resolve(struct gw_call *c, bool served, struct gw_time now) {
    bool first = false, asked = false;
    for (uint32_t i = 0; i < c->plan.n; i++) {
        uint32_t trouble = c->plan.candidates[i].blame;
        if (trouble == POOL_FINE)
            continue;
        /* That another model takes it shows less than that a twin does: such a request counts once. */
        bool twin = served && c->plan.candidates[i].link == call_candidate(c)->link;
        if (!twin && !asked && (served || trouble != POOL_ERRORED)) {
            first = is_first(c, now);
            asked = true;
        }
        if (twin ? did_better(c, i) : first && (served || trouble != POOL_ERRORED))
            fail(c, i, &c->plan.candidates[i].grant, trouble, now);
        blame_clear(c, i, now);
    }
}

void blame_clear(struct gw_call *c, uint32_t at, struct gw_time now) {
    struct candidate *cleared = &c->plan.candidates[at];
    if (cleared->blame != POOL_FINE)
        pool_let_go(&c->gw->cluster.pool, cleared->backend->slot, &cleared->grant, now.mono_ms);
    cleared->blame = POOL_FINE;
}
