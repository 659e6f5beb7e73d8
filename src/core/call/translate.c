/*
 * Requests that a place of their chain is asked in another dialect than the client's: it does not offer the path
 * that the client has asked for, but one for the same thing.
 *
 *     DECIDE    the body is told once more and kept here whole; what it means is read (format/meaning.h). Places whose
 *               dialect has no words for what it asks, or whose model cannot do it (format/capability.h), are left
 *               out; if that leaves none, it is refused by the name of the field
 *     SEND      it is written in the target's dialect, for each attempt anew
 *     ANSWER    a stream is translated event by event (speak.c). A whole answer, or an error, is kept until it is
 *               whole, and written in the client's dialect: as a stream, if the client wants one. A stream that it does
 *               not want is a failed attempt
 *
 * Places that offer the client's own path get its own bytes, in the same chain.
 *
 * Memory: twice the body's size is taken from the room for bodies (room.h), and the call's arena may grow by four times as
 * much. An answer may have an eighth of limits.json_bytes_max; vectors may have half of it, and twice their bytes are
 * taken from the room, too. Above that, or without room, the client is told so.
 */
#include "core/call/translate.h"
#include "core/call/call.h"
#include "format/embed.h"
#include "format/estimate.h"

enum {
    ARENA_MORE = 1 << 18, /* what a small request may mean */
    ARENA_TIMES = 4,
    ANSWER_SHARE = 8,
    STREAM_TIMES = 6, /* what is written of a whole answer that goes out as a stream */
    VECTORS_SHARE = 2,
    ROOM_STEP = 1 << 18, /* what an answer's room is taken by */
    TEXT_MAX = 512,
    MEMBER_MAX = 64,
    WAIT_MOST_MS = 86400000,
};

const struct dialect *translate_dialect(const struct gw_call *c) {
    bool talks;
    const struct dialect *d = dialects_of_path(c->route.rest, &talks);
    bool speaks = d != NULL && d->speech != NULL && (talks || d->speaks_all);
    if (!speaks)
        d = count_dialect(c->route.rest);
    return d != NULL ? d : dialects_of_embeds(c->route.rest);
}

static bool asks_embeddings(const struct gw_call *c) {
    return dialects_of_embeds(c->route.rest) != NULL;
}

/* Whether the path asks for a summary, and not for an answer. */
static bool compacts_alone(const struct gw_call *c, const struct dialect *from) {
    struct gw_str at = from->speech->compacts_at;
    return at.n > 0 && gw_str_ends(c->route.rest, at);
}

/* ------------------------------------------------------------------ places */

/* "%m" is the model. */
static struct gw_str path_for(struct gw_call *c, struct gw_str pattern, struct gw_str model) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, pattern.n + 3 * model.n);
    gw_buf_put(&b, gw_str_cut(&pattern, '%'));
    if (pattern.p != NULL)
        chain_put_escaped(model, &b);
    gw_buf_put(&b, gw_str_sub(pattern, 1, pattern.n));
    c->arena_full |= b.full;
    return gw_buf_str(&b);
}

/* Whether the client's request says that it wants a stream, in its own dialect. That it would take one too, by its head,
 * does not say so. */
static bool wants_stream(const struct gw_call *c) {
    const struct dialect *from = translate_dialect(c);
    if (from->streams_at.n > 0)
        return gw_str_ends(c->route.rest, from->streams_at);
    return c->says_stream || (from->streams && !facts_is(c->facts, FACTS_STREAM, GW_JSON_FALSE));
}

/* Where a dialect asks for what this call wants; empty: it cannot. */
static struct gw_str pattern_of(const struct gw_call *c, const struct dialect *d) {
    if (asks_embeddings(c))
        return d->embeds != NULL ? d->embeds->path : GW_STR("");
    if (d->speech == NULL)
        return GW_STR("");
    return wants_stream(c) ? d->speech->stream_path : d->speech->path;
}

/* A place that is not asked: what it would count is estimated. */
static bool counts_here(const struct gw_call *c, struct chain_link *link) {
    link->path = c->route.rest;
    link->speaks = translate_dialect(c);
    link->counts = false;
    return true;
}

/* One that is, if it counts in its own dialect. */
static bool counts_there(struct gw_call *c, struct chain_link *link, struct gw_str model) {
    const struct dialect *d = count_dialect_of(c->conf->providers[link->at.index].like->dialect);
    struct gw_str path = {NULL, 0};
    if (d != NULL && model.n > 0)
        path = provider_path(c, link->at.index, path_for(c, d->speech->count_path, model));
    if (path.p == NULL || url_check_path(path) != NULL)
        return counts_here(c, link);
    link->path = path;
    link->speaks = d;
    link->counts = true;
    return true;
}

bool translate_fits(struct gw_call *c, struct chain_link *link) {
    const struct dialect *d = c->conf->providers[link->at.index].like->dialect;
    struct gw_str model = link->at.model.n > 0 ? link->at.model : c->chain->named;
    if (count_dialect(c->route.rest) != NULL)
        return counts_there(c, link, model);
    if (translate_dialect(c) == NULL || d == NULL || model.n == 0)
        return false;
    struct gw_str pattern = pattern_of(c, d);
    if (pattern.n == 0)
        return false;
    struct gw_str whole = path_for(c, pattern, model), query = whole;
    struct gw_str path = provider_path(c, link->at.index, gw_str_cut(&query, '?'));
    if (path.p == NULL || url_check_path(path) != NULL)
        return false;
    link->path = path;
    link->query = query;
    link->speaks = d;
    return true;
}

/* Whether the configuration says that nodes offer this dialect. */
static bool nodes_speak(const struct gw_call *c, const struct dialect *d) {
    uint32_t i = 0;
    while (dialects_at(i) != d)
        i++;
    return d == &dialect_openai || (c->conf->nodes_speak >> i & 1) != 0;
}

bool translate_fits_nodes(struct gw_call *c, struct chain_link *link) {
    const struct dialect *own = translate_dialect(c);
    if (own == NULL || (nodes_speak(c, own) && !compacts_alone(c, own)))
        return false;
    if (count_dialect(c->route.rest) != NULL)
        return counts_here(c, link);
    link->path = pattern_of(c, &dialect_openai);
    link->speaks = &dialect_openai;
    return true;
}

bool translate_is_due(const struct gw_call *c) {
    bool due = false;
    for (uint32_t i = 0; c->chain != NULL && i < c->chain->n; i++)
        due |= c->chain->link[i].speaks != NULL;
    return due;
}

/* ------------------------------------------------------------------ the request */

static struct next refuse(struct gw_call *c, uint32_t status, struct gw_str code,
                          struct gw_str param, struct gw_str message) {
    return end_refuse(c, &(struct call_error){.status = status,
                                              .type = GW_STR("invalid_request_error"),
                                              .code = code,
                                              .param = param,
                                              .message = message,
                                              .is_final = true});
}

static struct gw_str sentence(struct gw_call *c, struct gw_str a, struct gw_str b,
                              struct gw_str d) {
    struct gw_buf text;
    gw_buf_init(&text, &c->arena, TEXT_MAX);
    gw_buf_put(&text, a);
    gw_buf_put(&text, b);
    gw_buf_put(&text, d);
    return gw_buf_str(&text);
}

/* A member's own name, if it may stand in a head line. */
static struct gw_str plain_name(struct gw_str raw) {
    for (size_t i = 0; i < raw.n; i++)
        if (raw.p[i] <= ' ' || raw.p[i] >= 0x7f || raw.p[i] == '\\')
            return GW_STR("a member");
    return raw.n <= MEMBER_MAX ? raw : GW_STR("a member");
}

/* What the client calls it; a member that nobody knows by its own name. */
static struct gw_str name_of(const struct gw_call *c, enum feature feature) {
    const struct call_translation *t = c->translation;
    const char *name =
        t->embeds ? embed_name(t->from->embeds, feature) : t->from->speech->names[feature];
    if (feature == FEATURE_UNKNOWN)
        return plain_name(t->mean.unknown);
    if (feature == FEATURE_OTHER && t->mean.other != NULL)
        name = t->mean.other;
    if (name == NULL)
        name = feature_about(feature);
    return gw_str(name, strlen(name));
}

static enum feature_fate fate_of(const struct gw_call *c, enum feature feature) {
    uint32_t wanted = feature_is_vital(feature) ? CONFIG_REJECT : c->conf->on_unsupported;
    return wanted != CONFIG_AS_USUAL ? (enum feature_fate)(wanted - 1) : feature_fate(feature);
}

/* What the request uses that cannot be had at this place. */
static uint64_t missing_at(const struct gw_call *c, const struct chain_link *link) {
    uint64_t says = link->speaks == NULL     ? ~0ULL
                    : c->translation->embeds ? link->speaks->embeds->says
                                             : link->speaks->speech->says;
    says |= 1ULL << FEATURE_TALK; /* who does not embed, that is */
    return c->translation->mean.uses & ~(says & ~link->can.lacks);
}

/* The first feature that cannot be had there, and that must not be left out; FEATURES: none. */
static enum feature lacks(const struct gw_call *c, const struct chain_link *link) {
    uint64_t missing = missing_at(c, link);
    uint32_t i = 0;
    while (i < FEATURES && ((missing >> i & 1) == 0 || fate_of(c, i) != FEATURE_REJECT))
        i++;
    return (enum feature)i;
}

static struct next refuse_feature(struct gw_call *c, const struct chain_link *link,
                                  enum feature feature) {
    const char *about = feature_about(feature);
    bool dull = (link->can.lacks >> feature & 1) != 0;
    struct gw_buf text;
    gw_buf_init(&text, &c->arena, TEXT_MAX);
    gw_buf_put(&text, name_of(c, feature));
    gw_buf_put(&text, GW_STR(": "));
    gw_buf_put(&text, chain_who(c, link));
    gw_buf_put(&text,
               dull ? GW_STR("'s model cannot do this (") : GW_STR(" has no words for this ("));
    gw_buf_put(&text, gw_str(about, strlen(about)));
    gw_buf_put(&text, GW_STR("); leave it out, or ask for another model"));
    return refuse(c, 400, GW_STR("unsupported_parameter"), name_of(c, feature), gw_buf_str(&text));
}

/* In a reason the feature's own word says more than the client's name for where it stands. */
static struct gw_str word_of(const struct gw_call *c, enum feature feature) {
    return feature == FEATURE_OTHER ? name_of(c, feature) : feature_word(feature);
}

/* Keeps the places that can be asked for this. */
static struct next keep_able(struct gw_call *c) {
    struct call_chain *chain = c->chain;
    struct next next = next_on();
    uint32_t n = 0;
    for (uint32_t i = 0; i < chain->n; i++) {
        const struct chain_link *link = &chain->link[i];
        enum feature lack = lacks(c, link);
        if (lack == FEATURES) {
            chain->link[n++] = *link;
            continue;
        }
        if (next_is(next, NEXT_ON))
            next = refuse_feature(c, link, lack);
        end_because(c, chain_who(c, link),
                    sentence(c, GW_STR("lacks "), word_of(c, lack), GW_STR("")));
    }
    chain->n = n;
    return n > 0 ? next_on() : next;
}

/* Only places that are asked in the client's own dialect are left; false: there are none. */
static bool leave_out_others(struct gw_call *c) {
    struct call_chain *chain = c->chain;
    uint32_t n = 0;
    for (uint32_t i = 0; i < chain->n; i++)
        if (chain->link[i].speaks == NULL)
            chain->link[n++] = chain->link[i];
    if (n == 0)
        return false;
    if (n < chain->n)
        end_because(c, GW_STR("request"), GW_STR("cannot be translated"));
    chain->n = n;
    return true;
}

/* The seed that was drawn for it (seed.c), which its own bytes have as a slice. */
static void take_seed(struct gw_call *c) {
    struct gw_buf b;
    if (c->seed == NULL)
        return;
    gw_buf_init(&b, &c->arena, sizeof "4294967295");
    gw_buf_put_u64(&b, c->seed->value);
    c->translation->mean.seed = gw_buf_str(&b);
}

/* Clients of Responses may leave their answers here (remember.c). */
static void note_store(struct gw_call *c) {
    struct call_translation *t = c->translation;
    if (t->from != &dialect_responses)
        return;
    if (!c->conf->stores || c->conf->limits.responses_keep_s == 0)
        t->mean.store = GW_STR("false");
    if (t->recalled)
        t->mean.uses &= ~(1ULL << FEATURE_PREVIOUS);
}

/* A query's member of this name and value. */
static bool query_says(struct gw_str query, struct gw_str what) {
    bool says = false;
    query = gw_str_sub(query, 1, query.n);
    while (query.n > 0 && !says)
        says = gw_str_eq(gw_str_cut(&query, '&'), what);
    return says;
}

/* What it means; false: it could not be read. */
static bool read_meaning(struct gw_call *c) {
    struct call_translation *t = c->translation;
    struct gw_walk w;
    t->mean.arena = &c->arena;
    t->mean.compacts_alone = compacts_alone(c, t->from);
    gw_walk_init(&w, t->came);
    if (t->embeds) {
        embed_read_request(&w, &t->mean);
    } else {
        t->from->speech->read_request(&w, &t->mean);
        mean_use(&t->mean, FEATURE_TALK);
    }
    seal_open_request(&t->seal, &t->mean, t->from);
    take_seed(c);
    note_store(c);
    if (t->from->streams_at.n > 0)
        t->mean.stream = gw_str_ends(c->route.rest, t->from->streams_at);
    t->mean.list =
        t->mean.stream && t->from->events_if.n > 0 && !query_says(c->query, t->from->events_if);
    return gw_walk_end(&w);
}

/* Places behind a first one that counts, or would, are left out. */
static struct next count(struct gw_call *c, struct gw_time now) {
    const struct chain_link *first = &c->chain->link[0];
    if (first->speaks == NULL)
        leave_out_others(c);
    else if (!first->counts)
        return count_tell(c, now);
    else
        c->chain->n = 1;
    c->translation->counts = first->speaks != NULL;
    return next_phase(PHASE_CACHE);
}

struct next translate_understand(struct gw_call *c, struct gw_time now) {
    struct call_translation *t = c->translation;
    if (remember_is_named(c))
        return remember_recall(c, now);
    if (!translate_is_due(c))
        return next_phase(PHASE_CACHE);
    gw_buf_init(&t->sent, &c->arena, 2 * t->came.n + ARENA_MORE);
    bool whole = read_meaning(c);
    if ((!whole || t->mean.bad || t->mean.full) && leave_out_others(c))
        return next_phase(PHASE_CACHE);
    if (!whole)
        return refuse(c, 400, GW_STR("invalid_json"), GW_STR(""),
                      GW_STR("the body is nested deeper than what can be translated"));
    if (t->mean.bad)
        return refuse(c, 400, GW_STR("invalid_request"), GW_STR(""),
                      sentence(c, gw_str(t->mean.wrong, strlen(t->mean.wrong)),
                               GW_STR("; this request is translated for "),
                               chain_who(c, &c->chain->link[0])));
    if (t->mean.full)
        return refuse(c, 413, GW_STR("request_too_large"), GW_STR(""),
                      GW_STR("the request holds more parts than can be translated; send fewer"));
    if (count_dialect(c->route.rest) != NULL)
        return count(c, now);
    struct next next = keep_able(c);
    return next_is(next, NEXT_ON) ? next_phase(PHASE_CACHE) : next;
}

static struct next take(struct gw_call *c, struct gw_str bytes, bool last, struct gw_time now) {
    struct call_translation *t = c->translation;
    memcpy((char *)t->came.p + t->taken, bytes.p, bytes.n);
    t->taken += bytes.n;
    return last ? translate_understand(c, now) : next_stay();
}

struct next translate_read(struct gw_call *c, bool follows) {
    size_t n = (size_t)c->body.received;
    if (!room_take(&c->gw->cluster.pool.cells, c->body.client, 2 * n,
                   c->conf->limits.replay_total_max))
        return leave_out_others(c) ? next_on() : body_refuse_no_room(c);
    c->arena.cap += ARENA_TIMES * n + ARENA_MORE;
    struct call_translation *t = gw_arena_get(&c->arena, sizeof *t);
    char *came = gw_arena_get(&c->arena, n);
    if (t == NULL || came == NULL) {
        room_give(&c->gw->cluster.pool.cells, c->body.client, 2 * n);
        c->arena_full = true;
        return next_stay();
    }
    t->room = 2 * n;
    t->came = gw_str(came, n);
    t->from = translate_dialect(c);
    t->follows = follows;
    t->embeds = asks_embeddings(c);
    t->seed = gw_rng_next(&c->gw->rng);
    t->seal = (struct seal){.key = c->conf->seal_key, .who = c->key_name};
    c->translation = t;
    return body_read_again(c, 0, take);
}

void translate_release(struct gw_call *c) {
    if (c->translation == NULL || c->translation->room == 0)
        return;
    room_give(&c->gw->cluster.pool.cells, c->body.client, c->translation->room);
    c->translation->room = 0;
}

/* ------------------------------------------------------------------ the attempt */

/* Servers that are like OpenAI's know older names. */
static bool is_openai(const struct gw_call *c) {
    const struct provider_conf *p = config_provider_of(c->conf, c->attempt.to);
    return p != NULL && (gw_str_eq(p->like->name, GW_STR("openai")) ||
                         gw_str_eq(p->like->name, GW_STR("azure")));
}

/* What is asked for is no more than what the model answers with: it would refuse to. */
static struct gw_str limit_of(struct gw_call *c, const struct mean *m) {
    struct gw_buf b;
    if (m->output == 0 || mean_u64(m->max_tokens) <= m->output)
        return m->max_tokens;
    gw_buf_init(&b, &c->arena, 32);
    gw_buf_put_u64(&b, m->output);
    return gw_buf_str(&b);
}

void translate_put(struct gw_call *c, struct gw_action *a) {
    struct call_translation *t = c->translation;
    struct gw_out o;
    t->sent.n = 0;
    if (seal_choose(&t->mean, chain_link(c)->speaks) > 0)
        end_because(c, c->attempt.to->target.name, GW_STR("is not told another's signed thoughts"));
    gw_out_init(&o, &t->sent);
    struct mean m = t->mean;
    m.alike = !is_openai(c);
    m.lacks = chain_link(c)->can.lacks;
    m.output = chain_link(c)->can.output;
    m.max_tokens = limit_of(c, &m);
    const struct dialect *to = chain_link(c)->speaks;
    if (t->embeds)
        to->embeds->put_request(&m, chain_model(c), &o);
    else
        (t->counts ? to->speech->put_count : to->speech->put_request)(&m, chain_model(c), &o);
    c->arena_full |= t->sent.full || t->mean.full;
    t->slice = (struct gw_slice){.kind = GW_LITERAL, .p = t->sent.p, .len = t->sent.n};
    a->send.slices = &t->slice;
    a->send.slices_n = 1;
    a->send.body_len = t->sent.n;
}

void translate_hash(const struct gw_call *c, struct gw_sha256_sum *sum) {
    gw_sha256_begin(sum);
    gw_sha256_add(sum, gw_buf_str(&c->translation->sent));
}

/* What a target may know of the client that it does not speak the dialect of. */
void translate_put_head(struct gw_str lines, struct gw_buf *out) {
    static const struct gw_str kept[] = {GW_STR_INIT("user-agent"), GW_STR_INIT("traceparent"),
                                         GW_STR_INIT("tracestate"), GW_STR_INIT("x-request-id")};
    head_put(out, GW_STR("content-type"), GW_STR("application/json"));
    head_put(out, GW_STR("accept-encoding"), GW_STR("identity"));
    while (lines.p != NULL && lines.n > 0) {
        struct gw_str line = gw_str_cut(&lines, '\r'), rest = line;
        struct gw_str name = gw_str_cut(&rest, ':');
        lines = gw_str_sub(lines, 1, lines.n);
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
            if (gw_str_ieq(name, kept[i]))
                head_put(out, kept[i], gw_str_trim(rest));
    }
}

void translate_put_id(const struct gw_call *c, struct gw_buf *out) {
    struct gw_str name = c->translation->from->speech->id_line;
    if (name.n > 0)
        head_put(out, name, c->id);
}

/* What has been left out of the request, for the client to know. */
void translate_put_warnings(const struct gw_call *c, struct gw_buf *out) {
    const struct chain_link *link = chain_link(c);
    if (c->translation == NULL || link == NULL || link->speaks == NULL)
        return;
    uint64_t missing = missing_at(c, link);
    bool first = true;
    for (uint32_t i = 0; i < FEATURES; i++) {
        if ((missing >> i & 1) == 0 || fate_of(c, i) != FEATURE_WARN)
            continue;
        gw_buf_put(out, first ? GW_STR("x-heady-warnings: left out: ") : GW_STR(", "));
        gw_buf_put(out, name_of(c, (enum feature)i));
        first = false;
    }
    if (!first)
        gw_buf_put(out, GW_STR("\r\n"));
}

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
    e->code = GW_STR("context_length_exceeded");
    if (gw_str_find(e->message, anthropics) < 0)
        e->message = sentence(c, anthropics, GW_STR(": "), e->message);
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
