#include "toy_ask.h"

enum { KEPT_MS = 100, NOTE_MS = 5000 };

struct next toy_ask(struct gw_call *c, struct gw_time now) {
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
