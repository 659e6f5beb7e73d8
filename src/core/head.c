#include "core/head.h"

#include "core/date.h"

enum fact {
    PASS = 1, /* goes on as it is */
    AUTHORIZATION,
    API_KEY,
    ORIGIN,
    FORWARDED,
    UPGRADE,
    HOP,
    STREAM,
    TIMEOUT_MS,
    TIMEOUT_S,
    REQUEST_ID,
    ACCEPT,       /* read, and goes on */
    CONTENT_TYPE, /* read, and goes on */
    RETRY_AFTER,  /* read, and goes on */
    LOCATION,     /* goes on when it names no host */
    SERVER,
    NGROK_ERROR,
    TIMESTAMP,
    SIGNATURE,
    PROOF,
};

struct rule {
    struct gw_str name;
    enum fact fact;
};

/* What a node may know of a request. Sorted by length so that a look-up compares few. */
static const struct rule request_rules[] = {
    {GW_STR_INIT("range"), PASS},
    {GW_STR_INIT("accept"), ACCEPT},
    {GW_STR_INIT("origin"), ORIGIN},
    {GW_STR_INIT("upgrade"), UPGRADE},
    {GW_STR_INIT("if-match"), PASS},
    {GW_STR_INIT("if-range"), PASS},
    {GW_STR_INIT("forwarded"), FORWARDED},
    {GW_STR_INIT("x-api-key"), API_KEY},
    {GW_STR_INIT("x-real-ip"), FORWARDED},
    {GW_STR_INIT("user-agent"), PASS},
    {GW_STR_INIT("tracestate"), PASS},
    {GW_STR_INIT("openai-beta"), PASS},
    {GW_STR_INIT("traceparent"), PASS},
    {GW_STR_INIT("x-heady-hop"), HOP},
    {GW_STR_INIT("content-type"), CONTENT_TYPE},
    {GW_STR_INIT("x-request-id"), REQUEST_ID},
    {GW_STR_INIT("authorization"), AUTHORIZATION},
    {GW_STR_INIT("if-none-match"), PASS},
    {GW_STR_INIT("last-event-id"), PASS},
    {GW_STR_INIT("anthropic-beta"), PASS},
    {GW_STR_INIT("x-goog-api-key"), API_KEY},
    {GW_STR_INIT("x-heady-stream"), STREAM},
    {GW_STR_INIT("accept-language"), PASS},
    {GW_STR_INIT("idempotency-key"), PASS},
    {GW_STR_INIT("x-forwarded-for"), FORWARDED},
    {GW_STR_INIT("cf-connecting-ip"), FORWARDED},
    {GW_STR_INIT("content-encoding"), PASS},
    {GW_STR_INIT("content-language"), PASS},
    {GW_STR_INIT("if-modified-since"), PASS},
    {GW_STR_INIT("anthropic-version"), PASS},
    {GW_STR_INIT("x-heady-signature"), SIGNATURE},
    {GW_STR_INIT("x-heady-timestamp"), TIMESTAMP},
    {GW_STR_INIT("content-disposition"), PASS},
    {GW_STR_INIT("if-unmodified-since"), PASS},
    {GW_STR_INIT("x-client-request-id"), PASS},
    {GW_STR_INIT("x-heady-timeout-ms"), TIMEOUT_MS},
    {GW_STR_INIT("x-stainless-timeout"), TIMEOUT_S},
};

/* What a client may know of an answer. */
static const struct rule answer_rules[] = {
    {GW_STR_INIT("etag"), PASS},
    {GW_STR_INIT("vary"), PASS},
    {GW_STR_INIT("allow"), PASS},
    {GW_STR_INIT("server"), SERVER},
    {GW_STR_INIT("expires"), PASS},
    {GW_STR_INIT("location"), LOCATION},
    {GW_STR_INIT("request-id"), PASS},
    {GW_STR_INIT("retry-after"), RETRY_AFTER},
    {GW_STR_INIT("content-type"), CONTENT_TYPE},
    {GW_STR_INIT("accept-ranges"), PASS},
    {GW_STR_INIT("cache-control"), PASS},
    {GW_STR_INIT("content-range"), PASS},
    {GW_STR_INIT("last-modified"), PASS},
    {GW_STR_INIT("x-heady-proof"), PROOF},
    {GW_STR_INIT("retry-after-ms"), PASS},
    {GW_STR_INIT("x-should-retry"), PASS},
    {GW_STR_INIT("content-encoding"), PASS},
    {GW_STR_INIT("content-language"), PASS},
    {GW_STR_INIT("ngrok-error-code"), NGROK_ERROR},
    {GW_STR_INIT("content-disposition"), PASS},
};

/* Families of which every member may pass to a client. */
static const struct gw_str answer_prefixes[] = {GW_STR_INIT("x-ratelimit-"),
                                                GW_STR_INIT("ratelimit-"), GW_STR_INIT("openai-"),
                                                GW_STR_INIT("anthropic-")};

static enum fact look_up(const struct rule *rules, size_t n, struct gw_str name) {
    for (size_t i = 0; i < n; i++) {
        const struct gw_str *r = &rules[i].name;
        /* The last characters of names differ more than the first: "x-...". */
        if (r->n == name.n && r->p[r->n - 1] == gw_lower(name.p[name.n - 1]) &&
            gw_str_ieq(*r, name))
            return rules[i].fact;
    }
    return 0;
}

static bool starts_any(struct gw_str name) {
    for (size_t i = 0; i < sizeof answer_prefixes / sizeof *answer_prefixes; i++)
        if (gw_str_ieq(gw_str_sub(name, 0, answer_prefixes[i].n), answer_prefixes[i]))
            return true;
    return false;
}

static bool is_clean(struct gw_str value) {
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

void gw_head_put(struct gw_buf *out, struct gw_str name, struct gw_str value) {
    if (!is_clean(value))
        return;
    size_t at = out->n;
    gw_buf_put(out, name);
    for (; at < out->n; at++)
        out->p[at] = gw_lower(out->p[at]);
    gw_buf_put(out, GW_STR(": "));
    gw_buf_put(out, value);
    gw_buf_put(out, GW_STR("\r\n"));
}

static bool contains(struct gw_str value, struct gw_str word) {
    for (size_t i = 0; i + word.n <= value.n; i++)
        if (gw_str_ieq(gw_str_sub(value, i, word.n), word))
            return true;
    return false;
}

static struct gw_str bearer(struct gw_str value) {
    if (gw_str_ieq(gw_str_sub(value, 0, 7), GW_STR("bearer ")))
        return gw_str_trim(gw_str_sub(value, 7, value.n));
    /* Another scheme is a credential that no key can match: present, and wrong. */
    return value;
}

/* A number that may have decimals, as Python writes them; 0 if it is none. */
static double number(struct gw_str value) {
    uint64_t whole, thousandths = 0;
    struct gw_str fraction = value;
    struct gw_str first = gw_str_cut(&fraction, '.');
    if (!gw_str_u64(first, &whole) || whole > 86400000)
        return 0;
    for (size_t i = 0; fraction.p != NULL && i < 3; i++) {
        bool digit = i < fraction.n && fraction.p[i] >= '0' && fraction.p[i] <= '9';
        thousandths = thousandths * 10 + (digit ? (uint64_t)(fraction.p[i] - '0') : 0);
    }
    return (double)whole + (double)thousandths / 1000;
}

/* Ids and trace headers from clients: 128 safe characters. */
static bool is_safe_id(struct gw_str s) {
    if (s.n == 0 || s.n > 128)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = gw_lower(s.p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
              c == '.' || c == ':' || c == '/' || c == '+' || c == '='))
            return false;
    }
    return true;
}

static void shorten(struct gw_client_head *head, double ms) {
    if (ms > 0 && (head->timeout_ms <= 0 || ms < head->timeout_ms))
        head->timeout_ms = ms;
}

static bool is_extra(const struct gw_conf *conf, struct gw_str name) {
    for (uint32_t i = 0; i < conf->request_headers_n; i++)
        if (gw_str_ieq(conf->request_headers[i], name))
            return true;
    return false;
}

static void read_client_line(enum fact fact, struct gw_str value, struct gw_client_head *head) {
    switch (fact) {
    case AUTHORIZATION:
        head->credential = bearer(value);
        break;
    case API_KEY:
        if (head->credential.p == NULL)
            head->credential = value;
        break;
    case ORIGIN:
        head->origin = value;
        break;
    case FORWARDED:
        head->forwarded = true;
        break;
    case UPGRADE:
        /* Others are offers (h2c) that a server may leave unanswered. */
        head->upgrade |= contains(value, GW_STR("websocket"));
        break;
    case HOP:
        head->hop = value;
        break;
    case STREAM:
        head->fast = gw_str_ieq(value, GW_STR("fast"));
        break;
    case TIMEOUT_MS:
        shorten(head, number(value));
        break;
    case TIMEOUT_S:
        shorten(head, number(value) * 1000);
        break;
    case TIMESTAMP:
        head->timestamp = value;
        break;
    case SIGNATURE:
        head->signature = value;
        break;
    case REQUEST_ID:
        if (is_safe_id(value))
            head->request_id = value;
        break;
    case ACCEPT:
        head->wants_stream |= contains(value, GW_STR("text/event-stream"));
        break;
    case CONTENT_TYPE:
        head->content_type = value;
        break;
    default:
        break;
    }
}

void gw_head_from_client(const struct gw_conf *conf, const struct gw_req_head *req,
                         struct gw_client_head *head, struct gw_buf *out) {
    memset(head, 0, sizeof *head);
    for (uint32_t i = 0; i < req->headers_n; i++) {
        struct gw_str name = req->headers[i].name, value = req->headers[i].value;
        enum fact fact = name.n == 0 ? 0
                                     : look_up(request_rules,
                                               sizeof request_rules / sizeof *request_rules, name);
        read_client_line(fact, value, head);
        if (fact == PASS || fact == ACCEPT || fact == CONTENT_TYPE ||
            (fact == 0 && is_extra(conf, name)))
            gw_head_put(out, name, value);
    }
}

void gw_head_facts(const struct gw_res_head *res, double wall_ms, struct gw_answer_head *head) {
    memset(head, 0, sizeof *head);
    head->retry_after_ms = -1;
    for (uint32_t i = 0; i < res->headers_n; i++) {
        struct gw_str value = res->headers[i].value;
        if (res->headers[i].name.n == 0)
            continue;
        switch (look_up(answer_rules, sizeof answer_rules / sizeof *answer_rules,
                        res->headers[i].name)) {
        case CONTENT_TYPE:
            head->event_stream = contains(value, GW_STR("text/event-stream"));
            head->ndjson = contains(value, GW_STR("application/x-ndjson"));
            head->html = contains(value, GW_STR("text/html"));
            head->json = contains(value, GW_STR("application/json"));
            break;
        case RETRY_AFTER:
            head->retry_after_ms = gw_date_retry_after(value, wall_ms);
            break;
        case SERVER:
            head->cloudflare = gw_str_ieq(value, GW_STR("cloudflare"));
            break;
        case NGROK_ERROR:
            head->ngrok_error = true;
            break;
        case PROOF:
            head->proof = value;
            break;
        default:
            break;
        }
    }
}

void gw_head_to_client(const struct gw_res_head *res, struct gw_buf *out) {
    for (uint32_t i = 0; i < res->headers_n; i++) {
        struct gw_str name = res->headers[i].name, value = res->headers[i].value;
        if (name.n == 0)
            continue;
        enum fact fact = look_up(answer_rules, sizeof answer_rules / sizeof *answer_rules, name);
        bool pass = fact == PASS || fact == CONTENT_TYPE || fact == RETRY_AFTER ||
                    (fact == 0 && starts_any(name));
        /* A relative one only: an absolute one would show the target's URL. */
        if (fact == LOCATION)
            pass = value.n > 0 && value.p[0] == '/' && !gw_str_starts(value, GW_STR("//"));
        if (pass)
            gw_head_put(out, name, value);
    }
}
