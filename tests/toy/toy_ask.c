#include "toy_ask.h"

enum { KEPT_MS = 100, NOTE_MS = 5000, TOLD_MS = 1000 };

/* Reads the body once more, adds its bytes up (in `talk`, which is done with), and answers with the sum. */
static struct next read_again(struct gw_call *c, struct gw_str bytes, bool last,
                              struct gw_time now) {
    struct gw_buf b;
    for (size_t i = 0; i < bytes.n; i++)
        c->talk += (unsigned char)bytes.p[i];
    if (!last)
        return next_stay();
    gw_buf_init(&b, &c->arena, 64);
    gw_buf_put_u64(&b, c->talk);
    return end_reply(c, 200, GW_STR("text/plain"), gw_buf_str(&b), now);
}

/* `?get` asks for what is kept under the path, `?put=VALUE` to keep it: the client is told what came of it. */
static struct next ask_told(struct gw_call *c, struct gw_str value, struct gw_time now) {
    struct gw_action *a = ask_put(c, GW_ASK_TOY, TOLD_MS, now);
    a->ask.key = c->path;
    a->ask.bytes = value;
    return next_wait(CALL_ASK);
}

static struct next tell(struct gw_call *c, const struct gw_answer *answer, struct gw_time now) {
    static const uint32_t status[] = {
        [GW_ANSWER_DONE] = 200,    [GW_ANSWER_NONE] = 404,   [GW_ANSWER_LATE] = 504,
        [GW_ANSWER_UNASKED] = 503, [GW_ANSWER_FAILED] = 502,
    };
    return end_reply(c, status[answer->status], GW_STR("text/plain"), answer->bytes, now);
}

struct next toy_ask(struct gw_call *c, struct gw_time now) {
    if (gw_str_eq(c->query, GW_STR("?again"))) {
        c->talk = 0;
        return body_read_again(c, 2, read_again);
    }
    if (c->query.n == 0)
        return next_on();
    if (gw_str_eq(c->query, GW_STR("?get")))
        return ask_told(c, gw_str(NULL, 0), now);
    if (gw_str_starts(c->query, GW_STR("?put=")))
        return ask_told(c, gw_str(c->query.p + 5, c->query.n - 5), now);
    struct gw_action *kept = ask_put(c, GW_ASK_TOY, KEPT_MS, now);
    kept->ask.key = c->path;
    struct gw_action *note = ask_put(c, GW_ASK_TOY, NOTE_MS, now);
    note->ask.key = GW_STR("asked for");
    note->ask.bytes = c->path;
    return next_wait(CALL_ASK);
}

struct next toy_on_answer(struct gw_call *c, const struct gw_answer *answer, struct gw_time now) {
    bool waited_for = answer->id == 1;
    if (!waited_for)
        return next_stay();
    if (!gw_str_eq(c->query, GW_STR("?ask")))
        return tell(c, answer, now);
    if (answer->status == GW_ANSWER_DONE)
        return end_reply(c, 200, GW_STR("text/plain"), answer->bytes, now);
    return next_phase(PHASE_PLAN);
}
