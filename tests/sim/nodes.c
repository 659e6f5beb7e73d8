/*
 * Nodes: their moods, and how each attempt goes.
 *
 * Asked the same, all nodes say the same text (but one that `differs`), in pieces of their own: a
 * stream's deltas are cut differently by each, and its bytes come in chunks that are cut anywhere.
 */
#include "sim.h"

#include <stdio.h>

enum { WORDS_MIN = 1, WORDS_MORE = 60, MOOD_MS = 6000 };

static void step(struct sim *sim, void *attempt);

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

void node_moods(struct sim *sim, void *nothing) {
    if (sim->calm)
        return;
    if (chance(sim, 0.12)) {
        enum mood all = (enum mood)pick(sim, MOODS);
        for (uint32_t i = 0; i < NODES; i++)
            set_mood(sim, &sim->node[i], all);
    } else {
        set_mood(sim, &sim->node[pick(sim, TARGETS)], any_mood(sim));
    }
    world_at(sim, sim->now + between(sim, 0, MOOD_MS / 2.0), node_moods, nothing);
}

void node_calm(struct sim *sim) {
    for (uint32_t i = 0; i < TARGETS; i++)
        set_mood(sim, &sim->node[i], GOOD);
}

/* ------------------------------------------------------------------ what they say */

void node_text(struct sim *sim, uint64_t content, const struct node *node, struct text *out) {
    static const char *const words[] = {"the ",         "node ", "says\\n",     "caf\xc3\xa9 ",
                                        "\\\"yes\\\" ", "so ",   "\\u00fcber ", "42 "};
    struct gw_rng rng;
    gw_rng_init(&rng, content * 64 + (node->differs ? node->index + 1 : 0));
    uint64_t n = WORDS_MIN + gw_rng_next(&rng) % WORDS_MORE;
    for (uint64_t i = 0; i < n; i++) {
        const char *word = words[gw_rng_next(&rng) % (sizeof words / sizeof *words)];
        text_put(sim, out, gw_str(word, strlen(word)));
    }
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

static void put_delta(const struct attempt *a, struct text *t, struct gw_str delta,
                      const char *finish) {
    text_putf(a->sim, t,
              "data: {\"id\":\"c-%u-%u\",\"object\":\"chat.completion.chunk\",\"created\":1,"
              "\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":",
              a->client->id, a->number);
    if (delta.n > 0)
        text_putf(a->sim, t, "{\"content\":\"%.*s\"}", (int)delta.n, delta.p);
    else
        text_putf(a->sim, t, finish != NULL ? "{}" : "{\"role\":\"assistant\",\"content\":\"\"}");
    text_putf(a->sim, t,
              finish != NULL ? ",\"finish_reason\":\"%s\"}]}\n\n"
                             : ",\"finish_reason\":null}]}\n\n",
              finish);
}

static void put_stream(struct attempt *a, struct gw_str text) {
    struct text *t = &a->plot.body;
    put_delta(a, t, GW_STR(""), NULL);
    while (text.n > 0) {
        size_t n = delta_of(a->sim, text);
        put_delta(a, t, gw_str_sub(text, 0, n), NULL);
        text = gw_str_sub(text, n, text.n);
        if (chance(a->sim, 0.03))
            text_put(a->sim, t, GW_STR(": still there\n\n"));
    }
    put_delta(a, t, GW_STR(""), "stop");
    text_put(a->sim, t, GW_STR("data: [DONE]\n\n"));
}

static void plot_answer(struct attempt *a) {
    struct plot *p = &a->plot;
    struct text text = {0};
    p->status = 200;
    p->type = "application/json";
    node_text(a->sim, a->client->content, &a->sim->node[a->target], &text);
    if (a->client->streamed && !a->probe) {
        p->type = "text/event-stream";
        put_stream(a, text_str(&text));
    } else {
        text_putf(a->sim, &p->body, "{\"text\":\"%s\"}\n", text.p);
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
        plot_page(p, a->sim, 500, "application/json", "{\"error\":\"500\"}");
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
    plot_answer(a);
    if (n->mood == FLAKY)
        plot_mood(a, chance(sim, 0.4) ? (enum mood)pick(sim, MOODS) : GOOD);
    else
        plot_mood(a, n->mood);
    world_at(sim, sim->now + p->head_ms, step, a);
}

static bool is_of_interest(const struct attempt *a) {
    if (a->state == RELAYED)
        return !a->client->over;
    return a->client->call != NULL && !a->client->lost &&
           (a->state == UNDER_WAY || (a->state == DROPPED && a->late_events));
}

static void tell_head(struct attempt *a) {
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

static void tell_end(struct attempt *a, uint32_t how) {
    struct gw_event e = {.kind = GW_RES_END, .attempt = a->number, .res_end = {.how = how}};
    struct client *c = a->client;
    bool relayed = a->state == RELAYED;
    if (a->state != DROPPED)
        a->state = OVER;
    if (!relayed || c->call != NULL)
        host_feed(c, &e);
    else
        client_end(c, how != GW_CLEAN);
}

static void tell_fail(struct attempt *a) {
    struct gw_event e = {.kind = GW_RES_FAIL, .attempt = a->number};
    e.res_fail.fail = a->plot.fail;
    e.res_fail.sent = a->plot.sent;
    if (a->state != DROPPED)
        a->state = OVER;
    host_feed(a->client, &e);
}

static void tell_bytes(struct attempt *a) {
    struct plot *p = &a->plot;
    size_t n = 1 + pick(a->sim, p->chunk_max);
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
            tell_fail(a);
            return 0;
        }
        tell_head(a);
        return p->first_ms;
    }
    if (p->at < p->stop) {
        tell_bytes(a);
        return p->pace_ms;
    }
    if (p->then != HANGS)
        tell_end(a, p->then == CUT ? GW_CUT : GW_CLEAN);
    return 0;
}

static void step(struct sim *sim, void *attempt) {
    struct attempt *a = attempt;
    const struct client *c = a->client;
    if (!is_of_interest(a))
        return;
    /* Nobody answers before the request is there, or faster than it is taken. */
    double at = !c->fin && !c->task ? sim->now + 20 : c->slow_until > sim->now ? c->slow_until : 0;
    if (at <= 0) {
        double wait = go_on(a);
        if (wait <= 0)
            return;
        at = sim->now + between(sim, 0, 2) * wait;
    }
    world_at(sim, at, step, a);
}
