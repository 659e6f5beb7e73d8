/*
 * What clients of OpenAI's Responses leave here. An answer that was translated for one is kept with its conversation
 * (format/responses_kept.h) unless the request says "store": false; another request may name it as what it goes on from
 * (previous_response_id), and its client may ask for it, or have it forgotten. Each key has its own; they end with
 * limits.responses_keep_s. What a provider of this dialect keeps itself is its own affair: its ids look otherwise.
 *
 *     the body is read       it names an answer of ours: the store is asked for that (RECALL)
 *       DONE                 that conversation comes before its input. Nobody else knows it, so every place of the chain
 *                            is asked by translation, those that speak the client's dialect, too
 *       NONE                 400: it was not kept, is over, or is another key's
 *       else                 503
 *     a whole answer         is kept (STORE), then given
 *     a stream's end         is held back until it is kept; what came before it has gone out. The client hears of the end
 *                            when its answer can be named
 *       not DONE             it is given without. The log says so, and x-heady-reason if the head is not out yet
 *       too long             likewise
 *     GET, DELETE            /v1/responses/<id of ours>: RECALL, FORGET
 */
#include "core/call/call.h"
#include "core/call/translate.h"
#include "format/responses_kept.h"

enum {
    KEEP_MS = 3000, /* the client waits for it */
    RECALL_MS = 5000,
    MORE = 256, /* what is written around what there is */
    ARENA_TIMES = 5,
};

/* ------------------------------------------------------------------ questions */

static bool keeps(const struct gw_call *c) {
    return c->conf->stores && c->conf->limits.responses_keep_s > 0;
}

/* A key's name may be a certificate's; an id has no slash. */
static struct gw_str key_of(struct gw_call *c, struct gw_str id) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, c->key_name.n + id.n + 1);
    gw_buf_put(&b, c->key_name);
    gw_buf_putc(&b, '/');
    gw_buf_put(&b, id);
    c->arena_full |= b.full;
    return gw_buf_str(&b);
}

static struct next ask(struct gw_call *c, enum gw_ask_what what, struct gw_str id,
                       struct gw_time now) {
    ask_put(c, what, RECALL_MS, now)->ask.key = key_of(c, id);
    return next_wait(CALL_ASK);
}

static void note(struct gw_call *c, const struct gw_answer *answer, struct gw_time now) {
    static const struct ask_words words = {
        GW_STR_INIT("store"), GW_STR_INIT("answers are kept again"),
        GW_STR_INIT("answers of /v1/responses are not kept: "),
        GW_STR_INIT("; check HEADY_DATA_DIR, at the edge the binding RESPONSES")};
    ask_note(c, &words, answer, &c->gw->store_away, now);
}

/* ------------------------------------------------------------------ keeping */

bool remember_is_due(const struct gw_call *c) {
    const struct call_translation *t = c->translation;
    return t != NULL && call_translates(c) && t->from == &dialect_responses && !t->kept &&
           !gw_str_eq(t->mean.store, GW_STR("false")) && !t->mean.compacts;
}

/* A buffer for what is to be kept, behind the line that says until when. False: it cannot be. */
static bool begin(struct gw_call *c, size_t answer_n, struct gw_time now, struct gw_buf *b) {
    size_t n = c->translation->came.n + answer_n + MORE;
    c->translation->kept = true;
    if (n > GW_STORED_MAX || c->asks_n == CALL_ASKS)
        return false;
    c->arena.cap += n;
    *b = (struct gw_buf){.p = gw_arena_get(&c->arena, n), .cap = n, .max = n, .arena = &c->arena};
    double until = now.wall_ms + 1000.0 * (double)c->conf->limits.responses_keep_s;
    gw_buf_put_u64(b, (uint64_t)until);
    gw_buf_putc(b, '\n');
    return b->p != NULL;
}

static void keep(struct gw_call *c, struct gw_str id, const struct gw_buf *b, struct gw_time now) {
    struct gw_action *a = ask_put(c, GW_ASK_STORE, KEEP_MS, now);
    a->ask.key = key_of(c, id);
    a->ask.bytes = gw_buf_str(b);
}

/* It is given nevertheless. */
static void give_up(struct gw_call *c) {
    end_because(c, GW_STR("answer"), GW_STR("is not kept"));
}

/* It is written first. */
static struct gw_str id_in(struct gw_str answer) {
    enum { AT = sizeof "{\"id\":\"" - 1 };
    return gw_str_sub(answer, AT, sizeof RESPONSES_KEPT_PREFIX - 1 + MEAN_ID_LETTERS);
}

struct next remember_answer(struct gw_call *c, struct gw_time now) {
    struct gw_str answer = c->translation->answer, id = id_in(answer);
    struct gw_buf b;
    bool fits = begin(c, answer.n, now, &b);
    if (fits)
        responses_kept_put(c->translation->came, answer, &b);
    if (!fits || b.full || !responses_kept_is_own(id)) {
        give_up(c);
        return next_kept();
    }
    keep(c, id, &b, now);
    return next_wait(CALL_ASK);
}

bool remember_stream(struct gw_call *c, const struct mean_stream *s, size_t n, struct gw_time now) {
    struct gw_buf b;
    bool fits = !s->full && begin(c, n, now, &b);
    if (fits)
        responses_kept_put_stream(c->translation->came, s, &b);
    if (fits && !b.full)
        keep(c, s->id, &b, now);
    else
        give_up(c);
    return fits && !b.full;
}

struct next remember_on_kept(struct gw_call *c, const struct gw_answer *answer,
                             struct gw_time now) {
    note(c, answer, now);
    if (answer->status != GW_ANSWER_DONE)
        give_up(c);
    if (c->stream == NULL || c->stream->speech == NULL || !speak_waits(c))
        return next_kept();
    speak_last(c);
    return c->state == CALL_ASK ? next_done(0) : next_stay();
}

/* ------------------------------------------------------------------ going on from it */

bool remember_may_be_asked(const struct gw_call *c) {
    return c->chain != NULL && c->facts != NULL &&
           facts_is(c->facts, FACTS_PREVIOUS, GW_JSON_STRING) &&
           translate_dialect(c) == &dialect_responses;
}

static struct next refuse_unknown(struct gw_call *c, uint32_t status, struct gw_str id) {
    struct gw_buf text;
    gw_buf_init(&text, &c->arena, MORE + id.n);
    gw_buf_put(&text, GW_STR("no response with id '"));
    gw_buf_put(&text, id);
    gw_buf_put(&text, GW_STR("' is kept for this key (any longer); send the whole conversation"));
    return end_refuse(
        c, &(struct call_error){
               .status = status,
               .type = status == 404 ? GW_STR("not_found_error") : GW_STR("invalid_request_error"),
               .code = status == 404 ? GW_STR("response_not_found")
                                     : GW_STR("previous_response_not_found"),
               .param = status == 404 ? GW_STR("") : GW_STR("previous_response_id"),
               .message = gw_buf_str(&text),
               .is_final = true});
}

static struct next refuse_away(struct gw_call *c) {
    return end_refuse(c, &(struct call_error){.status = 503,
                                              .type = GW_STR("server_error"),
                                              .code = GW_STR("store_unavailable"),
                                              .message = GW_STR("what was kept of the answer "
                                                                "cannot be read now; try again"),
                                              .retry_after_s = 1});
}

/* Every place is asked by translation: what it gets is not what the client has sent. */
static void translate_all(struct gw_call *c) {
    for (uint32_t i = 0; i < c->chain->n; i++)
        if (c->chain->link[i].speaks == NULL)
            c->chain->link[i].speaks = &dialect_responses;
    c->bound = false;
}

bool remember_is_named(const struct gw_call *c) {
    const struct call_translation *t = c->translation;
    return t->follows && !t->recalled && responses_kept_is_own(responses_kept_previous(t->came));
}

struct next remember_recall(struct gw_call *c, struct gw_time now) {
    struct gw_str id = responses_kept_previous(c->translation->came);
    if (!keeps(c))
        return refuse_unknown(c, 400, id);
    translate_all(c);
    return ask(c, GW_ASK_RECALL, id, now);
}

static struct next go_on(struct gw_call *c, struct gw_str kept, struct gw_time now) {
    struct call_translation *t = c->translation;
    size_t n = t->came.n + kept.n + MORE;
    struct gw_buf b;
    if (!room_take(&c->gw->cluster.pool.cells, c->body.client, n, c->conf->limits.replay_total_max))
        return body_refuse_no_room(c);
    t->room += n;
    c->arena.cap += ARENA_TIMES * n;
    b = (struct gw_buf){.p = gw_arena_get(&c->arena, n), .cap = n, .max = n, .arena = &c->arena};
    if (b.p == NULL || !responses_kept_join(t->came, kept, &b))
        return refuse_unknown(c, 400, responses_kept_previous(t->came));
    t->came = gw_buf_str(&b);
    t->recalled = true;
    return translate_understand(c, now);
}

/* ------------------------------------------------------------------ asked for, and forgotten */

struct next remember_tell(struct gw_call *c, struct gw_time now) {
    if (!keeps(c))
        return refuse_unknown(c, 404, c->route.rest);
    bool forget = gw_str_eq(c->method, GW_STR("DELETE"));
    return ask(c, forget ? GW_ASK_FORGET : GW_ASK_RECALL, c->route.rest, now);
}

static struct next tell(struct gw_call *c, struct gw_str answer, struct gw_time now) {
    c->arena.cap += answer.n;
    return answer.n > 0 ? end_reply(c, 200, GW_STR("application/json"), answer, now)
                        : refuse_unknown(c, 404, c->route.rest);
}

struct next remember_on_recalled(struct gw_call *c, const struct gw_answer *answer,
                                 struct gw_time now) {
    bool told = c->route.kind == GW_ROUTE_RESPONSE, none = answer->status == GW_ANSWER_NONE;
    if (!none && answer->status != GW_ANSWER_DONE)
        return refuse_away(c);
    if (told)
        return tell(c, none ? GW_STR("") : responses_kept_answer(answer->bytes), now);
    return none ? refuse_unknown(c, 400, responses_kept_previous(c->translation->came))
                : go_on(c, answer->bytes, now);
}

struct next remember_on_forgotten(struct gw_call *c, const struct gw_answer *answer,
                                  struct gw_time now) {
    struct gw_buf b;
    if (answer->status == GW_ANSWER_NONE)
        return refuse_unknown(c, 404, c->route.rest);
    if (answer->status != GW_ANSWER_DONE)
        return refuse_away(c);
    gw_buf_init(&b, &c->arena, MORE);
    gw_buf_put(&b, GW_STR("{\"id\":\""));
    gw_buf_put(&b, c->route.rest);
    gw_buf_put(&b, GW_STR("\",\"object\":\"response\",\"deleted\":true}"));
    return end_reply(c, 200, GW_STR("application/json"), gw_buf_str(&b), now);
}
