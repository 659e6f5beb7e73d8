/*
 * Going on from a prefix. A target that gets a request a second time has to generate again what the client
 * has already: the longer the answer, the longer the gap. Some can go on from what was delivered instead:
 * it is sent as a last message of the assistant's.
 *
 * The rule. A prefix is only sent where what follows it is what would have followed anyway:
 *
 *     the request   a chat of the dialect's own members alone (facts.h), at temperature 0. With sampling, what
 *                   follows a prefix is another draw than the one that x-heady-seed tells. Its last message
 *                   is the user's; no tools, no format, one choice: their state does not pass a seam
 *     the answer    one text of LEAST bytes or more, and nothing beside it
 *     the target    says that it can (registration, or "prefill" in the configuration), has proved it, and
 *                   answers the question of the proof as the target does that began: they are alike
 *
 * The seam is where a token began, SEAM bytes or more before the end of what was delivered. What lies
 * between is generated again and compared, as all of it is otherwise. If the target refuses, sends an error,
 * or says something else, the whole answer is generated anew, by any target, within the same retry budget. A
 * limit of tokens is lowered by what was delivered, at targets whose events are tokens; at others such a
 * request gets no prefix. The usage that such a target reports counts the prefix as prompt: it is left out,
 * as OpenAI's is of a stream that was interrupted.
 *
 * The proof. Once a stream could need it, an idle target is asked two small questions (gw_task): one
 * answer whole, and the same from a prefix. They are OpenAI's chat and name no model: a target that serves
 * others, or wants a name, is not proved.
 *
 *     UNASKED   WANTED   a stream could need it
 *     WANTED    PROVEN   what it says from the prefix equals what it said
 *     WANTED    UNFIT    it differs, or was refused
 *     WANTED    WANTED   no answer: again in half a minute, then twice as late each time, up to an hour;
 *                        likewise if a client waits for its place meanwhile
 *     PROVEN    UNFIT    it has refused one after all (400, 422)
 *     any       WANTED   it is reached elsewhere by now, or goes on in another way
 *     any       UNASKED  another node registers in its place
 */
#include "core/call/call.h"

enum {
    LEAST = 512, /* less is generated again in no time */
    SEAM = 24,
    LIMITS = 2,
    ANSWER_MAX = 16384,
    LIMIT_MOST = 1 << 30, /* of tokens: what is above is no limit */
    PROOF_LEAST = 4,      /* bytes that both answers must have */
    ASK_MS = 15000,       /* for each question */
    STEP_MS = 250,        /* how often to see whether a client waits for its place */
    AGAIN_MS = 30000,
    AGAIN_RUNS = 7,
    TOKENS = 24, /* of the question's answer: QUESTION says so as well */
    LOOK_MS =
        1000, /* how often to see whether a proof is wanted, where some target might give it */
    LOOK_LATE_MS = 10000, /* and where one might register */
};

/* Where a limit of tokens stands in the request. */
struct limit {
    uint64_t at, n;
    double tokens;
};

struct call_prefix {
    const struct dialect *dialect;
    uint64_t head, last; /* behind the opening brace; the bracket behind the last message */
    struct limit limit[LIMITS];
    struct delivered_text text;
    struct delivered_seam seam;       /* of the attempt at hand, if it was `sent` */
    bool sent, over;                  /* over: no other will be */
    const struct backend_conf *first; /* who began the answer */
};

#define VLLM GW_STR("\"continue_final_message\":true,\"add_generation_prompt\":false,")

/* ------------------------------------------------------------------ the request */

static struct limit limit_of(const struct facts *f, enum facts_member m) {
    return (struct limit){f->at[m].off, f->at[m].len, facts_number(f, m)};
}

static bool has_none(const struct facts *f, const enum facts_member *m, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (!facts_is(f, m[i], GW_JSON_NONE))
            return false;
    return true;
}

static bool is_greedy(const struct facts *f) {
    return facts_is(f, FACTS_TEMPERATURE, GW_JSON_NUMERAL) && !f->at[FACTS_TEMPERATURE].cut &&
           facts_number(f, FACTS_TEMPERATURE) == 0;
}

/* Whether the request lets an answer go on across a seam, as said above. */
static bool is_fit(const struct facts *f) {
    static const enum facts_member none[] = {FACTS_OPTIONS, FACTS_MAX_OUTPUT_TOKENS,
                                             FACTS_TYPE,    FACTS_CONTENTS,
                                             FACTS_INPUT,   FACTS_PROMPT,
                                             FACTS_SYSTEM,  FACTS_TOOLS,
                                             FACTS_FORMAT,  FACTS_MODELS};
    bool one = facts_is(f, FACTS_N, GW_JSON_NONE) || facts_number(f, FACTS_N) == 1;
    return is_greedy(f) && one && !f->has_others && (f->twice & ~(1U << FACTS_USUAL)) == 0 &&
           facts_is(f, FACTS_STREAM, GW_JSON_TRUE) && facts_is(f, FACTS_MESSAGES, GW_JSON_ARRAY) &&
           facts_ends_with_user(f) && has_none(f, none, sizeof none / sizeof *none);
}

void prefix_note(struct gw_call *c) {
    bool talks;
    struct facts *f = c->facts;
    if (!c->seeds || f == NULL || !c->body.fin || c->body.forgotten || !is_fit(f))
        return;
    const struct dialect *d = dialects_of_path(c->route.rest, &talks);
    if (!talks || d->turn_head.n == 0 || f->scan.at != c->body.received || facts_end(f) != 0)
        return;
    struct call_prefix *p = gw_arena_get(&c->arena, sizeof *p);
    if (p == NULL)
        return;
    p->dialect = d;
    p->head = f->at[FACTS_BODY].off + 1;
    p->last = f->at[FACTS_MESSAGES].off + f->at[FACTS_MESSAGES].len - 1;
    p->limit[0] = limit_of(f, FACTS_MAX_TOKENS);
    p->limit[1] = limit_of(f, FACTS_MAX_COMPLETION_TOKENS);
    c->prefix = p;
}

static struct pool_backend *known_of(struct gw_call *c, const struct backend_conf *to) {
    return &c->gw->cluster.pool.backend[to->slot];
}

/* Where it is, and how it goes on. */
static uint64_t place_of(const struct backend_conf *to) {
    struct tally tally = {0};
    tally_add(&tally, to->target.origin.p, to->target.origin.n);
    if (to->base.n > 0)
        tally_add(&tally, to->base.p, to->base.n);
    return tally_hash(&tally) + to->prefill;
}

void prefix_keep(struct gw_call *c) {
    bool some = false;
    c->prefix->first = c->attempt.to;
    for (uint32_t i = 0; i < c->plan.n; i++) {
        const struct backend_conf *to = c->plan.candidates[i].backend;
        struct pool_backend *known = known_of(c, to);
        if (to->prefill == PREFILL_NONE)
            continue;
        if (known->prefill == POOL_PREFILL_UNASKED ||
            (known->prefill > POOL_PREFILL_WANTED && known->prefill_of != place_of(to)))
            known->prefill = POOL_PREFILL_WANTED;
        some |= known->prefill != POOL_PREFILL_UNFIT;
    }
    if (some)
        delivered_keep(&c->stream->delivered, &c->prefix->text);
}

/* ------------------------------------------------------------------ sending */

/* What is left of a limit; false if nothing would be. */
static bool put_limit(struct gw_call *c, struct edits *e, const struct limit *limit,
                      uint32_t events) {
    struct gw_buf b;
    if (!(limit->tokens > 0) || limit->tokens > LIMIT_MOST)
        return true;
    if (limit->tokens <= events || !known_of(c, c->attempt.to)->prefill_counts)
        return false;
    gw_buf_init(&b, &c->arena, 24);
    gw_buf_put_u64(&b, (uint64_t)limit->tokens - events);
    edits_add(e, limit->at, limit->n, gw_buf_str(&b));
    return !b.full;
}

static struct gw_str prefix_of(const struct call_prefix *p) {
    return gw_str_sub(gw_buf_str(&p->text.raw), 0, p->seam.at);
}

static bool has_proved(struct gw_call *c, const struct backend_conf *to) {
    const struct pool_backend *known = known_of(c, to);
    return to->prefill != PREFILL_NONE && known->prefill == POOL_PREFILL_PROVEN &&
           known->prefill_of == place_of(to);
}

static bool may_send(struct gw_call *c) {
    struct call_prefix *p = c->prefix;
    const struct stream *s = c->stream;
    if (p->over || s == NULL || !s->begun || s->delivered.text == NULL ||
        !has_proved(c, c->attempt.to) || !has_proved(c, p->first) ||
        known_of(c, c->attempt.to)->prefill_says != known_of(c, p->first)->prefill_says)
        return false;
    p->seam = delivered_seam(&p->text, SEAM);
    return p->seam.at >= LEAST;
}

void prefix_put(struct gw_call *c, struct edits *e) {
    struct call_prefix *p = c->prefix;
    uint32_t had = e->n;
    p->sent = may_send(c);
    for (uint32_t i = 0; p->sent && i < LIMITS; i++)
        p->sent = put_limit(c, e, &p->limit[i], p->seam.events);
    if (!p->sent) {
        e->n = had;
        return;
    }
    if (c->attempt.to->prefill == PREFILL_VLLM)
        edits_add(e, p->head, 0, VLLM);
    edits_add(e, p->last, 0, p->dialect->turn_head);
    edits_add(e, p->last, 0, prefix_of(p));
    edits_add(e, p->last, 0, p->dialect->turn_tail);
}

/* ------------------------------------------------------------------ the answer */

void prefix_begin(struct gw_call *c) {
    size_t cut;
    const struct event_piece piece = {.channel = event_channel(0, 0, PART_TEXT),
                                      .raw = prefix_of(c->prefix)};
    if (c->prefix->sent && !delivered_meet(&c->stream->delivered, &piece, &cut))
        GW_ASSERT(false);
}

bool prefix_fails(struct gw_call *c, bool refused, struct gw_time now) {
    struct call_prefix *p = c->prefix;
    if (p == NULL || !p->sent || (!refused && c->stream->further))
        return false;
    p->sent = false;
    p->over = true;
    if (refused && has_proved(c, c->attempt.to))
        known_of(c, c->attempt.to)->prefill = POOL_PREFILL_UNFIT;
    end_because(c, c->attempt.to->target.name,
                refused ? GW_STR("refused a prefix") : GW_STR("went on differently"));
    doubt_begin(c->stream);
    try_close(c, true, now);
    c->stream->held.n = c->stream->partial = 0;
    return true;
}

bool prefix_miscounts(const struct gw_call *c, const struct event *e) {
    return e->usage.n > 0 && c->prefix != NULL && c->prefix->sent;
}

/* ------------------------------------------------------------------ the proof */

struct call_check {
    bool again;   /* the second question is under way */
    double until; /* by when it must be answered */
    struct gw_buf answer;
    struct delivered_text whole, rest; /* the first answer; what came of its prefix */
    struct gw_slice slice;
};

#define QUESTION                                                                                   \
    GW_STR("\"stream\":true,\"temperature\":0,\"max_tokens\":24,\"messages\":[{\"role\":\"user\"," \
           "\"content\":\"Write the numbers from one to twelve as words.\"}")

static struct gw_str whole_until_seam(const struct call_check *check) {
    return gw_str_sub(gw_buf_str(&check->whole.raw), 0, delivered_seam(&check->whole, SEAM).at);
}

static struct gw_str question(struct gw_call *c) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, ANSWER_MAX);
    gw_buf_putc(&b, '{');
    if (c->check->again && c->attempt.to->prefill == PREFILL_VLLM)
        gw_buf_put(&b, VLLM);
    gw_buf_put(&b, QUESTION);
    if (c->check->again) {
        gw_buf_put(&b, dialect_openai.turn_head);
        gw_buf_put(&b, whole_until_seam(c->check));
        gw_buf_put(&b, dialect_openai.turn_tail);
    }
    gw_buf_put(&b, GW_STR("]}"));
    c->arena_full |= b.full;
    return gw_buf_str(&b);
}

static struct gw_str head_of(struct gw_call *c) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, 512);
    gw_buf_put(&b, GW_STR("accept: text/event-stream\r\ncontent-type: application/json\r\n"));
    try_put_lines_for(c->attempt.to, &b);
    c->arena_full |= b.full;
    return gw_buf_str(&b);
}

static void ask(struct gw_call *c, struct gw_time now) {
    struct gw_str body = question(c);
    c->check->slice = (struct gw_slice){.kind = GW_LITERAL, .p = body.p, .len = body.n};
    struct gw_action *a = call_push(c, GW_SEND);
    a->attempt = ++c->attempt.number;
    a->send.target = c->attempt.to->target;
    a->send.method = GW_STR("POST");
    a->send.url = ask_url(c, c->attempt.to, GW_STR("/v1/chat/completions"));
    a->send.path = gw_str_sub(a->send.url, a->send.target.origin.n, a->send.url.n);
    a->send.head = head_of(c);
    a->send.connect_ms = (uint32_t)c->conf->limits.connect_ms;
    a->send.slices = &c->check->slice;
    a->send.slices_n = 1;
    a->send.body_len = body.n;
    c->attempt.open = true;
    c->attempt.sent_at = now.mono_ms;
    c->check->until = now.mono_ms + ASK_MS;
    c->attempt.limit_at = now.mono_ms + STEP_MS;
    gw_buf_init(&c->check->answer, &c->arena, ANSWER_MAX);
}

/* Takes the text out of the answer; false if it is no whole one. */
static bool read_answer(struct gw_call *c, struct delivered_text *text) {
    struct gw_str rest = gw_buf_str(&c->check->answer);
    struct event_source in = {.dialect = NULL};
    struct delivered d;
    struct event e = {.is = EVENT_PING};
    size_t n;
    delivered_init(&d, &c->arena);
    delivered_keep(&d, text);
    while ((n = frame_length(rest, 0, FRAMING_SSE)) > 0) {
        event_read(gw_str_sub(rest, 0, n), FRAMING_SSE, &in, &e);
        for (uint32_t i = 0; i < e.pieces_n; i++)
            if (!delivered_add(&d, &e.piece[i]))
                return false;
        if (e.opaque || e.is == EVENT_ERROR)
            return false;
        rest = gw_str_sub(rest, n, rest.n);
    }
    return e.end && d.text != NULL && !c->check->answer.full;
}

/* Whether the second answer is what the first one had there, as far as both go. */
static bool is_same(const struct call_check *check) {
    size_t at = whole_until_seam(check).n;
    struct gw_str rest = gw_buf_str(&check->rest.raw);
    struct gw_str was = gw_str_sub(gw_buf_str(&check->whole.raw), at, rest.n);
    return was.n >= PROOF_LEAST && gw_str_eq(was, gw_str_sub(rest, 0, was.n));
}

static struct next conclude(struct gw_call *c, enum pool_prefill what, bool drop,
                            struct gw_time now) {
    struct pool_backend *b = known_of(c, c->attempt.to);
    struct gw_str said = gw_buf_str(&c->check->whole.raw);
    struct tally tally = {0};
    if (said.n > 0)
        tally_add(&tally, said.p, said.n);
    b->prefill = (uint8_t)what;
    b->prefill_of = place_of(c->attempt.to);
    b->prefill_says = tally_hash(&tally);
    b->prefill_counts = c->check->whole.events + 2 >= TOKENS;
    if (what != POOL_PREFILL_WANTED)
        b->prefill_runs = 0;
    try_close(c, drop, now);
    return next_done(0);
}

static struct next on_answer(struct gw_call *c, struct gw_time now) {
    struct call_check *check = c->check;
    if (!read_answer(c, check->again ? &check->rest : &check->whole))
        return conclude(c, POOL_PREFILL_UNFIT, false, now);
    if (check->again)
        return conclude(c, is_same(check) ? POOL_PREFILL_PROVEN : POOL_PREFILL_UNFIT, false, now);
    check->again = true;
    if (whole_until_seam(check).n == 0)
        return conclude(c, POOL_PREFILL_UNFIT, false, now);
    ask(c, now);
    return next_stay();
}

static bool is_refusal(uint32_t status) {
    return status == 400 || status == 422;
}

/* A client comes first. */
static struct next on_tick(struct gw_call *c, struct gw_time now) {
    if (now.mono_ms >= c->check->until || known_of(c, c->attempt.to)->waiting > 0)
        return conclude(c, POOL_PREFILL_WANTED, true, now);
    c->attempt.limit_at = now.mono_ms + STEP_MS;
    return next_stay();
}

struct next prefix_on_event(struct gw_call *c, const struct gw_event *e, struct gw_time now) {
    switch (e->kind) {
    case GW_RES_HEAD:
        if (e->res_head.status == 200)
            return next_stay();
        return conclude(c,
                        is_refusal(e->res_head.status) ? POOL_PREFILL_UNFIT : POOL_PREFILL_WANTED,
                        true, now);
    case GW_RES_BODY:
        gw_buf_put(&c->check->answer, e->res_body);
        return next_stay();
    case GW_RES_END:
        return e->res_end.how == GW_CLEAN ? on_answer(c, now)
                                          : conclude(c, POOL_PREFILL_WANTED, false, now);
    case GW_TICK:
        return on_tick(c, now);
    case GW_RES_FAIL:
        /* Most likely a kept connection that the server had closed. */
        if (c->attempt.repeated)
            return conclude(c, POOL_PREFILL_WANTED, false, now);
        c->attempt.repeated = true;
        ask(c, now);
        return next_stay();
    default:
        return conclude(c, POOL_PREFILL_WANTED, false, now);
    }
}

static bool is_due(const struct gw *gw, uint32_t node, struct gw_time now) {
    const struct pool_backend *b = &gw->cluster.pool.backend[node];
    return b->prefill == POOL_PREFILL_WANTED && now.mono_ms >= b->prefill_at &&
           pool_in_flight(&gw->cluster.pool, node) == 0 &&
           pool_state_of(&gw->cluster.pool, node, now.mono_ms) == POOL_READY;
}

/* The next question, unless this one is answered: later and later. */
static void put_off(struct pool_backend *b, struct gw_time now) {
    b->prefill_at = now.mono_ms + (double)(AGAIN_MS << b->prefill_runs);
    if (b->prefill_runs < AGAIN_RUNS)
        b->prefill_runs++;
}

static struct gw_call *begin(struct gw *gw, uint32_t node, struct gw_time now) {
    struct gw_call *c = gw_open(gw, now);
    if (c == NULL)
        return NULL;
    plan_one(&c->plan, registry_node(&gw->cluster, c->conf, node, &c->arena));
    c->attempt.to = c->plan.candidates[0].backend;
    c->check = gw_arena_get(&c->arena, sizeof *c->check);
    c->attempt.has_slot = c->check != NULL && pool_take(&gw->cluster.pool, node, 1, false,
                                                        now.mono_ms, &c->attempt.grant);
    if (!c->attempt.has_slot) {
        gw_close(c, now);
        return NULL;
    }
    put_off(&gw->cluster.pool.backend[node], now);
    ask(c, now);
    call_advance(c, next_wait(CALL_PROBE), now);
    return c;
}

/* How soon to look again, though nobody may have asked yet. */
static double look_ms(const struct gw *gw, uint32_t node) {
    uint8_t known = gw->cluster.pool.backend[node].prefill;
    bool can = registry_prefill(&gw->cluster, node) != PREFILL_NONE;
    if (can)
        return known < POOL_PREFILL_PROVEN ? LOOK_MS : LOOK_LATE_MS;
    return gw->cluster.conf->node_keys[node].n > 0 ? LOOK_LATE_MS : DOUBT_FAR;
}

struct gw_call *prefix_task(struct gw *gw, struct gw_time now, double *next_ms) {
    for (uint32_t i = 0; i < GW_NODES; i++) {
        double look = look_ms(gw, i);
        if (*next_ms > look)
            *next_ms = look;
        struct gw_call *c = is_due(gw, i, now) ? begin(gw, i, now) : NULL;
        if (c != NULL)
            return c;
    }
    return NULL;
}
