#include "core/call/edit.h"

#include "base/check.h"

void edits_add(struct edits *e, uint64_t at, uint64_t skip, struct gw_str text) {
    GW_ASSERT(e->n < EDITS_MAX);
    uint32_t i = e->n++;
    for (; i > 0 && e->edit[i - 1].at > at; i--)
        e->edit[i] = e->edit[i - 1];
    e->edit[i] = (struct edit){at, skip, text};
}

static void put(struct gw_slice *slices, struct gw_action *send, struct gw_slice what) {
    if (what.len == 0)
        return;
    slices[send->send.slices_n++] = what;
    send->send.body_len += what.len;
}

/* The next one of both lists. */
static const struct edit *next_of(const struct edits *e, uint32_t *i, uint32_t *k) {
    bool more = *k < e->more_n && (*i == e->n || e->more[*k].at < e->edit[*i].at);
    return more ? &e->more[(*k)++] : &e->edit[(*i)++];
}

bool edits_put(const struct edits *e, uint64_t n, struct gw_arena *arena, struct gw_action *send) {
    struct gw_slice *slices = gw_arena_get(arena, (2ULL * (e->n + e->more_n) + 1) * sizeof *slices);
    uint64_t done = 0;
    if (slices == NULL)
        return false;
    send->send.slices = slices;
    send->send.slices_n = 0;
    send->send.body_len = 0;
    for (uint32_t i = 0, k = 0; i < e->n || k < e->more_n;) {
        const struct edit *edit = next_of(e, &i, &k);
        put(slices, send,
            (struct gw_slice){.kind = GW_REQUEST, .off = done, .len = edit->at - done});
        put(slices, send, (struct gw_slice){.p = edit->text.p, .len = edit->text.n});
        done = edit->at + edit->skip;
    }
    put(slices, send, (struct gw_slice){.kind = GW_REQUEST, .off = done, .len = n - done});
    return true;
}
