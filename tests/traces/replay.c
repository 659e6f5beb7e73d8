/*
 * Replays a trace against the native core and prints what the core does with it.
 *
 *     replay FILE            the trace's lines, each with the actions that it caused
 *     replay --states FILE   the transitions seen: "STATE EVENT STATE", for the coverage
 *
 * replay.mjs does the same through the wasm: their outputs must be equal to the byte. A trace is
 * lines; see README.md beside this file for the words.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../unit/frames.h"
#include "core/call/call.h"

enum { LINE_MAX_BYTES = 1 << 17, NAMES = 64, ENV_MAX = 8192, FILE_MAX = 16384 };

struct replay {
    struct gw *gw;
    uint32_t host;
    uint64_t seed;
    char env[ENV_MAX], file[FILE_MAX];
    size_t env_n, file_n;
    struct gw_time now;
    struct gw_header headers[GW_ANSWER_HEADERS_MAX];
    char header_text[GW_ANSWER_HEADERS_MAX][1024];
    uint32_t headers_n;
    struct {
        char name[16];
        struct gw_call *call;
    } calls[NAMES];
    uint32_t calls_n;
    bool states;
    enum pool_state backends[GW_BACKENDS];
    const char *chunk; /* behind GW_CHUNK slices */
    bool binary;       /* there are frames: bytes that are no ASCII are shown as numbers */
};

static void *mem_get(void *user, size_t n) {
    (void)user;
    return malloc(n);
}

static void mem_put(void *user, void *p, size_t n) {
    (void)user, (void)n;
    free(p);
}

static const struct gw_mem mem = {mem_get, mem_put, NULL};
static struct gw_cells shared = {NULL, 1};

static const char *const state_names[] = {"NEW",  "SNIFF",   "QUEUE", "TRY",    "KEEP", "RELAY",
                                          "HOLD", "OBSERVE", "PROBE", "SIGNED", "ASK",  "DONE"};
static const char *const fail_names[] = {"",      "refused", "dns",  "tls",   "connect-time",
                                         "reset", "stale",   "junk", "local", "untaken",
                                         "along"};
static const char *const sent_names[] = {"none", "part", "all"};
static const char *const tick_names[] = {"", "held-back", "unseen"};
static const char *const ask_names[] = {"",      "proof",  "leases", "keep", "alive",
                                        "store", "recall", "forget", "toy"};
static const char *const answer_names[] = {"done", "none", "older", "late", "unasked", "failed"};
static const char *const how_names[] = {"clean", "cut", "along"};

static void die(const char *what, const char *line) {
    fprintf(stderr, "trace: %s: %s\n", what, line);
    exit(2);
}

static uint32_t index_of(const char *const *names, uint32_t n, const char *name) {
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    die("unknown word", name);
    return 0;
}

static struct gw_call **find(struct replay *r, const char *name) {
    for (uint32_t i = 0; i < r->calls_n; i++)
        if (strcmp(r->calls[i].name, name) == 0)
            return &r->calls[i].call;
    if (r->calls_n == NAMES)
        die("too many calls", name);
    snprintf(r->calls[r->calls_n].name, sizeof r->calls[0].name, "%s", name);
    return &r->calls[r->calls_n++].call;
}

static const char *name_of(const struct replay *r, const struct gw_call *call) {
    for (uint32_t i = 0; i < r->calls_n; i++)
        if (r->calls[i].call == call)
            return r->calls[i].name;
    return "?";
}

/* ------------------------------------------------------------------ printing actions */

static void put_str(struct gw_str s) {
    if (s.n > 0)
        fwrite(s.p, 1, s.n, stdout);
}

static void put_len(const char *label, uint64_t n) {
    if (n == UINT64_MAX)
        printf(" %s=-", label);
    else
        printf(" %s=%llu", label, (unsigned long long)n);
}

static void put_head(const char *name, struct gw_str head) {
    while (head.n > 0) {
        struct gw_str line = gw_str_cut(&head, '\r');
        head = gw_str_sub(head, 1, head.n);
        printf("%s   ", name);
        put_str(line);
        putchar('\n');
    }
}

static void put_escaped(const struct replay *r, const char *p, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        unsigned c = (unsigned char)p[i];
        printf(c < ' ' || c == '\\' || (r->binary && c > '~') ? "\\x%02x" : "%c", c);
    }
}

static void put_slices(const struct replay *r, const struct gw_slice *s, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (s[i].kind == GW_REQUEST) {
            printf(" request[%llu", (unsigned long long)s[i].off);
            put_len("+", s[i].len);
            putchar(']');
            continue;
        }
        const char *p = s[i].kind == GW_CHUNK ? r->chunk + s[i].off : s[i].p;
        printf(s[i].kind == GW_CHUNK ? " chunk:" : " literal:");
        put_escaped(r, p, s[i].len);
    }
    putchar('\n');
}

static void put_send(const struct replay *r, const char *name, const struct gw_action *a) {
    printf("%s SEND %u ", name, a->attempt);
    put_str(a->send.target.name);
    putchar(' ');
    put_str(a->send.method);
    putchar(' ');
    put_str(a->send.url);
    printf(" host=");
    put_str(a->send.target.authority);
    printf(" tls=%u connect=%u", a->send.target.tls, a->send.connect_ms);
    put_len("len", a->send.body_len);
    put_slices(r, a->send.slices, a->send.slices_n);
    put_head(name, a->send.head);
}

static void put_action(const struct replay *r, const char *name, const struct gw_action *a) {
    switch (a->kind) {
    case GW_WAIT:
        printf("%s WAIT %.0f\n", name, a->at * 1000);
        break;
    case GW_READ:
        printf("%s READ", name);
        put_len("upto", a->read.upto);
        put_len("show", a->read.show);
        if (a->read.again != 0)
            put_len("again", a->read.from);
        putchar('\n');
        break;
    case GW_SEND:
        put_send(r, name, a);
        break;
    case GW_FORGET:
        printf("%s FORGET", name);
        put_len("below", a->forget.below);
        putchar('\n');
        break;
    case GW_DROP:
        printf("%s DROP %u\n", name, a->attempt);
        break;
    case GW_HEAD:
        printf("%s HEAD %u", name, a->head.status);
        put_len("len", a->head.body_len);
        putchar('\n');
        put_head(name, a->head.head);
        break;
    case GW_DATA:
        printf("%s DATA", name);
        put_slices(r, a->data.slices, a->data.slices_n);
        break;
    case GW_RELAY:
        printf("%s RELAY %u report=%u by %.0f", name, a->attempt, a->relay.report, a->at * 1000);
        if (a->relay.show > 0)
            put_len("show", a->relay.show);
        putchar('\n');
        break;
    case GW_END:
        printf("%s END %u\n", name, a->end.code);
        break;
    case GW_RECORD:
        printf("%s RECORD ", name);
        put_str(a->record.line);
        putchar('\n');
        break;
    case GW_ASK:
        printf("%s ASK %u %s by %.0f ", name, a->ask.id, ask_names[a->ask.what], a->at * 1000);
        put_str(a->ask.key);
        putchar(' ');
        put_escaped(r, a->ask.bytes.p, a->ask.bytes.n);
        putchar('\n');
        break;
    default:
        die("unknown action", name);
    }
}

static void drain(struct replay *r, struct gw_call *call) {
    struct gw_action a;
    uint32_t kind;
    do {
        kind = gw_poll(call, &a);
        if (!r->states)
            put_action(r, name_of(r, call), &a);
    } while (kind != GW_WAIT && kind != GW_END);
}

static void drain_ready(struct replay *r) {
    struct gw_call *call;
    while ((call = gw_ready(r->gw)) != NULL) {
        if (r->states)
            printf("QUEUE woken %s\n", state_names[call->state]);
        drain(r, call);
    }
}

/* What has become of each backend since the last look. */
static void look_at_pool(struct replay *r) {
    static const char *const names[] = {"READY", "HALF_OPEN", "COOLING", "DOWN"};
    for (uint32_t i = 0; i < GW_BACKENDS; i++) {
        enum pool_state is = pool_state_of(&r->gw->cluster.pool, i, r->now.mono_ms);
        if (r->states && is != r->backends[i])
            printf("%s %s\n", names[r->backends[i]], names[is]);
        r->backends[i] = is;
    }
}

static void feed(struct replay *r, const char *name, const struct gw_event *e) {
    static const char *const events[] = {"",        "REQ_HEAD", "REQ_BODY", "RES_HEAD", "RES_BODY",
                                         "RES_END", "RES_FAIL", "TICK",     "GONE",     "ANSWER"};
    struct gw_call *call = *find(r, name);
    if (call == NULL)
        die("no such call", name);
    const char *from = state_names[call->state];
    look_at_pool(r);
    int error = gw_feed(call, e, r->now);
    look_at_pool(r);
    if (r->states)
        printf("%s %s %s\n", from, events[e->kind], state_names[call->state]);
    if (error != 0) {
        if (!r->states)
            printf("%s error %d\n", name, error);
        return;
    }
    drain(r, call);
    drain_ready(r);
}

/* ------------------------------------------------------------------ reading the trace */

/* "\n", "\r", "\\" and "\"" in the text of bodies. */
static size_t unescape(char *s) {
    char *out = s;
    for (char *p = s; *p != '\0'; p++) {
        if (*p == '\\' && p[1] != '\0') {
            p++;
            *out++ = *p == 'n' ? '\n' : *p == 'r' ? '\r' : *p;
        } else {
            *out++ = *p;
        }
    }
    *out = '\0';
    return (size_t)(out - s);
}

static char *word(char **rest) {
    char *start = *rest + strspn(*rest, " ");
    char *end = start + strcspn(start, " ");
    *rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    return start;
}

static uint64_t length(const char *text) {
    return strcmp(text, "-") == 0 ? UINT64_MAX : strtoull(text, NULL, 10);
}

static void start(struct replay *r) {
    char why[512];
    size_t why_n = 0;
    struct gw_source source = {r->host, {r->env, r->env_n}, {r->file, r->file_n}};
    if (r->gw != NULL)
        return;
    r->gw = gw_new(&mem, &shared, &source, r->seed, why, sizeof why, &why_n);
    if (r->gw == NULL) {
        why[why_n < sizeof why ? why_n : sizeof why - 1] = '\0';
        die("configuration", why);
    }
}

static void on_header(struct replay *r, char *rest) {
    uint32_t i = r->headers_n++;
    if (i >= GW_ANSWER_HEADERS_MAX)
        die("too many headers", rest);
    snprintf(r->header_text[i], sizeof r->header_text[i], "%s", rest);
    char *colon = strchr(r->header_text[i], ':');
    if (colon == NULL)
        die("not a header", rest);
    r->headers[i].name = gw_str(r->header_text[i], (size_t)(colon - r->header_text[i]));
    r->headers[i].value = gw_str_trim(gw_str(colon + 1, strlen(colon + 1)));
}

static void on_req(struct replay *r, char *rest) {
    struct gw_event e = {.kind = GW_REQ_HEAD};
    const char *name = word(&rest);
    const char *method = word(&rest), *target = word(&rest), *authority = word(&rest);
    e.req_head.method = gw_str(method, strlen(method));
    e.req_head.target = gw_str(target, strlen(target));
    e.req_head.authority = gw_str(authority, strlen(authority));
    e.req_head.body_len = length(word(&rest));
    e.req_head.peer = strcmp(word(&rest), "loopback") == 0 ? GW_PEER_LOOPBACK : 0;
    e.req_head.headers = r->headers;
    e.req_head.headers_n = r->headers_n;
    r->headers_n = 0;
    start(r);
    struct gw_call **call = find(r, name);
    *call = gw_open(r->gw, r->now);
    feed(r, name, &e);
}

static void on_body(struct replay *r, char *rest) {
    struct gw_event e = {.kind = GW_REQ_BODY};
    const char *name = word(&rest);
    e.req_body.off = length(word(&rest));
    e.req_body.len = length(word(&rest));
    e.req_body.fin = strcmp(word(&rest), "fin") == 0;
    if (*rest != '\0')
        e.req_body.bytes = gw_str(rest, unescape(rest));
    feed(r, name, &e);
}

/* Spaces, which the host shows. */
static void on_blank(struct replay *r, char *rest) {
    static char blank[GW_SHOW_BODY];
    struct gw_event e = {.kind = GW_REQ_BODY};
    const char *name = word(&rest);
    e.req_body.off = length(word(&rest));
    e.req_body.len = length(word(&rest));
    GW_ASSERT(e.req_body.len <= sizeof blank);
    memset(blank, ' ', sizeof blank);
    e.req_body.bytes = gw_str(blank, e.req_body.len);
    feed(r, name, &e);
}

static void on_res(struct replay *r, char *rest) {
    struct gw_event e = {.kind = GW_RES_HEAD};
    const char *name = word(&rest);
    e.attempt = (uint32_t)length(word(&rest));
    e.res_head.status = (uint32_t)length(word(&rest));
    e.res_head.body_len = length(word(&rest));
    e.res_head.headers = r->headers;
    e.res_head.headers_n = r->headers_n;
    r->headers_n = 0;
    feed(r, name, &e);
}

static void on_chunk(struct replay *r, char *rest) {
    struct gw_event e = {.kind = GW_RES_BODY};
    const char *name = word(&rest);
    e.attempt = (uint32_t)length(word(&rest));
    e.res_body = gw_str(rest, unescape(rest));
    r->chunk = rest;
    feed(r, name, &e);
}

/* A chunk of so many bytes, for traces that would else be long. */
static void on_fill(struct replay *r, char *rest) {
    static char bytes[65536];
    struct gw_event e = {.kind = GW_RES_BODY};
    const char *name = word(&rest);
    e.attempt = (uint32_t)length(word(&rest));
    uint64_t n = length(word(&rest));
    memset(bytes, 'x', sizeof bytes);
    e.res_body = gw_str(bytes, n < sizeof bytes ? n : sizeof bytes);
    r->chunk = bytes;
    feed(r, name, &e);
}

static void put_frame_line(struct gw_buf *b, const char *name, const char *value) {
    gw_buf_putc(b, (char)strlen(name));
    gw_buf_put(b, gw_str(name, strlen(name)));
    gw_buf_put(b, GW_STR("\7\0"));
    gw_buf_putc(b, (char)strlen(value));
    gw_buf_put(b, gw_str(value, strlen(value)));
}

/* A chunk that is a frame of AWS's; one that is "bad" has a wrong CRC, one that is "torn" half its length. */
static void on_frame(struct replay *r, char *rest) {
    static char lines[512], bytes[4096];
    struct gw_buf head = {.p = lines, .cap = sizeof lines, .max = sizeof lines};
    struct gw_buf b = {.p = bytes, .cap = sizeof bytes, .max = sizeof bytes};
    struct gw_event e = {.kind = GW_RES_BODY};
    const char *name = word(&rest);
    e.attempt = (uint32_t)length(word(&rest));
    const char *how = word(&rest), *type = word(&rest);
    bool event = strcmp(how, "exception") != 0;
    put_frame_line(&head, event ? ":event-type" : ":exception-type", type);
    put_frame_line(&head, ":content-type", "application/json");
    put_frame_line(&head, ":message-type", event ? "event" : "exception");
    frames_put(&b, gw_buf_str(&head), gw_str(rest, strlen(rest)));
    GW_ASSERT(!b.full && !head.full);
    bytes[b.n - 1] ^= strcmp(how, "bad") == 0;
    e.res_body = gw_str(bytes, strcmp(how, "torn") == 0 ? b.n / 2 : b.n);
    r->chunk = bytes;
    r->binary = true;
    feed(r, name, &e);
}

static void on_fail(struct replay *r, char *rest) {
    struct gw_event e = {.kind = GW_RES_FAIL};
    const char *name = word(&rest);
    e.attempt = (uint32_t)length(word(&rest));
    e.res_fail.fail = index_of(fail_names, 11, word(&rest));
    e.res_fail.sent = index_of(sent_names, 3, word(&rest));
    feed(r, name, &e);
}

static void on_end(struct replay *r, char *rest) {
    struct gw_event e = {.kind = GW_RES_END};
    const char *name = word(&rest);
    e.attempt = (uint32_t)length(word(&rest));
    e.res_end.how = index_of(how_names, 3, word(&rest));
    feed(r, name, &e);
}

static void on_answer(struct replay *r, char *rest) {
    struct gw_event e = {.kind = GW_ANSWER};
    const char *name = word(&rest);
    e.answer.id = (uint32_t)length(word(&rest));
    e.answer.status = index_of(answer_names, 6, word(&rest));
    e.answer.bytes = gw_str(rest, unescape(rest));
    feed(r, name, &e);
}

static void on_plain(struct replay *r, char *rest, uint32_t kind) {
    struct gw_event e = {.kind = kind};
    feed(r, word(&rest), &e);
}

static void on_tick(struct replay *r, char *rest) {
    struct gw_event e = {.kind = GW_TICK};
    const char *name = word(&rest);
    const char *body = word(&rest);
    e.tick.body = *body == '\0' ? GW_AWAITED : index_of(tick_names, 3, body);
    feed(r, name, &e);
}

static void on_close(struct replay *r, char *rest) {
    struct gw_call **call = find(r, word(&rest));
    gw_close(*call, r->now);
    *call = NULL;
    drain_ready(r);
}

static void on_task(struct replay *r, char *rest) {
    double next;
    const char *name = word(&rest);
    start(r);
    struct gw_call *call = gw_task(r->gw, r->now, &next);
    if (call == NULL) {
        if (!r->states)
            printf("no task, next %.0f\n", next * 1000);
        return;
    }
    *find(r, name) = call;
    if (r->states)
        printf("NEW task %s\n", state_names[call->state]);
    drain(r, call);
}

static void on_show(struct replay *r, char *rest) {
    static const char *const what[] = {"", "health", "limits", "state", "targets", "keyed"};
    start(r);
    struct gw_str text = gw_show(r->gw, index_of(what, 6, word(&rest)), r->now);
    if (!r->states)
        put_str(text);
}

/* The kinds of frames that a channel may carry, if the line begins with one: else all. */
static uint32_t kinds_of(char **rest) {
    static const char *const names[] = {"", "breakers: ", "leases: "};
    for (uint32_t kind = 1; kind < GW_FRAMES_ALL; kind++) {
        if (strncmp(*rest, names[kind], strlen(names[kind])) != 0)
            continue;
        *rest += strlen(names[kind]);
        return kind;
    }
    return GW_FRAMES_ALL;
}

/* Frames of other shards, with "\\n" between them; what has changed here. */
static void on_sync(struct replay *r, char *rest) {
    struct gw_str out;
    start(r);
    uint32_t kinds = kinds_of(&rest);
    size_t n = unescape(rest);
    look_at_pool(r);
    gw_sync(r->gw, kinds, gw_str(rest, n), r->now, &out);
    look_at_pool(r);
    if (!r->states)
        put_str(out);
}

static void add(char *to, size_t *n, size_t cap, const char *text, char end) {
    size_t len = strlen(text);
    if (*n + len + 1 > cap)
        die("does not fit", text);
    memcpy(to + *n, text, len);
    *n += len;
    to[(*n)++] = end;
}

static bool on_setting(struct replay *r, const char *verb, char *rest) {
    if (strcmp(verb, "host") == 0)
        r->host = strcmp(rest, "edge") == 0 ? GW_EDGE : GW_RACK;
    else if (strcmp(verb, "seed") == 0)
        r->seed = strtoull(rest, NULL, 10);
    else if (strcmp(verb, "env") == 0)
        add(r->env, &r->env_n, sizeof r->env, rest, '\0');
    else if (strcmp(verb, "file") == 0)
        add(r->file, &r->file_n, sizeof r->file, rest, '\n');
    else if (strcmp(verb, "at") == 0)
        r->now = (struct gw_time){strtod(rest, NULL), 1.8e12 + strtod(rest, NULL)};
    else if (strcmp(verb, "h") == 0)
        on_header(r, rest);
    else
        return false;
    return true;
}

static void on_line(struct replay *r, char *line) {
    char *rest = line;
    const char *verb = word(&rest);
    if (on_setting(r, verb, rest))
        return;
    if (strcmp(verb, "req") == 0)
        on_req(r, rest);
    else if (strcmp(verb, "blank") == 0)
        on_blank(r, rest);
    else if (strcmp(verb, "body") == 0)
        on_body(r, rest);
    else if (strcmp(verb, "res") == 0)
        on_res(r, rest);
    else if (strcmp(verb, "chunk") == 0)
        on_chunk(r, rest);
    else if (strcmp(verb, "end") == 0)
        on_end(r, rest);
    else if (strcmp(verb, "frame") == 0)
        on_frame(r, rest);
    else if (strcmp(verb, "fill") == 0)
        on_fill(r, rest);
    else if (strcmp(verb, "fail") == 0)
        on_fail(r, rest);
    else if (strcmp(verb, "tick") == 0)
        on_tick(r, rest);
    else if (strcmp(verb, "gone") == 0)
        on_plain(r, rest, GW_GONE);
    else if (strcmp(verb, "answer") == 0)
        on_answer(r, rest);
    else if (strcmp(verb, "close") == 0)
        on_close(r, rest);
    else if (strcmp(verb, "task") == 0)
        on_task(r, rest);
    else if (strcmp(verb, "show") == 0)
        on_show(r, rest);
    else if (strcmp(verb, "sync") == 0)
        on_sync(r, rest);
    else
        die("unknown verb", verb);
}

static void finish(struct replay *r) {
    for (uint32_t i = 0; i < r->calls_n; i++)
        if (r->calls[i].call != NULL)
            gw_close(r->calls[i].call, r->now);
    for (uint32_t i = 0; i < GW_BACKENDS; i++)
        if (pool_in_flight(&r->gw->cluster.pool, i) != 0)
            die("a slot was not given back", "at the end");
    if (r->gw != NULL && room_taken(&r->gw->cluster.pool.cells) != 0)
        die("bytes are still held", "at the end");
    if (r->gw != NULL)
        gw_del(r->gw);
}

int main(int argc, char **argv) {
    static struct replay r;
    static char line[LINE_MAX_BYTES];
    shared.cell = calloc(gw_cells_n(), sizeof *shared.cell);
    if (shared.cell == NULL)
        die("no memory", "for the cells");
    r.states = argc == 3 && strcmp(argv[1], "--states") == 0;
    FILE *f = argc >= 2 ? fopen(argv[argc - 1], "r") : NULL;
    if (f == NULL)
        die("cannot open", argc >= 2 ? argv[argc - 1] : "no file given");
    while (fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '\0' || line[0] == '#')
            continue;
        if (!r.states)
            printf("> %s\n", line);
        on_line(&r, line);
    }
    fclose(f);
    finish(&r);
    return 0;
}
