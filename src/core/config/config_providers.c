/*
 * Providers: the built-in ones (format/providers.h), and those that the file adds.
 *
 *     "providers": {
 *         "claude": {"endpoint": "https://..."},
 *         "deepseek": {"like": "openai", "endpoint": "https://...", "key_env": "DEEPSEEK_API_KEY"}
 *     }
 *
 * Keys come from the environment alone. A provider that wants a key and has none is known by its name only,
 * so that who asks for it is told what to set; so is one that needs no key as long as nobody speaks of it.
 */
#include "core/config/config_parts.h"
#include "core/config/config_read.h"
#include "format/sigv4.h"

enum { FIRST_BYTE_MS = 600000, NAME_MAX = 32, PREFIXES_MAX = 512 };

uint32_t config_provider_index(const struct config *conf, struct gw_str name) {
    for (uint32_t i = 0; i < conf->providers_n; i++)
        if (gw_str_eq(conf->providers[i].backend.target.name, name))
            return i;
    return GW_PROVIDERS;
}

const struct provider_conf *config_provider_of(const struct config *conf,
                                               const struct backend_conf *backend) {
    bool is_one = backend->slot >= GW_SLOT_PROVIDER;
    return is_one ? &conf->providers[backend->slot - GW_SLOT_PROVIDER] : NULL;
}

struct gw_str config_provider_lacks(const struct provider_conf *p) {
    bool has_key = p->keys_n > 0 || p->key_env.n == 0;
    return has_key ? p->base_env : p->key_env;
}

static struct gw_str route_of_name(struct config *conf, struct gw_str name) {
    struct gw_buf b;
    gw_buf_init(&b, &conf->arena, NAME_MAX + 8);
    gw_buf_put(&b, GW_STR("ai/"));
    gw_buf_put(&b, name);
    return gw_buf_str(&b);
}

static struct provider_conf *add(struct config *conf, struct gw_str name,
                                 const struct provider *like) {
    struct provider_conf *p = &conf->providers[conf->providers_n++];
    p->like = like;
    p->backend.target.name = name;
    p->backend.first_byte_ms = FIRST_BYTE_MS;
    p->route = route_of_name(conf, name);
    return p;
}

/* Its base without the version, which every path has. */
static void set_endpoint(struct provider_conf *p, struct url *url) {
    static const struct gw_str versions[] = {GW_STR_INIT("/v1"), GW_STR_INIT("/v1beta"),
                                             GW_STR_INIT("/openai/v1"), GW_STR_INIT("/openai")};
    size_t n = p->like->key == PROVIDER_API_KEY ? 4 : 2; /* azure's paths begin with /openai */
    for (size_t i = n; i-- > 0;)
        if (gw_str_ends(url->base, versions[i])) {
            url->base.n -= versions[i].n;
            break;
        }
    config_set_backend(&p->backend, url);
}

void config_add_providers(struct config *conf) {
    const struct provider *like;
    for (uint32_t i = 0; (like = providers_at(i)) != NULL; i++) {
        struct provider_conf *p = add(conf, like->name, like);
        struct url url;
        p->key_env = like->key_env;
        p->base_env = like->base_env;
        if (like->base.n > 0 && url_read(like->base, &conf->arena, &url) == NULL)
            set_endpoint(p, &url);
    }
}

/* ------------------------------------------------------------------ the file */

struct draft {
    struct gw_str like, key_env, prefixes, model;
    struct url url;
    bool has_url;
    uint64_t in_flight_max, first_byte_ms;
};

static bool read_endpoint(struct reader *r, const struct gw_json *item, void *into) {
    struct draft *d = into;
    d->has_url = true;
    return reader_url(r, item, &d->url);
}

static bool read_like(struct reader *r, const struct gw_json *item, void *into) {
    struct draft *d = into;
    return reader_text(r, item, &d->like);
}

static bool read_key_env(struct reader *r, const struct gw_json *item, void *into) {
    struct draft *d = into;
    return reader_text(r, item, &d->key_env);
}

static bool read_default(struct reader *r, const struct gw_json *item, void *into) {
    struct draft *d = into;
    return reader_text(r, item, &d->model);
}

/* Kept as words with spaces between. */
static bool read_prefixes(struct reader *r, const struct gw_json *item, void *into) {
    struct draft *d = into;
    struct gw_buf b;
    gw_buf_init(&b, &r->conf->arena, PREFIXES_MAX);
    for (const struct gw_json *m = item->child; m != NULL; m = m->next) {
        struct gw_str word;
        if (!reader_text(r, m, &word))
            return false;
        gw_buf_put(&b, word);
        gw_buf_putc(&b, ' ');
    }
    d->prefixes = gw_buf_str(&b);
    return (gw_json_is(item, GW_JSON_ARRAY) && !b.full) ||
           reader_fail(r, item, GW_STR("is not a short list of words"),
                       GW_STR("give for example [\"deepseek-\"]"));
}

static const struct reader_field fields[] = {
    {GW_STR_INIT("like"), read_like, 0, 0, 0},
    {GW_STR_INIT("prefixes"), read_prefixes, 0, 0, 0},
    {GW_STR_INIT("model"), read_default, 0, 0, 0},
    {GW_STR_INIT("endpoint"), read_endpoint, 0, 0, 0},
    {GW_STR_INIT("key_env"), read_key_env, 0, 0, 0},
    {GW_STR_INIT("in_flight_max"), NULL, offsetof(struct draft, in_flight_max), 1, 100000},
    {GW_STR_INIT("first_byte_ms"), NULL, offsetof(struct draft, first_byte_ms), 100, 3600000},
};

static bool is_name(struct gw_str s) {
    bool plain = s.n > 0 && s.n <= NAME_MAX;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        plain &= (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    }
    return plain;
}

/* One that is not built in must say whom it is like. */
static struct provider_conf *new_one(struct reader *r, const struct gw_json *item,
                                     const struct draft *d) {
    struct config *conf = r->conf;
    const struct provider *like = providers_named(d->like);
    if (!is_name(item->name) || conf->providers_n == GW_PROVIDERS)
        reader_fail(r, item, GW_STR("is not a provider's name, or there are more than 16"),
                    GW_STR("use lower-case letters, digits, \"-\" and \"_\""));
    else if (like == NULL)
        reader_fail(r, item, GW_STR("is no built-in provider, and does not say whom it is like"),
                    GW_STR("give \"like\": \"openai\" or another one that speaks its dialect"));
    else if (!d->has_url)
        reader_fail(r, item, GW_STR("has no endpoint"), GW_STR("give it an \"endpoint\""));
    else
        return add(conf, gw_arena_dup(&conf->arena, item->name), like);
    return NULL;
}

static bool read_provider(struct reader *r, const struct gw_json *item, void *into) {
    struct config *conf = into;
    struct draft d = {.first_byte_ms = FIRST_BYTE_MS};
    if (!reader_object(r, item, fields, sizeof fields / sizeof *fields, &d))
        return false;
    uint32_t i = config_provider_index(conf, item->name);
    struct provider_conf *p = i < conf->providers_n ? &conf->providers[i] : new_one(r, item, &d);
    if (p == NULL)
        return false;
    if (d.has_url)
        set_endpoint(p, &d.url);
    if (d.key_env.n > 0)
        p->key_env = d.key_env;
    else if (p->like->key == PROVIDER_SIGV4)
        p->key_env = p->like->key_env;
    if (d.prefixes.n > 0)
        p->prefixes = d.prefixes;
    if (d.model.n > 0)
        p->model = d.model;
    p->backend.in_flight_max = (uint32_t)d.in_flight_max;
    p->backend.first_byte_ms = (double)d.first_byte_ms;
    p->named = true;
    return true;
}

bool config_providers(struct reader *r, const struct gw_json *item, void *into) {
    return reader_each(r, item, read_provider, into);
}

/* ------------------------------------------------------------------ the environment */

static bool fail(struct gw_buf *why, struct gw_str name, struct gw_str what) {
    gw_buf_put(why, name);
    gw_buf_put(why, GW_STR(": "));
    gw_buf_put(why, what);
    return false;
}

/* Ollama's own variable may hold "127.0.0.1:11434", "gpu-box" or ":11434". */
static struct gw_str with_scheme(struct gw_str text, struct gw_arena *arena) {
    struct gw_buf b;
    if (gw_str_find(text, GW_STR("://")) >= 0)
        return text;
    gw_buf_init(&b, arena, text.n + 32);
    gw_buf_put(&b, GW_STR("http://"));
    if (gw_str_starts(text, GW_STR(":")))
        gw_buf_put(&b, GW_STR("127.0.0.1"));
    gw_buf_put(&b, text);
    if (gw_str_chr(text, ':') < 0)
        gw_buf_put(&b, GW_STR(":11434"));
    return gw_buf_str(&b);
}

static bool read_base(struct config *conf, struct provider_conf *p, struct gw_str value,
                      struct gw_buf *why) {
    struct url url;
    struct gw_str text = with_scheme(gw_arena_dup(&conf->arena, value), &conf->arena);
    if (url_read(text, &conf->arena, &url) != NULL)
        return fail(why, p->base_env,
                    GW_STR("is not a base URL; give one such as https://host.example"));
    set_endpoint(p, &url);
    p->named = true;
    return true;
}

static bool is_key(struct gw_str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] == 0x7f)
            return false;
    return s.n <= 4096;
}

static bool read_keys(struct config *conf, struct provider_conf *p, struct gw_str value,
                      struct gw_buf *why) {
    struct gw_str rest = gw_arena_dup(&conf->arena, value);
    while (rest.p != NULL) {
        struct gw_str key = gw_str_trim(gw_str_cut(&rest, ','));
        if (key.n == 0)
            continue;
        if (p->keys_n == GW_PROVIDER_KEYS || !is_key(key))
            return fail(why, p->key_env,
                        GW_STR("is not a list of at most 4 keys, with commas between them"));
        p->keys[p->keys_n++] = key;
    }
    return true;
}

static struct gw_str env_of(const struct gw_source *source, struct gw_str name) {
    return name.n > 0 ? gw_str_trim(config_source_env(source, name)) : GW_STR("");
}

/* Whether its keys are ids of secrets. */
static bool is_signed(const struct gw_source *source, const struct provider_conf *p) {
    return p->like->key == PROVIDER_SIGV4 && gw_str_eq(p->key_env, p->like->key_env) &&
           env_of(source, GW_STR("AWS_BEARER_TOKEN_BEDROCK")).n == 0;
}

/* Google's SDKs know two names, AWS's two kinds. */
static struct gw_str keys_of(const struct gw_source *source, const struct provider_conf *p) {
    struct gw_str keys = env_of(source, p->key_env);
    if (p->like->key == PROVIDER_SIGV4 && gw_str_eq(p->key_env, p->like->key_env) &&
        !is_signed(source, p))
        return env_of(source, GW_STR("AWS_BEARER_TOKEN_BEDROCK"));
    if (keys.n == 0 && gw_str_eq(p->key_env, GW_STR("GEMINI_API_KEY")))
        keys = env_of(source, GW_STR("GOOGLE_API_KEY"));
    return keys;
}

/* The region that a host is in, as "bedrock-runtime.eu-west-1.amazonaws.com"; empty: it does not say. */
static struct gw_str region_of_host(struct gw_str host) {
    struct gw_str rest = host, label = gw_str_cut(&rest, '.');
    while (rest.p != NULL && !gw_str_starts(label, GW_STR("bedrock-runtime")))
        label = gw_str_cut(&rest, '.');
    return rest.p != NULL ? gw_str_cut(&rest, '.') : GW_STR("");
}

/* Where it is, its address decides: a signature for another region would be refused there. */
static bool read_region(struct config *conf, struct provider_conf *p,
                        const struct gw_source *source, struct gw_str *region, struct gw_buf *why) {
    struct gw_str named = env_of(source, GW_STR("AWS_REGION"));
    struct url url;
    struct gw_buf b;
    *region = region_of_host(p->backend.target.host);
    if (region->n == 0)
        *region = named.n > 0 ? gw_arena_dup(&conf->arena, named) : GW_STR("us-east-1");
    if (!is_name(*region))
        return fail(why, GW_STR("AWS_REGION"), GW_STR("is no region; give one such as us-east-1"));
    if (p->backend.target.host.n > 0)
        return true;
    gw_buf_init(&b, &conf->arena, 128);
    gw_buf_put(&b, GW_STR("https://bedrock-runtime."));
    gw_buf_put(&b, *region);
    gw_buf_put(&b, GW_STR(".amazonaws.com"));
    if (url_read(gw_buf_str(&b), &conf->arena, &url) == NULL)
        set_endpoint(p, &url);
    return true;
}

/* What belongs to its keys, by their places: false if it is not as much as there are keys. */
static bool read_beside(struct config *conf, const struct provider_conf *p, struct gw_str value,
                        struct gw_str *list) {
    struct gw_str rest = gw_arena_dup(&conf->arena, value);
    uint32_t n = 0;
    for (; rest.p != NULL; n++) {
        struct gw_str one = gw_str_trim(gw_str_cut(&rest, ','));
        if (n == p->keys_n || !is_key(one))
            return false;
        list[n] = one;
    }
    return n == p->keys_n;
}

static bool read_signing(struct config *conf, struct provider_conf *p,
                         const struct gw_source *source, struct gw_str region, struct gw_buf *why) {
    struct signing_conf *signing = gw_arena_get(&conf->arena, sizeof *signing);
    struct gw_str secrets = env_of(source, GW_STR("AWS_SECRET_ACCESS_KEY")),
                  tokens = env_of(source, GW_STR("AWS_SESSION_TOKEN"));
    if (signing == NULL)
        return fail(why, p->key_env, GW_STR("does not fit into memory"));
    bool good = read_beside(conf, p, secrets, signing->secret);
    for (uint32_t i = 0; i < p->keys_n; i++)
        good &= signing->secret[i].n > 0 && signing->secret[i].n <= SIGV4_SECRET_MAX;
    if (!good)
        return fail(why, GW_STR("AWS_SECRET_ACCESS_KEY"),
                    GW_STR("is not as many secrets as AWS_ACCESS_KEY_ID has ids; give one for "
                           "each, in the same order, with commas between them"));
    if (tokens.n > 0 && !read_beside(conf, p, tokens, signing->token))
        return fail(why, GW_STR("AWS_SESSION_TOKEN"),
                    GW_STR("is not as many tokens as AWS_ACCESS_KEY_ID has ids; leave the place of "
                           "an id without one empty"));
    signing->region = region;
    p->signing = signing;
    return true;
}

static bool read_aws(struct config *conf, struct provider_conf *p, const struct gw_source *source,
                     struct gw_buf *why) {
    struct gw_str region;
    if (!read_region(conf, p, source, &region, why))
        return false;
    return p->keys_n == 0 || !is_signed(source, p) || read_signing(conf, p, source, region, why);
}

static bool is_there(const struct provider_conf *p) {
    return p->backend.target.host.n > 0 && (p->key_env.n > 0 ? p->keys_n > 0 : p->named);
}

static bool read_one(struct config *conf, struct provider_conf *p, const struct gw_source *source,
                     struct gw_buf *why) {
    struct gw_str base = env_of(source, p->base_env), keys = keys_of(source, p);
    if (base.n > 0 && !read_base(conf, p, base, why))
        return false;
    if (!read_keys(conf, p, keys, why))
        return false;
    if (p->like->key == PROVIDER_SIGV4 && !read_aws(conf, p, source, why))
        return false;
    p->backend.paid = p->key_env.n > 0;
    p->backend.set = is_there(p);
    if (p->backend.set && p->keys_n > 0 && p->backend.target.tls == 0 &&
        !url_is_private(p->backend.target.host))
        return fail(why, p->base_env.n > 0 ? p->base_env : p->backend.target.name,
                    GW_STR("is http beyond a private network, and would show the key there; give "
                           "an https URL"));
    return true;
}

bool config_env_providers(struct config *conf, const struct gw_source *source, struct gw_buf *why) {
    for (uint32_t i = 0; i < conf->providers_n; i++)
        if (!read_one(conf, &conf->providers[i], source, why))
            return false;
    return true;
}
