/*
 * /generate of a provider: {"prompt", "system_prompt"?, "max_tokens"?, "model"?} becomes a request in the
 * provider's own dialect (struct dialect_ask). The texts are slices of what came, since a JSON string is the
 * same in both; the answer is the provider's own. Without "model" it is the provider's "model" of the file.
 */
#include "core/call/call.h"

enum { PATH_MOST = 512 };

static struct next refuse(struct gw_call *c, struct gw_str param, struct gw_str message) {
    return end_refuse(c, &(struct call_error){.status = 400,
                                              .type = GW_STR("invalid_request_error"),
                                              .code = GW_STR("invalid_value"),
                                              .param = param,
                                              .message = message,
                                              .is_final = true});
}

struct next generate_check(struct gw_call *c) {
    uint32_t provider = c->route.provider;
    const struct dialect *d = c->conf->providers[provider].like->dialect;
    if (!provider_is_allowed(c, provider))
        return provider_refuse_key(c);
    if (!c->conf->providers[provider].backend.set)
        return provider_refuse_absent(c, provider);
    provider_note_own_key(c);
    if (d != NULL && d->ask.body.n > 0)
        return next_on();
    return refuse(c, GW_STR(""), GW_STR("this provider has no /generate here; see README.md"));
}

/* ------------------------------------------------------------------ the body */

static void put(struct call_asked *a, struct gw_slice slice) {
    if (slice.len == 0)
        return;
    GW_ASSERT(a->n < ASKED_SLICES);
    a->slice[a->n++] = slice;
    a->len += slice.len;
}

static void put_text(struct call_asked *a, struct gw_str text) {
    put(a, (struct gw_slice){.kind = GW_LITERAL, .p = text.p, .len = text.n});
}

/* A value of the client's, as it stands in its body. */
static void put_value(struct call_asked *a, const struct facts_at *at) {
    put(a, (struct gw_slice){.kind = GW_REQUEST, .off = at->off, .len = at->len});
}

/* Cuts a template at its next place; returns the place's letter, '\0' if there is none left. */
static char next_place(struct gw_str *rest, struct gw_str *text) {
    *text = gw_str_cut(rest, '%');
    if (rest->p == NULL || rest->n == 0)
        return '\0';
    char letter = rest->p[0];
    *rest = gw_str_sub(*rest, 1, rest->n);
    return letter;
}

/* What stands for one value, if there is one. */
static void put_part(struct call_asked *a, struct gw_str part, const struct facts_at *at) {
    struct gw_str text;
    for (char letter = 'v'; letter != '\0' && part.n > 0;) {
        letter = next_place(&part, &text);
        put_text(a, text);
        if (letter == 'v')
            put_value(a, at);
    }
}

static void put_body(struct gw_call *c, const struct dialect_ask *ask, struct gw_str model) {
    struct call_asked *a = c->asked;
    const struct facts_at *at = c->facts->at;
    const struct facts_at *limit = &at[FACTS_MAX_TOKENS];
    struct gw_str rest = ask->body, text;
    for (char letter = 'm'; letter != '\0';) {
        letter = next_place(&rest, &text);
        put_text(a, text);
        if (letter == 'm')
            put_text(a, model);
        else if (letter == 'p')
            put_value(a, &at[FACTS_PROMPT]);
        else if (letter == 's' && at[FACTS_SYSTEM].kind == GW_JSON_STRING)
            put_part(a, ask->system, &at[FACTS_SYSTEM]);
        else if (letter == 'l' && limit->kind == GW_JSON_NUMERAL)
            put_part(a, ask->limit, limit);
        else if (letter == 'l')
            put_text(a, ask->no_limit);
    }
}

static struct gw_str path_of(struct gw_call *c, const struct dialect_ask *ask,
                             struct gw_str model) {
    struct gw_buf b;
    struct gw_str rest = ask->path, text;
    gw_buf_init(&b, &c->arena, PATH_MOST);
    for (char letter = 'm'; letter != '\0';) {
        letter = next_place(&rest, &text);
        gw_buf_put(&b, text);
        if (letter == 'm')
            gw_buf_put(&b, model);
    }
    c->arena_full |= b.full;
    return gw_buf_str(&b);
}

/* ------------------------------------------------------------------ the phase */

/* A name goes into a path and into a string: what would have to be escaped there is none. */
static bool is_plain(struct gw_str model) {
    for (size_t i = 0; i < model.n; i++)
        if (model.p[i] <= ' ' || model.p[i] >= 0x7f ||
            gw_str_chr(GW_STR("\"\\?#%"), model.p[i]) >= 0)
            return false;
    return model.n > 0;
}

static bool is_fit(const struct facts *f) {
    bool system = facts_is(f, FACTS_SYSTEM, GW_JSON_NONE) ||
                  facts_is(f, FACTS_SYSTEM, GW_JSON_NULL) ||
                  facts_is(f, FACTS_SYSTEM, GW_JSON_STRING);
    bool limit = f->at[FACTS_MAX_TOKENS].kind <= GW_JSON_NULL ||
                 facts_is(f, FACTS_MAX_TOKENS, GW_JSON_NUMERAL);
    return facts_is(f, FACTS_PROMPT, GW_JSON_STRING) && system && limit;
}

struct next generate_decide(struct gw_call *c) {
    const struct provider_conf *p = &c->conf->providers[c->route.provider];
    const struct facts *f = c->facts;
    if (f == NULL || !is_fit(f))
        return refuse(c, GW_STR("prompt"),
                      GW_STR("give {\"prompt\": text, \"system_prompt\": text, \"max_tokens\": "
                             "number}; the prompt alone is needed"));
    struct gw_str model = facts_model(f).n > 0 ? gw_arena_dup(&c->arena, facts_model(f)) : p->model;
    const struct dialect_ask *ask = &p->like->dialect->ask;
    struct gw_str path = provider_path(c, c->route.provider, path_of(c, ask, model));
    if (!is_plain(model) || path.p == NULL)
        return refuse(c, GW_STR("model"),
                      GW_STR("name a \"model\", here or for this provider in the file"));
    c->asked = gw_arena_get(&c->arena, sizeof *c->asked);
    if (c->asked == NULL) {
        c->arena_full = true;
        return next_stay();
    }
    c->asked->n = 0;
    c->asked->len = 0;
    put_body(c, ask, model);
    c->route.rest = path;
    c->route.kind = GW_ROUTE_AI;
    return next_on();
}
