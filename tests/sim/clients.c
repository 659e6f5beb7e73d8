/*
 * Clients: when they come, what they ask for, how they behave, and whether what they got is right.
 */
#include "sim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BOUND_MS = 150,
    CONTENTS = 40,
    CALM_EVERY_MS = 2500,
    MODELS_EVERY_MS = 40000,
    BODY_MAX = 512
};

/* ------------------------------------------------------------------ coming and going */

struct client *client_new(struct sim *sim, struct shard *shard) {
    struct client *c = world_new(sim, sizeof *c);
    *c = (struct client){.sim = sim, .next = sim->clients, .id = ++sim->clients_n, .shard = shard};
    c->tick_at = 1e18;
    sim->clients = c;
    sim->counts.calls++;
    return c;
}

static void overdue(struct sim *sim, void *client) {
    struct client *c = client;
    if (c->over || c->lost || c->left)
        return;
    double until = c->slow_until > c->deadline ? c->slow_until : c->deadline;
    if (sim->now < until + BOUND_MS)
        world_at(sim, until + BOUND_MS, overdue, c);
    else
        fail(sim, "call %u: not over at its deadline", c->id);
}

void client_leave(struct sim *sim, void *client) {
    struct client *c = client;
    if (c->over || c->lost)
        return;
    say(sim, "call %u: its client leaves", c->id);
    c->left = true;
    host_leave(c);
    c->over = true;
}

static void lose(struct sim *sim, void *client) {
    struct client *c = client;
    if (c->call == NULL)
        return;
    say(sim, "call %u: lost by its host", c->id);
    c->lost = true;
    sim->counts.lost++;
    for (struct attempt *a = c->attempts; a != NULL; a = a->next)
        check_release(a);
}

static void dawdle(struct sim *sim, void *client) {
    struct client *c = client;
    if (c->over || c->lost)
        return;
    c->slow_until = sim->now + between(sim, 10, 4000);
    say(sim, "call %u: takes nothing for %.0f ms", c->id, c->slow_until - sim->now);
}

static void put_body(struct client *c) {
    static const char *const types[CLASSES] = {"complex_reasoning", "code_generation", "multimodal",
                                               "batch"};
    c->body = world_new(c->sim, BODY_MAX);
    int n =
        snprintf(c->body, BODY_MAX,
                 "{\"type\":\"%s\",\"model\":\"m\",\"stream\":%s,\"messages\":[{\"role\":\"user\","
                 "\"content\":\"say %llu%*s\"}]}",
                 types[c->class], c->streamed ? "true" : "false", (unsigned long long)c->content,
                 c->large ? 250 : 0, "");
    c->body_n = (size_t)n;
}

void client_ask(struct client *c, uint32_t class, bool streamed) {
    struct sim *sim = c->sim;
    c->class = class;
    c->streamed = streamed;
    c->deadline =
        sim->now +
        (c->limit_ms > 0 && c->limit_ms < sim->set.request_ms ? c->limit_ms : sim->set.request_ms);
    c->came_at = sim->now;
    if (c->body == NULL)
        put_body(c);
    say(sim, "call %u: shard %u, class %u%s%s%s, content %llu", c->id, c->shard->index, class,
        streamed ? ", streamed" : "", c->fast ? ", fast" : "", c->poison ? ", poison" : "",
        (unsigned long long)c->content);
    world_at(sim, c->deadline + BOUND_MS, overdue, c);
    sim->counts.streams += streamed;
    host_open(c);
}

/* Between two that come, at random: exponential. */
static double gap(struct sim *sim) {
    return -log(1 - between(sim, 0, 0.999)) * 1000 / sim->set.rate;
}

void client_arrive(struct sim *sim, void *nothing) {
    const struct settings *s = &sim->set;
    if (sim->calm)
        return;
    struct client *c = client_new(sim, &sim->shard[pick(sim, sim->shards)]);
    double soon = sim->now + between(sim, 0, 3000);
    c->content = chance(sim, s->repeats) ? pick(sim, 3) : 1000 + c->id % CONTENTS;
    c->fast = chance(sim, 0.1);
    c->large = chance(sim, s->large);
    c->sniffed = chance(sim, 0.1);
    c->poison = chance(sim, s->poison);
    c->fast &= !c->poison;
    c->chunked = chance(sim, 0.1);
    c->limit_ms = chance(sim, s->hurried) ? floor(between(sim, 50, 4000)) : 0;
    if (chance(sim, s->leaves))
        world_at(sim, soon, client_leave, c);
    if (chance(sim, s->lost))
        world_at(sim, soon, lose, c);
    if (chance(sim, s->slow) && !c->poison)
        world_at(sim, soon, dawdle, c);
    client_ask(c, chance(sim, s->focus) ? 1 : pick(sim, CLASSES),
               chance(sim, s->streams) || c->poison);
    world_at(sim, sim->now + gap(sim), client_arrive, nothing);
}

void client_calm_round(struct sim *sim, void *nothing) {
    if (sim->ending)
        return;
    for (uint32_t i = 0; i < sim->shards; i++)
        for (uint32_t class = 0; class < CLASSES; class ++) {
            struct client *c = client_new(sim, &sim->shard[i]);
            c->content = 1000 + c->id % CONTENTS;
            client_ask(c, class, chance(sim, 0.1));
        }
    world_at(sim, sim->now + (sim->set.models ? MODELS_EVERY_MS : CALM_EVERY_MS), client_calm_round,
             nothing);
}

/* ------------------------------------------------------------------ what it gets */

static struct gw_str field(struct gw_str head, struct gw_str name) {
    ptrdiff_t at = gw_str_find(head, name);
    struct gw_str rest = at < 0 ? GW_STR("") : gw_str_sub(head, (size_t)at + name.n, head.n);
    return gw_str_cut(&rest, '\r');
}

void client_head(struct client *c, uint32_t status, struct gw_str head, uint64_t body_len) {
    struct sim *sim = c->sim;
    struct gw_str reason = field(head, GW_STR("x-heady-reason: "));
    say(sim, "call %u: HEAD %u %.*s", c->id, status, (int)reason.n, reason.p);
    if (c->headed || c->finished)
        fail(sim, "call %u: a second answer", c->id);
    c->headed = true;
    c->status = status;
    c->declared = body_len;
    text_put(sim, &c->reason, reason);
    digest_word(sim, status);
    if (status >= 500)
        check_refusal(c);
    if (sim->set.models && status != 200)
        load_on_refusal(c, head);
}

void client_data(struct client *c, struct gw_str bytes) {
    if (!c->headed || c->finished)
        fail(c->sim, "call %u: bytes %s", c->id, c->headed ? "after the end" : "before the head");
    text_put(c->sim, &c->got, bytes);
}

/* ------------------------------------------------------------------ whether it is right */

/* What a stream says, put together again. */
struct heard {
    struct text thoughts, text;
    uint32_t finishes, dones, errors, starts, usages, broken;
    bool torn; /* its last event is not whole */
};

static void put_char(struct sim *sim, struct text *out, uint32_t c) {
    char utf8[2] = {(char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f))};
    char ascii = (char)c;
    text_put(sim, out, c < 0x80 ? gw_str(&ascii, 1) : gw_str(utf8, 2));
}

/* The inside of a JSON string, up to its closing quote or its end. Text is below U+0800. */
static void put_decoded(struct sim *sim, struct gw_str s, struct text *out) {
    for (size_t i = 0; i < s.n && s.p[i] != '"'; i++) {
        char hex[5] = "";
        size_t plain = i;
        while (i < s.n && s.p[i] != '"' && s.p[i] != '\\')
            i++;
        text_put(sim, out, gw_str(s.p + plain, i - plain));
        if (i == s.n || s.p[i] == '"')
            break;
        i++;
        if (s.p[i] == 'u' && i + 4 < s.n) {
            memcpy(hex, s.p + i + 1, 4);
            put_char(sim, out, (uint32_t)strtoul(hex, NULL, 16));
            i += 4;
        } else {
            put_char(sim, out, s.p[i] == 'n' ? '\n' : (unsigned char)s.p[i]);
        }
    }
}

static void hear_delta(struct sim *sim, struct gw_str delta, struct heard *h) {
    struct gw_str text = GW_STR("\"content\":\""), thought = GW_STR("\"reasoning_content\":\"");
    h->starts += gw_str_starts(delta, GW_STR("\"role\""));
    h->finishes += gw_str_ends(delta, GW_STR("\"finish_reason\":\"stop\"}]}"));
    if (gw_str_starts(delta, text))
        put_decoded(sim, gw_str_sub(delta, text.n, delta.n), &h->text);
    else if (gw_str_starts(delta, thought))
        put_decoded(sim, gw_str_sub(delta, thought.n, delta.n), &h->thoughts);
}

static void hear_event(struct sim *sim, struct gw_str data, struct heard *h) {
    struct gw_str name = GW_STR("\"delta\":{");
    ptrdiff_t delta = gw_str_find(data, name);
    if (h->dones > 0 || h->errors > 0)
        fail(sim, "an event after the last: %.*s", (int)data.n, data.p);
    if (delta >= 0)
        hear_delta(sim, gw_str_sub(data, (size_t)delta + name.n, data.n), h);
    else if (gw_str_eq(data, GW_STR("[DONE]")))
        h->dones++;
    else if (gw_str_starts(data, GW_STR("{\"error\"")))
        h->errors++;
    else if (gw_str_starts(data, GW_STR("{\"broken\"")))
        h->broken++;
    else if (gw_str_find(data, GW_STR("\"usage\"")) >= 0)
        h->usages++;
    else
        fail(sim, "nobody has sent this event: %.*s", (int)data.n, data.p);
}

static void hear(struct sim *sim, struct gw_str rest, struct heard *h) {
    while (rest.n > 0) {
        ptrdiff_t end = gw_str_find(rest, GW_STR("\n\n"));
        h->torn = end < 0;
        if (h->torn)
            return;
        struct gw_str event = gw_str_sub(rest, 0, (size_t)end);
        rest = gw_str_sub(rest, (size_t)end + 2, rest.n);
        if (gw_str_starts(event, GW_STR("data: ")))
            hear_event(sim, gw_str_sub(event, 6, event.n), h);
        else if (!gw_str_starts(event, GW_STR(":")) && !gw_str_starts(GW_STR("data: "), event))
            fail(sim, "what is this event: %.*s", (int)event.n, event.p);
    }
}

/* Whether this is what a node says, whole or the beginning of it. */
static bool says_this(struct client *c, const struct node *n, const struct heard *h, bool whole) {
    struct sim *sim = c->sim;
    struct text raw[2] = {0}, thoughts = {0}, text = {0};
    node_text(sim, c->content, n, &raw[0], &raw[1]);
    put_decoded(sim, text_str(&raw[0]), &thoughts);
    put_decoded(sim, text_str(&raw[1]), &text);
    if (!gw_str_starts(text_str(&text), text_str(&h->text)) || (whole && h->text.n < text.n))
        return false;
    bool thought = whole || h->text.n > 0; /* all of it comes first */
    return !c->streamed || (gw_str_starts(text_str(&thoughts), text_str(&h->thoughts)) &&
                            (!thought || h->thoughts.n == thoughts.n));
}

static bool is_said(struct client *c, const struct heard *h, bool whole) {
    bool common = false; /* what all say that do not differ has been looked at */
    for (uint32_t i = 0; i < TARGETS; i++) {
        const struct node *n = &c->sim->node[i];
        if (common && !n->differs)
            continue;
        common |= !n->differs;
        if (says_this(c, n, h, whole))
            return true;
    }
    return false;
}

/* Two targets that end cleanly at the same place are believed, and from then on one of them. */
static bool is_all(struct client *c) {
    bool two = (c->early & (c->early - 1)) != 0;
    c->shard->believes |= two;
    return two || (c->early != 0 && c->shard->believes);
}

static void check_stream(struct client *c, uint32_t code) {
    struct sim *sim = c->sim;
    struct heard h = {0};
    hear(sim, text_str(&c->got), &h);
    /* What is relayed unseen may end anywhere. */
    bool whole = code == 0 && h.errors == 0 && !c->fast;
    if (!is_said(c, &h, whole && h.finishes > 0))
        fail(sim, "call %u: a stream that no node has sent, %s: %.*s | %.*s", c->id,
             whole ? "ended as if whole" : "broken off", (int)h.thoughts.n, h.thoughts.p,
             (int)h.text.n, h.text.p);
    if (h.torn && code == 0 && !c->fast)
        fail(sim, "call %u: a clean end inside an event", c->id);
    if (h.starts > 1 || h.finishes > 1 || h.usages > 1 || (whole && h.finishes == 0 && !is_all(c)))
        fail(sim, "call %u: %u beginnings, %u finishes, %u usages", c->id, h.starts, h.finishes,
             h.usages);
    if (h.broken > 0 && !c->fast)
        fail(sim, "call %u: a malformed event was passed on", c->id);
    c->broken_off = !whole && !c->fast;
    if (c->broken_off)
        check_broken(c);
}

static void check_json(struct client *c, uint32_t code) {
    struct gw_str got = text_str(&c->got), before = GW_STR("{\"text\":\"");
    struct heard h = {0};
    if (code != 0)
        return;
    if (c->declared != GW_UNKNOWN && c->declared != got.n)
        fail(c->sim, "call %u: %zu bytes of %llu, and a clean end", c->id, got.n,
             (unsigned long long)c->declared);
    if (c->status != 200)
        return;
    put_decoded(c->sim, gw_str_sub(got, before.n, got.n), &h.text);
    if (!gw_str_starts(got, before) || !is_said(c, &h, true))
        fail(c->sim, "call %u: an answer that no node has given", c->id);
}

void client_end(struct client *c, uint32_t code) {
    struct sim *sim = c->sim;
    say(sim, "call %u: END %u", c->id, code);
    if (c->finished)
        fail(sim, "call %u: ended twice", c->id);
    c->finished = c->over = true;
    if (c->task || c->left || c->excused)
        return;
    bool ok = c->status == 200 && code == 0;
    if (!c->headed)
        fail(sim, "call %u: ended without an answer", c->id);
    else if (c->streamed && c->status == 200)
        check_stream(c, code);
    else
        check_json(c, code);
    sim->counts.ok += ok;
    if (sim->set.models)
        load_on_end(c, ok && !c->broken_off);
    if (c->talk != NULL)
        talk_on_end(c, ok && !c->broken_off);
    bool roomy = sim->set.in_flight_max >= 8; /* else two at once may be one too many */
    if (sim->settled && roomy && !ok)
        fail(sim, "call %u: all is well, but it got %u", c->id, c->status);
}
