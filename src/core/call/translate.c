/*
 * Requests that a place of their chain is asked in another dialect than the client's: it does not offer the path
 * that the client has asked for, but one for the same thing.
 *
 *     DECIDE    the body is told once more and kept here whole; what it means is read (format/meaning.h). Places whose
 *               dialect has no words for what it asks, or whose model cannot do it (format/capability.h), are left
 *               out; if that leaves none, it is refused by the name of the field
 *     SEND      it is written in the target's dialect, for each attempt anew
 *     ANSWER    a stream is translated event by event (speak.c), a whole answer once it is there (translated.c)
 *
 * Places that offer the client's own path get its own bytes, in the same chain.
 *
 * Memory: twice the body's size is taken from the room for bodies (room.h), and the call's arena may grow by four times as
 * much.
 */
#include "core/call/translate.h"
#include "core/call/call.h"
#include "format/embed.h"
#include "format/estimate.h"

enum {
    ARENA_MORE = 1 << 18, /* what a small request may mean */
    ARENA_TIMES = 4,
    TEXT_MAX = 512,
    MEMBER_MAX = 64,
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
    return c->dialect == NULL && dialects_of_embeds(c->route.rest) != NULL;
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
