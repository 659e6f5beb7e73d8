/*
 * GET /v1/models: which models this client may ask for, in the shape that its SDK reads.
 *
 *     anthropic-version came      Anthropic's, in pages: limit, after_id, before_id
 *     x-goog-api-key came         Gemini's
 *     client_version= is asked    Codex's catalogue, with plain HTTP and plain tools chosen
 *     else                        OpenAI's
 *
 * Listed are the models and aliases that the configuration names, the classes that have a node, and what nodes
 * say they have. A provider has many more; "provider/model" asks for any of them.
 */
#include "core/call/call.h"

enum {
    LIST_MAX = 1 << 19,
    CODEX_MOST = 128, /* models in its catalogue, each of which is a kilobyte */
    PAGE = 20,
    PAGE_MOST = 1000,
    ENTRIES = GW_MODELS + GW_CLASSES + GW_NODES * REGISTRY_MODELS,
    NAME_ROOM = 256,
};

struct entry {
    struct gw_str id, owner;
    uint64_t context; /* 0: not known */
};

struct list {
    struct gw_call *c;
    struct entry *entry;
    uint32_t n;
};

/* ------------------------------------------------------------------ what there is */

static void add(struct list *l, struct gw_str id, struct gw_str owner, uint64_t context) {
    for (uint32_t i = 0; i < l->n; i++)
        if (gw_str_eq(l->entry[i].id, id))
            return;
    if (l->n < ENTRIES)
        l->entry[l->n++] = (struct entry){id, owner, context};
}

static bool has_node(const struct gw_call *c, uint32_t class) {
    const struct class_conf *own = &c->conf->classes[class];
    for (uint32_t i = 0; i < own->nodes_n; i++)
        if (registry_is_reached(&c->gw->cluster, c->conf, own->nodes[i]))
            return true;
    return false;
}

/* Whether this client may be served there, by somebody who is there. */
static bool is_there(const struct gw_call *c, const struct model_place *at) {
    if (at->heavy)
        return (c->key == NULL || (c->key->classes & 1u << at->index)) && has_node(c, at->index);
    return provider_is_allowed(c, at->index) && c->conf->providers[at->index].backend.set;
}

static struct gw_str owner_of(const struct gw_call *c, const struct model_place *at) {
    return at->heavy ? GW_STR("heady") : c->conf->providers[at->index].backend.target.name;
}

/* The bare name of a model if that leads to the same place, else "provider/model". */
static struct gw_str id_of(const struct gw_call *c, const struct model_conf *m) {
    struct model_place at;
    bool same = !m->alias && !m->places[0].heavy &&
                config_model(c->conf, m->places[0].model) == NULL &&
                config_model_place(c->conf, m->places[0].model, &at) && !at.heavy &&
                at.index == m->places[0].index && gw_str_eq(at.model, m->places[0].model);
    return same ? m->places[0].model : m->name;
}

static void add_known(struct list *l) {
    const struct gw_call *c = l->c;
    for (uint32_t i = 0; i < c->conf->models_n; i++) {
        const struct model_conf *m = &c->conf->models[i];
        bool there = false;
        for (uint32_t k = 0; k < m->places_n && !there; k++)
            there = is_there(c, &m->places[k]);
        if (there)
            add(l, id_of(c, m), owner_of(c, &m->places[0]), m->context);
    }
}

static void add_nodes(struct list *l) {
    static const struct gw_str ids[GW_CLASSES] = {
        GW_STR_INIT("heavy/reasoning"), GW_STR_INIT("heavy/code"), GW_STR_INIT("heavy/vision"),
        GW_STR_INIT("heavy/batch")};
    for (uint32_t i = 0; i < GW_CLASSES; i++) {
        const struct model_place at = {.index = i, .heavy = true};
        const struct class_conf *class = &l->c->conf->classes[i];
        struct gw_str name, rest;
        if (!is_there(l->c, &at))
            continue;
        add(l, ids[i], GW_STR("heady"), 0);
        for (uint32_t k = 0; k < class->nodes_n; k++)
            for (rest = registry_models(&l->c->gw->cluster, class->nodes[k]); rest.n > 0;) {
                name = gw_str_cut(&rest, ',');
                add(l, name, GW_STR("heady"), 0);
            }
    }
}

/* ------------------------------------------------------------------ what is asked */

/* The value of a parameter of the query; n == 0: it has none. */
static struct gw_str asked(struct gw_call *c, struct gw_str name) {
    struct gw_str rest = gw_str_sub(c->query, 1, c->query.n);
    while (rest.p != NULL && rest.n > 0) {
        struct gw_str value = gw_str_cut(&rest, '&');
        if (gw_str_eq(gw_str_cut(&value, '='), name))
            return models_unescape(value, &c->arena);
    }
    return GW_STR("");
}

static bool speaks(const struct gw_call *c, struct gw_str line) {
    return gw_str_find(gw_buf_str(&c->up_head), line) >= 0;
}

/* The part of the list from `*from` on that a page holds; returns its end. */
static uint32_t page_of(const struct list *l, uint32_t *from) {
    uint64_t limit;
    struct gw_str after = asked(l->c, GW_STR("after_id")),
                  before = asked(l->c, GW_STR("before_id"));
    uint32_t end = l->n;
    bool found = after.n == 0;
    if (!gw_str_u64(asked(l->c, GW_STR("limit")), &limit) || limit == 0)
        limit = PAGE;
    if (limit > PAGE_MOST)
        limit = PAGE_MOST;
    for (uint32_t i = 0; i < l->n; i++) {
        if (gw_str_eq(l->entry[i].id, after)) {
            *from = i + 1;
            found = true;
        }
        if (gw_str_eq(l->entry[i].id, before))
            end = i;
    }
    if (!found) /* whom it names is not there any more: who pages on is to come to an end */
        *from = end;
    if (before.n > 0 && end - *from > limit)
        *from = end - (uint32_t)limit;
    return end - *from > limit ? *from + (uint32_t)limit : end;
}

/* ------------------------------------------------------------------ the shapes */

static void put_text(struct gw_buf *b, struct gw_str name, struct gw_str value) {
    gw_buf_putc(b, '"');
    gw_buf_put(b, name);
    gw_buf_put(b, GW_STR("\":\""));
    gw_buf_put_json(b, value);
    gw_buf_putc(b, '"');
}

static void put_id(struct gw_buf *b, struct gw_str name, const struct entry *e) {
    if (e != NULL)
        put_text(b, name, e->id);
    else {
        gw_buf_putc(b, '"');
        gw_buf_put(b, name);
        gw_buf_put(b, GW_STR("\":null"));
    }
}

static void put_openai(const struct entry *e, struct gw_buf *b) {
    gw_buf_putc(b, '{');
    put_text(b, GW_STR("id"), e->id);
    gw_buf_put(b, GW_STR(",\"object\":\"model\",\"created\":0,"));
    put_text(b, GW_STR("owned_by"), e->owner);
    gw_buf_putc(b, '}');
}

static void put_anthropic(const struct entry *e, struct gw_buf *b) {
    gw_buf_put(b, GW_STR("{\"type\":\"model\","));
    put_text(b, GW_STR("id"), e->id);
    gw_buf_putc(b, ',');
    put_text(b, GW_STR("display_name"), e->id);
    gw_buf_put(b, GW_STR(",\"created_at\":\"1970-01-01T00:00:00Z\"}")); /* which is not known */
}

static void put_gemini(const struct entry *e, struct gw_buf *b) {
    gw_buf_put(b, GW_STR("{\"name\":\"models/"));
    gw_buf_put_json(b, e->id);
    gw_buf_put(b, GW_STR("\","));
    put_text(b, GW_STR("displayName"), e->id);
    if (e->context > 0) {
        gw_buf_put(b, GW_STR(",\"inputTokenLimit\":"));
        gw_buf_put_u64(b, e->context);
    }
    gw_buf_put(b, GW_STR(",\"supportedGenerationMethods\":[\"generateContent\","
                         "\"streamGenerateContent\",\"countTokens\"]}"));
}

/* Codex wants every one of these; the last line is why the catalogue is there. */
static void put_codex(const struct entry *e, struct gw_buf *b) {
    gw_buf_putc(b, '{');
    put_text(b, GW_STR("slug"), e->id);
    gw_buf_putc(b, ',');
    put_text(b, GW_STR("display_name"), e->id);
    gw_buf_put(
        b, GW_STR(",\"description\":null,\"default_reasoning_level\":\"medium\","
                  "\"supported_reasoning_levels\":["
                  "{\"effort\":\"low\",\"description\":\"Little reasoning\"},"
                  "{\"effort\":\"medium\",\"description\":\"Some reasoning\"},"
                  "{\"effort\":\"high\",\"description\":\"Much reasoning\"}],"
                  "\"shell_type\":\"shell_command\",\"visibility\":\"list\","
                  "\"supported_in_api\":true,\"priority\":1,\"availability_nux\":null,"
                  "\"upgrade\":null,\"base_instructions\":\"You are a coding agent in the user's "
                  "terminal. Do what the user asks with the tools that you have; keep changes "
                  "small; say what you did.\",\"model_messages\":null,"
                  "\"supports_reasoning_summaries\":true,\"default_reasoning_summary\":\"none\","
                  "\"support_verbosity\":false,\"default_verbosity\":null,"
                  "\"apply_patch_tool_type\":null,\"web_search_tool_type\":\"text\","
                  "\"truncation_policy\":{\"mode\":\"tokens\",\"limit\":10000},"
                  "\"supports_parallel_tool_calls\":true,\"supports_image_detail_original\":false,"
                  "\"context_window\":"));
    gw_buf_put_u64(b, e->context > 0 ? e->context : 128000);
    gw_buf_put(b, GW_STR(",\"effective_context_window_percent\":95,"
                         "\"experimental_supported_tools\":[],"
                         "\"input_modalities\":[\"text\",\"image\"],"
                         "\"supports_search_tool\":false,\"use_responses_lite\":false,"
                         "\"prefer_websockets\":false}"));
}

typedef void put_entry(const struct entry *e, struct gw_buf *b);

static void put_entries(const struct list *l, uint32_t from, uint32_t end, put_entry *put,
                        struct gw_buf *b) {
    gw_buf_putc(b, '[');
    for (uint32_t i = from; i < end; i++) {
        if (i > from)
            gw_buf_putc(b, ',');
        put(&l->entry[i], b);
    }
    gw_buf_putc(b, ']');
}

static void put_page(const struct list *l, struct gw_buf *b) {
    uint32_t from = 0, end = page_of(l, &from);
    bool none = from >= end;
    gw_buf_put(b, GW_STR("{\"data\":"));
    put_entries(l, from, end, put_anthropic, b);
    bool more = asked(l->c, GW_STR("before_id")).n > 0 ? from > 0 : end < l->n;
    gw_buf_put(b, more ? GW_STR(",\"has_more\":true,") : GW_STR(",\"has_more\":false,"));
    put_id(b, GW_STR("first_id"), none ? NULL : &l->entry[from]);
    gw_buf_putc(b, ',');
    put_id(b, GW_STR("last_id"), none ? NULL : &l->entry[end - 1]);
    gw_buf_put(b, GW_STR("}\n"));
}

static void put_all(const struct list *l, struct gw_str head, put_entry *put, struct gw_buf *b) {
    gw_buf_put(b, head);
    put_entries(l, 0, l->n, put, b);
    gw_buf_put(b, GW_STR("}\n"));
}

/* ------------------------------------------------------------------ the route */

static struct next refuse_unknown(struct gw_call *c) {
    return end_refuse(c, &(struct call_error){.status = 404,
                                              .type = GW_STR("invalid_request_error"),
                                              .code = GW_STR("model_not_found"),
                                              .param = GW_STR("model"),
                                              .message = GW_STR("no model of that name is listed "
                                                                "here; see GET /v1/models")});
}

static struct next tell_one(struct gw_call *c, const struct list *l, put_entry *put,
                            struct gw_time now) {
    struct gw_buf b;
    struct gw_str id = models_unescape(gw_str_sub(c->route.rest, 1, c->route.rest.n), &c->arena);
    gw_buf_init(&b, &c->arena, LIST_MAX);
    for (uint32_t i = 0; i < l->n; i++) {
        if (!gw_str_eq(l->entry[i].id, id))
            continue;
        put(&l->entry[i], &b);
        gw_buf_putc(&b, '\n');
        return end_reply(c, 200, GW_STR("application/json"), gw_buf_str(&b), now);
    }
    return refuse_unknown(c);
}

struct next catalog_tell(struct gw_call *c, struct gw_time now) {
    struct list l = {.c = c};
    struct gw_buf b;
    l.entry = gw_arena_get(&c->arena, ENTRIES * sizeof *l.entry);
    if (l.entry == NULL) {
        c->arena_full = true;
        return next_stay();
    }
    add_known(&l);
    add_nodes(&l);
    bool codex = asked(c, GW_STR("client_version")).n > 0;
    bool anthropic = speaks(c, GW_STR("anthropic-version: "));
    bool gemini = c->head.google;
    if (codex && l.n > CODEX_MOST)
        l.n = CODEX_MOST;
    put_entry *put = codex       ? put_codex
                     : anthropic ? put_anthropic
                     : gemini    ? put_gemini
                                 : put_openai;
    if (c->route.rest.n > 1)
        return tell_one(c, &l, put, now);
    gw_buf_init(&b, &c->arena, LIST_MAX);
    if (anthropic && !codex)
        put_page(&l, &b);
    else
        put_all(&l,
                codex || gemini ? GW_STR("{\"models\":") : GW_STR("{\"object\":\"list\",\"data\":"),
                put, &b);
    c->arena_full |= b.full;
    return end_reply(c, 200, GW_STR("application/json"), gw_buf_str(&b), now);
}
