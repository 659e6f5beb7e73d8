#include "core/policy/head.h"

#include "base/word.h"

#include "base/date.h"

enum fact {
    UNLISTED = 0,
    PASS,          /* goes on as it is */
    AUTHORIZATION, /* credentials of three kinds */
    API_KEY,
    GOOG_API_KEY,
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
    LOCATION,     /* goes on as a path of the gateway's */
    CODED,        /* read, and goes on */
    DATE,         /* goes on, once */
    CHALLENGE,    /* goes on where a target may challenge the client */
    CONNECTION,   /* names others that do not go on */
    ACCEPT_ENCODING,
    FETCH_SITE,
    FETCH_DEST,
    SERVER,
    NGROK_ERROR,
    TIMESTAMP,
    SIGNATURE,
    PROOF,
    PROVIDER_KEY,
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
    {GW_STR_INIT("connection"), CONNECTION},
    {GW_STR_INIT("openai-beta"), PASS},
    {GW_STR_INIT("traceparent"), PASS},
    {GW_STR_INIT("x-heady-hop"), HOP},
    {GW_STR_INIT("content-type"), CONTENT_TYPE},
    {GW_STR_INIT("x-request-id"), REQUEST_ID},
    {GW_STR_INIT("authorization"), AUTHORIZATION},
    {GW_STR_INIT("if-none-match"), PASS},
    {GW_STR_INIT("last-event-id"), PASS},
    {GW_STR_INIT("anthropic-beta"), PASS},
    {GW_STR_INIT("sec-fetch-site"), FETCH_SITE},
    {GW_STR_INIT("sec-fetch-dest"), FETCH_DEST},
    {GW_STR_INIT("x-goog-api-key"), GOOG_API_KEY},
    {GW_STR_INIT("x-heady-stream"), STREAM},
    {GW_STR_INIT("accept-encoding"), ACCEPT_ENCODING},
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
    {GW_STR_INIT("x-heady-timeout-ms"), TIMEOUT_MS},
    {GW_STR_INIT("content-disposition"), PASS},
    {GW_STR_INIT("if-unmodified-since"), PASS},
    {GW_STR_INIT("x-client-request-id"), PASS},
    {GW_STR_INIT("x-stainless-timeout"), TIMEOUT_S},
    {GW_STR_INIT("x-heady-provider-key"), PROVIDER_KEY},
};

/* What a client may know of an answer. */
static const struct rule answer_rules[] = {
    {GW_STR_INIT("age"), PASS},
    {GW_STR_INIT("date"), DATE},
    {GW_STR_INIT("etag"), PASS},
    {GW_STR_INIT("vary"), PASS},
    {GW_STR_INIT("allow"), PASS},
    {GW_STR_INIT("server"), SERVER},
    {GW_STR_INIT("expires"), PASS},
    {GW_STR_INIT("location"), LOCATION},
    {GW_STR_INIT("connection"), CONNECTION},
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
    {GW_STR_INIT("content-encoding"), CODED},
    {GW_STR_INIT("content-language"), PASS},
    {GW_STR_INIT("content-location"), LOCATION},
    {GW_STR_INIT("ngrok-error-code"), NGROK_ERROR},
    {GW_STR_INIT("www-authenticate"), CHALLENGE},
    {GW_STR_INIT("content-disposition"), PASS},
};

/* Families of which every member may pass to a client. */
static const struct gw_str answer_prefixes[] = {GW_STR_INIT("x-ratelimit-"),
                                                GW_STR_INIT("ratelimit-"), GW_STR_INIT("openai-"),
                                                GW_STR_INIT("anthropic-"), GW_STR_INIT("x-amzn-")};

/* Where names of this length begin: the rules are sorted by it. */
static size_t first_as_long(const struct rule *rules, size_t n, size_t length) {
    size_t low = 0;
    while (low < n) {
        size_t middle = (low + n) / 2;
        if (rules[middle].name.n < length)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

static const struct rule unlisted = {{NULL, 0}, UNLISTED};

static const struct rule *look_up(const struct rule *rules, size_t n, struct gw_str name) {
    for (size_t i = first_as_long(rules, n, name.n); i < n && rules[i].name.n == name.n; i++) {
        const struct gw_str *r = &rules[i].name;
        /* The last characters of names differ more than the first: "x-...". */
        if (r->p[r->n - 1] == gw_lower(name.p[name.n - 1]) &&
            (gw_str_eq(*r, name) || gw_str_ieq(*r, name)))
            return &rules[i];
    }
    return &unlisted;
}

static const struct rule *request_rule(struct gw_str name) {
    if (name.n == 0)
        return &unlisted;
    return look_up(request_rules, sizeof request_rules / sizeof *request_rules, name);
}

static const struct rule *answer_rule(struct gw_str name) {
    return look_up(answer_rules, sizeof answer_rules / sizeof *answer_rules, name);
}

/* Most names that are as long differ where the prefix ends, in a dash. */
static inline bool starts(struct gw_str name, struct gw_str prefix) {
    return name.n >= prefix.n && name.p[prefix.n - 1] == prefix.p[prefix.n - 1] &&
           gw_str_ieq(gw_str(name.p, prefix.n), prefix);
}

static bool starts_any(struct gw_str name) {
    for (size_t i = 0; i < sizeof answer_prefixes / sizeof *answer_prefixes; i++)
        if (starts(name, answer_prefixes[i]))
            return true;
    return false;
}

static bool is_clean_slow(struct gw_str value) {
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* Whether one of eight bytes may be a control character; a tab is one, too. */
static bool has_control(const char *p) {
    uint64_t w = gw_word_at(p), del = w ^ GW_WORD_ONES * 0x7f;
    uint64_t control = (w - GW_WORD_ONES * 0x20) & ~w;
    return ((control | ((del - GW_WORD_ONES) & ~del)) & GW_WORD_TOPS) != 0;
}

/* Without control characters but tabs. */
static bool is_clean(struct gw_str value) {
    if (value.n < 8)
        return is_clean_slow(value);
    size_t last = value.n - 8;
    for (size_t i = 0; i < last; i += 8)
        if (has_control(value.p + i))
            return is_clean_slow(value);
    return !has_control(value.p + last) || is_clean_slow(value);
}

/* `name` is in lower case. */
static void put_line(struct gw_buf *out, struct gw_str name, struct gw_str value) {
    if (!is_clean(value))
        return;
    gw_buf_put(out, name);
    gw_buf_put(out, GW_STR(": "));
    gw_buf_put(out, value);
    gw_buf_put(out, GW_STR("\r\n"));
}

void head_put(struct gw_buf *out, struct gw_str name, struct gw_str value) {
    size_t at = out->n;
    put_line(out, name, value);
    for (size_t end = at + name.n; at < end && at < out->n; at++)
        out->p[at] = gw_lower(out->p[at]);
}

/* ------------------------------------------------------------------ Connection (RFC 9110 7.6.1) */

/* Headers that a Connection has named; of a client that names more, the rest passes. */
struct named {
    uint32_t n;
    struct gw_str name[8];
};

static void read_connection(struct gw_str list, struct named *named) {
    if (gw_str_eq(list, GW_STR("keep-alive")))
        return;
    while (list.p != NULL && named->n < sizeof named->name / sizeof *named->name) {
        struct gw_str option = gw_str_trim(gw_str_cut(&list, ','));
        if (option.n > 0 && !gw_str_ieq(option, GW_STR("close")) &&
            !gw_str_ieq(option, GW_STR("keep-alive")))
            named->name[named->n++] = option;
    }
}

static bool is_named(struct gw_str line, const struct named *named) {
    struct gw_str name = gw_str_cut(&line, ':');
    for (uint32_t i = 0; i < named->n; i++)
        if (gw_str_ieq(name, named->name[i]))
            return true;
    return false;
}

/* Removes the lines that are named from `out`, beginning at `from`. If `out` is full its last line may have
 * no end; it is never sent. */
static void drop_named(struct gw_buf *out, size_t from, const struct named *named) {
    if (named->n == 0 || out->n == from || out->full)
        return;
    struct gw_str rest = gw_str(out->p + from, out->n - from);
    while (rest.n > 0) {
        struct gw_str line = gw_str_sub(rest, 0, (size_t)gw_str_chr(rest, '\n') + 1);
        rest = gw_str_sub(rest, line.n, rest.n);
        if (is_named(line, named))
            continue;
        memmove(out->p + from, line.p, line.n);
        from += line.n;
    }
    out->n = from;
}

/* ------------------------------------------------------------------ requests */

static bool contains(struct gw_str value, struct gw_str word) {
    for (size_t i = 0; i + word.n <= value.n; i++)
        if (gw_str_ieq(gw_str_sub(value, i, word.n), word))
            return true;
    return false;
}

static bool is_bearer(struct gw_str value) {
    return gw_str_ieq(gw_str_sub(value, 0, 7), GW_STR("bearer "));
}

static struct gw_str bearer(struct gw_str value) {
    /* Another scheme is a credential that no key can match: present, and wrong. */
    return is_bearer(value) ? gw_str_trim(gw_str_sub(value, 7, value.n)) : value;
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

static void shorten(struct client_head *head, double ms) {
    if (ms > 0 && (head->timeout_ms <= 0 || ms < head->timeout_ms))
        head->timeout_ms = ms;
}

/* Bedrock's options of InvokeModel, or one that the file allows. */
static bool is_extra(const struct config *conf, struct gw_str name) {
    if (starts(name, GW_STR("x-amzn-bedrock-")))
        return true;
    for (uint32_t i = 0; i < conf->request_headers_n; i++)
        if (gw_str_ieq(conf->request_headers[i], name))
            return true;
    return false;
}

/* A bearer goes before the others. Two of one kind may also come joined, by a proxy before us. */
static void read_credential(enum fact fact, struct gw_str value, struct client_head *head) {
    uint32_t kind = 1u << (fact - AUTHORIZATION);
    bool list = gw_str_chr(value, ',') >= 0 && gw_str_find(value, GW_STR(", ")) >= 0 &&
                (fact != AUTHORIZATION || is_bearer(value));
    head->two_credentials |= (head->credentials & kind) != 0 || list;
    head->credentials |= kind;
    head->google |= fact == GOOG_API_KEY;
    if (fact == AUTHORIZATION)
        head->credential = bearer(value);
    else if (head->credential.p == NULL)
        head->credential = value;
}

static void read_client_line(enum fact fact, struct gw_str value, struct client_head *head) {
    switch (fact) {
    case AUTHORIZATION:
    case API_KEY:
    case GOOG_API_KEY:
        read_credential(fact, value, head);
        break;
    case ACCEPT_ENCODING:
        /* Who says it twice gets what is always right. */
        head->accept_encoding = head->accept_encoding.p == NULL ? value : GW_STR("identity");
        break;
    case FETCH_SITE:
        head->fetch_site = value;
        break;
    case FETCH_DEST:
        head->fetch_dest = value;
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
    case PROVIDER_KEY:
        head->provider_key = value;
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

void head_from_client(const struct config *conf, const struct gw_req_head *req,
                      struct client_head *head, struct gw_buf *out) {
    struct named named = {.n = 0};
    size_t start = out->n;
    memset(head, 0, sizeof *head);
    for (uint32_t i = 0; i < req->headers_n; i++) {
        struct gw_str name = req->headers[i].name, value = req->headers[i].value;
        const struct rule *rule = request_rule(name);
        read_client_line(rule->fact, value, head);
        if (rule->fact == CONNECTION)
            read_connection(value, &named);
        if (rule->fact == PASS || rule->fact == ACCEPT || rule->fact == CONTENT_TYPE)
            put_line(out, rule->name, value);
        else if (rule->fact == UNLISTED && is_extra(conf, name))
            head_put(out, name, value);
    }
    drop_named(out, start, &named);
}

/* ------------------------------------------------------------------ answers */

void head_facts(const struct gw_res_head *res, double wall_ms, struct answer_head *head) {
    memset(head, 0, sizeof *head);
    head->retry_after_ms = -1;
    for (uint32_t i = 0; i < res->headers_n; i++) {
        struct gw_str value = res->headers[i].value;
        if (res->headers[i].name.n == 0)
            continue;
        switch (answer_rule(res->headers[i].name)->fact) {
        case CONTENT_TYPE:
            head->event_stream = contains(value, GW_STR("text/event-stream"));
            head->ndjson = contains(value, GW_STR("application/x-ndjson"));
            head->frames = contains(value, GW_STR("application/vnd.amazon.eventstream"));
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
        case CODED:
            head->coded = true;
            break;
        default:
            break;
        }
    }
}

/* Types of which a browser runs nothing: it shows the thing itself, or nothing. A list is two types that a
 * proxy has joined; the last one counts. */
static bool is_inert(struct gw_str type) {
    static const struct gw_str whole[] = {GW_STR_INIT("application/json"),
                                          GW_STR_INIT("text/event-stream"),
                                          GW_STR_INIT("text/plain"),
                                          GW_STR_INIT("application/x-ndjson"),
                                          GW_STR_INIT("application/octet-stream"),
                                          GW_STR_INIT("application/vnd.amazon.eventstream")};
    static const struct gw_str family[] = {GW_STR_INIT("image/"), GW_STR_INIT("audio/"),
                                           GW_STR_INIT("video/"), GW_STR_INIT("font/")};
    if (gw_str_chr(type, ',') >= 0)
        return false;
    type = gw_str_trim(gw_str_cut(&type, ';'));
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (gw_str_ieq(type, whole[i]))
            return true;
    for (size_t i = 0; i < sizeof family / sizeof *family; i++)
        if (gw_str_ieq(gw_str_sub(type, 0, family[i].n), family[i]))
            return !contains(type, GW_STR("svg")) && !contains(type, GW_STR("xml"));
    return false;
}

/* What is put together while the lines of an answer pass. */
struct passing {
    const struct place *place;
    struct gw_buf *out;
    struct named named;
    uint32_t status;
    bool typed, active, dated; /* active: a browser may run what is in it */
};

static void pass_line(struct passing *p, const struct rule *rule, struct gw_str name,
                      struct gw_str value) {
    enum fact fact = rule->fact;
    bool pass = fact == PASS || fact == RETRY_AFTER || fact == CODED;
    switch (fact) {
    case UNLISTED:
        if (starts_any(name))
            head_put(p->out, name, value);
        break;
    case CONTENT_TYPE:
        pass = p->typed = true;
        p->active |= !is_inert(value);
        break;
    case DATE:
        pass = !p->dated && value.n > 0;
        p->dated |= pass;
        break;
    case CHALLENGE:
        pass = p->status == 401 && p->place->may_challenge;
        break;
    case CONNECTION:
        read_connection(value, &p->named);
        break;
    case LOCATION:
        if (is_clean(value))
            location_put(p->out, name.n == 8 ? GW_STR("location") : GW_STR("content-location"),
                         value, p->place);
        break;
    default:
        break;
    }
    if (pass)
        put_line(p->out, rule->name, value);
}

void head_to_client(const struct gw_res_head *res, const struct place *place, struct gw_buf *out) {
    struct passing p = {.place = place, .out = out, .status = res->status};
    gw_buf_put(out, GW_STR("x-content-type-options: nosniff\r\n"));
    size_t start = out->n;
    for (uint32_t i = 0; i < res->headers_n; i++) {
        struct gw_str name = res->headers[i].name;
        if (name.n > 0)
            pass_line(&p, answer_rule(name), name, res->headers[i].value);
    }
    drop_named(out, start, &p.named);
    /* A page of a node's or a service's is no page of the gateway's own: it may run nothing here. */
    if (!p.typed || p.active || is_named(GW_STR("content-type:"), &p.named))
        gw_buf_put(out, GW_STR("content-security-policy: sandbox\r\n"));
}

/* Links to paths only: what a browser could read as a host might be the target's. Without rel a link
 * says nothing (RFC 8288 3.3). */
static bool is_path_link(struct gw_str value) {
    bool opened = value.n > 0 && value.p[0] == '<' && gw_str_find(value, GW_STR("rel=")) >= 0;
    for (size_t i = 0; opened && i + 1 < value.n; i++) {
        bool strange = value.p[i] == '\\' || value.p[i] == '\t';
        bool host = value.p[i] == '/' && value.p[i + 1] == '/';
        opened = !strange && !host && (value.p[i] != '<' || value.p[i + 1] == '/');
    }
    return opened;
}

void head_hint_to_client(const struct gw_res_head *res, struct gw_buf *out) {
    for (uint32_t i = 0; i < res->headers_n; i++)
        if (gw_str_ieq(res->headers[i].name, GW_STR("link")) && is_path_link(res->headers[i].value))
            head_put(out, res->headers[i].name, res->headers[i].value);
}
