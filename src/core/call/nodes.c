/*
 * /api/nodes: nodes register themselves (SPEC section 3), and the twin asks where they are.
 *
 *     POST /api/nodes/3      {"url": …, "models": […], "free_vram_mb": …, "in_flight_max": …,
 *                             "expires_in_s": …, "prefill": …}; only url must be there
 *     DELETE /api/nodes/3    the node leaves
 *     x-heady-timestamp      wall clock in ms: newer than the last one, at most REGISTRY_WINDOW_MS off
 *     x-heady-signature      hex HMAC-SHA256 under the node's key of
 *                            METHOD \n PATH \n TIMESTAMP \n hex SHA-256 of the body
 *
 * The signature is the authentication; nothing is read out of the body before it has been verified.
 * The node's key is hex HMAC-SHA256(NODE_SECRET, "node-3"): it opens this node's place and no other.
 * A node at a new URL must first answer a challenge there: GET URL/health with x-heady-challenge is to
 * give 200 with x-heady-proof, hex HMAC-SHA256 under its key of "challenge\n" and the challenge. A node
 * has one challenge under way at a time, so there are at most GW_NODES of them in a process or isolate.
 *
 * These requests are logged, for a refusal names node and reason: never URL or key. Anybody may be
 * refused as often as he likes, so of those of a node that were not granted each loop logs REFUSALS_MAX
 * at once and one each REFUSAL_MS, and the next line says how many were left out.
 */
#include "base/date.h"
#include "base/json.h"
#include "core/call/call.h"
#include "core/config/config_parts.h"

enum {
    BODY_MAX = 16384,
    BODY_MS = 10000,
    PROOF_MS = 5000,
    KEEP_MS = 3000,
    KEEP_LINE_MAX = 1536,
    TELL_MS = 2000, /* how long the registry may take when the twin asks */
    NONCE_BYTES = 16,
    MODELS_MAX = 256,
    IN_FLIGHT_MAX = 10000,
    SOON_MS = 5000,   /* for retry-after */
    ASKING_MS = 6000, /* the place of a challenge that a host has lost: longer than PROOF_MS */
    REFUSALS_MAX = 20,
    REFUSAL_MS = 10000,
};

/* ------------------------------------------------------------------ answers */

static struct gw_str name_of(const struct gw_call *c) {
    return c->conf->nodes[c->route.node].target.name;
}

/* `why` is for the log, `code` and `message` are for the node. */
static struct next refuse(struct gw_call *c, uint32_t status, struct gw_str code, struct gw_str why,
                          struct gw_str message) {
    struct gw_buf b;
    struct call_error e = {.status = status, .code = code, .message = message};
    e.type = status == 401 || status == 409 ? GW_STR("authentication_error")
             : status >= 500                ? GW_STR("server_error")
                                            : GW_STR("invalid_request_error");
    if (status >= 500)
        e.retry_after_s = SOON_MS / 1000;
    gw_buf_init(&b, &c->arena, 256);
    gw_buf_put(&b, GW_STR("registration refused: "));
    gw_buf_put(&b, why);
    end_because(c, name_of(c), gw_buf_str(&b));
    return end_refuse(c, &e);
}

static struct next welcome(struct gw_call *c, struct gw_time now) {
    struct gw_buf b;
    const struct lease *lease = &c->node->lease;
    gw_buf_init(&b, &c->arena, 256);
    gw_buf_put(&b, GW_STR("{\"node\":\""));
    gw_buf_put(&b, name_of(c));
    gw_buf_put(&b, GW_STR("\",\"lease_ends\":"));
    if (lease->url.n > 0) {
        gw_buf_putc(&b, '"');
        gw_date_put_iso(&b, lease->ends);
        gw_buf_put(&b, GW_STR("\",\"heartbeat_s\":60}\n"));
    } else {
        gw_buf_put(&b, GW_STR("null}\n"));
    }
    end_because(c, name_of(c), lease->url.n > 0 ? GW_STR("registered") : GW_STR("left"));
    return end_reply(c, 200, GW_STR("application/json"), gw_buf_str(&b), now);
}

/* ------------------------------------------------------------------ granting */

static struct next refuse_replay(struct gw_call *c) {
    return refuse(
        c, 409, GW_STR("timestamp_not_newer"), GW_STR("replayed or outrun"),
        GW_STR("a registration of this node with this or a newer timestamp has been seen, or may "
               "have been before this gateway began; sign anew with the present time"));
}

/* Once the registry keeps it, somebody else's question may have brought it here already. */
static struct next grant(struct gw_call *c, struct gw_time now) {
    const struct lease *lease = &c->node->lease;
    if (registry_take(&c->gw->cluster, lease, now) ||
        c->gw->cluster.registry.entry[lease->node].lease.stamp <= lease->stamp)
        return welcome(c, now);
    return refuse_replay(c);
}

/* At the edge the registry that all isolates share decides which is the newest. In the rack the store keeps
 * it if there is one: the node hears of it when a crash cannot lose it any more. */
static struct next keep(struct gw_call *c, struct gw_time now) {
    struct gw_buf line;
    if (c->conf->host == GW_EDGE && !c->conf->registry.set)
        return grant(c, now);
    struct gw_action *a = ask_put(c, GW_ASK_KEEP, KEEP_MS, now);
    gw_buf_init(&line, &c->arena, KEEP_LINE_MAX);
    registry_put_line(&c->node->lease, &line);
    c->arena_full |= line.full;
    a->ask.key = name_of(c);
    a->ask.bytes = gw_buf_str(&line);
    return next_wait(CALL_ASK);
}

/* A store that cannot keep it is no reason to do without a node; the registry of all isolates is. */
struct next nodes_on_kept(struct gw_call *c, const struct gw_answer *answer, struct gw_time now) {
    if (answer->status == GW_ANSWER_OLDER)
        return refuse_replay(c);
    if (answer->status == GW_ANSWER_DONE || c->conf->host == GW_RACK)
        return grant(c, now);
    return refuse(
        c, 503, GW_STR("registry_unavailable"), GW_STR("the registry did not keep it"),
        GW_STR("the registry could not keep this registration; send it again, signed anew"));
}

/* ------------------------------------------------------------------ the challenge */

/* A nonce that nobody can foretell without the node's key. */
static struct gw_str make_nonce(struct gw_call *c) {
    struct gw_buf b;
    uint8_t mac[GW_SHA256];
    uint64_t drawn = gw_rng_next(&c->gw->rng);
    const struct gw_str parts[] = {GW_STR("nonce\n"), c->id, c->node->timestamp,
                                   gw_str(&drawn, sizeof drawn)};
    gw_hmac_sha256(c->conf->node_keys[c->route.node], parts, 4, mac);
    gw_buf_init(&b, &c->arena, 64);
    gw_buf_put_hex(&b, mac, NONCE_BYTES);
    return gw_buf_str(&b);
}

void nodes_asked(struct gw_call *c) {
    if (c->node == NULL || c->node->asking <= 0)
        return;
    registry_asked(&c->gw->cluster, c->route.node, c->node->asking);
    c->node->asking = 0;
}

static struct next ask_for_proof(struct gw_call *c, struct gw_str nonce, struct gw_time now) {
    struct gw_action *a = ask_put(c, GW_ASK_PROOF, PROOF_MS, now);
    a->ask.target = c->node->to.target;
    a->ask.key = ask_url(c, &c->node->to, GW_STR("/health"));
    a->ask.bytes = ask_health_head(c, &c->node->to, nonce);
    return next_wait(CALL_ASK);
}

static struct next challenge(struct gw_call *c, struct gw_time now) {
    double until = (double)(uint64_t)(now.mono_ms + ASKING_MS);
    if (!registry_ask(&c->gw->cluster, c->route.node, until, now)) {
        return refuse(
            c, 503, GW_STR("challenge_under_way"), GW_STR("challenged already"),
            GW_STR("another registration of this node waits for the answer to its challenge; send "
                   "this one again, signed anew"));
    }
    c->node->asking = until;
    struct gw_str nonce = make_nonce(c);
    const struct gw_str parts[] = {GW_STR("challenge\n"), nonce};
    gw_hmac_sha256(c->conf->node_keys[c->route.node], parts, 2, c->node->proof);
    return ask_for_proof(c, nonce, now);
}

struct next nodes_on_proof(struct gw_call *c, const struct gw_answer *answer, struct gw_time now) {
    uint8_t given[GW_SHA256];
    nodes_asked(c);
    if (answer->status == GW_ANSWER_DONE && gw_unhex(answer->bytes, given, GW_SHA256) &&
        gw_digest_eq(given, c->node->proof))
        return keep(c, now);
    return refuse(
        c, 403, GW_STR("challenge_failed"), GW_STR("challenge not answered"),
        GW_STR("the node did not answer the challenge at its url: GET /health there must give "
               "200 and x-heady-proof within 5 s"));
}

/* ------------------------------------------------------------------ what the node asks for */

static struct next refuse_field(struct gw_call *c, struct gw_str message) {
    return refuse(c, 400, GW_STR("invalid_registration"), GW_STR("bad field"), message);
}

/* A whole number from 0 to `max`; `out` stays as it is if the member is not there. */
static bool read_number(const struct gw_json *object, struct gw_str name, double max, double *out) {
    const struct gw_json *item = gw_json_member(object, name);
    if (item == NULL)
        return true;
    if (item->kind != GW_JSON_NUMERAL || !(item->number >= 0 && item->number <= max))
        return false;
    *out = (double)(uint64_t)item->number;
    return *out >= item->number;
}

/* Those that can be asked for by name; of too many the first ones. */
static void take_models(struct gw_call *c, const struct gw_json *models, struct lease *lease) {
    struct gw_buf b;
    uint32_t n = 0;
    gw_buf_init(&b, &c->arena, REGISTRY_MODELS_MAX);
    for (const struct gw_json *m = models != NULL ? models->child : NULL; m != NULL; m = m->next) {
        if (!registry_is_model(m->text) || n == REGISTRY_MODELS ||
            b.n + m->text.n + 1 > REGISTRY_MODELS_MAX)
            continue;
        if (n++ > 0)
            gw_buf_putc(&b, ',');
        gw_buf_put(&b, m->text);
    }
    lease->models = gw_buf_str(&b);
}

static bool is_list_of_names(const struct gw_json *models) {
    int n = 0;
    if (models == NULL)
        return true;
    for (const struct gw_json *m = models->child; m != NULL; m = m->next)
        if (!gw_json_is(m, GW_JSON_STRING) || ++n > MODELS_MAX)
            return false;
    return gw_json_is(models, GW_JSON_ARRAY);
}

static bool read_prefill(const struct gw_json *body, struct lease *lease) {
    const struct gw_json *item = gw_json_member(body, GW_STR("prefill"));
    if (item == NULL)
        return true;
    lease->prefill = gw_json_is(item, GW_JSON_STRING) ? config_prefill(item->text) : PREFILLS;
    return lease->prefill < PREFILLS;
}

/* NULL, or what is wrong with the members besides the URL. */
static const char *read_members(const struct gw_json *body, struct lease *lease,
                                struct gw_time now) {
    double vram = 0, in_flight_max = 0, seconds = REGISTRY_LEASE_MS / 1e3;
    if (!is_list_of_names(gw_json_member(body, GW_STR("models"))))
        return "models: is not a list of at most 256 names";
    if (!read_number(body, GW_STR("free_vram_mb"), 1e9, &vram))
        return "free_vram_mb: is not a whole number of MiB";
    if (!read_number(body, GW_STR("in_flight_max"), IN_FLIGHT_MAX, &in_flight_max))
        return "in_flight_max: is not a whole number from 0 (as configured) to 10000";
    if (!read_number(body, GW_STR("expires_in_s"), 1e9, &seconds))
        return "expires_in_s: is not a whole number of seconds; 0 means that the node leaves";
    if (!read_prefill(body, lease))
        return "prefill: is neither \"llama.cpp\" nor \"vllm\"";
    if (seconds > REGISTRY_LEASE_MS / 1e3)
        seconds = REGISTRY_LEASE_MS / 1e3;
    lease->in_flight_max = (uint32_t)in_flight_max;
    lease->ends = (double)(uint64_t)(now.wall_ms + seconds * 1000);
    return NULL;
}

/* False, and the error says why, unless the node may be at this URL. */
static bool read_url(struct gw_call *c, const struct gw_json *item) {
    struct url url;
    struct gw_buf b;
    if (!gw_json_is(item, GW_JSON_STRING)) {
        (void)refuse_field(c, GW_STR("url: is missing; give the node's public https URL"));
        return false;
    }
    const char *why = registry_check_url(c->conf, item->text, &c->arena, &url);
    if (why != NULL) {
        gw_buf_init(&b, &c->arena, 256);
        gw_buf_put(&b, GW_STR("url: "));
        gw_buf_put(&b, gw_str(why, strlen(why)));
        gw_buf_put(&b, GW_STR("; give an https URL whose host is under NODE_HOSTS"));
        (void)refuse(c, 403, GW_STR("url_not_allowed"), gw_str(why, strlen(why)), gw_buf_str(&b));
        return false;
    }
    c->node->lease.url = gw_arena_dup(&c->arena, item->text);
    c->node->to = c->conf->nodes[c->route.node];
    config_set_backend(&c->node->to, &url);
    return true;
}

/* False, and the error says why, unless it is good. */
static bool read_body(struct gw_call *c, const struct gw_json *body, struct gw_time now) {
    if (!gw_json_is(body, GW_JSON_OBJECT)) {
        (void)refuse(c, 400, GW_STR("invalid_json"), GW_STR("invalid JSON"),
                     GW_STR("the body is not one JSON object; mend it"));
        return false;
    }
    const char *why = read_members(body, &c->node->lease, now);
    if (why == NULL)
        take_models(c, gw_json_member(body, GW_STR("models")), &c->node->lease);
    if (why != NULL)
        (void)refuse_field(c, gw_str(why, strlen(why)));
    return why == NULL &&
           (c->node->lease.ends <= now.wall_ms || read_url(c, gw_json_member(body, GW_STR("url"))));
}

static bool read_registration(struct gw_call *c, struct gw_time now) {
    struct gw_arena tree;
    struct gw_json_error error = {.full = false};
    struct gw_str text = gw_buf_str(&c->node->body);
    gw_arena_init(&tree, c->arena.mem, CALL_ARENA_BLOCK, gw_json_most(text.n));
    const struct gw_json *body = gw_json_parse(text, 0, &tree, &error);
    bool good = !error.full && read_body(c, body, now);
    gw_arena_del(&tree);
    if (error.full)
        (void)nodes_on_no_room(c);
    return good;
}

/* A heartbeat from where the node is known to be needs no challenge. */
static bool is_known(const struct gw_call *c) {
    const struct registry_entry *e = &c->gw->cluster.registry.entry[c->route.node];
    return e->in_force && gw_str_eq(e->lease.url, c->node->lease.url);
}

static struct next register_node(struct gw_call *c, struct gw_time now) {
    c->key_name = name_of(c);
    c->body.client = room_client(c->conf, c->key, c->key_name);
    if (gw_str_eq(c->method, GW_STR("DELETE")))
        c->node->lease.ends = now.wall_ms;
    else if (!read_registration(c, now))
        return next_refuse();
    return c->node->lease.url.n == 0 || is_known(c) ? keep(c, now) : challenge(c, now);
}

/* ------------------------------------------------------------------ authentication */

static bool is_signed(const struct gw_call *c) {
    const struct call_node *node = c->node;
    const struct gw_str nl = GW_STR("\n");
    uint8_t digest[GW_SHA256], right[GW_SHA256];
    char hex[2 * GW_SHA256];
    struct gw_buf b = {.p = hex, .cap = sizeof hex, .max = sizeof hex};
    gw_sha256(gw_buf_str(&node->body), digest);
    gw_buf_put_hex(&b, digest, sizeof digest);
    const struct gw_str parts[] = {c->method,       nl, node->path,    nl,
                                   node->timestamp, nl, gw_buf_str(&b)};
    gw_hmac_sha256(c->conf->node_keys[c->route.node], parts, sizeof parts / sizeof *parts, right);
    return gw_digest_eq(right, node->signature);
}

/* The body is there: what it asks for is done. */
struct next nodes_decide(struct gw_call *c, struct gw_time now) {
    if (!is_signed(c))
        return refuse(
            c, 401, GW_STR("invalid_signature"), GW_STR("bad signature"),
            GW_STR("the signature is not this node's over method, path, timestamp and body"));
    if (registry_may_repeat(&c->gw->cluster, c->route.node, c->node->lease.stamp, now) ||
        !registry_claim(&c->gw->cluster, c->route.node, c->node->lease.stamp))
        return refuse_replay(c);
    return register_node(c, now);
}

static struct next refuse_large(struct gw_call *c) {
    return refuse(c, 413, GW_STR("request_too_large"), GW_STR("too large"),
                  GW_STR("a registration has at most 16 KiB; send less"));
}

struct next nodes_on_body(struct gw_call *c, const struct gw_req_body *body) {
    gw_buf_put(&c->node->body, body->bytes);
    if (c->node->body.full || body->bytes.n != body->len)
        return refuse_large(c);
    return body->fin ? next_phase(PHASE_DECIDE) : next_stay();
}

struct next nodes_on_late(struct gw_call *c) {
    return refuse(
        c, 408, GW_STR("request_timeout"), GW_STR("too slow"),
        GW_STR("the registration did not arrive within 10 s; send it again, signed anew"));
}

struct next nodes_on_no_room(struct gw_call *c) {
    return refuse(c, 503, GW_STR("no_room_for_body"), GW_STR("no room for it"),
                  GW_STR("there is no room for the registration now; send it again, signed anew"));
}

/* False, and the error says why, unless timestamp and signature are there and of our time. */
static bool read_stamp(struct gw_call *c, struct gw_time now) {
    uint64_t stamp;
    struct call_node *node = c->node;
    if (!gw_str_u64(c->head.timestamp, &stamp) ||
        !gw_unhex(c->head.signature, node->signature, GW_SHA256)) {
        (void)refuse(
            c, 401, GW_STR("missing_signature"), GW_STR("not signed"),
            GW_STR("a registration needs x-heady-timestamp (ms) and x-heady-signature (hex "
                   "HMAC-SHA256 under the node's key)"));
        return false;
    }
    double age = now.wall_ms - (double)stamp;
    if (age > REGISTRY_WINDOW_MS || age < -REGISTRY_WINDOW_MS) {
        (void)refuse(c, 401, GW_STR("stale_timestamp"), GW_STR("stale timestamp"),
                     GW_STR("the timestamp is more than 3 minutes off; set the node's clock"));
        return false;
    }
    node->lease = (struct lease){.node = c->route.node, .stamp = (double)stamp};
    node->timestamp = gw_arena_dup(&c->arena, c->head.timestamp);
    return true;
}

struct next nodes_admit(struct gw_call *c, struct gw_time now) {
    if (c->conf->node_keys[c->route.node].n == 0)
        return refuse(c, 503, GW_STR("no_node_secret"), GW_STR("no NODE_SECRET"),
                      GW_STR("this gateway lets no node register; set NODE_SECRET"));
    c->node = gw_arena_get(&c->arena, sizeof *c->node);
    c->arena_full |= c->node == NULL;
    if (c->node == NULL)
        return next_stay();
    if (!read_stamp(c, now))
        return next_refuse();
    c->node->path = c->path;
    gw_buf_init(&c->node->body, &c->arena, BODY_MAX);
    return next_on();
}

struct next nodes_read(struct gw_call *c, struct gw_time now) {
    if (c->body.declared != GW_UNKNOWN && c->body.declared > BODY_MAX)
        return refuse_large(c);
    if (c->body.fin)
        return next_on();
    if (c->deadline_ms > now.mono_ms + BODY_MS)
        c->deadline_ms = now.mono_ms + BODY_MS;
    if (!body_begin(c, BODY_MAX + 1, true, now)) /* one more shows that it is too large */
        return body_refuse_no_room(c);
    return next_wait(CALL_SIGNED);
}

/* ------------------------------------------------------------------ in the log */

bool nodes_may_log(struct gw_call *c, uint32_t *left_out, struct gw_time now) {
    struct registry_entry *e = &c->gw->cluster.registry.entry[c->route.node];
    double from = e->refused_until > now.mono_ms ? e->refused_until : now.mono_ms;
    if (c->status != 200) {
        if (from > now.mono_ms + (REFUSALS_MAX - 1) * REFUSAL_MS) {
            e->left_out++;
            return false;
        }
        e->refused_until = from + REFUSAL_MS;
    }
    *left_out = e->left_out;
    e->left_out = 0;
    return true;
}

/* ------------------------------------------------------------------ for the twin */

/* GET /api/nodes: the leases, as fresh as the registry's. */
struct next nodes_tell(struct gw_call *c, struct gw_time now) {
    struct gw_buf b;
    if (c->conf->registry.set && c->conf->host == GW_EDGE && !c->asks.looked_up) {
        c->asks.looked_up = true;
        return lookup_leases(c, TELL_MS, now);
    }
    gw_buf_init(&b, &c->arena, BODY_MAX);
    registry_put_lines(&c->gw->cluster, &b);
    return end_reply(c, 200, GW_STR("text/plain"), gw_buf_str(&b), now);
}
