/*
 * Names of models: what the file says of them, and what a name says by itself.
 *
 *     "models": {
 *         "fast": {"is": "groq/llama-3.3-70b-versatile", "fallbacks": ["openai/gpt-5.4-mini"]},
 *         "gpt-4": "openai/gpt-5.5",
 *         "openai/gpt-5.5": {"context": 1000000, "lacks": ["audio"], "silence_ms": 120000}
 *     }
 *
 * An alias stands for models, not for other aliases: so a name is resolved in one step. What a name may be is
 * said in the order in which it is looked up:
 *
 *     an alias of the file
 *     provider/model    as in openai/gpt-5.5; the model may hold further slashes
 *     heavy/class       the nodes of a class
 *     model             which the file knows as provider/model
 *     prefix...         how the names of a provider's models begin (format/providers.c, "prefixes")
 */
#include "core/config/config_parts.h"
#include "core/config/config_read.h"

enum { LONGEST_MS = 3600000, NAME_MOST = 200 };
#define CONTEXT_MOST (1ULL << 32)

const struct model_conf *config_model(const struct config *conf, struct gw_str name) {
    for (uint32_t i = 0; i < conf->models_n; i++)
        if (gw_str_eq(conf->models[i].name, name))
            return &conf->models[i];
    return NULL;
}

static bool is_same(const struct model_place *a, const struct model_place *b) {
    return a->heavy == b->heavy && a->index == b->index && gw_str_eq(a->model, b->model);
}

const struct model_conf *config_model_at(const struct config *conf, const struct model_place *at) {
    for (uint32_t i = 0; i < conf->models_n; i++)
        if (!conf->models[i].alias && is_same(&conf->models[i].places[0], at))
            return &conf->models[i];
    return NULL;
}

struct capability config_capability(const struct model_place *at, const struct model_conf *says) {
    struct capability can = capability_of(&capability_table, at->model);
    if (says != NULL && says->context > 0)
        can.context = says->context;
    if (says != NULL && says->output > 0)
        can.output = says->output;
    if (says != NULL && says->lacks_said)
        can.lacks = says->lacks;
    return can;
}

/* ------------------------------------------------------------------ what a name says */

static uint32_t provider_of(const struct config *conf, struct gw_str name) {
    uint32_t i = config_provider_index(conf, name);
    for (uint32_t k = 0; i == GW_PROVIDERS && k < conf->providers_n; k++)
        if (conf->providers[k].like->also.n > 0 && gw_str_eq(conf->providers[k].like->also, name) &&
            gw_str_eq(conf->providers[k].like->name, conf->providers[k].backend.target.name))
            return k;
    return i;
}

static bool is_class(struct gw_str name, struct model_place *out) {
    for (uint32_t i = 0; i < GW_CLASSES; i++) {
        if (!gw_str_eq(config_class_names[i], name))
            continue;
        *out = (struct model_place){.index = i, .heavy = true};
        return true;
    }
    return false;
}

/* "provider/model" and "heavy/class" */
static bool is_qualified(const struct config *conf, struct gw_str name, struct model_place *out) {
    struct gw_str model = name, first = gw_str_cut(&model, '/');
    if (model.p == NULL || model.n == 0)
        return false;
    if (gw_str_eq(first, GW_STR("heavy")))
        return is_class(model, out);
    uint32_t i = provider_of(conf, first);
    *out = (struct model_place){.model = model, .index = i};
    return i < GW_PROVIDERS;
}

/* The model of an entry "provider/model". */
static bool is_known(const struct config *conf, struct gw_str name, struct model_place *out) {
    for (uint32_t i = 0; i < conf->models_n; i++) {
        const struct model_conf *m = &conf->models[i];
        if (m->alias || m->places[0].heavy || !gw_str_eq(m->places[0].model, name))
            continue;
        *out = m->places[0];
        if (conf->providers[out->index].backend.set)
            return true;
    }
    return false;
}

static bool begins(const struct provider_conf *p, struct gw_str name) {
    const char *words = p->like->models;
    bool built_in = gw_str_eq(p->like->name, p->backend.target.name);
    if (p->like->tagged && built_in && gw_str_chr(name, ':') > 0 &&
        !gw_str_starts(name, GW_STR("ft:")) && !gw_str_starts(name, GW_STR("arn:")))
        return true;
    return providers_begins(p->prefixes, name) ||
           (built_in && words != NULL && providers_begins(gw_str(words, strlen(words)), name));
}

/* The first provider whose models begin like that and that is there; else the first one. */
static bool is_begun(const struct config *conf, struct gw_str name, struct model_place *out) {
    bool found = false;
    for (uint32_t i = 0; i < conf->providers_n; i++) {
        if (!begins(&conf->providers[i], name))
            continue;
        if (!found || conf->providers[i].backend.set)
            *out = (struct model_place){.model = name, .index = i};
        if (conf->providers[i].backend.set)
            return true;
        found = true;
    }
    return found;
}

bool config_model_place(const struct config *conf, struct gw_str name, struct model_place *out) {
    return is_qualified(conf, name, out) || is_known(conf, name, out) || is_begun(conf, name, out);
}

/* ------------------------------------------------------------------ the file */

struct draft {
    struct gw_str names[GW_MODEL_PLACES];
    uint32_t n;
    uint64_t context, output, lacks, silence_ms, first_byte_ms;
    bool lacks_said;
};

static bool read_name(struct reader *r, const struct gw_json *item, struct draft *d) {
    if (d->n == GW_MODEL_PLACES)
        return reader_fail(r, item, GW_STR("stands for more than 8 models"), GW_STR("name fewer"));
    return reader_text(r, item, &d->names[d->n++]);
}

static bool read_is(struct reader *r, const struct gw_json *item, void *into) {
    struct draft *d = into;
    if (d->n > 0)
        return reader_fail(r, item, GW_STR("stands behind \"fallbacks\""),
                           GW_STR("put \"is\" first"));
    return read_name(r, item, d);
}

static bool read_fallbacks(struct reader *r, const struct gw_json *item, void *into) {
    if (!gw_json_is(item, GW_JSON_ARRAY))
        return reader_fail(r, item, GW_STR("is not a list of models"),
                           GW_STR("give names such as [\"openai/gpt-5.5\"]"));
    for (const struct gw_json *m = item->child; m != NULL; m = m->next)
        if (!read_name(r, m, into))
            return false;
    return true;
}

static bool read_lacks(struct reader *r, const struct gw_json *item, void *into) {
    struct draft *d = into;
    d->lacks_said = true;
    return capability_lacks(item, &d->lacks) ||
           reader_fail(r, item, GW_STR("is not a list of what a model may lack"),
                       GW_STR("give words of docs/dialects.md, such as [\"image\", \"tools\"]"));
}

static const struct reader_field fields[] = {
    {GW_STR_INIT("is"), read_is, 0, 0, 0},
    {GW_STR_INIT("fallbacks"), read_fallbacks, 0, 0, 0},
    {GW_STR_INIT("context"), NULL, offsetof(struct draft, context), 1, CONTEXT_MOST},
    {GW_STR_INIT("output"), NULL, offsetof(struct draft, output), 1, CONTEXT_MOST},
    {GW_STR_INIT("lacks"), read_lacks, 0, 0, 0},
    {GW_STR_INIT("silence_ms"), NULL, offsetof(struct draft, silence_ms), 100, LONGEST_MS},
    {GW_STR_INIT("first_byte_ms"), NULL, offsetof(struct draft, first_byte_ms), 100, LONGEST_MS},
};

/* The names become places. A chain may also stand for "provider/model", which is tried first then. */
static bool put_places(struct reader *r, const struct gw_json *item, const struct draft *d,
                       struct model_conf *m) {
    struct model_place own;
    bool itself = is_qualified(r->conf, m->name, &own);
    uint32_t n = d->n + itself;
    m->alias = !itself;
    m->places = n > 0 ? gw_arena_get(&r->conf->arena, n * sizeof *m->places) : NULL;
    if (m->places == NULL)
        return reader_fail(r, item, GW_STR("is no model of a provider, and stands for none"),
                           GW_STR("give \"is\": \"provider/model\""));
    if (itself)
        m->places[m->places_n++] = own;
    for (uint32_t i = 0; i < d->n; i++) {
        if (config_model(r->conf, d->names[i]) != NULL && config_model(r->conf, d->names[i])->alias)
            return reader_fail(r, item, GW_STR("stands for another alias"),
                               GW_STR("name the model itself: \"provider/model\""));
        if (!config_model_place(r->conf, d->names[i], &m->places[m->places_n++]))
            return reader_fail(r, item, GW_STR("stands for a model of no known provider"),
                               GW_STR("give \"provider/model\" or \"heavy/class\""));
    }
    return true;
}

static bool is_name(struct gw_str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] == 0x7f || s.p[i] == '"' || s.p[i] == '\\')
            return false;
    return s.n > 0 && s.n <= NAME_MOST;
}

static bool read_model(struct reader *r, const struct gw_json *item, void *into) {
    struct model_conf *m = (struct model_conf *)into + r->conf->models_n;
    struct draft d = {.n = 0};
    bool ok = gw_json_is(item, GW_JSON_STRING)
                  ? read_is(r, item, &d)
                  : reader_object(r, item, fields, sizeof fields / sizeof *fields, &d);
    if (!ok)
        return false;
    if (!is_name(item->name))
        return reader_fail(r, item, GW_STR("is not a model's name"),
                           GW_STR("use up to 200 characters, no spaces, quotes or backslashes"));
    *m = (struct model_conf){.name = gw_arena_dup(&r->conf->arena, item->name),
                             .context = d.context,
                             .output = d.output,
                             .lacks = d.lacks,
                             .lacks_said = d.lacks_said,
                             .silence_ms = d.silence_ms,
                             .first_byte_ms = d.first_byte_ms};
    if (!put_places(r, item, &d, m))
        return false;
    r->conf->models_n++;
    return true;
}

bool config_models(struct reader *r, const struct gw_json *item) {
    uint32_t n = 0;
    if (item == NULL)
        return true;
    for (const struct gw_json *m = item->child; m != NULL; m = m->next)
        n++;
    struct model_conf *models = gw_arena_get(&r->conf->arena, (n + 1) * sizeof *models);
    if (models == NULL || n > GW_MODELS)
        return reader_fail(r, item, GW_STR("are more than 512"), GW_STR("name fewer"));
    r->conf->models = models;
    return reader_each(r, item, read_model, models);
}

/* ------------------------------------------------------------------ FAILOVER_CHAIN */

/* A provider, with its own model; "local" is Ollama, whose model OLLAMA_MODEL may name. */
static bool is_provider(struct config *conf, const struct gw_source *source, struct gw_str name,
                        struct model_place *out) {
    bool local = gw_str_eq(name, GW_STR("local"));
    struct gw_str said = config_source_env(source, GW_STR("OLLAMA_MODEL"));
    uint32_t i = provider_of(conf, local ? GW_STR("ollama") : name);
    if (i == GW_PROVIDERS)
        return false;
    bool ollama = gw_str_eq(conf->providers[i].backend.target.name, GW_STR("ollama"));
    if (ollama && said.n > 0)
        conf->providers[i].model = gw_arena_dup(&conf->arena, said);
    *out = (struct model_place){.model = conf->providers[i].model, .index = i};
    return out->model.n > 0;
}

static bool add_failover(struct config *conf, const struct gw_source *source, struct gw_str name) {
    const struct model_conf *alias = config_model(conf, name);
    struct model_place *to = &conf->failover[conf->failover_n];
    if (conf->failover_n == GW_MODEL_PLACES)
        return false;
    bool found = alias != NULL || is_provider(conf, source, name, to) ||
                 config_model_place(conf, gw_arena_dup(&conf->arena, name), to);
    if (alias != NULL)
        *to = alias->places[0];
    conf->failover_n += found;
    return found;
}

bool config_failover(struct config *conf, const struct gw_source *source, struct gw_buf *why) {
    struct gw_str rest = config_source_env(source, GW_STR("FAILOVER_CHAIN"));
    while (rest.p != NULL) {
        struct gw_str name = gw_str_trim(gw_str_cut(&rest, ','));
        if (name.n == 0 || add_failover(conf, source, name))
            continue;
        gw_buf_put(why, GW_STR("FAILOVER_CHAIN: \""));
        gw_buf_put(why, gw_str_sub(name, 0, 64));
        gw_buf_put(why, GW_STR("\" is not one of at most 8 models; give names such as "
                               "claude/claude-sonnet-5, heavy/code, an alias, or a provider that "
                               "has a \"model\" in the file (of local: OLLAMA_MODEL)"));
        return false;
    }
    return true;
}
