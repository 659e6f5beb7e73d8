/*
 * Clients that ask how many tokens a request is. Whoever counts in the client's own dialect is asked like for anything
 * else. A first place that counts in another one is asked in that; it alone, for those behind it know no better. Where
 * nobody counts, or whoever does has not answered well, the answer is an estimate (format/estimate.h), and says so in
 * x-heady-estimated.
 */
#include "core/call/call.h"
#include "core/call/translate.h"
#include "format/estimate.h"

const struct dialect *count_dialect(struct gw_str path) {
    const struct dialect *d;
    for (uint32_t i = 0; (d = dialects_at(i)) != NULL; i++)
        if (d->speech != NULL && d->speech->counts_at.n > 0 &&
            gw_str_ends(path, d->speech->counts_at))
            return d;
    return NULL;
}

/* ------------------------------------------------------------------ whoever counts */

/* OpenAI counts what it would be asked in Responses. */
const struct dialect *count_dialect_of(const struct dialect *d) {
    if (d == &dialect_openai)
        d = &dialect_responses;
    return d != NULL && d->speech != NULL && d->speech->put_count != NULL ? d : NULL;
}

bool count_is_asked(const struct gw_call *c) {
    return c->translation != NULL && c->translation->counts;
}

bool count_put_answer(struct gw_call *c, struct gw_buf *out) {
    const struct speech *of = chain_link(c)->speaks->speech;
    struct gw_str n = mean_member_of(gw_buf_str(&c->kept.body), of->counted);
    uint64_t number;
    gw_buf_init(out, &c->arena, 128);
    gw_buf_put(out, c->translation->from->speech->count);
    gw_buf_put(out, n);
    gw_buf_putc(out, '}');
    return gw_str_u64(n, &number);
}

/* ------------------------------------------------------------------ nobody counts */

struct next count_tell(struct gw_call *c, struct gw_time now) {
    const struct call_translation *t = c->translation;
    struct gw_buf body;
    gw_buf_init(&body, &c->arena, 64);
    gw_buf_put(&body, t->from->speech->count);
    gw_buf_put_u64(&body, estimate_input(&t->mean));
    gw_buf_putc(&body, '}');
    c->estimated = true;
    return end_reply(c, 200, GW_STR("application/json"), gw_buf_str(&body), now);
}
