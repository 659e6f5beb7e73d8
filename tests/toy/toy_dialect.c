/*
 * A dialect that nobody speaks, for a test: {"say":"text"}, {"why":"reason"} at the end, {"sorry":"message"}.
 * Its line in the table is added by the Makefile; see dialect.h for the steps.
 */
#include "format/event.h"

static void read_say(struct gw_walk *w, struct event *e) {
    struct gw_str raw;
    if (gw_walk_string(w, &raw))
        event_add(e, event_channel(0, 0, PART_TEXT), raw);
}

static bool read_event(struct gw_walk *w, struct event *e) {
    struct gw_str name;
    bool said = false, failed = false;
    gw_walk_enter(w, '{');
    while (gw_walk_member(w, &name)) {
        if (gw_str_eq(name, GW_STR("say"))) {
            said = true;
            read_say(w, e);
            continue;
        }
        e->finish |= gw_str_eq(name, GW_STR("why"));
        failed |= gw_str_eq(name, GW_STR("sorry"));
        gw_walk_skip(w);
    }
    e->choices = 1;
    e->finished = e->finish;
    e->is = failed            ? EVENT_ERROR
            : e->pieces_n > 0 ? EVENT_CONTENT
            : e->finish       ? EVENT_FINISH
                              : EVENT_PREAMBLE;
    return said || failed || e->finish;
}

static void put_error(struct gw_buf *b, const struct dialect_error *e) {
    gw_buf_put(b, GW_STR("{\"sorry\":\""));
    gw_buf_put_json(b, e->message);
    gw_buf_put(b, GW_STR("\",\"number\":"));
    gw_buf_put_u64(b, e->status);
    gw_buf_put(b, GW_STR("}\n"));
}

const struct dialect dialect_toy = {
    .name = GW_STR_INIT("toy"),
    .framing = FRAMING_SSE,
    .paths = {{GW_STR_INIT("/toy/talk"), true}},
    .read = read_event,
    .bare_end = GW_STR_INIT("BYE"),
    .keep_alive = GW_STR_INIT(": hum\n\n"),
    .end = GW_STR_INIT("data: BYE\n\n"),
    .error_head = GW_STR_INIT("data: {\"sorry\":\""),
    .error_tail = GW_STR_INIT("\"}\n\n"),
    .put_error = put_error,
};
