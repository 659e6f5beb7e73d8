/*
 * What processes tell each other by gw_sync: frames are lost, repeated, late and out of order, and
 * there is rubbish among them. While all is calm they come.
 *
 * The loops of one process share their breakers and tell each other nothing, as in the daemon; so
 * only processes of one loop hear of others.
 */
#include "sim.h"

struct frame {
    struct shard *to;
    struct text lines;
};

static void deliver(struct sim *sim, void *who) {
    struct frame *f = who;
    struct gw_str news;
    say(sim, "process %u hears: %.*s", f->to->process->index, (int)f->lines.n - 1, f->lines.p);
    check_before(f->to);
    gw_sync(f->to->gw, GW_FRAMES_BREAKERS, text_str(&f->lines), host_time(f->to), &news);
    check_told(f->to, text_str(&f->lines));
    sim->counts.frames++;
    if (news.n > 0)
        fail(sim, "process %u has news when it is told some: %.*s", f->to->process->index,
             (int)news.n, news.p);
}

static void put_rubbish(struct sim *sim, struct text *out) {
    static const char *const rubbish[] = {"\n",
                                          "breaker\n",
                                          "breaker node-3 17 ope\n",
                                          "breaker node-99 1 open 2 3 4\n",
                                          "toaster node-1 9 hot\n",
                                          "breaker node-1 99999999999999999999 open 1 1 1\n"};
    const char *line = rubbish[pick(sim, sizeof rubbish / sizeof *rubbish)];
    if (chance(sim, 0.1))
        text_put(sim, out, gw_str(line, strlen(line)));
}

static void tell(struct shard *to, struct gw_str lines) {
    struct sim *sim = to->sim;
    struct frame *f = world_new(sim, sizeof *f);
    f->to = to;
    put_rubbish(sim, &f->lines);
    text_put(sim, &f->lines, lines);
    put_rubbish(sim, &f->lines);
    world_at(sim, sim->now + between(sim, 1, sim->set.frame_ms), deliver, f);
}

void frames_send(struct shard *from) {
    struct sim *sim = from->sim;
    struct gw_str lines;
    if (sim->failed || !gw_has_news(from->gw))
        return;
    gw_sync(from->gw, 0, GW_STR(""), host_time(from), &lines);
    say(sim, "process %u tells: %.*s", from->process->index, (int)lines.n - 1, lines.p);
    digest_bytes(sim, lines);
    check_news(from, lines);
    for (uint32_t i = 0; i < sim->shards; i++) {
        struct shard *to = &sim->shard[i];
        if (to->process == from->process || to->process->loops > 1)
            continue;
        if (sim->calm || !chance(sim, sim->set.frames_lost))
            tell(to, lines);
        if (chance(sim, sim->set.frames_repeated))
            tell(to, lines);
    }
}
