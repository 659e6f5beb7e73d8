/*
 * What hosts refuse by themselves. The bodies are made here, so that no host knows what an error looks
 * like.
 */
#include "core/gw.h"
#include "format/dialect.h"

static const struct dialect *dialect_of(struct gw_str target) {
    bool talks;
    const struct dialect *d = NULL;
    struct gw_str path = gw_str_cut(&target, '?');
    if (!gw_str_starts(path, GW_STR("/api/local/"))) /* those speak what they like */
        d = dialects_of_path(path, &talks);
    return d != NULL ? d : dialects_default(FRAMING_SSE);
}

/* With these statuses the host is at fault, with all others the client. */
static bool is_ours(uint32_t status) {
    return status == 500 || status == 502 || status == 503;
}

static void put_event(struct gw_buf *b, const struct dialect *d, struct gw_str message) {
    if (d->framing != FRAMING_SSE)
        d = dialects_default(FRAMING_SSE);
    gw_buf_put(b, d->error_head);
    gw_buf_put_json(b, message);
    gw_buf_put(b, d->error_tail);
}

size_t gw_refuse(const struct gw_refusal *r, char *out, size_t cap) {
    struct gw_buf b = {.p = out, .cap = cap, .max = cap};
    const struct dialect *d = dialect_of(r->target);
    const struct dialect_error error = {
        .status = r->status,
        .type = is_ours(r->status) ? GW_STR("server_error") : GW_STR("invalid_request_error"),
        .code = r->code,
        .message = r->message,
    };
    if (r->status == 0)
        put_event(&b, d, r->message);
    else
        d->put_error(&b, &error);
    return b.full ? 0 : b.n;
}
