/*
 * gw_feed with random events: several calls of one gateway, driven by the fuzzer's bytes. Whatever
 * the host does, the core keeps its side of gw.h: one HEAD at most, DATA and RELAY only behind it,
 * no attempt behind a RELAY, nothing behind END, two attempts at a time at most, every WAIT finite, and at
 * the end no slot taken, no byte held.
 */
#include <stdlib.h>

#include "../unit/frames.h"
#include "base/check.h"
#include "core/call/call.h"
#include "heap.h"

enum { CALLS = 4, STEPS_MAX = 400 };

struct input {
    const uint8_t *p;
    size_t n;
};

struct tracked {
    struct gw_call *call;
    bool fed, head, ended, finished;
    uint32_t attempt, relayed, ask, asked;
    uint32_t open[2]; /* attempts under way; 0: none */
    size_t chunk;     /* bytes of the chunk that is being fed */
    uint64_t body_off, body_len;
    bool body_fin;
    struct gw_str body; /* what is sent of it; empty: bytes of the input */
};

struct world {
    struct gw *gw;
    struct input in;
    struct gw_time now;
    struct tracked calls[CALLS];
};

static uint8_t byte(struct input *in) {
    if (in->n == 0)
        return 0;
    in->n--;
    return *in->p++;
}

static struct gw_str bytes(struct input *in, size_t n) {
    n = n < in->n ? n : in->n;
    struct gw_str s = gw_str(in->p, n);
    in->p += n;
    in->n -= n;
    return s;
}

/* Where that attempt is; of 0, a free place. NULL: nowhere. */
static uint32_t *open_at(struct tracked *t, uint32_t attempt) {
    for (uint32_t i = 0; i < 2; i++)
        if (t->open[i] == attempt)
            return &t->open[i];
    return NULL;
}

/* The one under way, or one of two; else the last. */
static uint32_t one_attempt(struct input *in, const struct tracked *t) {
    if (t->open[0] != 0 && t->open[1] != 0)
        return t->open[byte(in) % 2];
    uint32_t open = t->open[0] + t->open[1];
    return open != 0 ? open : t->attempt;
}

static void close_attempt(struct tracked *t, uint32_t attempt) {
    uint32_t *place = attempt != 0 ? open_at(t, attempt) : NULL;
    if (place != NULL)
        *place = 0;
}

/* What goes out of the chunk just fed lies within it. */
static void check_slices(const struct gw_action *a, size_t chunk) {
    for (uint32_t i = 0; i < a->data.slices_n; i++) {
        const struct gw_slice *s = &a->data.slices[i];
        GW_ASSERT(s->len > 0);
        GW_ASSERT(s->kind != GW_CHUNK || (s->off <= chunk && s->len <= chunk - s->off));
        GW_ASSERT(s->kind != GW_LITERAL || s->p != NULL);
    }
}

static void on_action(struct tracked *t, const struct gw_action *a) {
    GW_ASSERT(!t->ended || a->kind == GW_END);
    switch (a->kind) {
    case GW_WAIT:
        GW_ASSERT(a->at > 0 && a->at < 1e12);
        break;
    case GW_SEND:
        GW_ASSERT(a->attempt == t->attempt + 1 && open_at(t, 0) != NULL && t->relayed == 0);
        *open_at(t, 0) = t->attempt = a->attempt;
        break;
    case GW_DROP:
        GW_ASSERT(a->attempt > 0 && a->attempt <= t->attempt);
        close_attempt(t, a->attempt);
        break;
    case GW_HEAD:
        GW_ASSERT(!t->head && a->head.status >= 102 && a->head.status < 600);
        t->head = a->head.status >= 200;
        break;
    case GW_DATA:
        GW_ASSERT(t->head);
        check_slices(a, t->chunk);
        break;
    case GW_RELAY:
        GW_ASSERT(t->head && a->attempt > 0 && a->attempt <= t->attempt);
        t->relayed = a->attempt;
        break;
    case GW_ASK:
        GW_ASSERT(a->ask.id == t->ask + 1 && a->at > 0 && a->ask.bytes.n <= GW_ANSWER_MAX);
        t->ask = a->ask.id;
        t->asked = a->ask.what;
        break;
    case GW_END:
        t->ended = true;
        break;
    default:
        break;
    }
}

static void drain(struct tracked *t) {
    struct gw_action a;
    uint32_t kind, n = 0;
    do {
        GW_ASSERT(n++ < CALL_ACTIONS + 1);
        kind = gw_poll(t->call, &a);
        on_action(t, &a);
    } while (kind != GW_WAIT && kind != GW_END);
}

static struct tracked *find(struct world *w, const struct gw_call *call) {
    for (uint32_t i = 0; i < CALLS; i++)
        if (w->calls[i].call == call)
            return &w->calls[i];
    return NULL;
}

static void feed(struct world *w, struct tracked *t, const struct gw_event *e) {
    struct gw_call *ready;
    if (gw_feed(t->call, e, w->now) == 0)
        drain(t);
    else
        t->finished = true; /* only gw_close is legal now */
    while ((ready = gw_ready(w->gw)) != NULL) {
        struct tracked *r = find(w, ready);
        GW_ASSERT(r != NULL);
        if (!r->finished)
            drain(r);
    }
}

static void close_call(struct world *w, struct tracked *t) {
    struct gw_call *ready;
    if (t->call != NULL)
        gw_close(t->call, w->now);
    memset(t, 0, sizeof *t);
    while ((ready = gw_ready(w->gw)) != NULL) {
        struct tracked *r = find(w, ready);
        GW_ASSERT(r != NULL);
        drain(r);
    }
}

static uint32_t headers(struct input *in, struct gw_header *h) {
    static const char *const names[] = {"content-type", "retry-after",        "x-heady-stream",
                                        "server",       "ngrok-error-code",   "location",
                                        "accept",       "x-heady-timeout-ms", "origin",
                                        "x-request-id", "x-amzn-errortype"};
    static const char *const values[] = {"text/event-stream",
                                         "1",
                                         "fast",
                                         "cloudflare",
                                         "text/html",
                                         "/x",
                                         "application/x-ndjson",
                                         "50",
                                         "null",
                                         "id",
                                         "application/vnd.amazon.eventstream"};
    uint32_t n = byte(in) % 4;
    for (uint32_t i = 0; i < n; i++) {
        const char *name = names[byte(in) % 11], *value = values[byte(in) % 11];
        h[i].name = gw_str(name, strlen(name));
        h[i].value = byte(in) % 8 ? gw_str(value, strlen(value)) : bytes(in, 12);
    }
    return n;
}

/* ------------------------------------------------------------------ nodes that register */

static const struct gw_str registrations[] = {
    GW_STR_INIT("{\"url\":\"https://a.ngrok.app\",\"in_flight_max\":1}"),
    GW_STR_INIT("{\"url\":\"https://b.ngrok.app/x\",\"expires_in_s\":6}"),
    GW_STR_INIT("{\"url\":\"https://evil.example\"}"),
    GW_STR_INIT("{\"expires_in_s\":0}"),
    GW_STR_INIT("{\"url\":[]}"),
};

struct signature {
    char stamp[24], hex[2 * GW_SHA256];
    size_t stamp_n;
};

/* As the node signs. */
static void sign(const struct world *w, struct gw_str body, struct signature *s) {
    uint8_t digest[GW_SHA256];
    char sum[2 * GW_SHA256];
    struct gw_buf b = {.p = sum, .cap = sizeof sum, .max = sizeof sum};
    struct gw_buf out = {.p = s->hex, .cap = sizeof s->hex, .max = sizeof s->hex};
    struct gw_buf stamp = {.p = s->stamp, .cap = sizeof s->stamp, .max = sizeof s->stamp};
    gw_buf_put_u64(&stamp, (uint64_t)w->now.wall_ms);
    s->stamp_n = stamp.n;
    gw_sha256(body, digest);
    gw_buf_put_hex(&b, digest, sizeof digest);
    const struct gw_str parts[] = {GW_STR("POST\n/api/nodes/3\n"), gw_buf_str(&stamp), GW_STR("\n"),
                                   gw_buf_str(&b)};
    gw_hmac_sha256(w->gw->cluster.conf->node_keys[2], parts, 4, digest);
    gw_buf_put_hex(&out, digest, sizeof digest);
}

/* A registration with its whole body, most of them well signed. */
static void open_node(struct world *w, struct tracked *t) {
    struct signature s;
    uint8_t pick = byte(&w->in);
    struct gw_str body = registrations[pick % 5];
    sign(w, body, &s);
    struct gw_header h[] = {
        {GW_STR("x-heady-timestamp"), gw_str(s.stamp, s.stamp_n)},
        {GW_STR("x-heady-signature"), gw_str(s.hex, sizeof s.hex - (pick > 250))}};
    struct gw_event e = {.kind = GW_REQ_HEAD};
    e.req_head.method = GW_STR("POST");
    e.req_head.target = GW_STR("/api/nodes/3");
    e.req_head.authority = GW_STR("localhost");
    e.req_head.headers = h;
    e.req_head.headers_n = 2;
    e.req_head.body_len = t->body_len = t->body_off = body.n;
    t->call = gw_open(w->gw, w->now);
    GW_ASSERT(t->call != NULL);
    t->fed = t->body_fin = true;
    feed(w, t, &e);
    if (t->ended)
        return;
    e = (struct gw_event){.kind = GW_REQ_BODY};
    e.req_body.len = body.n;
    e.req_body.bytes = body;
    e.req_body.fin = true;
    feed(w, t, &e);
}

#define KEPT_ID "resp_hg000000000000000000000001"
#define KEPT_BODY                                                                                  \
    "{\"model\":\"two\",\"models\":[\"claude/"                                                     \
    "x\"],\"input\":[],\"previous_response_id\":\"" KEPT_ID "\"}"
#define KEPT_PATH ("/v1/responses/" KEPT_ID)

/* The answer to a question, mostly to the last one and right: a challenge's, what the registry may tell. */
static void answer_question(struct world *w, struct tracked *t) {
    static const struct gw_str told[] = {
        GW_STR_INIT("lease node-3 1800000001000 1800000100000 0 https://c.ngrok.app\n"),
        GW_STR_INIT("lease node-5 1800000001000 1800000100000 2 https://d.ngrok.app\nlease"),
        GW_STR_INIT("lease node-3 1800000900000 1800000900000 0 -\n")};
    char hex[2 * GW_SHA256];
    struct gw_buf b = {.p = hex, .cap = sizeof hex, .max = sizeof hex};
    struct gw_event e = {.kind = GW_ANSWER, .answer = {.id = t->ask, .bytes = told[0]}};
    uint8_t pick = byte(&w->in);
    e.answer.bytes = told[pick % 3];
    if (t->asked == GW_ASK_PROOF) {
        gw_buf_put_hex(&b, t->call->node->proof, GW_SHA256);
        e.answer.bytes = gw_buf_str(&b);
    }
    if (t->asked == GW_ASK_RECALL)
        e.answer.bytes = GW_STR(
            "{\"input\":[{\"role\":\"user\",\"content\":\"a\"}],\"response\":{\"output\":[]}}");
    if (pick < 64)
        e.answer = (struct gw_answer){pick % 4, pick % 6, bytes(&w->in, pick)};
    feed(w, t, &e);
}

/* ------------------------------------------------------------------ clients */

static const char *const targets[] = {"/api/heavy/code",
                                      "/api/heavy/reasoning/x?y",
                                      "/api/heavy/process",
                                      "/api/local/brain/z",
                                      "/health",
                                      "/api/health",
                                      "/api/other",
                                      "/model/m/converse-stream",
                                      "/v1/models",
                                      "/v1/models/two",
                                      "/api/codex/v1/chat/completions",
                                      "/api/ai/openai/generate",
                                      "/v1/chat/completions",
                                      "/v1/messages",
                                      "/v1beta/models/two:streamGenerateContent?alt=sse",
                                      "/v1/responses",
                                      "/v1/responses",
                                      KEPT_PATH,
                                      "/v1/chat/completions"};
enum { TARGETS = sizeof targets / sizeof *targets };

/* Of those who may ask a provider. */
static const struct gw_str bodies[] = {
    GW_STR_INIT("{\"model\":\"two\",\"stream\":true,\"messages\":[{\"role\":\"user\"}]}"),
    GW_STR_INIT("{\"model\":\"two\",\"prompt\":\"hi\",\"max_tokens\":5}"),
    GW_STR_INIT("{\"models\":[\"two\",\"heavy/code\"],\"stream\":true,\"stream_options\":{}}"),
    GW_STR_INIT("{\"stream\":true,\"model\":\"twins\",\"models\":[\"openai/small\"]}"),
    GW_STR_INIT("{\"model\":\"claude/x\",\"stream\":true,\"messages\":[]}"),
    GW_STR_INIT("{\"contents\":[],\"prompt\":\"\\ud83d\\ude00\",\"system_prompt\":\"b\"}"),
    GW_STR_INIT("{\"model\":\"two\",\"model\":\"x\",\"prompt\":7}"),
    GW_STR_INIT("{\"model\":\"nobody/x\"}"),
    GW_STR_INIT("{\"model\":\"claude/x\",\"input\":\"hi\",\"stream\":true}"),
    GW_STR_INIT(KEPT_BODY)};
enum { BODIES = sizeof bodies / sizeof *bodies };

static void choose_body(struct world *w, struct tracked *t) {
    if (byte(&w->in) % 8 != 0) {
        t->body = bodies[byte(&w->in) % BODIES];
        t->body_len = t->body.n;
    } else {
        t->body_len = byte(&w->in) % 4 ? byte(&w->in) * 40u : GW_UNKNOWN;
    }
}

static void open_call(struct world *w, struct tracked *t) {
    struct gw_header h[4];
    struct gw_event e = {.kind = GW_REQ_HEAD};
    uint8_t pick = byte(&w->in);
    if (pick % 8 == 7) {
        open_node(w, t);
        return;
    }
    const char *target = targets[byte(&w->in) % TARGETS];
    t->call = gw_open(w->gw, w->now);
    GW_ASSERT(t->call != NULL);
    e.req_head.method = pick & 64 ? GW_STR("GET") : GW_STR("POST");
    e.req_head.target = pick & 128 ? bytes(&w->in, 24) : gw_str(target, strlen(target));
    e.req_head.authority = GW_STR("localhost");
    e.req_head.peer = GW_PEER_LOOPBACK;
    choose_body(w, t);
    e.req_head.body_len = t->body_len;
    e.req_head.headers = h;
    e.req_head.headers_n = headers(&w->in, h);
    t->fed = true;
    feed(w, t, &e);
}

static void body(struct world *w, struct tracked *t) {
    struct gw_event e = {.kind = GW_REQ_BODY};
    if (t->body_fin)
        return;
    uint64_t left = t->body_len == GW_UNKNOWN ? 4000 : t->body_len - t->body_off;
    uint8_t n = byte(&w->in) % 64;
    e.req_body.off = t->body_off;
    e.req_body.bytes = t->body.n > 0 ? gw_str_sub(t->body, t->body_off, n) : bytes(&w->in, n);
    e.req_body.len = e.req_body.bytes.n < left ? e.req_body.bytes.n : left;
    e.req_body.bytes.n = e.req_body.len;
    if (t->body.n == 0 && byte(&w->in) % 4 == 0) { /* not shown */
        e.req_body.len = left < 900 ? left : 900;
        e.req_body.bytes.n = 0;
    }
    t->body_off += e.req_body.len;
    e.req_body.fin = t->body_len == GW_UNKNOWN ? byte(&w->in) % 4 == 0 : t->body_off == t->body_len;
    t->body_fin = e.req_body.fin;
    feed(w, t, &e);
}

/* Frames of Bedrock's, some with a CRC that is wrong. */
static struct gw_str frame_bytes(struct input *in, char *into, size_t max) {
    static const struct gw_str head = GW_STR_INIT("\15:message-type\7\0\5event");
    static const char *const payloads[] = {
        "{\"role\":\"assistant\"}",
        "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"one \"}}",
        "{\"contentBlockIndex\":1,\"start\":{\"toolUse\":{\"toolUseId\":\"t\",\"name\":\"f\"}}}",
        "{\"stopReason\":\"end_turn\"}",
        "{\"usage\":{\"inputTokens\":1}}",
        "{\"bytes\":\"e30=\"}",
        "not JSON"};
    struct gw_buf b = {.p = into, .cap = max, .max = max};
    uint8_t pick = byte(in);
    for (unsigned i = 0; i < 1u + pick % 4; i++) {
        uint8_t which = byte(in);
        const char *payload = payloads[which % 7];
        if (which >= 240) {
            aws_put_exception(&b, GW_STR("{}"));
            continue;
        }
        frames_put(&b, head, gw_str(payload, strlen(payload)));
        into[b.n - 1] ^= which >= 224;
    }
    size_t off = pick % 8 == 0 ? byte(in) % (b.n + 1) : 0;
    return gw_str(into + off, pick % 8 == 1 ? byte(in) % (b.n + 1) : b.n - off);
}

/* Events as nodes send them, one behind the other, and cut anywhere; or just bytes. */
static struct gw_str stream_bytes(struct input *in, char *into, size_t max) {
    static const char *const events[] = {
        "data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n",
        "data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one \"}}]}\n\n",
        "data: {\"id\":\"bb\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one two\"}}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"\\ud83d\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: [DONE]\n\n",
        "data: {\"error\":{\"message\":\"no\"}}\n\n",
        "data: {\"choices\":[{\n\n",
        ": comment\n\n",
        "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"text\":\"one \"}}\n\n",
        "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n",
        "{\"message\":{\"content\":\"one \"},\"done\":false}\n",
        "{\"message\":{\"content\":\"\"},\"done\":true}\n",
        "data: 7\n\n"};
    size_t n = 0;
    uint8_t pick = byte(in);
    if (pick >= 192)
        return bytes(in, byte(in));
    if (pick >= 160)
        return frame_bytes(in, into, max);
    for (unsigned i = 0; i < 1u + pick % 4; i++) {
        struct gw_str event = gw_str(events[byte(in) % 15], 0);
        event.n = strlen(event.p);
        if (event.n > max - n)
            break;
        memcpy(into + n, event.p, event.n);
        n += event.n;
    }
    size_t off = pick % 8 == 0 ? byte(in) % (n + 1) : 0;
    return gw_str(into + off, pick % 8 == 1 ? byte(in) % (n + 1) : n - off);
}

static void response(struct world *w, struct tracked *t, uint32_t kind) {
    static const uint32_t statuses[] = {200, 200, 103, 429, 500, 503, 404, 530, 502, 204};
    struct gw_header h[4];
    char text[1024];
    struct gw_event e = {.kind = kind, .attempt = one_attempt(&w->in, t)};
    if (kind == GW_RES_HEAD) {
        e.res_head.status = statuses[byte(&w->in) % 10];
        e.res_head.headers = h;
        e.res_head.headers_n = headers(&w->in, h);
        e.res_head.body_len = byte(&w->in) % 2 ? GW_UNKNOWN : byte(&w->in);
    } else if (kind == GW_RES_BODY) {
        e.res_body = stream_bytes(&w->in, text, sizeof text);
        t->chunk = e.res_body.n;
    } else if (kind == GW_RES_END) {
        e.res_end.how = byte(&w->in) % 3;
    } else {
        e.res_fail.fail = 1 + byte(&w->in) % 8u;
        e.res_fail.sent = byte(&w->in) % 3u;
    }
    if (kind == GW_RES_END || kind == GW_RES_FAIL)
        close_attempt(t, e.attempt);
    feed(w, t, &e);
    t->chunk = 0;
}

static void one_step(struct world *w) {
    uint8_t what = byte(&w->in);
    struct tracked *t = &w->calls[what >> 6];
    double later = (double)(1u << (byte(&w->in) % 16)) / 4;
    w->now = (struct gw_time){w->now.mono_ms + later, w->now.wall_ms + later};
    if (t->call == NULL || t->ended || t->finished) {
        close_call(w, t);
        open_call(w, t);
        return;
    }
    switch (what % 11) {
    case 0:
    case 1:
    case 2:
        body(w, t);
        break;
    case 3:
    case 4:
        response(w, t, GW_RES_HEAD);
        break;
    case 5:
        response(w, t, GW_RES_BODY);
        break;
    case 6:
        response(w, t, GW_RES_END);
        break;
    case 7:
        response(w, t, GW_RES_FAIL);
        break;
    case 8:
        answer_question(w, t);
        break;
    case 9:
        feed(w, t, &(struct gw_event){.kind = GW_TICK, .tick = {byte(&w->in) % 3}});
        break;
    default:
        feed(w, t, &(struct gw_event){.kind = GW_GONE});
        break;
    }
}

#define EDGE_ENV "REGISTRY_URL=binding://REGISTRY\0GATEWAY_AUTH=off\0HEADY_DATA_DIR=binding://R\0"

static struct gw *make(bool edge) {
    static struct gw_cells shared = {NULL, 1};
    static const char env[] = "COLAB_ENDPOINT_1=http://127.0.0.1:1\0"
                              "AWS_ACCESS_KEY_ID=one,two\0AWS_SECRET_ACCESS_KEY=1,2\0"
                              "OPENAI_API_KEY=sk-one,sk-two\0GROQ_API_KEY=gsk-one\0"
                              "ANTHROPIC_API_KEY=sk-ant-one\0GOOGLE_API_KEY=g-one\0"
                              "COLAB_ENDPOINT_3=http://127.0.0.1:3\0"
                              "COLAB_ENDPOINT_4=http://127.0.0.1:4\0"
                              "LOCAL_SERVICES=brain=http://127.0.0.1:9\0"
                              "NODE_SECRET=a-node-secret-of-fuzz\0" EDGE_ENV;
    static const char file[] =
        "{\"models\":{\"two\":{\"is\":\"openai/big\",\"fallbacks\":[\"groq/x\",\"gemini/y\"]},"
        "\"twins\":{\"is\":\"claude/x\",\"fallbacks\":[\"claude/y\",\"heavy/code\"]}},"
        "\"heavy\":{\"in_flight_max\":1,\"queue_max\":2,\"overflow\":[\"local\"]},"
        "\"limits\":{\"replay_bytes_max\":1000,\"replay_total_max\":2500,\"body_bytes_max\":5000}}";
    const struct gw_source source = {
        edge ? GW_EDGE : GW_RACK,
        {env, edge ? sizeof env - 1 : sizeof env - sizeof EDGE_ENV},
        {file, sizeof file - 1},
    };
    char why[256];
    size_t why_n;
    if (shared.cell == NULL)
        shared.cell = malloc(gw_cells_n() * sizeof *shared.cell);
    GW_ASSERT(shared.cell != NULL);
    memset(shared.cell, 0, gw_cells_n() * sizeof *shared.cell);
    return gw_new(&heap, &shared, &source, 1, why, sizeof why, &why_n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct world w = {.in = {data, size}, .now = {1000, 1.8e12}};
    w.gw = make(byte(&w.in) % 2 != 0);
    GW_ASSERT(w.gw != NULL);
    for (uint32_t i = 0; i < STEPS_MAX && w.in.n > 0; i++)
        one_step(&w);
    for (uint32_t i = 0; i < CALLS; i++)
        close_call(&w, &w.calls[i]);
    for (uint32_t i = 0; i < GW_BACKENDS; i++)
        GW_ASSERT(pool_in_flight(&w.gw->cluster.pool, i) == 0);
    GW_ASSERT(room_taken(&w.gw->cluster.pool.cells) == 0 && w.gw->queue_n == 0);
    gw_del(w.gw);
    return 0;
}
