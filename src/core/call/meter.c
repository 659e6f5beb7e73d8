/*
 * What an answer has cost, in tokens, for the record of its request.
 *
 *     a stream that is observed     its events report it, some in each one, others in the last
 *     a whole answer                it is shown while it is relayed, and read (format/usage.h)
 *
 * Whole answers of nodes are not shown: to read one costs nearly as much as the request itself does here.
 *
 * What an attempt reports is cumulative, so its last word counts; those of a call are added up, since each
 * was paid for. Content that came behind the last report, or without any, is estimated: a token is four
 * bytes. So what a client got that left is counted, and what came before a cut.
 */
#include "core/call/call.h"
#include "format/usage.h"

enum { BYTES_A_TOKEN = 4 };

struct call_meter {
    struct usage sum;  /* of the attempts that are over */
    struct usage now;  /* of the last one */
    uint32_t of;       /* which that is; 0: none has reported yet */
    bool estimated;    /* some of the sum is */
    uint64_t reported; /* bytes of content that the reports cover */
    struct gw_str model;
    struct usage_reader *reader; /* of a whole answer; NULL: there is none */
};

/* What has been delivered of a text, in bytes. A whole answer that has come and says nothing is not taken
 * for one. */
static uint64_t bytes_of(const struct gw_call *c) {
    const struct stream *s = c->stream;
    const struct usage_reader *r = c->meter->reader;
    bool talks;
    if (s != NULL)
        return s->said + delivered_bytes(&s->delivered);
    bool is_torn = r != NULL && c->code != 0;
    return is_torn && dialects_of_path(c->route.rest, &talks) != NULL ? r->bytes : 0;
}

static void note_model(struct gw_call *c, const struct usage_reader *r) {
    struct gw_str model = usage_model(r);
    if (model.n > 0)
        c->meter->model = gw_arena_dup(&c->arena, model);
}

/* An attempt is over. */
static void add_up(struct gw_call *c) {
    struct call_meter *m = c->meter;
    uint64_t bytes = bytes_of(c);
    if (bytes > m->reported) {
        m->now.n[USAGE_OUTPUT] += (bytes - m->reported + BYTES_A_TOKEN - 1) / BYTES_A_TOKEN;
        m->now.present |= 1U << USAGE_OUTPUT;
        m->estimated = true;
    }
    for (uint32_t i = 0; i < USAGE_N; i++)
        m->sum.n[i] += m->now.n[i];
    m->sum.present |= m->now.present;
    m->now = (struct usage){.present = 0};
    m->reported = bytes;
}

/* Makes the meter if it is wanted; false: there is none. */
static bool is_metered(struct gw_call *c) {
    if (c->meter == NULL && meter_is_wanted(c))
        c->meter = gw_arena_get(&c->arena, sizeof *c->meter);
    return c->meter != NULL;
}

/* ------------------------------------------------------------------ streams */

void meter_begin(struct gw_call *c) {
    if (c->meter != NULL)
        add_up(c);
    else
        is_metered(c);
}

void meter_name(struct gw_call *c, struct gw_str event) {
    struct usage_reader r;
    const struct dialect *d = c->stream->in.dialect;
    if (c->meter->model.n > 0 || d == NULL)
        return;
    struct gw_str model = event_model(d, event);
    if (model.n == 0)
        return;
    usage_begin(&r, NULL); /* it decodes it, and cuts it where a name of a whole answer is cut */
    usage_feed(&r, GW_STR("{\"model\":\""));
    usage_feed(&r, model);
    usage_feed(&r, GW_STR("\""));
    note_model(c, &r);
}

void meter_note(struct gw_call *c, const struct event *e) {
    struct call_meter *m = c->meter;
    const struct dialect *d = c->stream->in.dialect;
    if (m == NULL || d == NULL)
        return;
    if (m->of != c->attempt.number && m->of != 0)
        add_up(c); /* of two attempts, the other one */
    m->of = c->attempt.number;
    event_usage(d, e, &m->now);
    if (usage_has(&m->now, USAGE_OUTPUT))
        m->reported = bytes_of(c) + event_bytes(e); /* it goes out next */
}

/* ------------------------------------------------------------------ whole answers */

bool meter_reads(struct gw_call *c, const struct gw_res_head *res, const struct answer_head *h) {
    bool whole =
        res->body_len != 0 && (res->body_len == GW_UNKNOWN || res->body_len <= GW_SHOW_ANSWER);
    if (res->status != 200 || !h->json || h->coded || !whole ||
        !gw_str_eq(c->method, GW_STR("POST")) ||
        config_provider_of(c->conf, c->attempt.to) == NULL || !is_metered(c))
        return false;
    bool talks;
    add_up(c);
    c->meter->reader = gw_arena_get(&c->arena, sizeof *c->meter->reader);
    if (c->meter->reader != NULL)
        usage_begin(c->meter->reader, dialects_of_path(c->route.rest, &talks));
    return c->meter->reader != NULL;
}

void meter_show(struct gw_call *c, struct gw_str bytes) {
    if (c->meter != NULL && c->meter->reader != NULL)
        usage_feed(c->meter->reader, bytes);
}

void meter_tell(struct gw_call *c, const struct usage *u, struct gw_str model) {
    if (!is_metered(c))
        return;
    add_up(c);
    c->meter->now = *u;
    c->meter->model = gw_arena_dup(&c->arena, gw_str_sub(model, 0, USAGE_MODEL));
}

static void end_reading(struct gw_call *c) {
    struct call_meter *m = c->meter;
    usage_merge(m->reader, &m->now);
    note_model(c, m->reader);
    if (usage_has(&m->now, USAGE_OUTPUT))
        m->reported = bytes_of(c);
}

/* ------------------------------------------------------------------ the record */

/* Behind "models/", "model/" or "deployments/", as Google, AWS and Azure name it. */
static struct gw_str model_of_path(struct gw_str path) {
    static const struct gw_str before[] = {GW_STR_INIT("/models/"), GW_STR_INIT("/model/"),
                                           GW_STR_INIT("/deployments/")};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        ptrdiff_t at = gw_str_find(path, before[i]);
        if (at < 0)
            continue;
        struct gw_str rest = gw_str_sub(path, (size_t)at + before[i].n, USAGE_MODEL);
        struct gw_str model = gw_str_cut(&rest, '/');
        return gw_str_cut(&model, ':');
    }
    return GW_STR("");
}

static void put_model(const struct gw_call *c, struct gw_buf *out) {
    struct gw_str model = c->meter->model;
    if (model.n == 0 && c->chain != NULL && c->attempts > 0)
        model = chain_model(c);
    if (model.n == 0 && c->chain == NULL)
        model = model_of_path(c->route.rest);
    if (model.n == 0)
        return;
    gw_buf_put(out, GW_STR(",\"model\":\""));
    gw_buf_put_json(out, model);
    gw_buf_putc(out, '"');
}

static void put_tokens(const struct usage *u, uint32_t which, struct gw_str name,
                       struct gw_buf *out) {
    static const struct gw_str tail = GW_STR_INIT("_tokens\":");
    uint64_t n = 0;
    if ((u->present & which) == 0)
        return;
    for (uint32_t i = 0; i < USAGE_N; i++)
        n += (which >> i & 1) != 0 ? u->n[i] : 0;
    gw_buf_put(out, GW_STR(",\""));
    gw_buf_put(out, name);
    gw_buf_put(out, tail);
    gw_buf_put_u64(out, n);
}

static struct gw_str word_of(const struct call_meter *m) {
    if (m->estimated)
        return GW_STR("estimated");
    return m->sum.present != 0 ? GW_STR("reported") : GW_STR("unknown");
}

void meter_put(struct gw_call *c, struct gw_buf *out) {
    static const struct {
        uint32_t which;
        struct gw_str name;
    } numbers[] = {
        {1U << USAGE_INPUT, GW_STR_INIT("input")},
        {1U << USAGE_OUTPUT, GW_STR_INIT("output")},
        {1U << USAGE_CACHED, GW_STR_INIT("cached")},
        {1U << USAGE_WRITTEN, GW_STR_INIT("cache_write")},
        {1U << USAGE_REASONING, GW_STR_INIT("reasoning")},
        {1U << USAGE_AUDIO_INPUT | 1U << USAGE_AUDIO_OUTPUT, GW_STR_INIT("audio")},
    };
    struct call_meter *m = c->meter;
    if (m->reader != NULL)
        end_reading(c);
    add_up(c);
    put_model(c, out);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        put_tokens(&m->sum, numbers[i].which, numbers[i].name, out);
    gw_buf_put(out, GW_STR(",\"usage\":\""));
    gw_buf_put(out, word_of(m));
    gw_buf_putc(out, '"');
}
