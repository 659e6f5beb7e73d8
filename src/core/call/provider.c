/*
 * What is particular to providers: what a client may ask them for, the gateway's key in the form that they
 * want, and keys that they refuse.
 *
 *     a key    used     rests    it was answered 401, and the request was then served; or 402 or 403, and
 *                                another key then served it with the same model; or 429, while the provider
 *                                has another
 *              rests    used     the time is over: KEY_RESTS_MS, or what Retry-After says
 *
 * Without another key that serves it, the request may be at fault: a client must not be able to put the keys
 * to rest. A 401 is nothing that a client could mend, and its words may show a part of the key. So it never
 * reaches the client. The last key's 403 and 429 do, with all that they say.
 */
#include "base/date.h"
#include "core/call/call.h"

enum { KEY_RESTS_MS = 60000, BUSY_MS = 1000, BUSY_MOST_MS = 300000, RECORD_MAX = 512 };

/* From this version on Anthropic takes its key as a bearer. */
static const struct gw_str anthropic_bearer = GW_STR_INIT("2026-10-21");

/* ------------------------------------------------------------------ what may be asked */

static struct next refuse(struct gw_call *c, uint32_t status, struct gw_str code,
                          struct gw_str message) {
    struct gw_str type =
        status == 403 ? GW_STR("permission_error") : GW_STR("invalid_request_error");
    return end_refuse(
        c, &(struct call_error){
               .status = status, .type = type, .code = code, .message = message, .is_final = true});
}

struct next provider_refuse_absent(struct gw_call *c, uint32_t provider) {
    const struct provider_conf *p = &c->conf->providers[provider];
    struct gw_buf b;
    struct gw_str lacks = config_provider_lacks(p);
    bool keyed = gw_str_eq(lacks, p->key_env);
    gw_buf_init(&b, &c->arena, 256);
    gw_buf_put(&b,
               keyed ? GW_STR("this gateway has no key for ") : GW_STR("no address is set for "));
    gw_buf_put(&b, p->backend.target.name);
    gw_buf_put(&b, GW_STR("; set "));
    gw_buf_put(&b, lacks);
    return refuse(c, 404, GW_STR("provider_not_configured"), gw_buf_str(&b));
}

struct next provider_refuse_unknown(struct gw_call *c) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, 1024);
    gw_buf_put(&b, GW_STR("no such provider under /api/ai/; the providers are "));
    for (uint32_t i = 0; i < c->conf->providers_n; i++) {
        if (i > 0)
            gw_buf_put(&b, GW_STR(", "));
        gw_buf_put(&b, c->conf->providers[i].backend.target.name);
    }
    return refuse(c, 404, GW_STR("unknown_provider"), gw_buf_str(&b));
}

/* "/v1/chat/completions" for a client whose base URL has no version. */
static struct gw_str with_version(struct gw_call *c, struct gw_str version, struct gw_str path) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, version.n + path.n);
    if (version.p != NULL)
        gw_buf_put(&b, version);
    if (path.p != NULL)
        gw_buf_put(&b, path);
    c->arena_full |= b.full;
    return gw_buf_str(&b);
}

struct gw_str provider_path(struct gw_call *c, uint32_t provider, struct gw_str path) {
    const struct provider *like = c->conf->providers[provider].like;
    if (providers_allow(like, c->method, path))
        return path;
    struct gw_str whole = with_version(c, like->version, path);
    bool allowed = providers_allow(like, c->method, whole);
    return allowed ? whole : (struct gw_str){NULL, 0};
}

bool provider_is_allowed(const struct gw_call *c, uint32_t provider) {
    return c->key == NULL || (c->key->providers & 1u << provider) != 0;
}

struct next provider_refuse_key(struct gw_call *c) {
    return refuse(c, 403, GW_STR("provider_not_allowed"),
                  GW_STR("this key may not use this provider; ask for providers= in GATEWAY_KEYS"));
}

static bool has_scope(const struct gw_call *c, enum gw_scope scope) {
    return c->key != NULL && (c->key->scopes & (uint32_t)scope) != 0;
}

/* What belongs to the account is asked for once: a second file or batch would be another one. */
static struct next pass_account(struct gw_call *c) {
    const struct provider *like = c->conf->providers[c->route.provider].like;
    bool whole = gw_str_starts(c->route.rest, like->version);
    c->bound = true;
    if (!whole)
        c->route.rest = with_version(c, like->version, c->route.rest);
    return next_on();
}

void provider_note_own_key(struct gw_call *c) {
    if (c->head.provider_key.n > 0 && has_scope(c, GW_SCOPE_BYOK))
        c->own_key = gw_arena_dup(&c->arena, c->head.provider_key);
}

struct next provider_check(struct gw_call *c) {
    if (!provider_is_allowed(c, c->route.provider))
        return provider_refuse_key(c);
    if (!c->conf->providers[c->route.provider].backend.set)
        return provider_refuse_absent(c, c->route.provider);
    provider_note_own_key(c);
    struct gw_str whole = provider_path(c, c->route.provider, c->route.rest);
    if (whole.p == NULL && has_scope(c, GW_SCOPE_ACCOUNT))
        return pass_account(c);
    if (whole.p == NULL)
        return refuse(c, 403, GW_STR("route_not_allowed"),
                      GW_STR("of a provider only what runs a model is offered: no files, batches, "
                             "stored answers or account; see README.md for the paths"));
    c->route.rest = whole;
    return next_on();
}

const struct dialect *provider_dialect(const struct gw_call *c) {
    bool is_one = c->route.kind == GW_ROUTE_AI || c->route.kind == GW_ROUTE_MODEL ||
                  c->route.kind == GW_ROUTE_GENERATE;
    return is_one ? c->conf->providers[c->route.provider].like->dialect : NULL;
}

/* ------------------------------------------------------------------ what is sent */

/* The value of a line in a block of lines whose names are in lower case; p NULL: it has none. */
static struct gw_str value_of(struct gw_str lines, struct gw_str name) {
    while (lines.p != NULL && lines.n > 0) {
        struct gw_str line = gw_str_cut(&lines, '\r');
        lines = gw_str_sub(lines, 1, lines.n);
        struct gw_str own = gw_str_cut(&line, ':');
        if (gw_str_eq(own, name))
            return gw_str_trim(line);
    }
    return (struct gw_str){NULL, 0};
}

/* "2026-10-21" and the like; what is no date is from no time. */
static bool is_from(struct gw_str date, struct gw_str first) {
    bool is_date = date.n == first.n;
    for (size_t i = 0; i < first.n && is_date; i++)
        is_date = first.p[i] == '-' ? date.p[i] == '-' : date.p[i] >= '0' && date.p[i] <= '9';
    return is_date && memcmp(date.p, first.p, first.n) >= 0;
}

static void put_bearer(struct gw_buf *out, struct gw_str key) {
    gw_buf_put(out, GW_STR("authorization: Bearer "));
    gw_buf_put(out, key);
    gw_buf_put(out, GW_STR("\r\n"));
}

/* `version`: of the protocol, as the request names it. */
static void put_key(const struct provider *like, struct gw_str key, struct gw_str version,
                    struct gw_buf *out) {
    switch (like->key) {
    case PROVIDER_X_API_KEY:
        if (is_from(version, anthropic_bearer))
            put_bearer(out, key);
        else
            head_put(out, GW_STR("x-api-key"), key);
        break;
    case PROVIDER_X_GOOG_KEY:
        head_put(out, GW_STR("x-goog-api-key"), key);
        break;
    case PROVIDER_API_KEY:
        head_put(out, GW_STR("api-key"), key);
        break;
    default: /* the local servers that speak OpenAI's dialect may want a key, too */
        put_bearer(out, key);
        break;
    }
}

void provider_put_head(struct gw_call *c, const struct backend_conf *to, struct gw_str path,
                       struct gw_time now, struct gw_buf *out) {
    const struct provider_conf *p = config_provider_of(c->conf, to);
    if (p == NULL)
        return;
    uint32_t key = call_candidate(c)->key;
    const struct provider *like = p->like;
    struct gw_str version = {NULL, 0};
    if (like->line_name.n > 0)
        version = value_of(gw_buf_str(out), like->line_name);
    if (like->line_name.n > 0 && version.p == NULL) {
        version = like->line_value;
        head_put(out, like->line_name, version);
    }
    struct gw_str shown = key != POOL_NO_KEY ? p->keys[key - 1] : c->own_key;
    if (shown.n == 0)
        return;
    if (p->signing != NULL && key != POOL_NO_KEY)
        sign_put(c, p, path, value_of(gw_buf_str(out), GW_STR("content-type")), now, out);
    else
        put_key(like, shown, version, out);
}

/* What SDKs put there. Anything else may be a credential of the client's, or change what is asked for. */
static bool may_pass(struct gw_str part) {
    static const struct gw_str names[] = {
        GW_STR_INIT("alt"),      GW_STR_INIT("beta"),       GW_STR_INIT("limit"),
        GW_STR_INIT("pageSize"), GW_STR_INIT("pageToken"),  GW_STR_INIT("after_id"),
        GW_STR_INIT("after"),    GW_STR_INIT("before_id"),  GW_STR_INIT("api-version"),
        GW_STR_INIT("order"),    GW_STR_INIT("prettyPrint")};
    struct gw_str name = gw_str_cut(&part, '=');
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (gw_str_eq(name, names[i]))
            return true;
    return false;
}

void provider_put_query(struct gw_str query, struct gw_buf *out) {
    char before = '?';
    struct gw_str rest = gw_str_sub(query, 1, query.n);
    while (rest.p != NULL && query.n > 0) {
        struct gw_str part = gw_str_cut(&rest, '&');
        if (!may_pass(part))
            continue;
        gw_buf_putc(out, before);
        gw_buf_put(out, part);
        before = '&';
    }
}

/* ------------------------------------------------------------------ keys that are refused */

bool provider_refuses_key(struct gw_call *c, uint32_t status) {
    if (status / 100 != 4 || call_candidate(c)->key == POOL_NO_KEY)
        return false;
    const struct provider *like = config_provider_of(c->conf, c->attempt.to)->like;
    return status == 401 || status == 402 ||
           (like->key == PROVIDER_SIGV4 && sign_is_refused(c->res));
}

bool provider_says_bad_key(struct gw_call *c) {
    const struct provider_conf *p = config_provider_of(c->conf, c->attempt.to);
    return p != NULL && p->like->bad_key.n > 0 && call_candidate(c)->key != POOL_NO_KEY;
}

bool provider_is_bad_key(struct gw_call *c, struct gw_str body) {
    if (c->kept.status != 400 || !provider_says_bad_key(c))
        return false;
    return gw_str_find(body, config_provider_of(c->conf, c->attempt.to)->like->bad_key) >= 0;
}

bool provider_rests_key(struct gw_call *c, double retry_after_ms, struct gw_time now) {
    struct candidate *used = call_candidate(c);
    double ms = retry_after_ms > 0 ? retry_after_ms : BUSY_MS;
    if (used->key == POOL_NO_KEY && c->own_key.n > 0) { /* that is between the two of them */
        used->spent = true;
        pool_let_go(&c->gw->cluster.pool, used->backend->slot, &c->attempt.grant, now.mono_ms);
        return true;
    }
    if (used->model != 0) {
        double most = retry_after_ms < BUSY_MOST_MS ? retry_after_ms : BUSY_MOST_MS;
        pool_let_go(&c->gw->cluster.pool, used->backend->slot, &c->attempt.grant, now.mono_ms);
        overload_busy(&c->gw->cluster.pool.models, used->model, used->key, most, now.mono_ms);
        return true;
    }
    if (used->key == POOL_NO_KEY)
        return false;
    pool_rest(&c->gw->cluster.pool, used->backend->slot, used->key,
              now.mono_ms + (ms < BUSY_MOST_MS ? ms : BUSY_MOST_MS));
    return true;
}

/* One line for the log, so that somebody looks after the key. */
static void put_record(struct gw_call *c, const struct candidate *k, double rests_ms,
                       struct gw_time now) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, RECORD_MAX);
    gw_buf_put(&b, GW_STR("{\"time\":\""));
    gw_date_put_iso(&b, now.wall_ms);
    gw_buf_put(&b, GW_STR("\",\"event\":\"key_refused\",\"target\":\""));
    gw_buf_put(&b, k->backend->target.name);
    gw_buf_put(&b, GW_STR("\",\"key\":"));
    gw_buf_put_u64(&b, k->key);
    gw_buf_put(&b, GW_STR(",\"status\":"));
    gw_buf_put_u64(&b, k->refused);
    gw_buf_put(&b, GW_STR(",\"rests_s\":"));
    gw_buf_put_u64(&b, (uint64_t)(rests_ms / 1000));
    gw_buf_putc(&b, '}');
    if (!b.full)
        call_push(c, GW_RECORD)->record.line = gw_buf_str(&b);
}

void provider_on_refused_key(struct gw_call *c, uint32_t status) {
    call_candidate(c)->spent = true;
    call_candidate(c)->refused = (uint16_t)status;
}

bool provider_refuses_all(const struct gw_call *c) {
    bool all = c->plan.n > 0;
    for (uint32_t i = 0; i < c->plan.n; i++)
        all &= c->plan.candidates[i].refused != 0;
    return all;
}

void provider_tell_refused(struct gw_call *c, struct gw_time now) {
    put_record(c, call_candidate(c), 0, now);
}

void provider_settle(struct gw_call *c, struct gw_time now) {
    if (c->route.kind != GW_ROUTE_AI)
        return;
    for (struct candidate *k = c->plan.candidates; k < c->plan.candidates + c->plan.n; k++) {
        /* A 402 or 403 may be the request's own fault: that another model takes it says nothing of the key. */
        if (k->refused == 0 || k == call_candidate(c) ||
            (k->refused != 401 && k->link != call_candidate(c)->link))
            continue;
        pool_rest(&c->gw->cluster.pool, k->backend->slot, k->key, now.mono_ms + KEY_RESTS_MS);
        put_record(c, k, KEY_RESTS_MS, now);
        k->refused = 0;
    }
}
