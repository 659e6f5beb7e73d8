/*
 * Seeds. A sampled answer that is cut can only be gone on with by a target that samples the same: one that
 * has the same seed. So a streamed request to a class that has none gets one, drawn here, as a slice; every
 * other byte stays, and x-heady-seed tells it.
 *
 * Nothing is put in where it might change a meaning: the body must have been read to its end, as JSON, in a
 * dialect that says where its seed is, and without one of the client's.
 */
#include "core/call/call.h"

enum { SEED_TEXT_MAX = 40, SEED_BITS = 31, SEED_BODY_MAX = 1048576 };

static bool is_streamed(const struct facts *f, const struct dialect *d) {
    if (d->streams) /* unless it is told not to */
        return !facts_is(f, FACTS_STREAM, GW_JSON_FALSE);
    return facts_is(f, FACTS_STREAM, GW_JSON_TRUE);
}

bool seed_may_be_wanted(const struct gw_call *c, const struct dialect *d) {
    return d->seed != FACTS_NOTHING && c->conf->resume_seed && c->route.kind == GW_ROUTE_HEAVY &&
           !c->head.fast && c->conf->classes[c->route.class].inspect;
}

/* It has no seed of the client's. */
static bool is_free(const struct facts *f) {
    return facts_is(f, FACTS_SEED, GW_JSON_NONE) && facts_is(f, FACTS_OPTIONS_SEED, GW_JSON_NONE) &&
           !facts_is_twice(f, FACTS_OPTIONS);
}

static bool is_wanted(const struct gw_call *c, const struct dialect *d) {
    struct facts *f = c->facts;
    return f->scan.at == c->body.received && facts_end(f) == 0 && f->has_members &&
           is_streamed(f, d) && is_free(f);
}

/* What the host has told once more. */
static struct next read_rest(struct gw_call *c, struct gw_str bytes, bool last,
                             struct gw_time now) {
    (void)now;
    (void)facts_feed(c->facts, bytes);
    if (!last)
        return next_stay();
    if (c->facts->scan.at != c->body.received)
        body_drop_facts(c);
    return next_phase(PHASE_DECIDE);
}

/* Of a large body hosts show the beginning. The rest is told once more when it is held whole, if nothing in
 * the beginning speaks against a seed. */
struct next seed_read(struct gw_call *c) {
    const struct facts *f = c->facts;
    const struct call_body *b = &c->body;
    bool cut = c->seeds && f != NULL && b->fin && !b->forgotten && b->received > f->scan.at;
    if (!cut || f->scan.at < GW_SHOW_BODY || b->received > SEED_BODY_MAX || !f->has_members ||
        !is_free(f))
        return next_on();
    return body_read_again(c, f->scan.at, read_rest);
}

/* Where it is put, and in place of how many bytes. */
static bool find_place(const struct facts *f, const struct dialect *d, struct gw_buf *text,
                       struct call_seed *s) {
    const struct facts_at *options = &f->at[FACTS_OPTIONS];
    bool inside = d->seed == FACTS_OPTIONS_SEED && options->kind != GW_JSON_NONE;
    bool empty = inside && !f->has_options;
    if (inside && options->kind != GW_JSON_OBJECT)
        return false;
    s->edit.at = inside ? options->off + !empty : f->at[FACTS_BODY].off + 1;
    s->edit.skip = empty ? options->len : 0;
    bool plain = d->seed == FACTS_SEED || (inside && !empty);
    gw_buf_put(text, plain   ? GW_STR("\"seed\":")
                     : empty ? GW_STR("{\"seed\":")
                             : GW_STR("\"options\":{\"seed\":"));
    gw_buf_put_u64(text, s->value);
    gw_buf_put(text, plain ? GW_STR(",") : empty ? GW_STR("}") : GW_STR("},"));
    return true;
}

void seed_draw(struct gw_call *c) {
    bool talks;
    struct gw_buf text;
    if (!c->seeds || c->facts == NULL || !c->body.fin || c->body.forgotten)
        return;
    const struct dialect *d = dialects_of_path(c->route.rest, &talks);
    struct call_seed *s = is_wanted(c, d) ? gw_arena_get(&c->arena, sizeof *s) : NULL;
    if (s == NULL)
        return;
    s->value = (uint32_t)(gw_rng_next(&c->gw->rng) >> (64 - SEED_BITS));
    gw_buf_init(&text, &c->arena, SEED_TEXT_MAX);
    if (!find_place(c->facts, d, &text, s) || text.full)
        return;
    s->edit.text = gw_buf_str(&text);
    c->seed = s;
}
