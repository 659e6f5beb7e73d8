/*
 * The places of a chain (chain.c), once they are known: the plan that they make, and what an attempt at one of them is.
 *
 *     the link    of the attempt at hand: who serves there, how long it may take, whether another could do better
 *     the plan    a tier for each link, and in it the candidates of that place; of a class those nodes that have the model
 *     the bytes   pass untouched, but for the name where the place knows the model by another one, for "models", which is
 *                 the gateway's own, and for a stream's wish to tell its usage
 *
 * Nothing here refuses: a place that may not serve is no link.
 */
#include "core/call/call.h"

enum {
    TEXT_MAX = 512,
    PAID_SILENCE_MS = 300000, /* behind its first content a provider may think, or run tools */
};

/* ------------------------------------------------------------------ the link */

const struct chain_link *chain_link(const struct gw_call *c) {
    return c->chain != NULL ? &c->chain->link[c->plan.candidates[c->attempt.at].link] : NULL;
}

struct gw_str chain_who(const struct gw_call *c, const struct chain_link *link) {
    return link->at.heavy ? route_class_name(link->at.index)
                          : c->conf->providers[link->at.index].backend.target.name;
}

/* As the attempt's target knows the model. A node that does not say is told what the client said. */
struct gw_str chain_model(const struct gw_call *c) {
    const struct model_place *at = &chain_link(c)->at;
    struct gw_str own = at->model;
    if (at->heavy && own.n == 0 && c->attempt.to->slot < GW_NODES) {
        struct gw_str models = registry_models(&c->gw->cluster, c->attempt.to->slot);
        own = gw_str_cut(&models, ',');
    }
    return own.n > 0 ? own : c->chain->named;
}

double chain_own_first_byte_ms(const struct gw_call *c) {
    const struct model_conf *says = chain_link(c)->says;
    return says != NULL ? (double)says->first_byte_ms : 0;
}

double chain_silence_ms(const struct gw_call *c) {
    const struct chain_link *link = chain_link(c);
    double silence = (double)c->conf->limits.silence_ms;
    if (link != NULL && link->says != NULL && link->says->silence_ms > 0)
        return (double)link->says->silence_ms;
    return c->attempt.to->paid && silence < PAID_SILENCE_MS ? PAID_SILENCE_MS : silence;
}

bool chain_fits_elsewhere(const struct gw_call *c, struct gw_time now) {
    return c->chain != NULL && c->chain->n > 1 &&
           plan_has_other(&c->plan, &c->gw->cluster.pool, c->attempt.at, now.mono_ms);
}

/* What is known not to be larger would refuse it as well. */
void chain_skip_small(struct gw_call *c) {
    uint64_t small = chain_link(c)->can.context;
    plan_spend_link(&c->plan, c->attempt.at);
    for (uint32_t i = 0; i < c->plan.n; i++) {
        struct candidate *other = &c->plan.candidates[i];
        uint64_t own = c->chain->link[other->link].can.context;
        other->over |= own > 0 && own <= small;
        other->spent |= other->over;
    }
}

/* Asking a provider again is paid for, and what is sampled anew differs. */
bool chain_may_resume(const struct gw_call *c) {
    return !call_at_provider(c) || (c->chain != NULL && c->chain->steady);
}

bool chain_hides(const struct gw_call *c, const struct event *e) {
    return c->chain != NULL && c->chain->usage.text.n > 0 && e->usage.n > 0 && e->choices == 0 &&
           e->pieces_n == 0 && !e->opaque;
}

/* ------------------------------------------------------------------ the plan */

static uint32_t most(const struct gw_call *c) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->chain->n; i++) {
        const struct model_place *at = &c->chain->link[i].at;
        n += at->heavy ? plan_class_most(c->conf, at->index)
                       : plan_provider_most(c->conf, at->index);
    }
    return n;
}

/* A request begins with any of a provider's keys, so that they share the load. */
static uint32_t first_key(struct gw_call *c, uint32_t provider) {
    uint32_t n = c->conf->providers[provider].keys_n;
    return n > 1 ? (uint32_t)(gw_rng_next(&c->gw->rng) % n) : 0;
}

static void add_provider(struct gw_call *c, uint32_t provider, uint64_t model, uint8_t link) {
    if (c->own_key.n > 0)
        plan_add_with_own_key(&c->plan, c->conf, provider, model, link);
    else
        plan_add_provider(&c->plan, c->conf, provider, first_key(c, provider), model, link);
}

/* A native route: the one provider, whatever the model is. */
static bool plan_provider(struct gw_call *c) {
    uint32_t i = c->route.provider;
    if (!plan_begin(&c->plan, GW_CLASSES + 1 + i, plan_provider_most(c->conf, i), &c->arena))
        return false;
    add_provider(c, i, 0, 0);
    return true;
}

static uint64_t model_of(const struct gw_call *c, const struct model_place *at) {
    uint32_t slot = c->conf->providers[at->index].backend.slot;
    return at->model.n > 0 ? overload_of(slot, at->model) : 0;
}

bool chain_has_class(const struct gw_call *c) {
    bool has = c->route.kind == GW_ROUTE_HEAVY;
    for (uint32_t i = 0; c->chain != NULL && i < c->chain->n; i++)
        has |= c->chain->link[i].at.heavy;
    return has;
}

bool chain_has(const struct gw_call *c, uint32_t node) {
    const struct gw_str *wanted = NULL;
    for (uint32_t i = 0; c->chain != NULL && i < c->chain->n; i++)
        if (c->chain->link[i].at.heavy && c->chain->link[i].at.model.n > 0)
            wanted = &c->chain->link[i].at.model;
    return wanted == NULL || registry_has_model(&c->gw->cluster, node, *wanted);
}

bool chain_plan(struct gw_call *c) {
    if (c->chain == NULL)
        return plan_provider(c);
    const struct model_place *first = &c->chain->link[0].at;
    uint32_t budget = first->heavy ? first->index : GW_CLASSES + 1 + first->index;
    if (!plan_begin(&c->plan, budget, most(c), &c->arena))
        return false;
    for (uint32_t i = 0; i < c->chain->n; i++) {
        const struct model_place *at = &c->chain->link[i].at;
        if (at->heavy)
            plan_add_class(&c->plan, c->conf, at->index, (uint8_t)i);
        else
            add_provider(c, at->index, model_of(c, at), (uint8_t)i);
    }
    return true;
}

void chain_leave_out(struct gw_call *c) {
    for (uint32_t i = 0; i < c->plan.n; i++) {
        struct candidate *one = &c->plan.candidates[i];
        one->over = one->backend->slot < GW_NODES && !chain_has(c, one->backend->slot);
        one->spent |= one->over;
    }
}

/* ------------------------------------------------------------------ the bytes */

/* "\"model\":\"name\"", or the value alone. */
static struct gw_str member_of(struct gw_call *c, struct gw_str name, struct gw_str before) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, TEXT_MAX * 3);
    gw_buf_put(&b, before);
    gw_buf_putc(&b, '"');
    gw_buf_put_json(&b, name);
    gw_buf_putc(&b, '"');
    c->arena_full |= b.full;
    return gw_buf_str(&b);
}

static uint64_t end_of(const struct facts_at *m) {
    return (uint64_t)m->off + m->len;
}

/* Takes the client's own chain out, and one comma with it. */
static void leave_chain_out(const struct call_chain *chain, struct edits *e) {
    bool first = chain->models_before == chain->body;
    uint64_t from = chain->models_before + (first ? 1ULL : 0), to = end_of(&chain->models);
    if (first && chain->models_behind > 0)
        to = chain->models_behind + 1ULL;
    edits_add(e, from, to - from, GW_STR(""));
}

/* The name takes the place of the client's chain, for it has none of its own, or behind that. */
static void put_in_chain(struct gw_call *c, struct gw_str name, struct edits *e) {
    const struct call_chain *chain = c->chain;
    uint64_t at = chain->models_before + 1ULL;
    edits_add(e, at, end_of(&chain->models) - at, member_of(c, name, GW_STR("\"model\":")));
    if (chain->model.kind != 0)
        edits_add(e, chain->model_before, end_of(&chain->model) - chain->model_before, GW_STR(""));
}

void chain_put(struct gw_call *c, struct edits *e) {
    const struct call_chain *chain = c->chain;
    if (c->body_sum != NULL)
        return; /* what is signed is what came */
    struct gw_str name = chain_model(c);
    bool has_model = chain->model.kind != 0, has_chain = chain->models.kind != 0;
    bool first = has_chain && chain->models_before == chain->body;
    if (chain->usage.text.n > 0)
        edits_add(e, chain->usage.at, chain->usage.skip, chain->usage.text);
    if (has_chain && !chain->in_path && name.n > 0 && (first || !has_model)) {
        put_in_chain(c, name, e);
        return;
    }
    if (has_model && name.n > 0 && !gw_str_eq(name, chain->named))
        edits_add(e, chain->model.off, chain->model.len, member_of(c, name, GW_STR("")));
    if (has_chain)
        leave_chain_out(chain, e);
}
