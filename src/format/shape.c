#include "format/shape.h"

void shape_learn(struct shape *shape, struct gw_str event, const struct event *e) {
    const struct event_piece *piece = &e->piece[0];
    if (e->is != EVENT_CONTENT || e->pieces_n != 1 || piece->whole || e->finish || e->end ||
        e->opaque || e->mark != 0 || e->usage.n > 0 || e->sequence.n > 0 || e->logprobs.n > 0)
        return;
    size_t before = (size_t)(piece->raw.p - event.p);
    size_t after = event.n - before - piece->raw.n;
    if (before + after > SHAPE_MAX)
        return;
    shape->channel = piece->channel;
    shape->before = (uint32_t)before;
    shape->after = (uint32_t)after;
    memcpy(shape->bytes, event.p, before);
    memcpy(shape->bytes + before, event.p + event.n - after, after);
}

size_t shape_match(const struct shape *shape, struct gw_str s, struct event_piece *piece) {
    bool plain;
    size_t before = shape->before;
    if (before == 0 || s.n < before + shape->after || memcmp(s.p, shape->bytes, before) != 0)
        return 0;
    const char *from = s.p + before, *all = s.p + s.n;
    const char *end = gw_json_string_end(from, all, &plain);
    if (end == NULL || (size_t)(all - end) < shape->after ||
        memcmp(end, shape->bytes + before, shape->after) != 0)
        return 0;
    *piece = (struct event_piece){
        .channel = shape->channel, .raw = gw_str(from, (size_t)(end - from)), .plain = plain};
    return before + piece->raw.n + shape->after;
}
