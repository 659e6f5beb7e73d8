/*
 * Nodes: their moods, and how each attempt goes.
 *
 * Asked the same, all nodes say the same text (but one that `differs`), in pieces of their own: a
 * stream's deltas are cut differently by each, and its bytes come in chunks that are cut anywhere.
 */
#include "sim.h"

#include <stdio.h>

enum { WORDS = 60, WORDS_LONG = 800, MOOD_MS = 6000 };

static void next_move(struct sim *sim, void *attempt);

/* ------------------------------------------------------------------ moods */

static void set_mood(struct sim *sim, struct node *n, enum mood mood) {
    static const char *const names[MOODS] = {"good", "flaky",  "down",    "tunnel",
                                             "busy", "errors", "gateway", "resets",
                                             "mute", "cuts",   "stalls",  "late"};
    if (n->mood == mood)
        return;
    n->mood = mood;
    say(sim, "node-%u is now: %s", n->index + 1, names[mood]);
}

static enum mood any_mood(struct sim *sim) {
    return chance(sim, 0.4) ? GOOD : (enum mood)pick(sim, MOODS);
}

static void set_all(struct sim *sim, enum mood mood) {
    for (uint32_t i = 0; i < NODES; i++)
        set_mood(sim, &sim->node[i], mood);
}

static void change_moods(struct sim *sim, void *nothing) {
    if (sim->calm)
        return;
    if (chance(sim, 0.12))
        set_all(sim, (enum mood)pick(sim, MOODS));
    else
        set_mood(sim, &sim->node[pick(sim, TARGETS)], any_mood(sim));
    world_at(sim, sim->now + between(sim, 0, MOOD_MS / 2.0), change_moods, nothing);
}

void node_begin_moods(struct sim *sim) {
    static const enum mood storms[] = {ERRORS, GATEWAY, RESETS};
    if (sim->set.storm)
        set_all(sim, storms[pick(sim, 3)]);
    world_at(sim, sim->now + between(sim, 0, MOOD_MS / 2.0), change_moods, NULL);
}

void node_calm(struct sim *sim) {
    for (uint32_t i = 0; i < TARGETS; i++)
        set_mood(sim, &sim->node[i], GOOD);
}

/* ------------------------------------------------------------------ what they say */

static void put_words(struct sim *sim, struct gw_rng *rng, uint64_t n, struct text *out) {
    static const char *const words[] = {"the ",         "node ", "says\\n",     "caf\xc3\xa9 ",
                                        "\\\"yes\\\" ", "so ",   "\\u00fcber ", "42 "};
    for (uint64_t i = 0; i < n; i++) {
        const char *word = words[gw_rng_next(rng) % (sizeof words / sizeof *words)];
        text_put(sim, out, gw_str(word, strlen(word)));
    }
}

void node_text(struct sim *sim, uint64_t content, const struct node *node, struct text *thoughts,
               struct text *text) {
    struct gw_rng rng;
    gw_rng_init(&rng, content * 64 + (node->differs ? node->index + 1 : 0));
    uint64_t n = 1 + gw_rng_next(&rng) % (content % 20 == 0 ? WORDS_LONG : WORDS);
    if (content % 3 == 0)
        put_words(sim, &rng, n / 2, thoughts);
    put_words(sim, &rng, n, text);
}

/* How many bytes of JSON text make a delta: some, and no escape or character is cut apart. */
static size_t delta_of(struct sim *sim, struct gw_str rest) {
    size_t n = 0, wanted = 1 + pick(sim, 40);
    while (n < rest.n && n < wanted) {
        unsigned char c = (unsigned char)rest.p[n++];
        if (c == '\\')
            n += rest.p[n] == 'u' ? 5 : 1;
        while (n < rest.n && (rest.p[n] & 0xc0) == 0x80)
            n++;
    }
    return n;
}

/* `name`: of the string that the delta brings; NULL: `delta` is all of it. */
static void put_delta(const struct attempt *a, const char *name, struct gw_str delta,
                      const char *finish) {
    struct text *t = (struct text *)&a->plot.body;
    text_putf(a->sim, t,
              "data: {\"id\":\"c-%u-%u\",\"object\":\"chat.completion.chunk\",\"created\":1,"
              "\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{",
              a->client->id, a->number);
    if (name != NULL)
        text_putf(a->sim, t, "\"%s\":\"%.*s\"", name, (int)delta.n, delta.p);
    else
        text_put(a->sim, t, delta);
    text_putf(a->sim, t, "},\"finish_reason\":%s}]}\n\n", finish);
}

static void put_deltas(struct attempt *a, const char *name, struct gw_str text) {
    while (text.n > 0) {
        size_t n = delta_of(a->sim, text);
        put_delta(a, name, gw_str_sub(text, 0, n), "null");
        text = gw_str_sub(text, n, text.n);
        if (chance(a->sim, 0.03))
            text_put(a->sim, &a->plot.body, GW_STR(": still there\n\n"));
    }
}

static void put_stream(struct attempt *a, struct gw_str thoughts, struct gw_str text) {
    struct text *t = &a->plot.body;
    put_delta(a, NULL, GW_STR("\"role\":\"assistant\",\"content\":\"\""), "null");
    put_deltas(a, "reasoning_content", thoughts);
    if (!a->sim->set.models && chance(a->sim, 0.03))
        text_put(a->sim, t, GW_STR("data: {\"broken\":\n\n"));
    put_deltas(a, "content", text);
    put_delta(a, NULL, GW_STR(""), "\"stop\"");
    if (chance(a->sim, 0.3))
        text_put(a->sim, t, GW_STR("data: {\"choices\":[],\"usage\":{\"total_tokens\":7}}\n\n"));
    if (chance(a->sim, 0.9))
        text_put(a->sim, t, GW_STR("data: [DONE]\n\n"));
}

static bool is_stream(const struct attempt *a) {
    return a->client->streamed && !a->probe;
}

void node_answer(struct attempt *a) {
    struct plot *p = &a->plot;
    struct text thoughts = {0}, text = {0};
    p->status = 200;
    p->type = "application/json";
    node_text(a->sim, a->client->content, &a->sim->node[a->target], &thoughts, &text);
    if (is_stream(a)) {
        p->type = "text/event-stream";
        put_stream(a, text_str(&thoughts), text_str(&text));
    } else {
        text_put(a->sim, &p->body, GW_STR("{\"text\":\""));
        text_put(a->sim, &p->body, text_str(&text));
        text_put(a->sim, &p->body, GW_STR("\"}\n"));
    }
    p->stop = p->body.n;
    p->then = ENDS;
}

/* ------------------------------------------------------------------ what goes wrong */

static void plot_page(struct plot *p, struct sim *sim, uint32_t status, const char *type,
                      const char *body) {
    p->status = status;
    p->type = type;
    p->body.n = 0;
    text_put(sim, &p->body, gw_str(body, strlen(body)));
    p->stop = p->body.n;
}

static void plot_busy(struct attempt *a) {
    static const char *const waits[] = {"0",   "1", "2", "7", "Fri, 01 Jan 2021 00:00:00 GMT",
                                        "soon"};
    static const uint32_t statuses[] = {429, 429, 503, 529};
    plot_page(&a->plot, a->sim, statuses[pick(a->sim, 4)], "application/json",
              "{\"error\":\"busy\"}");
    if (chance(a->sim, 0.5))
        a->plot.retry_after = waits[pick(a->sim, sizeof waits / sizeof *waits)];
}

static void plot_tunnel(struct attempt *a) {
    struct plot *p = &a->plot;
    if (chance(a->sim, 0.4)) {
        plot_page(p, a->sim, 404, "text/html", "<html>ngrok</html>");
        p->ngrok_error = true;
    } else if (chance(a->sim, 0.5)) {
        plot_page(p, a->sim, chance(a->sim, 0.5) ? 530 : 523, "text/html", "<html>1033</html>");
    } else {
        plot_page(p, a->sim, 502, "text/html", "<html>cloudflare</html>");
        p->cloudflare = true;
    }
}

static void plot_unreached(struct attempt *a) {
    static const uint32_t fails[] = {GW_FAIL_REFUSED, GW_FAIL_DNS, GW_FAIL_TLS,
                                     GW_FAIL_CONNECT_TIME};
    a->plot.fail = fails[pick(a->sim, 4)];
    a->plot.sent = GW_SENT_NONE;
}

static void plot_reset(struct attempt *a) {
    static const uint32_t fails[] = {GW_FAIL_RESET,   GW_FAIL_RESET, GW_FAIL_JUNK, GW_FAIL_STALE,
                                     GW_FAIL_UNTAKEN, GW_FAIL_ALONG, GW_FAIL_LOCAL};
    struct plot *p = &a->plot;
    p->fail = fails[pick(a->sim, sizeof fails / sizeof *fails)];
    p->sent = pick(a->sim, 3);
    if (p->fail == GW_FAIL_LOCAL)
        p->sent = GW_SENT_NONE;
    if (p->fail == GW_FAIL_JUNK)
        p->sent = GW_SENT_ALL;
}

static void plot_break(struct attempt *a, bool hangs) {
    struct plot *p = &a->plot;
    p->stop = pick(a->sim, (uint32_t)p->body.n + 1);
    p->then = hangs ? HANGS : CUT;
    if (is_stream(a) && !hangs && chance(a->sim, 0.4))
        p->then = ENDS;
}

/* An error as an event of the stream, somewhere in its first half. */
static void plot_error_event(struct attempt *a) {
    struct plot *p = &a->plot;
    struct gw_str body = text_str(&p->body);
    size_t from = pick(a->sim, (uint32_t)body.n / 2);
    ptrdiff_t end = gw_str_find(gw_str_sub(body, from, body.n), GW_STR("\n\n"));
    p->body.n = end < 0 ? 0 : from + (size_t)end + 2;
    text_put(a->sim, &p->body, GW_STR("data: {\"error\":{\"message\":\"out of memory\"}}\n\n"));
    p->stop = p->body.n;
}

static void plot_error(struct attempt *a) {
    if (is_stream(a) && chance(a->sim, 0.4))
        plot_error_event(a);
    else
        plot_page(&a->plot, a->sim, 500, "application/json", "{\"error\":\"500\"}");
}

/* Whoever begins with it breaks off in the middle, however well it is. */
static void plot_poison(struct attempt *a) {
    struct plot *p = &a->plot;
    if (p->fail != 0 || p->mute || p->status != 200)
        return;
    p->body.n = 0;
    p->head_ms = p->first_ms = p->pace_ms = 1; /* being late is another matter */
    node_answer(a);
    plot_error_event(a);
    p->poisoned = true;
}

static void plot_mood(struct attempt *a, enum mood mood) {
    struct plot *p = &a->plot;
    switch (mood) {
    case DOWN:
        plot_unreached(a);
        break;
    case TUNNEL:
        plot_tunnel(a);
        break;
    case BUSY:
        plot_busy(a);
        break;
    case ERRORS:
        plot_error(a);
        break;
    case REFUSES:
        plot_page(p, a->sim, 400, "application/json",
                  chance(a->sim, 0.5) ? "{\"error\":{\"code\":\"context_length_exceeded\"}}"
                                      : "{\"error\":{\"code\":\"content_filter\"}}");
        break;
    case GATEWAY:
        plot_page(p, a->sim, chance(a->sim, 0.5) ? 502 : 504, "application/json", "{}");
        break;
    case RESETS:
        plot_reset(a);
        break;
    case MUTE:
        p->mute = true;
        break;
    case CUTS:
    case STALLS:
        plot_break(a, mood == STALLS);
        break;
    case LATE:
        p->first_ms = between(a->sim, 0.5, 2.5) * a->sim->set.silence_ms;
        break;
    default:
        break;
    }
}

/* ------------------------------------------------------------------ the course of an attempt */

void node_begin(struct attempt *a) {
    struct sim *sim = a->sim;
    const struct node *n = &sim->node[a->target];
    struct plot *p = &a->plot;
    p->head_ms = n->latency_ms * between(sim, 0.5, 1.5);
    p->first_ms = between(sim, 0, 50);
    bool fine = chance(sim, 0.1);
    p->pace_ms = between(sim, 0.1, fine ? 5 : 100);
    p->chunk_max = fine ? 60 : 1500;
    node_answer(a);
    if (n->mood == FLAKY)
        plot_mood(a, chance(sim, 0.4) ? (enum mood)pick(sim, MOODS) : GOOD);
    else
        plot_mood(a, n->mood);
    if (a->client->poison)
        plot_poison(a);
    world_at(sim, sim->now + p->head_ms, next_move, a);
}

bool node_is_heard(const struct attempt *a) {
    if (a->state == RELAYED)
        return !a->client->over;
    return a->client->call != NULL && !a->client->lost &&
           (a->state == UNDER_WAY || (a->state == DROPPED && a->late_events));
}

void node_tell_head(struct attempt *a) {
    const struct plot *p = &a->plot;
    struct gw_header headers[5];
    uint32_t n = 0;
    headers[n++] = (struct gw_header){GW_STR("content-type"), gw_str(p->type, strlen(p->type))};
    if (p->retry_after != NULL)
        headers[n++] = (struct gw_header){GW_STR("retry-after"),
                                          gw_str(p->retry_after, strlen(p->retry_after))};
    if (p->ngrok_error)
        headers[n++] = (struct gw_header){GW_STR("ngrok-error-code"), GW_STR("ERR_NGROK_3200")};
    if (p->cloudflare)
        headers[n++] = (struct gw_header){GW_STR("server"), GW_STR("cloudflare")};
    struct gw_event e = {.kind = GW_RES_HEAD, .attempt = a->number};
    e.res_head = (struct gw_res_head){.status = p->status,
                                      .headers = headers,
                                      .headers_n = n,
                                      .body_len = a->client->streamed ? GW_UNKNOWN : p->body.n};
    a->headed = true;
    host_feed(a->client, &e);
}

void node_tell_end(struct attempt *a, uint32_t how) {
    struct gw_event e = {.kind = GW_RES_END, .attempt = a->number, .res_end = {.how = how}};
    struct client *c = a->client;
    bool relayed = a->state == RELAYED;
    if (a->state != DROPPED)
        a->state = OVER;
    if (how == GW_CLEAN && a->plot.stop < a->plot.body.n)
        c->early |= 1u << a->target;
    if (!relayed || c->call != NULL)
        host_feed(c, &e);
    else
        client_end(c, how != GW_CLEAN);
}

void node_tell_fail(struct attempt *a) {
    struct gw_event e = {.kind = GW_RES_FAIL, .attempt = a->number};
    e.res_fail.fail = a->plot.fail;
    e.res_fail.sent = a->plot.sent;
    if (a->state != DROPPED)
        a->state = OVER;
    host_feed(a->client, &e);
}

void node_tell_bytes(struct attempt *a, size_t n) {
    struct plot *p = &a->plot;
    struct gw_str bytes =
        gw_str_sub(text_str(&p->body), p->at, n < p->stop - p->at ? n : p->stop - p->at);
    struct gw_event e = {.kind = GW_RES_BODY, .attempt = a->number, .res_body = bytes};
    p->at += bytes.n;
    if (a->state == RELAYED)
        client_data(a->client, bytes);
    else
        host_feed(a->client, &e);
}

/* What comes next of the attempt; when, is returned: 0 if nothing will. */
static double go_on(struct attempt *a) {
    struct plot *p = &a->plot;
    if (!a->headed) {
        if (p->mute)
            return 0;
        if (p->fail != 0) {
            node_tell_fail(a);
            return 0;
        }
        node_tell_head(a);
        return p->first_ms;
    }
    if (p->at < p->stop) {
        node_tell_bytes(a, 1 + pick(a->sim, p->chunk_max));
        return p->pace_ms;
    }
    if (p->then != HANGS)
        node_tell_end(a, p->then == ENDS ? GW_CLEAN : chance(a->sim, 0.2) ? GW_CUT_ALONG : GW_CUT);
    return 0;
}

static void next_move(struct sim *sim, void *attempt) {
    struct attempt *a = attempt;
    const struct client *c = a->client;
    if (!node_is_heard(a))
        return;
    /* Nobody answers before the request is there, or faster than it is taken. */
    double at = !c->fin && !c->task ? sim->now + 20 : c->slow_until > sim->now ? c->slow_until : 0;
    if (at <= 0) {
        double wait = go_on(a);
        if (wait <= 0)
            return;
        at = sim->now + between(sim, 0, 2) * wait;
    }
    world_at(sim, at, next_move, a);
}
