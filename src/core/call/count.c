/*
 * Clients that ask how many tokens a request is. Whoever counts in the client's own dialect is asked like for anything
 * else. Where the first place of the chain does not, nobody is asked: the answer is an estimate (format/estimate.h), and
 * says so in x-heady-estimated. Places behind it that would have to estimate are left out: they know no better.
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
