#include "core/config/config_parts.h"
#include "core/config/config_read.h"

#define LIMIT(field, lo, hi)                                                                       \
    {GW_STR_INIT(#field), NULL, offsetof(struct limits_conf, field), (lo), (hi)}

static bool read_resume(struct reader *r, const struct gw_json *item, void *into) {
    struct limits_conf *limits = into;
    bool on;
    if (!reader_bool(r, item, &on))
        return false;
    limits->resume = on;
    return true;
}

static bool read_upstream_http2(struct reader *r, const struct gw_json *item, void *into) {
    struct limits_conf *limits = into;
    bool on;
    if (!reader_bool(r, item, &on))
        return false;
    limits->upstream_http2 = on;
    return true;
}

static const struct reader_field limit_fields[] = {
    LIMIT(replay_bytes_max, 0, 1ULL << 30),
    LIMIT(replay_total_max, 0, 1ULL << 36),
    LIMIT(body_bytes_max, 1024, 1ULL << 36),
    LIMIT(json_bytes_max, 1024, 1ULL << 30),
    LIMIT(client_head_ms, 100, 600000),
    LIMIT(client_body_ms, 100, 600000),
    LIMIT(client_idle_ms, 100, 3600000),
    LIMIT(client_write_ms, 100, 3600000),
    LIMIT(client_rate_min, 0, 1000000),
    LIMIT(linger_ms, 0, 60000),
    LIMIT(drain_ms, 0, 3600000),
    LIMIT(upstream_idle_ms, 0, 3600000),
    LIMIT(upstream_idle_max, 0, 10000),
    {GW_STR_INIT("resume"), read_resume, 0, 0, 0},
    {GW_STR_INIT("upstream_http2"), read_upstream_http2, 0, 0, 0},
    LIMIT(connections_max, 1, 1000000),
    LIMIT(connections_per_address, 0, 1000000),
    LIMIT(streams_max, 1, 1000),
    LIMIT(connect_ms, 10, 60000),
    LIMIT(request_ms, 100, 86400000),
    LIMIT(silence_ms, 100, 86400000),
    LIMIT(probe_ms, 0, 86400000),
    LIMIT(responses_keep_s, 0, 2592000),
};

static bool read_limits(struct reader *r, const struct gw_json *item, void *into) {
    struct config *conf = into;
    return reader_object(r, item, limit_fields, sizeof limit_fields / sizeof *limit_fields,
                         &conf->limits);
}

static bool read_node_number(struct reader *r, const struct gw_json *item, uint32_t *index) {
    uint64_t n;
    if (!reader_u64(r, item, 1, GW_NODES, &n))
        return false;
    *index = (uint32_t)n - 1;
    return true;
}

static bool read_class_nodes(struct reader *r, const struct gw_json *item, void *into) {
    struct class_conf *class = into;
    class->nodes_n = 0;
    if (!gw_json_is(item, GW_JSON_ARRAY) || item->child == NULL)
        return reader_fail(r, item, GW_STR("is not a list of nodes"),
                           GW_STR("give one to eight node numbers, such as [3, 4]"));
    for (const struct gw_json *m = item->child; m != NULL; m = m->next) {
        uint32_t index;
        if (!read_node_number(r, m, &index))
            return false;
        for (uint32_t i = 0; i < class->nodes_n; i++)
            if (class->nodes[i] == index)
                return reader_fail(r, item, GW_STR("names a node twice"), GW_STR("name it once"));
        class->nodes[class->nodes_n++] = index;
    }
    return true;
}

static bool read_class_inspect(struct reader *r, const struct gw_json *item, void *into) {
    struct class_conf *class = into;
    return reader_bool(r, item, &class->inspect);
}

static bool read_class(struct reader *r, const struct gw_json *item, void *into) {
    static const struct reader_field fields[] = {
        {GW_STR_INIT("nodes"), read_class_nodes, 0, 0, 0},
        {GW_STR_INIT("inspect"), read_class_inspect, 0, 0, 0},
    };
    struct config *conf = into;
    for (uint32_t i = 0; i < GW_CLASSES; i++)
        if (gw_str_eq(config_class_names[i], item->name))
            return reader_object(r, item, fields, 2, &conf->classes[i]);
    return reader_fail(r, item, GW_STR("is not a class"),
                       GW_STR("the classes are reasoning, code, vision, batch"));
}

static bool read_classes(struct reader *r, const struct gw_json *item, void *into) {
    return reader_each(r, item, read_class, into);
}

/* What a backend's settings are read into before they are put in their place. */
struct backend_draft {
    struct url url;
    bool has_url;
    uint64_t in_flight_max, first_byte_ms;
    uint8_t prefill;
};

static bool read_backend_url(struct reader *r, const struct gw_json *item, void *into) {
    struct backend_draft *draft = into;
    draft->has_url = true;
    return reader_url(r, item, &draft->url);
}

static bool read_prefill(struct reader *r, const struct gw_json *item, void *into) {
    struct backend_draft *draft = into;
    uint32_t prefill = gw_json_is(item, GW_JSON_STRING) ? config_prefill(item->text) : PREFILLS;
    draft->prefill = (uint8_t)prefill;
    return prefill < PREFILLS || reader_fail(r, item, GW_STR("is not a way to go on"),
                                             GW_STR("give \"llama.cpp\" or \"vllm\""));
}

static const struct reader_field backend_fields[] = {
    {GW_STR_INIT("url"), read_backend_url, 0, 0, 0},
    {GW_STR_INIT("in_flight_max"), NULL, offsetof(struct backend_draft, in_flight_max), 1, 100000},
    {GW_STR_INIT("first_byte_ms"), NULL, offsetof(struct backend_draft, first_byte_ms), 100,
     3600000},
    {GW_STR_INIT("prefill"), read_prefill, 0, 0, 0},
};

/* A backend is an object, or just its URL. */
static bool read_backend(struct reader *r, const struct gw_json *item, struct backend_conf *out) {
    struct backend_draft draft = {.in_flight_max = out->in_flight_max,
                                  .first_byte_ms = (uint64_t)out->first_byte_ms,
                                  .prefill = out->prefill};
    bool ok = gw_json_is(item, GW_JSON_STRING) ? read_backend_url(r, item, &draft)
                                               : reader_object(r, item, backend_fields, 4, &draft);
    if (!ok)
        return false;
    if (draft.has_url)
        config_set_backend(out, &draft.url);
    out->in_flight_max = (uint32_t)draft.in_flight_max;
    out->first_byte_ms = (double)draft.first_byte_ms;
    out->prefill = draft.prefill;
    return true;
}

static bool read_node(struct reader *r, const struct gw_json *item, void *into) {
    struct config *conf = into;
    uint64_t n;
    if (!gw_str_u64(item->name, &n) || n < 1 || n > GW_NODES)
        return reader_fail(r, item, GW_STR("is not a node"), GW_STR("nodes are \"1\" to \"8\""));
    return read_backend(r, item, &conf->nodes[n - 1]);
}

static bool read_nodes(struct reader *r, const struct gw_json *item, void *into) {
    return reader_each(r, item, read_node, into);
}

static bool read_in_flight(struct reader *r, const struct gw_json *item, void *into) {
    struct config *conf = into;
    uint64_t n;
    if (!reader_u64(r, item, 1, 100000, &n))
        return false;
    for (uint32_t i = 0; i < GW_NODES; i++)
        conf->nodes[i].in_flight_max = (uint32_t)n;
    return true;
}

static bool read_first_byte(struct reader *r, const struct gw_json *item, void *into) {
    struct config *conf = into;
    uint64_t n;
    if (!reader_u64(r, item, 100, 3600000, &n))
        return false;
    for (uint32_t i = 0; i < GW_NODES; i++)
        conf->nodes[i].first_byte_ms = (double)n;
    return true;
}

static bool read_resume_seed(struct reader *r, const struct gw_json *item, void *into) {
    struct config *conf = into;
    return reader_bool(r, item, &conf->resume_seed);
}

/* The names are resolved when the services are known: see resolve_overflow. */
static bool skip(struct reader *r, const struct gw_json *item, void *into) {
    (void)r, (void)item, (void)into;
    return true;
}

/* Dialects, by name. */
static bool read_speaks(struct reader *r, const struct gw_json *item, void *into) {
    struct config *conf = into;
    const struct dialect *d;
    uint32_t i;
    if (!gw_json_is(item, GW_JSON_ARRAY))
        return reader_fail(r, item, GW_STR("is no list"), GW_STR("list the dialects by name"));
    for (const struct gw_json *one = item->child; one != NULL; one = one->next) {
        for (i = 0; (d = dialects_at(i)) != NULL; i++)
            if (gw_json_is(one, GW_JSON_STRING) && gw_str_eq(d->name, one->text))
                break;
        if (d == NULL)
            return reader_fail(
                r, one, GW_STR("is no dialect"),
                GW_STR("use openai, responses, anthropic, gemini, ollama or bedrock"));
        conf->nodes_speak |= 1U << i;
    }
    return true;
}

static bool read_heavy(struct reader *r, const struct gw_json *item, void *into) {
    static const struct reader_field fields[] = {
        {GW_STR_INIT("queue_ms"), NULL, offsetof(struct config, queue_ms), 0, 60000},
        {GW_STR_INIT("queue_longest_ms"), NULL, offsetof(struct config, queue_longest_ms), 0,
         600000},
        {GW_STR_INIT("queue_max"), NULL, offsetof(struct config, queue_max), 0, 100000},
        {GW_STR_INIT("in_flight_max"), read_in_flight, 0, 0, 0},
        {GW_STR_INIT("first_byte_ms"), read_first_byte, 0, 0, 0},
        {GW_STR_INIT("classes"), read_classes, 0, 0, 0},
        {GW_STR_INIT("nodes"), read_nodes, 0, 0, 0},
        {GW_STR_INIT("overflow"), skip, 0, 0, 0},
        {GW_STR_INIT("resume_seed"), read_resume_seed, 0, 0, 0},
        {GW_STR_INIT("speaks"), read_speaks, 0, 0, 0},
    };
    return reader_object(r, item, fields, sizeof fields / sizeof *fields, into);
}

static bool read_service(struct reader *r, const struct gw_json *item, void *into) {
    struct backend_conf *service = config_service(into, item->name);
    if (service == NULL)
        return reader_fail(r, item, GW_STR("is not a service name, or there are more than 32"),
                           GW_STR("use letters, digits, \"-\" and \"_\""));
    return read_backend(r, item, service) &&
           (service->set ||
            reader_fail(r, item, GW_STR("has no endpoint"), GW_STR("give it a \"url\"")));
}

static bool read_services(struct reader *r, const struct gw_json *item, void *into) {
    return reader_each(r, item, read_service, into);
}

static bool read_twin(struct reader *r, const struct gw_json *item, void *into) {
    struct config *conf = into;
    return read_backend(r, item, &conf->twin);
}

static bool read_local(struct reader *r, const struct gw_json *item, void *into) {
    static const struct reader_field fields[] = {
        {GW_STR_INIT("endpoint"), read_twin, 0, 0, 0},
        {GW_STR_INIT("services"), read_services, 0, 0, 0},
        {GW_STR_INIT("default"), skip, 0, 0, 0},
    };
    return reader_object(r, item, fields, sizeof fields / sizeof *fields, into);
}

static bool read_listen(struct reader *r, const struct gw_json *item, void *into) {
    struct config *conf = into;
    struct gw_buf lines;
    gw_buf_init(&lines, &conf->arena, 4096);
    if (!gw_json_is(item, GW_JSON_ARRAY) || item->child == NULL)
        return reader_fail(r, item, GW_STR("is not a list of addresses"),
                           GW_STR("give addresses such as [\"127.0.0.1:4700\"]"));
    for (const struct gw_json *m = item->child; m != NULL; m = m->next) {
        struct gw_str address;
        if (!reader_text(r, m, &address))
            return false;
        gw_buf_put(&lines, address);
        gw_buf_putc(&lines, '\n');
    }
    conf->listen = gw_buf_str(&lines);
    return true;
}

static bool read_log(struct reader *r, const struct gw_json *item, void *into) {
    struct config *conf = into;
    bool on;
    if (!reader_bool(r, item, &on))
        return false;
    conf->limits.log_requests = on;
    return true;
}

/* Credentials, and those that are the hosts' to write or that end at each hop. */
static bool is_hop_header(struct gw_str s) {
    static const struct gw_str names[] = {
        GW_STR_INIT("host"),      GW_STR_INIT("date"),           GW_STR_INIT("connection"),
        GW_STR_INIT("te"),        GW_STR_INIT("content-length"), GW_STR_INIT("transfer-encoding"),
        GW_STR_INIT("trailer"),   GW_STR_INIT("keep-alive"),     GW_STR_INIT("accept-encoding"),
        GW_STR_INIT("expect"),    GW_STR_INIT("upgrade"),        GW_STR_INIT("cookie"),
        GW_STR_INIT("x-api-key"), GW_STR_INIT("authorization"),  GW_STR_INIT("x-goog-api-key")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (gw_str_eq(names[i], s))
            return true;
    return gw_str_starts(s, GW_STR("proxy-")) || gw_str_starts(s, GW_STR("x-heady-"));
}

static bool is_header_name(struct gw_str s) {
    if (s.n == 0 || s.n > 64 || is_hop_header(s))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return true;
}

static bool read_request_headers(struct reader *r, const struct gw_json *item, void *into) {
    struct config *conf = into;
    uint32_t n = 0;
    for (const struct gw_json *m = item->child; m != NULL; m = m->next)
        n++;
    if (!gw_json_is(item, GW_JSON_ARRAY) || n == 0 || n > 32)
        return reader_fail(r, item, GW_STR("is not a list of 1 to 32 header names"),
                           GW_STR("give names such as [\"x-tenant\"]"));
    struct gw_str *names = gw_arena_get(&conf->arena, n * sizeof *names);
    if (names == NULL)
        return reader_fail(r, item, GW_STR("does not fit into memory"), GW_STR("name fewer"));
    n = 0;
    for (const struct gw_json *m = item->child; m != NULL; m = m->next, n++) {
        if (!reader_text(r, m, &names[n]))
            return false;
        if (!is_header_name(names[n]))
            return reader_fail(
                r, item, GW_STR("holds a name that cannot be passed on"),
                GW_STR("use lower-case names; no credentials, nothing that ends at each hop"));
    }
    conf->request_headers = names;
    conf->request_headers_n = n;
    return true;
}

static bool read_profile(struct reader *r, const struct gw_json *item, void *into) {
    struct config *conf = into;
    struct gw_str name;
    if (!reader_text(r, item, &name))
        return false;
    return config_profile(conf, name) ||
           reader_fail(r, item, GW_STR("is not a profile"),
                       GW_STR("the profiles are conservative, balanced, performance"));
}

static bool read_breaker(struct reader *r, const struct gw_json *item, void *into) {
    static const struct reader_field fields[] = {
        {GW_STR_INIT("failure_threshold"), NULL, offsetof(struct breaker_conf, threshold), 1,
         BREAKER_THRESHOLD_MAX},
        {GW_STR_INIT("recovery_ms"), NULL, offsetof(struct breaker_conf, recovery_ms), 100,
         3600000},
        {GW_STR_INIT("predictive_ms"), NULL, offsetof(struct breaker_conf, predictive_ms), 0,
         600000},
    };
    struct config *conf = into;
    return reader_object(r, item, fields, sizeof fields / sizeof *fields, &conf->breaker);
}

static bool read_unsupported(struct reader *r, const struct gw_json *item, void *into) {
    static const struct gw_str words[] = {
        [CONFIG_AS_USUAL] = GW_STR_INIT("usual"),
        [CONFIG_DROP] = GW_STR_INIT("drop"),
        [CONFIG_WARN] = GW_STR_INIT("warn"),
        [CONFIG_REJECT] = GW_STR_INIT("reject"),
    };
    struct config *conf = into;
    for (uint32_t i = 0; i < sizeof words / sizeof *words; i++)
        if (gw_json_is(item, GW_JSON_STRING) && gw_str_eq(item->text, words[i])) {
            conf->on_unsupported = i;
            return true;
        }
    return reader_fail(r, item, GW_STR("is none of the ways to go on"),
                       GW_STR("use \"usual\", \"drop\", \"warn\" or \"reject\""));
}

static bool read_root(struct reader *r) {
    static const struct reader_field fields[] = {
        {GW_STR_INIT("listen"), read_listen, 0, 0, 0},
        {GW_STR_INIT("profile"), read_profile, 0, 0, 0},
        {GW_STR_INIT("heavy"), read_heavy, 0, 0, 0},
        {GW_STR_INIT("local"), read_local, 0, 0, 0},
        {GW_STR_INIT("providers"), config_providers, 0, 0, 0},
        {GW_STR_INIT("models"), skip, 0, 0, 0},
        {GW_STR_INIT("breaker"), read_breaker, 0, 0, 0},
        {GW_STR_INIT("limits"), read_limits, 0, 0, 0},
        {GW_STR_INIT("upstream_tls"), config_tls, 0, 0, 0},
        {GW_STR_INIT("request_headers"), read_request_headers, 0, 0, 0},
        {GW_STR_INIT("log_requests"), read_log, 0, 0, 0},
        {GW_STR_INIT("on_unsupported"), read_unsupported, 0, 0, 0},
    };
    return reader_object(r, r->root, fields, sizeof fields / sizeof *fields, r->conf);
}

/* The last ones need what is in the environment, too. */
static bool resolve_overflow(struct reader *r, const struct gw_json *list) {
    struct config *conf = r->conf;
    if (list == NULL)
        return true;
    if (!gw_json_is(list, GW_JSON_ARRAY))
        return reader_fail(r, list, GW_STR("is not a list"),
                           GW_STR("give services such as [\"local/brain\"]"));
    for (const struct gw_json *m = list->child; m != NULL; m = m->next) {
        struct gw_str name;
        if (!reader_text(r, m, &name))
            return false;
        uint32_t i = gw_str_eq(name, GW_STR("local")) ? conf->service_default : GW_SERVICES;
        if (gw_str_starts(name, GW_STR("local/")))
            i = config_service_index(conf, gw_str_sub(name, 6, name.n));
        if (i >= conf->services_n || conf->overflow_n == GW_SERVICES)
            return reader_fail(r, m, GW_STR("heavy.overflow names no configured service"),
                               GW_STR("give \"local\" or \"local/<service>\" of LOCAL_SERVICES"));
        conf->overflow[conf->overflow_n++] = i;
    }
    return true;
}

static bool resolve_default(struct reader *r, const struct gw_json *item) {
    struct config *conf = r->conf;
    struct gw_str name;
    conf->service_default = conf->services_n > 0 ? 0 : GW_SERVICES;
    if (item == NULL)
        return true;
    if (!reader_text(r, item, &name))
        return false;
    conf->service_default = config_service_index(conf, name);
    return conf->service_default < conf->services_n ||
           reader_fail(r, item, GW_STR("names no configured service"),
                       GW_STR("name one of local.services or LOCAL_SERVICES"));
}

static bool read_all(struct reader *r, const struct gw_source *source) {
    const struct gw_json *local = gw_json_member(r->root, GW_STR("local"));
    const struct gw_json *heavy = gw_json_member(r->root, GW_STR("heavy"));
    if (r->root != NULL && !read_root(r))
        return false;
    return config_env(r->conf, source, r->why) &&
           config_models(r, gw_json_member(r->root, GW_STR("models"))) &&
           config_failover(r->conf, source, r->why) &&
           resolve_default(r, gw_json_member(local, GW_STR("default"))) &&
           resolve_overflow(r, gw_json_member(heavy, GW_STR("overflow")));
}

static void put_json_error(struct gw_buf *why, const struct gw_json_error *e) {
    if (e->full) {
        gw_buf_put(why, GW_STR("out of memory; give the gateway more"));
        return;
    }
    gw_buf_put(why, GW_STR("line "));
    gw_buf_put_u64(why, e->line);
    gw_buf_put(why, GW_STR(", column "));
    gw_buf_put_u64(why, e->column);
    gw_buf_put(why, GW_STR(": "));
    gw_buf_put(why, gw_str(e->what, strlen(e->what)));
    gw_buf_put(why, GW_STR("; mend the JSON there (comments // and /* */ are allowed)"));
}

bool config_file_read(struct config *conf, const struct gw_source *source, struct gw_buf *why) {
    struct gw_json_error error = {.what = NULL};
    struct gw_arena tree;
    struct reader r = {.text = source->file, .conf = conf, .why = why};
    gw_arena_init(&tree, conf->arena.mem, 4096, gw_json_most(source->file.n));
    if (gw_str_trim(source->file).n > 0)
        r.root = gw_json_parse(source->file, GW_JSON_COMMENTS, &tree, &error);
    if (error.what != NULL)
        put_json_error(why, &error);
    bool ok = error.what == NULL && read_all(&r, source);
    gw_arena_del(&tree);
    return ok;
}
