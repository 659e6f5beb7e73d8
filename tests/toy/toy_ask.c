#include "toy_ask.h"

enum { KEPT_MS = 100, NOTE_MS = 5000 };

/* Reads the body once more, and answers with what it read. */
static struct next read_again(struct gw_call *c, struct gw_str bytes, bool last,
                              struct gw_time now) {
    if (c->reason.p == NULL)
        gw_buf_init(&c->reason, &c->arena, 256);
    gw_buf_put(&c->reason, bytes);
    gw_buf_putc(&c->reason, '|');
    if (!last)
        return next_stay();
    return end_reply(c, 200, GW_STR("text/plain"), gw_buf_str(&c->reason), now);
}

struct next toy_ask(struct gw_call *c, struct gw_time now) {
    if (gw_str_eq(c->query, GW_STR("?again")))
        return body_read_again(c, 2, read_again);
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
