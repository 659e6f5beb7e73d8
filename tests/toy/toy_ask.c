#include "toy_ask.h"

enum { KEPT_MS = 100, NOTE_MS = 5000 };

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

struct next toy_ask(struct gw_call *c, struct gw_time now) {
    if (gw_str_eq(c->query, GW_STR("?again"))) {
        c->talk = 0;
        return body_read_again(c, 2, read_again);
    }
    if (c->query.n == 0)
        return next_on();
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
    if (answer->status == GW_ANSWER_DONE)
        return end_reply(c, 200, GW_STR("text/plain"), answer->bytes, now);
    return next_phase(PHASE_PLAN);
}
