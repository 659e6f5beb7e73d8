/*
 * The environment over the file. README.md names the variables; what is not ours is ignored.
 */
#include "base/digest.h"
#include "core/config/config_parts.h"

struct env {
    const struct gw_source *source;
    struct config *conf;
    struct gw_buf *why;
};

static bool fail(struct env *e, struct gw_str name, struct gw_str what) {
    gw_buf_put(e->why, name);
    gw_buf_put(e->why, GW_STR(": "));
    gw_buf_put(e->why, what);
    return false;
}

static bool fail_url(struct env *e, struct gw_str name, const char *why) {
    /* The value itself stays out of the message: a tunnel's URL is its credential. */
    fail(e, name, gw_str(why, strlen(why)));
    gw_buf_put(e->why, GW_STR("; give a base URL such as \"https://host.example\""));
    return false;
}

/* Copies the value: the source is only borrowed. Empty counts as not set. */
static struct gw_str get(struct env *e, struct gw_str name) {
    struct gw_str value = gw_str_trim(config_source_env(e->source, name));
    return value.n > 0 ? gw_arena_dup(&e->conf->arena, value) : (struct gw_str){NULL, 0};
}

static bool read_backend(struct env *e, struct gw_str name, struct gw_str value,
                         struct backend_conf *backend) {
    struct url url;
    const char *why = url_read(value, &e->conf->arena, &url);
    if (why != NULL)
        return fail_url(e, name, why);
    config_set_backend(backend, &url);
    return true;
}

static bool read_nodes(struct env *e) {
    char name[] = "COLAB_ENDPOINT_1";
    for (uint32_t i = 0; i < GW_NODES; i++) {
        name[sizeof name - 2] = (char)('1' + i);
        struct gw_str value = get(e, gw_str(name, sizeof name - 1));
        if (value.p != NULL &&
            !read_backend(e, gw_str(name, sizeof name - 1), value, &e->conf->nodes[i]))
            return false;
    }
    return true;
}

/* "brain=URL,battle=URL" */
static bool read_services(struct env *e) {
    struct gw_str name = GW_STR("LOCAL_SERVICES");
    struct gw_str rest = get(e, name);
    while (rest.p != NULL) {
        struct gw_str url = gw_str_trim(gw_str_cut(&rest, ','));
        if (url.n == 0)
            continue;
        struct gw_str service = gw_str_trim(gw_str_cut(&url, '='));
        struct backend_conf *backend = config_service(e->conf, service);
        if (url.p == NULL || backend == NULL)
            return fail(e, name,
                        GW_STR("is not a list of name=URL with at most 32 names; give for "
                               "example brain=http://127.0.0.1:3300"));
        if (!read_backend(e, name, gw_str_trim(url), backend))
            return false;
    }
    return true;
}

static bool read_secret(struct env *e, struct gw_str name, struct gw_str *out) {
    *out = get(e, name);
    if (out->p == NULL || out->n >= 16)
        return true;
    return fail(e, name,
                GW_STR("is shorter than 16 characters; make one with: openssl rand -hex 32"));
}

/* What the edge hands over is signed and must not be read on the way; the file may say it, too. */
static bool read_twin(struct env *e) {
    struct gw_str name = GW_STR("LOCAL_ENDPOINT");
    struct gw_str endpoint = get(e, name);
    const struct backend_conf *twin = &e->conf->twin;
    if (endpoint.p != NULL && !read_backend(e, name, endpoint, &e->conf->twin))
        return false;
    if (twin->set && twin->target.tls == 0 && !url_is_private(twin->target.host))
        return fail(e, name, GW_STR("is http beyond a private network; give an https URL"));
    if (!read_secret(e, GW_STR("TWIN_SECRET"), &e->conf->twin_secret))
        return false;
    e->conf->access_id = get(e, GW_STR("LOCAL_ACCESS_CLIENT_ID"));
    e->conf->access_secret = get(e, GW_STR("LOCAL_ACCESS_CLIENT_SECRET"));
    return true;
}

static bool read_auth(struct env *e) {
    struct gw_str auth = get(e, GW_STR("GATEWAY_AUTH"));
    struct gw_str keys = get(e, GW_STR("GATEWAY_KEYS"));
    bool off = auth.p != NULL && gw_str_eq(auth, GW_STR("off"));
    if (auth.p != NULL && !off && !gw_str_eq(auth, GW_STR("on")))
        return fail(e, GW_STR("GATEWAY_AUTH"),
                    GW_STR("is neither \"on\" nor \"off\"; leave it out to demand a key"));
    if (keys.p != NULL && off)
        return fail(e, GW_STR("GATEWAY_AUTH"),
                    GW_STR("is \"off\" while GATEWAY_KEYS names keys; leave one of them out"));
    e->conf->auth = keys.p != NULL ? GW_AUTH_KEYS : off ? GW_AUTH_OFF : GW_AUTH_NONE;
    return keys.p == NULL || config_keys(e->conf, keys, e->why);
}

/* Whole dollars and up to nine decimals, exactly. */
static bool read_dollars(struct gw_str s, int64_t *nano) {
    struct gw_str whole = gw_str_cut(&s, '.');
    uint64_t dollars, fraction = 0;
    if (!gw_str_u64(whole, &dollars) || dollars > 1000000000)
        return false;
    if (s.p != NULL) {
        if (s.n > 9 || !gw_str_u64(s, &fraction))
            return false;
        for (size_t i = s.n; i < 9; i++)
            fraction *= 10;
    }
    *nano = (int64_t)(dollars * 1000000000 + fraction);
    return true;
}

static bool read_policy(struct env *e) {
    struct gw_str profile = get(e, GW_STR("PROFILE"));
    struct gw_str budget = get(e, GW_STR("MONTHLY_BUDGET"));
    if (profile.p != NULL && !config_profile(e->conf, profile))
        return fail(e, GW_STR("PROFILE"),
                    GW_STR("is not a profile; give conservative, balanced or performance"));
    if (budget.p != NULL && !read_dollars(budget, &e->conf->monthly_budget))
        return fail(e, GW_STR("MONTHLY_BUDGET"),
                    GW_STR("is not an amount in dollars; give for example 50 or 12.50"));
    return true;
}

/* A whole number within these bounds, if the variable is set. */
static bool read_number(struct env *e, struct gw_str name, uint64_t min, uint64_t max,
                        struct gw_str remedy, uint64_t *out) {
    struct gw_str value = get(e, name);
    if (value.p == NULL)
        return true;
    uint64_t n;
    if (!gw_str_u64(value, &n) || n < min || n > max)
        return fail(e, name, remedy);
    *out = n;
    return true;
}

static bool read_breaker(struct env *e) {
    uint64_t seconds = 0;
    if (!read_number(e, GW_STR("CIRCUIT_BREAKER_FAILURE_THRESHOLD"), 1, BREAKER_THRESHOLD_MAX,
                     GW_STR("is not a number of failures; give 1 to 63"),
                     &e->conf->breaker.threshold) ||
        !read_number(e, GW_STR("CIRCUIT_BREAKER_RECOVERY_TIMEOUT"), 1, 3600,
                     GW_STR("is not a number of seconds; give 1 to 3600"), &seconds))
        return false;
    if (seconds > 0)
        e->conf->breaker.recovery_ms = seconds * 1000;
    return true;
}

/* A promise that this version cannot keep must not look kept. */
static bool read_air_gap(struct env *e) {
    struct gw_str mode = get(e, GW_STR("AIRGAP_MODE"));
    if (mode.p == NULL || gw_str_ieq(mode, GW_STR("false")) || gw_str_ieq(mode, GW_STR("off")) ||
        gw_str_eq(mode, GW_STR("0")))
        return true;
    return fail(e, GW_STR("AIRGAP_MODE"),
                GW_STR("is set, and this version has no air gap to enforce; unset it, or wait"));
}

/* ------------------------------------------------------------------ nodes that register */

/* In hexadecimal, behind `before`. */
static struct gw_str hmac_text(struct env *e, struct gw_str before, struct gw_str key,
                               struct gw_str text) {
    struct gw_buf b;
    uint8_t mac[GW_SHA256];
    gw_buf_init(&b, &e->conf->arena, 128);
    gw_hmac_sha256(key, &text, 1, mac);
    gw_buf_put(&b, before);
    gw_buf_put_hex(&b, mac, sizeof mac);
    return gw_buf_str(&b);
}

static bool read_node_secret(struct env *e) {
    struct gw_str secret;
    if (!read_secret(e, GW_STR("NODE_SECRET"), &secret))
        return false;
    for (uint32_t i = 0; secret.n > 0 && i < GW_NODES; i++) {
        struct backend_conf *node = &e->conf->nodes[i];
        e->conf->node_keys[i] = hmac_text(e, GW_STR(""), secret, node->target.name);
        node->bearer = hmac_text(e, GW_STR("Bearer "), e->conf->node_keys[i], GW_STR("gateway"));
    }
    return true;
}

static bool is_host_name(struct gw_str s) {
    bool plain = s.n > 0 && s.n <= 253 && s.p[0] != '.' && s.p[s.n - 1] != '.';
    for (size_t i = 0; i < s.n; i++) {
        char c = gw_lower(s.p[i]);
        plain &= (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    }
    return plain && (!url_is_address(s) || url_is_loopback(s));
}

static bool read_node_hosts(struct env *e) {
    struct gw_str name = GW_STR("NODE_HOSTS");
    struct gw_str rest = get(e, name);
    if (rest.p == NULL)
        return true;
    e->conf->node_hosts_n = 0;
    while (rest.p != NULL) {
        struct gw_str host = gw_str_trim(gw_str_cut(&rest, ','));
        if (host.n == 0)
            continue;
        if (!is_host_name(host) || e->conf->node_hosts_n == GW_NODE_HOSTS)
            return fail(e, name,
                        GW_STR("is not a list of at most 32 host names; give for example "
                               "ngrok.app,trycloudflare.com, without dots before them"));
        e->conf->node_hosts[e->conf->node_hosts_n++] = host;
    }
    return true;
}

/* At the edge it is the host that sets it, to the binding of its Durable Object. */
static bool read_registry(struct env *e) {
    struct gw_str name = GW_STR("REGISTRY_URL");
    struct gw_str value = get(e, name);
    struct backend_conf *registry = &e->conf->registry;
    struct url url;
    /* an isolate is no beginning: many come and go */
    e->conf->stores = get(e, GW_STR("HEADY_DATA_DIR")).p != NULL;
    e->conf->remembers = e->conf->host == GW_EDGE || e->conf->stores;
    if (value.p == NULL)
        return true;
    registry->base = GW_STR("/api/nodes");
    if (e->conf->host == GW_EDGE) {
        registry->target.origin = value;
        registry->target.host = registry->target.authority = gw_str_sub(value, 10, value.n);
        registry->set = e->conf->node_keys[0].n > 0;
        return true;
    }
    const char *why = url_read(value, &e->conf->arena, &url);
    if (why != NULL)
        return fail_url(e, name, why);
    config_set_backend(registry, &url);
    if (!url.target.tls && !url.loopback)
        return fail(e, name, GW_STR("is http beyond this machine; give an https URL"));
    if (e->conf->twin_secret.n == 0 || e->conf->node_keys[0].n == 0)
        return fail(e, name,
                    GW_STR("needs TWIN_SECRET and NODE_SECRET, the same as at the edge; set both"));
    return true;
}

/* A secret that both twins have and no client knows: the one that is meant for it, else the twins', else what the
 * providers' keys come to. Once it changes, what was sealed with the old one is left out. */
static bool make_seal_key(struct env *e) {
    uint8_t digest[GW_SHA256];
    struct gw_sha256_sum sum;
    struct gw_str secret = get(e, GW_STR("HEADY_MASTER_KEY"));
    if (secret.n == 0)
        secret = e->conf->twin_secret;
    gw_sha256_begin(&sum);
    gw_sha256_add(&sum, GW_STR("heady seal "));
    gw_sha256_add(&sum, secret);
    for (uint32_t i = 0; secret.n == 0 && i < e->conf->providers_n; i++)
        for (uint32_t k = 0; k < e->conf->providers[i].keys_n; k++)
            gw_sha256_add(&sum, e->conf->providers[i].keys[k]);
    gw_sha256_end(&sum, digest);
    e->conf->seal_key = gw_arena_dup(&e->conf->arena, gw_str(digest, sizeof digest));
    return e->conf->seal_key.n > 0;
}

bool config_env(struct config *conf, const struct gw_source *source, struct gw_buf *why) {
    struct env e = {source, conf, why};
    return read_nodes(&e) && read_services(&e) && read_twin(&e) && read_auth(&e) &&
           config_env_providers(conf, source, why) && read_policy(&e) && read_breaker(&e) &&
           read_air_gap(&e) && read_node_secret(&e) && read_node_hosts(&e) && read_registry(&e) &&
           make_seal_key(&e);
}
