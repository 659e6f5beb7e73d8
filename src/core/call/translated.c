/*
 * Answers of places that are asked in another dialect than the client's (translate.c), but for streams (speak.c): one, or
 * an error, is kept until it is whole, and written in the client's dialect: as a stream, if the client wants one. A stream
 * that it does not want is a failed attempt.
 *
 * Memory: an answer may have an eighth of limits.json_bytes_max; vectors may have half of it, and twice their bytes are
 * taken from the room for bodies. Above that, or without room, the client is told so.
 */
#include "core/call/call.h"
#include "core/call/translate.h"
#include "format/embed.h"
#include "format/estimate.h"

enum {
    ARENA_MORE = 1 << 18,
    ARENA_TIMES = 4,
    ANSWER_SHARE = 8,
    STREAM_TIMES = 6, /* what is written of a whole answer that goes out as a stream */
    VECTORS_SHARE = 2,
    ROOM_STEP = 1 << 18, /* what an answer's room is taken by */
    WAIT_MOST_MS = 86400000,
};

/* ------------------------------------------------------------------ the answer */

/* Bedrock says in its head how many tokens the texts were; Cohere's form has no place for that. */
static void note_tokens(struct gw_call *c, const struct gw_res_head *res) {
    static const struct gw_str line = GW_STR_INIT("x-amzn-bedrock-input-token-count");
    c->translation->tokens = 0;
    for (uint32_t i = 0; i < res->headers_n; i++)
        if (gw_str_ieq(res->headers[i].name, line))
            (void)gw_str_u64(res->headers[i].value, &c->translation->tokens);
}

/* One piece in place of many that grow, if it is known how much comes. */
static void make_room(struct gw_buf *b, uint64_t n) {
    if (n > b->max || gw_buf_room(b, (size_t)n) == NULL)
        return;
    b->n = 0;
}

bool translate_takes(struct gw_call *c, size_t n) {
    struct call_translation *t = c->translation;
    uint64_t held = 2 * (c->kept.body.n + n);
    if (!t->embeds || held <= t->vectors_room)
        return true;
    uint64_t more = (held - t->vectors_room + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP;
    t->crowded = !room_take(&c->gw->cluster.pool.cells, c->body.client, more,
                            c->conf->limits.replay_total_max);
    if (t->crowded)
        return false;
    t->vectors_room += more;
    t->room += more;
    return true;
}

/* It is kept until it is whole. */
struct next translate_keep(struct gw_call *c, const struct gw_res_head *res, struct gw_time now) {
    struct call_kept *k = &c->kept;
    bool embeds = c->translation->embeds;
    size_t max = (size_t)c->conf->limits.json_bytes_max / (embeds ? VECTORS_SHARE : ANSWER_SHARE);
    struct gw_buf head;
    gw_buf_init(&head, &c->arena, CALL_HEAD_MAX);
    answer_put_head(c, res, &head);
    c->arena.cap += ARENA_TIMES * max;
    gw_buf_init(&k->body, &c->arena, max);
    k->head = gw_buf_str(&head);
    k->status = res->status;
    k->at = c->attempt.at;
    k->cut = head.full;
    k->translates = true;
    k->whole = k->translated = false;
    c->attempt.limit_at = c->deadline_ms;
    note_tokens(c, res);
    if (embeds && res->body_len != GW_UNKNOWN && res->status < 400) {
        k->body.full = res->body_len > max || !translate_takes(c, (size_t)res->body_len);
        make_room(&k->body, k->body.full ? 0 : res->body_len);
    }
    if (k->body.full)
        return translate_on_kept(c, GW_CUT, true, now);
    return res->body_len == 0 ? translate_on_kept(c, GW_CLEAN, true, now) : next_wait(CALL_KEEP);
}

/* Too much of it, or not all. */
static struct next give_up(struct gw_call *c, struct gw_str why, bool drop, struct gw_time now) {
    blame_later(c, POOL_CUT);
    call_candidate(c)->spent = true;
    c->attempt.stays_ms = STAYS_JITTERED;
    end_because(c, c->attempt.to->target.name, why);
    try_close(c, drop, now);
    return next_target(!c->body.forgotten, true);
}

/* It was good, but there is no place for it. Nobody else's would be smaller. */
static struct next refuse_large(struct gw_call *c, bool drop, struct gw_time now) {
    bool crowded = c->translation->crowded;
    struct call_error e = {.status = crowded ? 503 : 502,
                           .type = GW_STR("server_error"),
                           .code = GW_STR("answer_too_large"),
                           .message =
                               GW_STR("the vectors are more than there is room to translate; "
                                      "ask for those of fewer texts at once"),
                           .retry_after_s = crowded,
                           .is_final = !crowded};
    answer_judge(c, c->kept.status, now);
    try_close(c, drop, now);
    return end_refuse(c, &e);
}

/* Some say in their words how long they are busy. */
static void put_said_wait(const struct gw_call *c, struct gw_buf *head) {
    struct gw_str name = chain_link(c)->speaks->waits;
    double ms = name.n > 0 ? answer_wait_within(gw_buf_str(&c->kept.body), name) : -1;
    if (ms < 0 || ms > WAIT_MOST_MS)
        return;
    gw_buf_put(head, GW_STR("retry-after: "));
    gw_buf_put_u64(head, (uint64_t)((ms + 999) / 1000));
    gw_buf_put(head, GW_STR("\r\n"));
}

static bool streams(const struct gw_call *c) {
    return c->translation->mean.stream;
}

static void put_stream_lines(struct gw_call *c) {
    struct gw_buf head;
    gw_buf_init(&head, &c->arena, CALL_HEAD_MAX);
    speak_put_head(c, &head);
    answer_put_stream_lines(&head);
    c->kept.head = gw_buf_str(&head);
    c->kept.translated = true;
}

static void put_lines(struct gw_call *c, const struct dialect_error *error) {
    static const struct gw_str again = GW_STR_INIT("retry-after: ");
    struct gw_buf head;
    struct gw_str lines = c->kept.head;
    ptrdiff_t at = gw_str_find(lines, again);
    gw_buf_init(&head, &c->arena, CALL_HEAD_MAX);
    head_put(&head, GW_STR("content-type"), GW_STR("application/json"));
    head_put(&head, GW_STR("cache-control"), GW_STR("no-store"));
    translate_put_id(c, &head);
    if (error != NULL && c->translation->from->put_error_head != NULL)
        c->translation->from->put_error_head(&head, error);
    if (error != NULL && at >= 0) {
        struct gw_str rest = gw_str_sub(lines, (size_t)at + again.n, lines.n);
        head_put(&head, GW_STR("retry-after"), gw_str_cut(&rest, '\r'));
    } else if (error != NULL) {
        put_said_wait(c, &head);
    }
    c->kept.head = gw_buf_str(&head);
    c->kept.translated = true;
}

/* What the texts cost; if nobody says, by their bytes. */
static void count_texts(struct gw_call *c, struct mean_answer *a) {
    if (usage_has(&a->usage, USAGE_INPUT))
        return;
    bool told = c->translation->tokens > 0;
    a->usage.n[USAGE_INPUT] = told ? c->translation->tokens : estimate_input(&c->translation->mean);
    a->usage.present |= told ? 1U << USAGE_INPUT : 0;
    c->estimated = !told;
}

static bool put_count(struct gw_call *c) {
    struct gw_buf out;
    if (!count_put_answer(c, &out))
        return false;
    c->kept.body = out;
    put_lines(c, NULL);
    return true;
}

static struct gw_buf write_whole(struct gw_call *c, const struct mean_answer *a) {
    struct call_translation *t = c->translation;
    struct gw_buf out;
    gw_buf_init(&out, &c->arena,
                t->embeds ? embed_room(&t->mean, c->kept.body.n)
                          : 2 * c->kept.body.max + ARENA_MORE);
    if (t->embeds && !t->mean.embeds.base64)
        make_room(&out, out.max);
    (t->embeds ? t->from->embeds->put_answer : t->from->speech->put_answer)(a, &t->mean, &out);
    t->answer = gw_buf_str(&out);
    return out;
}

static struct gw_buf write_stream(struct gw_call *c, const struct mean_answer *a) {
    struct call_translation *t = c->translation;
    struct mean_stream s = {.arena = &c->arena,
                            .in = chain_link(c)->speaks,
                            .out = t->from,
                            .asked = &t->mean,
                            .created = a->created,
                            .seed = a->seed,
                            .wants_usage = t->mean.wants_usage};
    struct gw_buf out;
    size_t n = STREAM_TIMES * c->kept.body.n + ARENA_MORE;
    c->arena.cap += 2 * n;
    gw_buf_init(&out, &c->arena, n);
    steps_answer(&s, a, &out);
    out.full |= s.full;
    return out;
}

/* As the client wants it; what is to be kept of it (remember.c) is whole. False: it is too long for that. */
static bool write_answer(struct gw_call *c, const struct mean_answer *a) {
    struct gw_buf out = {.full = false};
    if (!streams(c) || remember_is_due(c))
        out = write_whole(c, a);
    bool full = out.full;
    if (streams(c))
        out = write_stream(c, a);
    c->kept.body = out;
    return c->translation->embeds || (!full && !out.full);
}

/* The client's answer. False: what came is none of the target's dialect. */
static bool put_answer(struct gw_call *c, struct gw_time now) {
    struct call_translation *t = c->translation;
    struct gw_walk w;
    struct mean_answer *a = gw_arena_get(&c->arena, sizeof *a);
    if (a == NULL || t->counts)
        return t->counts && put_count(c);
    a->mean.arena = &c->arena;
    a->created = (uint64_t)(now.wall_ms / 1000);
    a->seed = t->seed + c->attempt.number;
    gw_walk_init(&w, gw_buf_str(&c->kept.body));
    if (t->embeds)
        embed_read_answer(&w, a);
    else
        chain_link(c)->speaks->speech->read_answer(&w, a);
    if (!gw_walk_end(&w) || a->mean.bad || a->mean.full ||
        (t->embeds && a->vectors.n != t->mean.embeds.texts.n))
        return false;
    if (t->embeds)
        count_texts(c, a);
    if (a->model.n == 0)
        a->model = chain_model(c);
    if (a->id.n == 0)
        a->id = mean_make_id(&c->arena, "answer_", a->seed, 0);
    mean_own_names(a, &t->mean);
    mean_hide_thoughts(a, &t->mean, chain_link(c)->speaks, t->from);
    seal_answer(&t->seal, a, chain_link(c)->speaks);
    meter_tell(c, &a->usage, a->model);
    if (!write_answer(c, a))
        return false;
    if (streams(c))
        put_stream_lines(c);
    else
        put_lines(c, NULL);
    return true;
}

bool translate_wants(const struct gw_call *c, const struct gw_res_head *res) {
    return call_translates(c) && streams(c) && res->status == 200;
}

struct next translate_refuse_stream(struct gw_call *c, struct gw_time now) {
    struct next next = give_up(c, GW_STR("sent a stream that was not asked for"), true, now);
    c->attempt.stays_ms = STAYS_NOT; /* it would do so again */
    return next;
}

struct next translate_on_kept(struct gw_call *c, uint32_t how, bool drop, struct gw_time now) {
    struct call_kept *k = &c->kept;
    bool whole = how == GW_CLEAN && !k->cut && !k->body.full, good = k->status < 400;
    bool vectors = good && c->translation->embeds;
    k->translates = false;
    if (vectors && k->body.full)
        return refuse_large(c, drop, now);
    if (!whole && (good || !call_at_provider(c)))
        return give_up(c, GW_STR("cut the answer"), drop, now);
    if (good && !put_answer(c, now))
        return give_up(c, GW_STR("answered what nobody here can read"), drop, now);
    if (vectors && k->body.full)
        return refuse_large(c, drop, now);
    c->status = k->status;
    answer_first_content(c, now);
    answer_judge(c, k->status, now);
    try_close(c, drop, now);
    k->whole = true;
    return next_kept();
}

/* ------------------------------------------------------------------ errors */

static struct gw_str plain(struct gw_call *c, struct gw_str raw) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, raw.n + 1);
    gw_json_decode(&b, raw);
    return gw_buf_str(&b);
}

/* OpenAI's words for it, which the other dialects' go by. */
static struct gw_str type_of(uint32_t status) {
    switch (status) {
    case 401:
        return GW_STR("authentication_error");
    case 403:
        return GW_STR("permission_error");
    case 404:
        return GW_STR("not_found_error");
    case 429:
        return GW_STR("rate_limit_error");
    default:
        return status < 500 ? GW_STR("invalid_request_error") : GW_STR("server_error");
    }
}

/* Clients shorten what they have to say when they read these words. */
static void put_too_long(struct gw_call *c, struct dialect_error *e) {
    static const struct gw_str anthropics = GW_STR_INIT("prompt is too long");
    struct gw_buf text;
    e->code = GW_STR("context_length_exceeded");
    if (gw_str_find(e->message, anthropics) >= 0)
        return;
    gw_buf_init(&text, &c->arena, anthropics.n + 2 + e->message.n);
    gw_buf_put(&text, anthropics);
    gw_buf_put(&text, GW_STR(": "));
    gw_buf_put(&text, e->message);
    e->message = gw_buf_str(&text);
}

void translate_error(struct gw_call *c) {
    struct call_kept *k = &c->kept;
    struct mean_error said = {.message = GW_STR("")};
    struct gw_walk w;
    struct gw_buf out;
    gw_walk_init(&w, gw_buf_str(&k->body));
    mean_read_error(&w, &said);
    struct dialect_error e = {.status = k->status,
                              .type = type_of(k->status),
                              .code = plain(c, said.code),
                              .param = GW_STR(""),
                              .message = plain(c, said.message)};
    if (!gw_walk_end(&w) && k->body.n > 0)
        e.message = answer_torn(c);
    if (e.message.n == 0)
        e.message = GW_STR("the target refused the request, and did not say why");
    if (k->status == 400 && answer_is_too_long(gw_buf_str(&k->body)))
        put_too_long(c, &e);
    gw_buf_init(&out, &c->arena, 2 * e.message.n + 4096);
    c->translation->from->put_error(&out, &e);
    put_lines(c, &e);
    k->body = out;
}
