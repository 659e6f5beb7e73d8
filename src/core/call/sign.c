/*
 * Requests that are signed: AWS's (format/sigv4.h), whose body's hash is a part of what is signed. So the
 * body is read whole before anything is sent, and hashed as it comes. It goes on unchanged: one hash is right
 * for every attempt, and each attempt is signed anew, with its own key and time. Where something else is sent,
 * made of pieces of it (generate.c), it is told again for each piece.
 */
#include "core/call/call.h"
#include "format/sigv4.h"

enum { LINES_MAX = 4 };

static bool begin(struct gw_call *c) {
    c->body_sum = gw_arena_get(&c->arena, sizeof *c->body_sum);
    c->arena_full |= c->body_sum == NULL;
    if (c->body_sum != NULL)
        gw_sha256_begin(&c->body_sum->sum);
    return c->body_sum != NULL;
}

static struct next add_asked(struct gw_call *c);

/* The body is told to its end each time, and of it a slice is taken. */
static struct next take_slice(struct gw_call *c, struct gw_str bytes, bool last,
                              struct gw_time now) {
    (void)now;
    struct gw_str taken = gw_str_sub(bytes, 0, (size_t)c->body_sum->left);
    gw_sha256_add(&c->body_sum->sum, taken);
    c->body_sum->left -= taken.n;
    return last ? add_asked(c) : next_stay();
}

static struct next add_asked(struct gw_call *c) {
    struct call_sum *sum = c->body_sum;
    while (sum->at < c->asked->n) {
        const struct gw_slice *slice = &c->asked->slice[sum->at++];
        if (slice->kind == GW_REQUEST) {
            sum->left = slice->len;
            return body_read_again(c, slice->off, take_slice);
        }
        gw_sha256_add(&sum->sum, gw_str(slice->p, (size_t)slice->len));
    }
    return next_phase(PHASE_CACHE);
}

struct next sign_asked(struct gw_call *c) {
    return begin(c) ? add_asked(c) : next_stay();
}

struct next sign_read(struct gw_call *c, struct gw_time now) {
    if (!begin(c))
        return next_stay();
    if (c->body.fin)
        return next_on();
    /* one more shows that it is too large */
    if (!body_begin(c, c->conf->limits.json_bytes_max + 1, true, now))
        return body_refuse_no_room(c);
    return next_wait(CALL_SNIFF);
}

/* The lines that are signed, by their names. Those that the gateway adds go out, too. */
static uint32_t put_lines(const struct backend_conf *to, struct gw_str type, struct gw_str token,
                          struct gw_str time, struct sigv4_line *line, struct gw_buf *out) {
    uint32_t n = 0;
    if (type.p != NULL)
        line[n++] = (struct sigv4_line){GW_STR("content-type"), type};
    line[n++] = (struct sigv4_line){GW_STR("host"), to->target.authority};
    line[n++] = (struct sigv4_line){GW_STR("x-amz-date"), time};
    if (token.n > 0)
        line[n++] = (struct sigv4_line){GW_STR("x-amz-security-token"), token};
    for (uint32_t i = type.p != NULL ? 2 : 1; i < n; i++)
        head_put(out, line[i].name, line[i].value);
    return n;
}

void sign_put(struct gw_call *c, const struct provider_conf *p, struct gw_str target,
              struct gw_str type, struct gw_time now, struct gw_buf *out) {
    const struct signing_conf *signing = p->signing;
    uint32_t key = call_candidate(c)->key - 1;
    struct gw_sha256_sum sum;
    if (call_translates(c))
        translate_hash(c, &sum);
    else if (c->body_sum != NULL)
        sum = c->body_sum->sum; /* another attempt may follow */
    else                        /* it was not read for this: unsigned, it is refused */
        return;
    struct sigv4_line line[LINES_MAX];
    char time[SIGV4_TIME];
    sigv4_time(now.wall_ms, time);
    struct sigv4 s = {.method = c->method,
                      .path = gw_str_cut(&target, '?'),
                      .query = target,
                      .lines = line,
                      .time = gw_str(time, sizeof time),
                      .key_id = p->keys[key],
                      .secret = signing->secret[key],
                      .region = signing->region,
                      .service = GW_STR("bedrock")};
    gw_sha256_end(&sum, s.body);
    s.lines_n = put_lines(&p->backend, type, signing->token[key], s.time, line, out);
    gw_buf_put(out, GW_STR("authorization: "));
    sigv4_put(&s, out);
    gw_buf_put(out, GW_STR("\r\n"));
}

/* AWS says by a header which error it is, with a name space behind a colon. */
static struct gw_str error_type(const struct gw_res_head *res) {
    for (uint32_t i = 0; i < res->headers_n; i++) {
        struct gw_str value = res->headers[i].value;
        if (gw_str_ieq(res->headers[i].name, GW_STR("x-amzn-errortype")))
            return gw_str_trim(gw_str_cut(&value, ':'));
    }
    return GW_STR("");
}

bool sign_is_refused(const struct gw_res_head *res) {
    if (res->status == 403)
        return !gw_str_eq(error_type(res), GW_STR("AccessDeniedException"));
    static const struct gw_str types[] = {GW_STR_INIT("IncompleteSignature"),
                                          GW_STR_INIT("RequestExpired"),
                                          GW_STR_INIT("ExpiredToken")};
    for (size_t i = 0; i < sizeof types / sizeof *types && res->status == 400; i++)
        if (gw_str_starts(error_type(res), types[i]))
            return true;
    return false;
}
