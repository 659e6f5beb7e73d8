/*
 * Requests that name a model: the unified API. The name leads to places: a provider and the model's name
 * there, or the nodes of a class. Several make a chain, which is tried from its front:
 *
 *     "model"             an alias stands for several, or a name for one (config_models.c)
 *     "models": [...]     what the client wants behind it
 *     FAILOVER_CHAIN      what the configuration puts behind every chain
 *
 * A place is left out if this client may not use it, if its provider is not there, or if it does not speak the
 * dialect of this path; if that leaves none, the first one's reason is the answer. What follows from the places that
 * are left stands in chain_link.c.
 */
#include "core/call/call.h"

enum {
    TEXT_MAX = 512,
    NEAR = 3, /* names that are offered in place of an unknown one */
};

static struct next refuse(struct gw_call *c, uint32_t status, struct gw_str code,
                          struct gw_str param, struct gw_str message) {
    return end_refuse(c, &(struct call_error){.status = status,
                                              .type = GW_STR("invalid_request_error"),
                                              .code = code,
                                              .param = param,
                                              .message = message,
                                              .is_final = true});
}

/* ------------------------------------------------------------------ names */

static struct next refuse_unknown(struct gw_call *c, struct gw_str name) {
    struct gw_buf b;
    struct gw_str near[NEAR];
    uint32_t n = models_near(c->conf, name, near, NEAR);
    gw_buf_init(&b, &c->arena, 2 * TEXT_MAX);
    gw_buf_put(&b, GW_STR("no model is called \""));
    gw_buf_put(&b, gw_str_sub(name, 0, FACTS_MODEL_MAX / 2));
    gw_buf_put(&b, GW_STR("\" here; "));
    for (uint32_t i = 0; i < n; i++) {
        gw_buf_put(&b, i == 0 ? GW_STR("did you mean \"") : GW_STR(" or \""));
        gw_buf_put(&b, near[i]);
        gw_buf_putc(&b, '"');
    }
    gw_buf_put(&b, n > 0 ? GW_STR("? ") : GW_STR(""));
    gw_buf_put(&b, GW_STR("GET /v1/models lists them, and provider/model names any other"));
    return refuse(c, 404, GW_STR("model_not_found"), GW_STR("model"), gw_buf_str(&b));
}

/* The dialect's own provider takes whatever it is asked for, if its models are the user's own. */
static bool is_open(const struct gw_call *c) {
    return c->conf->providers[c->route.provider].like->open;
}

static void add(struct gw_call *c, const struct model_place *at) {
    struct call_chain *chain = c->chain;
    if (chain->n < CHAIN_LINKS)
        chain->link[chain->n++].at = *at;
    else
        chain->too_many = true;
}

static bool may_use_class(const struct gw_call *c, uint32_t class) {
    return c->key == NULL || (c->key->classes & 1u << class) != 0;
}

/* The class of a node that says it has this model; one that the client's key has, if there is one. A node's
 * word counts last: else it could draw to itself what is meant for a provider. */
static bool is_of_node(const struct gw_call *c, struct gw_str name, struct model_place *at) {
    bool found = false;
    for (uint32_t i = 0; i < GW_CLASSES; i++)
        for (uint32_t k = 0; k < c->conf->classes[i].nodes_n; k++)
            if (registry_has_model(&c->gw->cluster, c->conf->classes[i].nodes[k], name) &&
                (!found || may_use_class(c, i))) {
                *at = (struct model_place){.model = name, .index = i, .heavy = true};
                found = true;
            }
    return found;
}

/* Where a name leads that the file does not know. */
static bool find_place(const struct gw_call *c, struct gw_str name, struct model_place *at) {
    if (config_model_place(c->conf, name, at) || is_of_node(c, name, at))
        return true;
    *at = (struct model_place){.model = name, .index = c->route.provider};
    return is_open(c);
}

/* The places that a name stands for; false: it stands for none. */
static bool add_name(struct gw_call *c, struct gw_str name) {
    struct model_place at;
    const struct model_conf *known = config_model(c->conf, name);
    if (known == NULL && !find_place(c, name, &at))
        return false;
    if (known == NULL)
        add(c, &at);
    for (uint32_t i = 0; known != NULL && i < known->places_n; i++)
        add(c, &known->places[i]);
    return true;
}

/* Whether the answer is text that a model makes up. Of embeddings and the like another model's are of no use. */
static bool generates(const struct gw_call *c) {
    return c->dialect != NULL;
}

static struct next add_names(struct gw_call *c, struct gw_str more) {
    struct call_chain *chain = c->chain;
    if (chain->named.n > 0 && !add_name(c, chain->named))
        return refuse_unknown(c, chain->named);
    while (more.n > 0 && !chain->too_many) {
        struct gw_str name = gw_str_cut(&more, '\n');
        if (!add_name(c, name))
            return refuse_unknown(c, name);
    }
    if (chain->too_many)
        return refuse(c, 400, GW_STR("invalid_value"), GW_STR("models"),
                      GW_STR("this chain leads to more than 16 places; name fewer models"));
    uint32_t more_n = generates(c) ? c->conf->failover_n : 0;
    /* Who names no model means the one that this dialect's provider takes then. */
    if (chain->n == 0 && more_n == 0 && !c->conf->providers[c->route.provider].backend.set)
        return refuse(c, 400, GW_STR("missing_required_parameter"), GW_STR("model"),
                      GW_STR("name a model; GET /v1/models lists them"));
    if (chain->n == 0)
        add(c, &(struct model_place){.index = c->route.provider});
    for (uint32_t i = 0; i < more_n; i++)
        add(c, &c->conf->failover[i]);
    return next_on();
}

/* ------------------------------------------------------------------ places */

/* As AWS's SDK escapes a name in a path, and Google's servers read it. */
void chain_put_escaped(struct gw_str name, struct gw_buf *b) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < name.n; i++) {
        unsigned char ch = (unsigned char)name.p[i];
        bool plain = (ch >= '0' && ch <= '9') || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z') ||
                     gw_str_chr(GW_STR("-._~"), (char)ch) >= 0;
        if (plain) {
            gw_buf_putc(b, (char)ch);
            continue;
        }
        gw_buf_putc(b, '%');
        gw_buf_putc(b, digits[ch >> 4]);
        gw_buf_putc(b, digits[ch & 15]);
    }
}

/* The path of a request whose model is named in it. */
static struct gw_str with_model(struct gw_call *c, struct gw_str model) {
    struct gw_buf b;
    struct gw_str path = c->route.rest, old = c->chain->raw;
    size_t at = (size_t)(old.p - path.p);
    if (gw_str_eq(c->chain->named, model))
        return path;
    gw_buf_init(&b, &c->arena, path.n + 3 * model.n);
    gw_buf_put(&b, gw_str_sub(path, 0, at));
    chain_put_escaped(model, &b);
    gw_buf_put(&b, gw_str_sub(path, at + old.n, path.n));
    c->arena_full |= b.full;
    return gw_buf_str(&b);
}

static struct next refuse_dialect(struct gw_call *c, const struct model_place *at) {
    static const struct gw_str paths[][2] = {
        {GW_STR_INIT("anthropic"), GW_STR_INIT("/v1/messages")},
        {GW_STR_INIT("gemini"), GW_STR_INIT("/v1beta/models/")},
        {GW_STR_INIT("ollama"), GW_STR_INIT("/api/chat or /v1/chat/completions")},
    };
    struct gw_buf b;
    const struct provider_conf *p = &c->conf->providers[at->index];
    struct gw_str where = GW_STR("/v1/chat/completions");
    for (size_t i = 0; i < sizeof paths / sizeof *paths && p->like->dialect != NULL; i++)
        if (gw_str_eq(p->like->dialect->name, paths[i][0]))
            where = paths[i][1];
    gw_buf_init(&b, &c->arena, TEXT_MAX);
    gw_buf_put(&b, p->backend.target.name);
    gw_buf_put(&b, GW_STR(" does not speak the dialect of this path; ask for this model at "));
    gw_buf_put(&b, where);
    return refuse(c, 400, GW_STR("dialect_not_offered"), GW_STR("model"), gw_buf_str(&b));
}

/* Of embeddings another dialect would do, if this one had them. */
static struct next refuse_embeddings(struct gw_call *c, const struct model_place *at) {
    struct gw_buf b;
    struct gw_str name = c->conf->providers[at->index].backend.target.name;
    gw_buf_init(&b, &c->arena, TEXT_MAX);
    gw_buf_put(&b, name);
    gw_buf_put(&b, GW_STR(" has no embeddings; ask for an embedding model of another provider"));
    end_because(c, name, GW_STR("has no embeddings"));
    return refuse(c, 400, GW_STR("embeddings_not_offered"), GW_STR("model"), gw_buf_str(&b));
}

static struct next refuse_name(struct gw_call *c) {
    return refuse(c, 400, GW_STR("invalid_value"), GW_STR("model"),
                  GW_STR("a model's name here stands in a path, and this one cannot"));
}

static struct next check_class(struct gw_call *c, struct chain_link *link) {
    if (!may_use_class(c, link->at.index))
        return request_refuse_class(c);
    if (!translate_fits_nodes(c, link))
        link->path = c->route.rest;
    return next_on();
}

/* Google's clients name the model of embeddings in the body as well: where it has another name, that is written anew. */
static bool names_within(const struct gw_call *c, struct gw_str model) {
    return c->chain->in_path && !gw_str_eq(c->chain->named, model) &&
           dialects_of_embeds(c->route.rest) == &dialect_gemini;
}

/* Whether this client may be served there; fills in the rest of the link. */
static struct next check(struct gw_call *c, struct chain_link *link) {
    const struct model_place *at = &link->at;
    link->says = config_model_at(c->conf, at);
    if (at->heavy)
        return check_class(c, link);
    if (!provider_is_allowed(c, at->index))
        return provider_refuse_key(c);
    if (!c->conf->providers[at->index].backend.set)
        return provider_refuse_absent(c, at->index);
    struct gw_str path = c->chain->in_path ? with_model(c, at->model) : c->route.rest;
    if (c->chain->in_path && url_check_path(path) != NULL)
        return refuse_name(c);
    link->path = provider_path(c, at->index, path);
    if ((link->path.p != NULL && !names_within(c, at->model)) || translate_fits(c, link))
        return next_on();
    const struct dialect *embeds = dialects_of_embeds(c->route.rest);
    bool other = embeds == NULL || embeds == &dialect_bedrock; /* InvokeModel is for more */
    return other ? refuse_dialect(c, at) : refuse_embeddings(c, at);
}

static bool is_twice(const struct call_chain *chain, uint32_t n, const struct model_place *at) {
    bool twice = false;
    for (uint32_t i = 0; i < n; i++) {
        const struct model_place *b = &chain->link[i].at;
        /* Of several classes the first one counts: a plan has one. */
        twice |= at->heavy ? b->heavy
                           : !b->heavy && b->index == at->index && gw_str_eq(b->model, at->model);
    }
    return twice;
}

/* A key that the client brings is for the first provider alone, and nobody else is paid with ours instead. */
static bool is_of_another(const struct gw_call *c, const struct model_place *first,
                          const struct model_place *at) {
    return c->own_key.n > 0 && !at->heavy && (first->heavy || at->index != first->index);
}

/* Keeps the links that may serve. */
static struct next keep_fit(struct gw_call *c) {
    struct call_chain *chain = c->chain;
    struct call_error first = {.status = 0};
    const struct model_place named = chain->link[0].at;
    uint32_t n = 0;
    for (uint32_t i = 0; i < chain->n; i++) {
        struct chain_link link = chain->link[i];
        if (is_twice(chain, n, &link.at) || is_of_another(c, &named, &link.at))
            continue;
        if (next_is(check(c, &link), NEXT_ON))
            chain->link[n++] = link;
        else if (first.status == 0)
            first = c->error;
    }
    chain->n = n;
    able_keep(c);
    return n > 0 ? next_on() : end_refuse(c, &first);
}

/* ------------------------------------------------------------------ the phase */

static bool is_steady(const struct facts *f) {
    static const enum facts_member cold[] = {FACTS_TEMPERATURE, FACTS_OPTIONS_TEMPERATURE};
    for (uint32_t i = 0; i < 2; i++)
        if (facts_is(f, cold[i], GW_JSON_NUMERAL) && !f->at[cold[i]].cut &&
            facts_number(f, cold[i]) <= 0)
            return true;
    return facts_is(f, FACTS_SEED, GW_JSON_NUMERAL) ||
           facts_is(f, FACTS_OPTIONS_SEED, GW_JSON_NUMERAL);
}

static void take_facts(struct gw_call *c, struct call_chain *chain) {
    const struct facts *f = c->facts;
    chain->raw = route_model(c->route.rest);
    chain->in_path = chain->raw.n > 0;
    chain->named = chain->in_path ? models_unescape(chain->raw, &c->arena)
                                  : gw_arena_dup(&c->arena, facts_model(f));
    if (!chain->in_path)
        chain->model = f->at[FACTS_MODEL];
    chain->models = f->at[FACTS_MODELS];
    chain->model_before = f->model_before;
    chain->models_before = f->models_before;
    chain->models_behind = f->models_behind;
    chain->body = f->at[FACTS_BODY].off;
    chain->steady = is_steady(f);
}

/* How a stream is made to tell its usage, unless the client has asked for that itself. */
static struct edit usage_edit(const struct facts *f) {
    const struct facts_at *options = &f->at[FACTS_STREAM_OPTIONS],
                          *own = &f->at[FACTS_INCLUDE_USAGE];
    if (options->kind == GW_JSON_NONE)
        return (struct edit){f->at[FACTS_BODY].off + 1ULL, 0,
                             GW_STR("\"stream_options\":{\"include_usage\":true},")};
    if (options->kind != GW_JSON_OBJECT || !f->has_stream_options)
        return (struct edit){options->off, options->len, GW_STR("{\"include_usage\":true}")};
    if (own->kind == GW_JSON_NONE)
        return (struct edit){options->off + 1ULL, 0, GW_STR("\"include_usage\":true,")};
    return (struct edit){own->off, own->len,
                         own->kind == GW_JSON_TRUE ? GW_STR("") : GW_STR("true")};
}

/* The path may say that a stream is wanted, or nobody need say it. */
static void note_stream(struct gw_call *c, const struct dialect *d) {
    bool unsaid = d->streams && !facts_is(c->facts, FACTS_STREAM, GW_JSON_FALSE);
    c->streamed |= unsaid || (d->streams_at.n > 0 && gw_str_ends(c->route.rest, d->streams_at));
}

/* Whether some place's stream would not be looked at, so that nothing of it could be hidden. */
static bool passes_unseen(const struct gw_call *c) {
    for (uint32_t i = 0; i < c->chain->n; i++) {
        const struct model_place *at = &c->chain->link[i].at;
        if (at->heavy && !c->conf->classes[at->index].inspect)
            return true;
    }
    return false;
}

/* OpenAI's chats and completions alone do not tell it by themselves. */
static void note_usage(struct gw_call *c, const struct dialect *d) {
    const struct facts *f = c->facts;
    if (!d->asks_usage || c->head.fast || passes_unseen(c) ||
        !facts_is(f, FACTS_STREAM, GW_JSON_TRUE) || facts_is_twice(f, FACTS_STREAM_OPTIONS) ||
        facts_is_twice(f, FACTS_INCLUDE_USAGE))
        return;
    c->chain->usage = usage_edit(f);
}

static bool is_ambiguous(const struct facts *f) {
    return facts_is_twice(f, FACTS_MODEL) || facts_is_twice(f, FACTS_MODELS) ||
           f->at[FACTS_MODELS].cut || f->at[FACTS_MODEL].cut;
}

/* What the first place is decides how the call goes on: nodes alone are a class's. */
static void set_route(struct gw_call *c) {
    const struct call_chain *chain = c->chain;
    bool heavy = chain->n == 1 && chain->link[0].at.heavy;
    c->route.kind = heavy ? GW_ROUTE_HEAVY : GW_ROUTE_AI;
    for (uint32_t i = chain->n; i-- > 0;) {
        const struct model_place *at = &chain->link[i].at;
        c->route.name =
            at->heavy ? route_class_name(at->index) : c->conf->providers[at->index].route;
        if (at->heavy)
            c->route.class = at->index;
        else
            c->route.provider = at->index;
    }
}

struct next chain_decide(struct gw_call *c) {
    const struct facts *f = c->facts;
    if (f == NULL)
        return refuse(c, 400, GW_STR("invalid_json"), GW_STR(""),
                      GW_STR("the request has no body; send JSON"));
    if (is_ambiguous(f))
        return refuse(c, 400, GW_STR("invalid_json"), GW_STR("model"),
                      GW_STR("\"model\" or \"models\" is there twice, or too long; "
                             "send each once"));
    struct gw_str more = gw_arena_dup(&c->arena, facts_chain(f));
    struct call_chain *chain = gw_arena_get(&c->arena, sizeof *chain);
    if (chain == NULL) {
        c->arena_full = true;
        return next_stay();
    }
    take_facts(c, chain);
    c->chain = chain;
    if (c->dialect != NULL)
        note_stream(c, c->dialect);
    provider_note_own_key(c);
    struct next next = add_names(c, more);
    if (next_is(next, NEXT_ON))
        next = keep_fit(c);
    if (!next_is(next, NEXT_ON))
        return next;
    set_route(c);
    if (c->dialect != NULL)
        note_usage(c, c->dialect);
    return next;
}
