/*
 * The request side of a call: who asks, for what, and the body on its way in.
 */
#include "core/call/call.h"
#include "core/policy/access.h"

static const struct gw_str bad_request = GW_STR_INIT("invalid_request_error");

static void refuse(struct gw_call *c, uint32_t status, struct gw_str code, struct gw_str message,
                   struct gw_time now) {
    const struct call_error e = {
        .status = status, .type = bad_request, .code = code, .message = message};
    end_refuse(c, &e, now);
}

/* "known: a, b, c" behind a sentence, in the call's arena. */
static struct gw_str sentence_with_classes(struct gw_call *c) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, 512);
    gw_buf_put(&b, GW_STR("no such class under /api/heavy/; the classes are "));
    for (uint32_t i = 0; i < GW_CLASSES; i++) {
        gw_buf_put(&b, config_class_names[i]);
        gw_buf_put(&b, GW_STR(", "));
    }
    gw_buf_put(&b, GW_STR("and process"));
    return gw_buf_str(&b);
}

static struct gw_str sentence_with_services(struct gw_call *c) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, 2048);
    gw_buf_put(&b, GW_STR("no such service under /api/local/; the services are "));
    for (uint32_t i = 0; i < c->conf->services_n; i++) {
        if (i > 0)
            gw_buf_put(&b, GW_STR(", "));
        gw_buf_put(&b, gw_str_sub(c->conf->services[i].target.name, 6, 64));
    }
    if (c->conf->services_n == 0)
        gw_buf_put(&b, GW_STR("none yet: set LOCAL_SERVICES"));
    return gw_buf_str(&b);
}

/* False, and the call is refused, unless the request may come in. */
static bool admit(struct gw_call *c, const struct gw_req_head *req, struct gw_time now) {
    struct identity who;
    enum access_answer access = access_check(c->conf, req, &c->head, now, &who);
    struct call_error e = {.status = 401, .type = GW_STR("authentication_error")};
    c->key = who.key;
    c->key_name = gw_arena_dup(&c->arena, who.name); /* a certificate's is the host's */
    c->from_twin = who.hop;
    if (who.id.n > 0)
        c->head.request_id = who.id;
    switch (access) {
    case GW_ACCESS_OK:
        return true;
    case GW_ACCESS_NO_KEYS:
        e.status = 503;
        e.type = GW_STR("server_error");
        e.code = GW_STR("no_keys_configured");
        e.message = GW_STR("this gateway has no keys and so serves nobody; set GATEWAY_KEYS, or "
                           "GATEWAY_AUTH=off");
        break;
    case GW_ACCESS_NO_KEY:
        e.code = GW_STR("missing_api_key");
        e.message = GW_STR("no key came with the request; send one as \"authorization: Bearer "
                           "KEY\", x-api-key or x-goog-api-key");
        break;
    case GW_ACCESS_BAD_KEY:
        e.code = GW_STR("invalid_api_key");
        e.message = GW_STR("the key is not one of this gateway's; check it, or make one with: "
                           "heady-gateway keys new NAME");
        break;
    case GW_ACCESS_PAGE:
        e.status = 403;
        e.type = GW_STR("permission_error");
        e.code = GW_STR("foreign_page");
        e.message = GW_STR("a web page of another site may not call this gateway in its visitor's "
                           "name; call it with a key");
        break;
    default:
        e.status = 403;
        e.type = GW_STR("permission_error");
        e.code = GW_STR("keyless_loopback_only");
        e.message = GW_STR("without keys this gateway serves its own machine only: no foreign "
                           "Host, Origin or proxy headers; set GATEWAY_KEYS to open it");
        break;
    }
    end_refuse(c, &e, now);
    return false;
}

static bool is_method(struct gw_str m) {
    static const struct gw_str known[] = {
        GW_STR_INIT("GET"),   GW_STR_INIT("POST"),   GW_STR_INIT("HEAD"),   GW_STR_INIT("PUT"),
        GW_STR_INIT("PATCH"), GW_STR_INIT("DELETE"), GW_STR_INIT("OPTIONS")};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gw_str_eq(m, known[i]))
            return true;
    return false;
}

static bool is_read(const struct gw_call *c) {
    return gw_str_eq(c->method, GW_STR("GET")) || gw_str_eq(c->method, GW_STR("HEAD"));
}

#define ALL_METHODS GW_STR("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")

static void refuse_method(struct gw_call *c, struct gw_str allow, struct gw_time now) {
    end_refuse(c,
               &(struct call_error){.status = 405,
                                    .type = bad_request,
                                    .code = GW_STR("method_not_allowed"),
                                    .allow = allow,
                                    .message = GW_STR("this method is not offered here; the "
                                                      "allow header names those that are")},
               now);
}

/* What can be said without knowing who asks: false, and the call is refused. */
static bool is_http_we_speak(struct gw_call *c, struct gw_time now) {
    if (gw_str_eq(c->method, GW_STR("CONNECT")) || c->head.upgrade) {
        refuse(c, 501, GW_STR("not_implemented"),
               GW_STR("CONNECT, WebSocket and other upgrades are not offered; use plain requests "
                      "and event streams"),
               now);
        return false;
    }
    if (!is_method(c->method)) {
        refuse_method(c, ALL_METHODS, now);
        return false;
    }
    if (c->head.two_credentials) {
        refuse(c, 400, GW_STR("two_credentials"),
               GW_STR("the authorization header, or the one for the key, came twice; send one"),
               now);
        return false;
    }
    return true;
}

static bool check_method_of_route(struct gw_call *c, struct gw_time now) {
    bool get_only = c->route.kind == GW_ROUTE_HEALTH || c->route.kind == GW_ROUTE_API_HEALTH ||
                    c->route.kind == GW_ROUTE_NODES;
    if (get_only && !is_read(c)) {
        refuse_method(c, GW_STR("GET, HEAD"), now);
        return false;
    }
    if (c->route.kind == GW_ROUTE_PROCESS && !gw_str_eq(c->method, GW_STR("POST"))) {
        refuse_method(c, GW_STR("POST"), now);
        return false;
    }
    if (c->route.kind == GW_ROUTE_NODE && !gw_str_eq(c->method, GW_STR("POST")) &&
        !gw_str_eq(c->method, GW_STR("DELETE"))) {
        refuse_method(c, GW_STR("POST, DELETE"), now);
        return false;
    }
    return true;
}

static void make_id(struct gw_call *c) {
    struct gw_buf b;
    uint64_t words[2] = {gw_rng_next(&c->gw->rng), gw_rng_next(&c->gw->rng)};
    uint8_t bytes[16];
    if (c->head.request_id.n > 0) {
        c->id = gw_arena_dup(&c->arena, c->head.request_id);
        return;
    }
    gw_buf_init(&b, &c->arena, 32);
    for (int i = 0; i < 16; i++)
        bytes[i] = (uint8_t)(words[i / 8] >> (i % 8 * 8));
    gw_buf_put_hex(&b, bytes, sizeof bytes);
    c->id = gw_buf_str(&b);
}

/* The head is only borrowed: keep what the call needs later. */
static struct gw_str keep_head(struct gw_call *c, const struct gw_req_head *req) {
    gw_buf_init(&c->up_head, &c->arena, CALL_HEAD_MAX);
    head_from_client(c->conf, req, &c->head, &c->up_head);
    c->method = gw_arena_dup(&c->arena, req->method);
    struct gw_str target = gw_arena_dup(&c->arena, req->target);
    ptrdiff_t mark = gw_str_chr(target, '?');
    c->query = mark < 0 ? GW_STR("") : gw_str_sub(target, (size_t)mark, target.n);
    c->body.declared = req->body_len;
    c->body.fin = req->body_len == 0;
    c->streamed = c->head.wants_stream;
    double limit = (double)c->conf->limits.request_ms;
    c->client_limited = c->head.timeout_ms > 0 && c->head.timeout_ms < limit;
    c->deadline_ms = c->opened_ms + (c->client_limited ? c->head.timeout_ms : limit);
    return mark < 0 ? target : gw_str_sub(target, 0, (size_t)mark);
}

/* Whether the answer is passed on as bytes that nobody here looks at. A class's may be a stream to be
 * observed, or an error to be read. */
static bool is_unseen(const struct gw_call *c) {
    if (c->route.kind == GW_ROUTE_HEAVY)
        return c->head.fast || !c->conf->classes[c->route.class].inspect;
    return c->route.kind == GW_ROUTE_LOCAL || c->route.kind == GW_ROUTE_TWIN || c->head.fast;
}

static void finish_up_head(struct gw_call *c) {
    bool packed = is_unseen(c) && c->head.accept_encoding.n > 0;
    head_put(&c->up_head, GW_STR("x-request-id"), c->id);
    /* Nobody here unpacks anything. */
    head_put(&c->up_head, GW_STR("accept-encoding"),
             packed ? c->head.accept_encoding : GW_STR("identity"));
    c->up_head_n = c->up_head.n;
    c->arena_full |= c->up_head.full;
}

static void answer_health(struct gw_call *c, struct gw_time now) {
    end_reply(c, 200, GW_STR("text/plain"), GW_STR("healthy\n"), now);
}

static bool ends_with(struct gw_str s, struct gw_str end) {
    return s.n >= end.n && gw_str_eq(gw_str_sub(s, s.n - end.n, end.n), end);
}

/* Whether the body may hold a conversation, which stays with its node. */
static bool may_talk(const struct gw_call *c) {
    return (ends_with(c->route.rest, GW_STR("/chat/completions")) ||
            ends_with(c->route.rest, GW_STR("/messages")) ||
            ends_with(c->route.rest, GW_STR("/api/chat")));
}

/* A model gets its request when that is whole, or has come further than is worth holding: its slots are
 * few, and are for work. A service or the twin is asked at once: it may answer while the body comes. */
static void start(struct gw_call *c, struct gw_time now) {
    if (!c->body.fin)
        body_begin(c, c->conf->limits.replay_bytes_max, false, now);
    if (c->route.kind != GW_ROUTE_HEAVY || c->body.fin || c->body.forgotten) {
        try_begin(c, now);
        return;
    }
    c->state = CALL_SNIFF;
    c->talks = may_talk(c);
}

bool request_check_class(struct gw_call *c, struct gw_time now) {
    if (c->key == NULL || (c->key->classes & (1u << c->route.class)))
        return true;
    end_refuse(c,
               &(struct call_error){.status = 403,
                                    .type = GW_STR("permission_error"),
                                    .code = GW_STR("class_not_allowed"),
                                    .message = GW_STR("this key may not use this class; ask "
                                                      "for classes= in GATEWAY_KEYS")},
               now);
    return false;
}

/* /api/heavy/process: nothing is sent before the body has said its type. */
static void sniff(struct gw_call *c, struct gw_time now) {
    c->state = CALL_SNIFF;
    if (c->body.fin) {
        refuse(c, 400, GW_STR("invalid_json"), GW_STR("the request has no body; send JSON"), now);
        return;
    }
    /* one more shows that it is too large */
    body_begin(c, c->conf->limits.json_bytes_max + 1, true, now);
}

static void follow_route(struct gw_call *c, struct gw_time now) {
    switch (c->route.kind) {
    case GW_ROUTE_API_HEALTH:
        end_reply(c, 200, GW_STR("application/json"), gw_show(c->gw, GW_SHOW_HEALTH, now), now);
        break;
    case GW_ROUTE_PROCESS:
        sniff(c, now);
        break;
    case GW_ROUTE_HEAVY:
        if (request_check_class(c, now))
            start(c, now);
        break;
    case GW_ROUTE_LOCAL:
        start(c, now);
        break;
    case GW_ROUTE_TWIN:
        if (!c->from_twin)
            start(c, now);
        else
            refuse(c, 508, GW_STR("loop_detected"),
                   GW_STR("this request came from the twin and would go back to it; check "
                          "LOCAL_ENDPOINT"),
                   now);
        break;
    case GW_ROUTE_NODES:
        end_refuse(c,
                   &(struct call_error){.status = 403,
                                        .type = GW_STR("permission_error"),
                                        .code = GW_STR("twin_only"),
                                        .message = GW_STR("the list of nodes is for the twin "
                                                          "alone; see /api/health")},
                   now);
        break;
    case GW_ROUTE_HEAVY_UNKNOWN:
        refuse(c, 404, GW_STR("unknown_class"), sentence_with_classes(c), now);
        break;
    case GW_ROUTE_LOCAL_UNKNOWN:
        refuse(c, 404, GW_STR("unknown_service"), sentence_with_services(c), now);
        break;
    default:
        refuse(c, 404, GW_STR("not_found"),
               GW_STR("nothing is at this path; see /api/heavy/, "
                      "/api/local/ and /health"),
               now);
        break;
    }
}

/* False, and the call is answered, unless its route wants it to be admitted. Nodes show themselves by
 * their signature, the twin that asks for them by its own. */
static bool follow_open_route(struct gw_call *c, const struct gw_req_head *req, struct gw_str path,
                              struct gw_time now) {
    switch (c->route.kind) {
    case GW_ROUTE_HEALTH:
        if (check_method_of_route(c, now))
            answer_health(c, now);
        return false;
    case GW_ROUTE_NODE:
        if (check_method_of_route(c, now))
            nodes_on_request(c, path, req->body_len, now);
        return false;
    case GW_ROUTE_NODES:
        c->from_twin = access_is_twin(c->conf, req, &c->head, now);
        if (c->from_twin && check_method_of_route(c, now))
            nodes_tell(c, now);
        return !c->from_twin;
    default:
        return true;
    }
}

int request_on_head(struct gw_call *c, const struct gw_req_head *req, struct gw_time now) {
    if (c->state != CALL_NEW || c->has_request)
        return GW_EUSE;
    c->has_request = true;
    struct gw_str path = keep_head(c, req);
    make_id(c);
    c->route.name = GW_STR("none");
    if (!is_http_we_speak(c, now))
        return 0;
    if (gw_str_eq(path, GW_STR("*")) && gw_str_eq(c->method, GW_STR("OPTIONS"))) {
        call_reply_allow(c, ALL_METHODS, now);
        return 0;
    }
    const char *bad = url_check_path(path);
    if (bad == NULL)
        c->route = route_of(c->conf, path);
    finish_up_head(c);
    if (!follow_open_route(c, req, path, now) || !admit(c, req, now))
        return 0;
    if (bad != NULL) {
        refuse(c, 400, GW_STR("invalid_path"), gw_str(bad, strlen(bad)), now);
        return 0;
    }
    if (check_method_of_route(c, now) && body_check_size(c, req->body_len, now))
        follow_route(c, now);
    return 0;
}
