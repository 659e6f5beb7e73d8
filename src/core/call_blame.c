/*
 * Whose fault a failure was: the target's, or the request's. A request that no target survives must
 * not take one target after the other out of service.
 *
 *   never reached, or the page of a tunnel without a node    the target's
 *   reset, timed out, 502, 504, junk, after it was sent      the target's if another then serves the
 *                                                            request; else once in 60 s for the same
 *                                                            key, path and body
 *   500                                                      the target's if another then serves it
 */
#include "core/core.h"

enum { SUSPECT_MS = 60000 };

#define PRIME UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * PRIME;
    return hash ^ hash >> 29;
}

static uint64_t hash_str(uint64_t hash, struct gw_str s) {
    for (; s.n >= 8; s.p += 8, s.n -= 8) {
        uint64_t word;
        memcpy(&word, s.p, 8);
        hash = mix(hash, word);
    }
    uint64_t rest = s.n;
    for (size_t i = 0; i < s.n; i++)
        rest = rest << 8 | (unsigned char)s.p[i];
    return mix(hash, rest);
}

/* How the bytes came in pieces changes the hash: a hint of sameness needs no more. */
void call_hash_body(struct call_body *body, struct gw_str shown) {
    if (shown.n > 0)
        body->hash = hash_str(body->hash, shown);
}

static uint64_t suspect_hash(const struct gw_call *c) {
    uint64_t hash = hash_str(c->body.hash, c->key_name);
    return hash_str(mix(hash, c->body.received), c->route.rest);
}

/* Whether this request has not been counted within the last minute; then it is now. */
static bool is_first(struct gw_call *c, struct gw_time now) {
    struct gw *gw = c->gw;
    uint64_t hash = suspect_hash(c);
    for (uint32_t i = 0; i < GW_SUSPECTS; i++)
        if (gw->suspects[i].hash == hash && now.mono_ms - gw->suspects[i].at < SUSPECT_MS)
            return false;
    gw->suspects[gw->suspect_next++ % GW_SUSPECTS] = (struct gw_suspect){hash, now.mono_ms};
    return true;
}

static void fail(struct gw_call *c, uint32_t at, struct breaker_grant *grant, uint32_t trouble,
                 struct gw_time now) {
    struct pool *pool = &c->gw->pool;
    bool lone = plan_is_lone(&c->plan, pool, at, now.mono_ms);
    pool_failed(pool, c->plan.target[at]->slot, grant, trouble, lone, now);
}

void call_fail_target(struct gw_call *c, uint32_t trouble, struct gw_time now) {
    fail(c, c->attempt.at, &c->attempt.grant, trouble, now);
}

void call_blame_target(struct gw_call *c, uint32_t trouble) {
    c->plan.blame[c->attempt.at] = (uint8_t)trouble;
    c->plan.grant[c->attempt.at] = c->attempt.grant;
    c->attempt.grant.trial = false; /* the permit is kept until it is settled, or its lease ends */
}

void call_settle_blame(struct gw_call *c, bool served, struct gw_time now) {
    bool counts = served, asked = served;
    for (uint32_t i = 0; i < c->plan.n; i++) {
        uint32_t trouble = c->plan.blame[i];
        struct breaker_grant *grant = &c->plan.grant[i];
        c->plan.blame[i] = 0;
        if (trouble == 0)
            continue;
        bool by_itself = served && i == c->attempt.at; /* asked again, it served */
        if (!asked && trouble != POOL_ERRORED) {
            counts = is_first(c, now);
            asked = true;
        }
        if (!by_itself && counts && (served || trouble != POOL_ERRORED))
            fail(c, i, grant, trouble, now);
        else
            pool_let_go(&c->gw->pool, c->plan.target[i]->slot, grant, now.mono_ms);
    }
}

void call_clear_blame(struct gw_call *c, struct gw_time now) {
    for (uint32_t i = 0; i < c->plan.n; i++) {
        if (c->plan.blame[i] != POOL_FINE)
            pool_let_go(&c->gw->pool, c->plan.target[i]->slot, &c->plan.grant[i], now.mono_ms);
        c->plan.blame[i] = POOL_FINE;
    }
}
