#include "core/config/config.h"

#include "core/config/config_parts.h"

#define UNSET UINT64_MAX

enum { QUEUE_MS = 3000, QUEUE_LONGEST_MS = 60000 };

static const struct gw_str prefill_names[PREFILLS] = {
    [PREFILL_NONE] = GW_STR_INIT(""),
    [PREFILL_LLAMA_CPP] = GW_STR_INIT("llama.cpp"),
    [PREFILL_VLLM] = GW_STR_INIT("vllm"),
};

uint32_t config_prefill(struct gw_str name) {
    uint32_t i = 0;
    while (i < PREFILLS && !gw_str_eq(prefill_names[i], name))
        i++;
    return i;
}

struct gw_str config_prefill_name(uint32_t prefill) {
    return prefill_names[prefill];
}

const struct gw_str config_class_names[GW_CLASSES] = {GW_STR_INIT("reasoning"), GW_STR_INIT("code"),
                                                      GW_STR_INIT("vision"), GW_STR_INIT("batch")};

static const struct gw_str node_names[GW_NODES] = {
    GW_STR_INIT("node-1"), GW_STR_INIT("node-2"), GW_STR_INIT("node-3"), GW_STR_INIT("node-4"),
    GW_STR_INIT("node-5"), GW_STR_INIT("node-6"), GW_STR_INIT("node-7"), GW_STR_INIT("node-8")};

/* Where tunnels give hosts to whoever asks: under these, nodes may register unless NODE_HOSTS says
 * otherwise. The first ones are ngrok's. */
static const struct gw_str node_hosts[] = {
    GW_STR_INIT("ngrok-free.app"), GW_STR_INIT("ngrok-free.dev"), GW_STR_INIT("ngrok.app"),
    GW_STR_INIT("ngrok.dev"),      GW_STR_INIT("ngrok.io"),       GW_STR_INIT("trycloudflare.com")};
enum { OF_NGROK = 5 };

bool url_host_is_under(struct gw_str host, struct gw_str domain) {
    if (host.n < domain.n || !gw_str_ieq(gw_str_sub(host, host.n - domain.n, host.n), domain))
        return false;
    return host.n == domain.n || host.p[host.n - domain.n - 1] == '.';
}

static bool is_ngrok(struct gw_str host) {
    for (uint32_t i = 0; i < OF_NGROK; i++)
        if (url_host_is_under(host, node_hosts[i]))
            return true;
    return false;
}

void config_set_backend(struct backend_conf *backend, const struct url *url) {
    struct gw_str name = backend->target.name;
    backend->target = url->target;
    backend->target.name = name;
    backend->base = url->base;
    backend->ngrok = is_ngrok(url->target.host);
    backend->set = true;
}

uint32_t config_service_index(const struct config *conf, struct gw_str name) {
    for (uint32_t i = 0; i < conf->services_n; i++)
        if (gw_str_eq(gw_str_sub(conf->services[i].target.name, 6, GW_CONF_MAX), name))
            return i;
    return GW_SERVICES;
}

static bool is_service_name(struct gw_str s) {
    if (s.n == 0 || s.n > 32)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = gw_lower(s.p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return true;
}

struct backend_conf *config_service(struct config *conf, struct gw_str name) {
    uint32_t i = config_service_index(conf, name);
    if (i < conf->services_n)
        return &conf->services[i];
    if (!is_service_name(name) || conf->services_n == GW_SERVICES)
        return NULL;
    struct gw_buf full;
    gw_buf_init(&full, &conf->arena, 64);
    gw_buf_put(&full, GW_STR("local/"));
    gw_buf_put(&full, name);
    if (full.full)
        return NULL;
    struct backend_conf *service = &conf->services[conf->services_n++];
    service->target.name = gw_buf_str(&full);
    service->first_byte_ms = (double)conf->limits.request_ms;
    return service;
}

bool config_profile(struct config *conf, struct gw_str name) {
    const struct tiers *tiers = tiers_default(name);
    if (tiers == NULL)
        return false;
    conf->tiers = *tiers;
    conf->monthly_budget = tiers->month_nano;
    return true;
}

static void set_limits(struct limits_conf *l, bool edge) {
    *l = (struct limits_conf){
        .replay_bytes_max = edge ? 1 << 20 : 8 << 20,
        .replay_total_max = edge ? 32 << 20 : 256 << 20,
        .body_bytes_max = 100 << 20,
        .json_bytes_max = edge ? 8 << 20 : 32 << 20,
        .client_head_ms = 10000,
        .client_body_ms = 30000,
        .client_idle_ms = 75000,
        .client_write_ms = 60000,
        .linger_ms = 2000,
        .drain_ms = 30000,
        .upstream_idle_ms = 60000,
        .upstream_idle_max = 64,
        .resume = 1,
        .upstream_http2 = 1,
        .connections_max = 10000,
        .streams_max = 128,
        .client_rate_min = 256,
        .log_requests = edge ? 0 : 1,
        .connect_ms = 3000,
        .request_ms = 600000,
        .silence_ms = 30000,
        .responses_keep_s = 86400,
    };
}

static void set_defaults(struct config *conf, uint32_t host) {
    conf->host = host;
    set_limits(&conf->limits, host == GW_EDGE);
    for (uint32_t i = 0; i < GW_NODES; i++) {
        conf->nodes[i].target.name = node_names[i];
        conf->nodes[i].in_flight_max = 8;
        /* Tunnels behind Cloudflare answer 524 at 100 s: give up a little before. */
        conf->nodes[i].first_byte_ms = 95000;
    }
    for (uint32_t i = 0; i < GW_CLASSES; i++)
        conf->classes[i] =
            (struct class_conf){.nodes = {2 * i, 2 * i + 1}, .nodes_n = 2, .inspect = true};
    for (uint32_t i = 0; i < sizeof node_hosts / sizeof *node_hosts; i++)
        conf->node_hosts[conf->node_hosts_n++] = node_hosts[i];
    conf->registry.target.name = GW_STR("registry");
    conf->twin.target.name = GW_STR("local");
    conf->twin.first_byte_ms = (double)conf->limits.request_ms;
    conf->service_default = GW_SERVICES;
    conf->breaker =
        (struct breaker_conf){.threshold = 3, .recovery_ms = 60000, .predictive_ms = 3000};
    conf->queue_ms = conf->queue_longest_ms = UNSET;
    conf->queue_max = 1024;
    conf->resume_seed = true;
    conf->listen = GW_STR("127.0.0.1:4700\n");
    conf->tls_n = 1;
    config_add_providers(conf);
    (void)config_profile(conf, GW_STR("balanced"));
}

/* Who says how long requests wait means all of them, unless he gives the other limit as well. */
static void set_queue(struct config *conf) {
    if (conf->queue_longest_ms == UNSET)
        conf->queue_longest_ms = conf->queue_ms == UNSET ? QUEUE_LONGEST_MS : conf->queue_ms;
    if (conf->queue_ms == UNSET)
        conf->queue_ms = QUEUE_MS;
}

/* Slots are the places in the gateway's table of backends: the same on every loop. */
static void set_slots(struct config *conf) {
    for (uint32_t i = 0; i < GW_NODES; i++)
        conf->nodes[i].slot = i;
    for (uint32_t i = 0; i < GW_SERVICES; i++)
        conf->services[i].slot = GW_SLOT_SERVICE + i;
    conf->twin.slot = conf->registry.slot = GW_SLOT_TWIN; /* the registry uses none */
    for (uint32_t i = 0; i < GW_PROVIDERS; i++)
        conf->providers[i].backend.slot = GW_SLOT_PROVIDER + i;
}

struct config *config_new(const struct gw_mem *mem, const struct gw_source *source,
                          struct gw_buf *why) {
    struct config *conf = mem->get(mem->user, sizeof *conf);
    if (conf == NULL) {
        gw_buf_put(why, GW_STR("out of memory; give the gateway more"));
        return NULL;
    }
    memset(conf, 0, sizeof *conf);
    conf->refs = 1;
    gw_arena_init(&conf->arena, mem, 16384, GW_CONF_MAX);
    set_defaults(conf, source->host);
    if (!config_file_read(conf, source, why)) {
        config_unref(conf);
        return NULL;
    }
    set_queue(conf);
    set_slots(conf);
    return conf;
}

void config_ref(struct config *conf) {
    conf->refs++;
}

void config_unref(struct config *conf) {
    if (--conf->refs > 0)
        return;
    const struct gw_mem *mem = conf->arena.mem;
    gw_arena_del(&conf->arena);
    mem->put(mem->user, conf, sizeof *conf);
}

const struct key_conf *config_key(const struct config *conf, const uint8_t digest[GW_SHA256]) {
    uint32_t lo = 0, hi = conf->keys_n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int order = memcmp(conf->keys[mid].digest, digest, GW_SHA256);
        if (order == 0)
            return &conf->keys[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

const struct key_conf *config_key_named(const struct config *conf, struct gw_str name) {
    for (uint32_t i = 0; i < conf->keys_n; i++)
        if (gw_str_eq(conf->keys[i].name, name))
            return &conf->keys[i];
    return NULL;
}

struct gw_str config_source_env(const struct gw_source *source, struct gw_str name) {
    for (struct gw_str rest = source->env; rest.p != NULL;) {
        struct gw_str record = gw_str_cut(&rest, '\0');
        if (record.n > name.n + 1 && record.p[name.n] == '=' && gw_str_starts(record, name))
            return gw_str_sub(record, name.n + 1, record.n);
    }
    return (struct gw_str){NULL, 0};
}

const struct backend_conf *config_target(const struct config *conf, uint32_t i) {
    if (i < GW_NODES)
        return &conf->nodes[i];
    if (i < GW_NODES + conf->services_n)
        return &conf->services[i - GW_NODES];
    i -= GW_NODES + conf->services_n;
    if (i == 0)
        return &conf->twin;
    return i <= conf->providers_n ? &conf->providers[i - 1].backend : NULL;
}
