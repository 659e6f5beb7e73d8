/*
 * The request side of a call: who asks, and for what.
 */
#include "core/call/call.h"
#include "core/policy/access.h"

static const struct gw_str bad_request = GW_STR_INIT("invalid_request_error");

static struct next refuse(struct gw_call *c, uint32_t status, struct gw_str code,
                          struct gw_str message) {
    return end_refuse(c,
                      &(struct call_error){
                          .status = status, .type = bad_request, .code = code, .message = message});
}

/* A sentence that ends with the names of the classes, in the call's arena. */
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

/* Whether this client may come in; if not, the call's error says why. */
static bool may_come_in(struct gw_call *c, const struct gw_req_head *req, struct gw_time now) {
    struct identity who;
    enum access_answer access = access_check(c->conf, req, &c->head, now, &who);
    struct call_error e = {.status = 401, .type = GW_STR("authentication_error"), .is_final = true};
    c->key = who.key;
    c->key_name = gw_arena_dup(&c->arena, who.name); /* a certificate's is the host's */
    c->body.client = room_client(c->conf, c->key, c->key_name);
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
    c->error = e;
    return false;
}

static struct gw_str names_of(struct gw_call *c, uint32_t methods) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, 64);
    route_put_methods(methods, &b);
    return gw_buf_str(&b);
}

static struct next refuse_method(struct gw_call *c, uint32_t methods) {
    return end_refuse(
        c, &(struct call_error){.status = 405,
                                .type = bad_request,
                                .code = GW_STR("method_not_allowed"),
                                .allow = names_of(c, methods),
                                .message = GW_STR("this method is not offered here; the allow "
                                                  "header names those that are")});
}

/* What can be refused without knowing who asks. */
static struct next check_http(struct gw_call *c) {
    if (c->head.upgrade && gw_str_ends(c->path, GW_STR("/responses")) &&
        !gw_str_starts(c->path, GW_STR("/api/local/")))
        return refuse(c, 426, GW_STR("websocket_not_offered"),
                      GW_STR("Responses come as event streams here, not by WebSocket; send a POST "
                             "with \"stream\": true")); /* then Codex does so at once */
    if (gw_str_eq(c->method, GW_STR("CONNECT")) || c->head.upgrade)
        return refuse(c, 501, GW_STR("not_implemented"),
                      GW_STR("CONNECT, WebSocket and other upgrades are not offered; use plain "
                             "requests and event streams"));
    if (route_method(c->method) == 0)
        return refuse_method(c, ROUTE_ALL);
    if (c->head.two_credentials)
        return refuse(
            c, 400, GW_STR("two_credentials"),
            GW_STR("the authorization header, or the one for the key, came twice; send one"));
    return next_on();
}

static struct next check_method(struct gw_call *c) {
    uint32_t methods = route_rules[c->route.kind].methods;
    if (methods != ROUTE_ALL && !(methods & route_method(c->method)))
        return refuse_method(c, methods);
    return next_on();
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

/* Whether the answer is passed on as bytes that are not looked at here. That of a class may be a stream
 * to observe, or an error to read. */
static bool is_unseen(const struct gw_call *c) {
    return !route_rules[c->route.kind].judged || c->head.fast || !answer_is_inspected(c);
}

static void finish_up_head(struct gw_call *c) {
    /* A provider's refusal may have to be read, whatever the client wants. */
    bool packed = is_unseen(c) && c->head.accept_encoding.n > 0 && c->route.kind != GW_ROUTE_AI &&
                  c->route.kind != GW_ROUTE_MODEL;
    head_put(&c->up_head, GW_STR("x-request-id"), c->id);
    /* Nobody here unpacks anything. */
    head_put(&c->up_head, GW_STR("accept-encoding"),
             packed ? c->head.accept_encoding : GW_STR("identity"));
    c->up_head_n = c->up_head.n;
    c->arena_full |= c->up_head.full;
}

/* What the path says of the body: whether it may hold a conversation, which stays with its node, and
 * whether it may get a seed. */
static void note_path(struct gw_call *c) {
    if (c->route.kind != GW_ROUTE_HEAVY && c->route.kind != GW_ROUTE_MODEL)
        return;
    const struct dialect *d = dialects_of_path(c->route.rest, &c->talks);
    c->dialect = d;
    c->binds = d != NULL && d->binds;
    c->seeds = d != NULL && seed_may_be_wanted(c, d);
}

struct next request_refuse_class(struct gw_call *c) {
    return end_refuse(
        c, &(struct call_error){.status = 403,
                                .type = GW_STR("permission_error"),
                                .code = GW_STR("class_not_allowed"),
                                .message = GW_STR("this key may not use this class; ask for "
                                                  "classes= in GATEWAY_KEYS")});
}

static struct next check_class(struct gw_call *c) {
    bool may = c->key == NULL || (c->key->classes & (1u << c->route.class)) != 0;
    return may ? next_on() : request_refuse_class(c);
}

static struct next refuse_strangers(struct gw_call *c) {
    return end_refuse(
        c, &(struct call_error){.status = 403,
                                .type = GW_STR("permission_error"),
                                .code = GW_STR("twin_only"),
                                .message = GW_STR("the list of nodes is for the twin alone; see "
                                                  "/api/health")});
}

/* ------------------------------------------------------------------ admit */

/* What this route makes of a client that may come in. */
static struct next follow_route(struct gw_call *c, struct gw_time now) {
    switch (c->route.kind) {
    case GW_ROUTE_API_HEALTH:
        return end_reply(c, 200, GW_STR("application/json"), gw_show(c->gw, GW_SHOW_HEALTH, now),
                         now);
    case GW_ROUTE_PROCESS:
    case GW_ROUTE_MODEL:
    case GW_ROUTE_LOCAL:
        return next_on();
    case GW_ROUTE_HEAVY:
        return check_class(c);
    case GW_ROUTE_AI:
        return provider_check(c);
    case GW_ROUTE_GENERATE:
        return generate_check(c);
    case GW_ROUTE_MODELS:
        return catalog_tell(c, now);
    case GW_ROUTE_RESPONSE:
        return remember_tell(c, now);
    case GW_ROUTE_AI_UNKNOWN:
        return provider_refuse_unknown(c);
    case GW_ROUTE_TWIN:
        if (!c->from_twin)
            return next_on();
        return refuse(c, 508, GW_STR("loop_detected"),
                      GW_STR("this request came from the twin and would go back to it; check "
                             "LOCAL_ENDPOINT"));
    case GW_ROUTE_NODES:
        return refuse_strangers(c);
    case GW_ROUTE_HEAVY_UNKNOWN:
        return refuse(c, 404, GW_STR("unknown_class"), sentence_with_classes(c));
    case GW_ROUTE_LOCAL_UNKNOWN:
        return refuse(c, 404, GW_STR("unknown_service"), sentence_with_services(c));
    default:
        return refuse(c, 404, GW_STR("not_found"),
                      GW_STR("nothing is at this path; see /api/heavy/, /api/ai/, /api/local/ and "
                             "/health"));
    }
}

/* Routes that need no key. A node proves itself by its signature, and so does the twin that asks for
 * nodes. */
static bool is_open(struct gw_call *c, struct gw_time now) {
    uint32_t who = route_rules[c->route.kind].who;
    if (who == ROUTE_TWIN)
        c->from_twin = access_is_twin(c->conf, c->req, &c->head, now);
    return who == ROUTE_PUBLIC || who == ROUTE_SIGNED || c->from_twin;
}

static struct next follow_open_route(struct gw_call *c, struct gw_time now) {
    struct next next = check_method(c);
    if (!next_is(next, NEXT_ON))
        return next;
    if (c->route.kind == GW_ROUTE_HEALTH)
        return end_reply(c, 200, GW_STR("text/plain"), GW_STR("healthy\n"), now);
    if (c->route.kind == GW_ROUTE_HELLO)
        return end_reply(c, 200, GW_STR("text/plain"), GW_STR("hello\n"), now);
    return c->route.kind == GW_ROUTE_NODES ? nodes_tell(c, now) : nodes_admit(c, now);
}

static struct next follow_closed_route(struct gw_call *c, const char *bad_path,
                                       struct gw_time now) {
    if (!may_come_in(c, c->req, now))
        return next_refuse();
    if (bad_path != NULL)
        return refuse(c, 400, GW_STR("invalid_path"), gw_str(bad_path, strlen(bad_path)));
    struct next next = check_method(c);
    if (next_is(next, NEXT_ON))
        next = body_check_size(c, c->req->body_len);
    return next_is(next, NEXT_ON) ? follow_route(c, now) : next;
}

struct next request_admit(struct gw_call *c, struct gw_time now) {
    c->has_request = true;
    c->path = keep_head(c, c->req);
    make_id(c);
    c->route.name = GW_STR("none");
    struct next next = check_http(c);
    if (!next_is(next, NEXT_ON))
        return next;
    if (gw_str_eq(c->path, GW_STR("*")) && gw_str_eq(c->method, GW_STR("OPTIONS")))
        return end_reply_allow(c, names_of(c, ROUTE_ALL), now);
    const char *bad_path = url_check_path(c->path);
    if (bad_path != NULL && route_is_listing(c->path)) /* SDKs escape the name's slashes there */
        bad_path = url_check_path(models_unescape(c->path, &c->arena));
    if (bad_path == NULL)
        c->route = route_of(c->conf, c->path);
    finish_up_head(c);
    return is_open(c, now) ? follow_open_route(c, now) : follow_closed_route(c, bad_path, now);
}

/* ------------------------------------------------------------------ read */

/* Nothing is sent before the type or the model is known from the body. */
static struct next read_whole(struct gw_call *c, struct gw_time now) {
    if (c->body.fin)
        return refuse(c, 400, GW_STR("invalid_json"), GW_STR("the request has no body; send JSON"));
    /* one more shows that it is too large */
    if (!body_begin(c, c->conf->limits.json_bytes_max + 1, true, now))
        return body_refuse_no_room(c);
    return next_wait(CALL_SNIFF);
}

/* A model gets its request when it is whole, or larger than is worth holding: its slots are few, and are
 * for work. A service or the twin is asked at once: it may answer while the body is still arriving. */
struct next request_read(struct gw_call *c, struct gw_time now) {
    if (c->route.kind == GW_ROUTE_NODE)
        return nodes_read(c, now);
    if (c->route.kind == GW_ROUTE_MODEL)
        note_path(c);
    if (sign_is_due(c))
        return sign_read(c, now);
    if (route_rules[c->route.kind].body == ROUTE_WHOLE)
        return read_whole(c, now);
    if (!c->body.fin)
        (void)body_begin(c, c->conf->limits.replay_bytes_max, false, now);
    if (route_rules[c->route.kind].body != ROUTE_HELD || c->body.fin || c->body.forgotten)
        return next_on();
    note_path(c);
    return next_wait(CALL_SNIFF);
}

struct next request_on_late(struct gw_call *c) {
    return refuse(c, 408, GW_STR("request_timeout"),
                  GW_STR("the request body did not arrive in time; send it again"));
}

/* ------------------------------------------------------------------ decide */

/* What the body says about where the request goes: its class, its model, its first messages, which tell its
 * conversation, and so its node. */
struct next request_decide(struct gw_call *c, struct gw_time now) {
    if (c->route.kind == GW_ROUTE_NODE)
        return nodes_decide(c, now);
    if (c->route.kind == GW_ROUTE_PROCESS) {
        c->route.kind = GW_ROUTE_HEAVY;
        c->route.class = route_class_of_type(facts_type(c->facts));
        c->route.name = route_class_name(c->route.class);
        body_drop_facts(c);
        return check_class(c);
    }
    if (c->route.kind == GW_ROUTE_GENERATE) {
        struct next next = generate_decide(c);
        body_drop_facts(c);
        return next_is(next, NEXT_ON) && sign_is_due(c) ? sign_asked(c) : next;
    }
    if (c->route.kind == GW_ROUTE_MODEL) {
        struct next next = chain_decide(c);
        if (!next_is(next, NEXT_ON))
            return next;
        note_path(c); /* it may have become a class's */
    }
    struct next more = seed_read(c);
    if (!next_is(more, NEXT_ON))
        return more;
    seed_draw(c);
    prefix_note(c);
    bool follows = remember_may_be_asked(c);
    body_drop_facts(c);
    return follows || translate_is_due(c) ? translate_read(c, follows) : next_on();
}
