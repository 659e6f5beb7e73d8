#include "format/responses_kept.h"

#include "format/responses_speech.h"

/* ------------------------------------------------------------------ finding */

bool responses_kept_is_own(struct gw_str id) {
    static const struct gw_str prefix = GW_STR_INIT(RESPONSES_KEPT_PREFIX);
    if (!gw_str_starts(id, prefix) || id.n != prefix.n + MEAN_ID_LETTERS)
        return false;
    for (size_t i = prefix.n; i < id.n; i++) {
        char c = gw_lower(id.p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
            return false;
    }
    return true;
}

static bool begins(struct gw_str value, char c) {
    return value.n > 0 && value.p[0] == c;
}

struct gw_str responses_kept_previous(struct gw_str request) {
    return responses_items_inside(mean_member_of(request, GW_STR("previous_response_id")));
}

struct gw_str responses_kept_answer(struct gw_str kept) {
    struct gw_str answer = mean_member_of(kept, GW_STR("response"));
    return begins(answer, '{') ? answer : GW_STR("");
}

struct gw_str responses_kept_input(struct gw_str kept) {
    struct gw_str input = mean_member_of(kept, GW_STR("input"));
    return begins(input, '[') ? input : GW_STR("");
}

/* ------------------------------------------------------------------ writing */

/* The items of a list, behind those that are there. */
static void put_items(struct gw_str list, struct gw_out *o) {
    struct gw_walk w;
    gw_walk_init(&w, list);
    if (list.n == 0 || !gw_walk_enter(&w, '['))
        return;
    while (gw_walk_item(&w)) {
        struct gw_str item = mean_value(&w);
        if (item.n > 0)
            responses_said_put_value(o, item);
    }
}

/* A text alone is a message of the user's. */
static void put_input(struct gw_str input, struct gw_out *o) {
    if (!begins(input, '"')) {
        put_items(input, o);
        return;
    }
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", "message");
    gw_out_put_word(o, "role", "user");
    gw_out_put_value(o, "content", input);
    gw_out_close(o, '}');
}

static void put_members_but_input(struct gw_str request, struct gw_out *o) {
    struct gw_walk w;
    struct gw_str name;
    gw_walk_init(&w, request);
    if (!gw_walk_enter(&w, '{'))
        return;
    while (gw_walk_member(&w, &name)) {
        struct gw_str value = mean_value(&w);
        if (gw_str_eq(name, GW_STR("input")) || value.n == 0)
            continue;
        gw_out_raw_name(o, name);
        gw_out_value(o, value);
    }
}

bool responses_kept_join(struct gw_str request, struct gw_str kept, struct gw_buf *out) {
    struct gw_str input = responses_kept_input(kept), answer = responses_kept_answer(kept);
    struct gw_out o;
    if (input.n == 0 || answer.n == 0)
        return false;
    gw_out_init(&o, out);
    gw_out_open(&o, '{');
    put_members_but_input(request, &o);
    gw_out_name(&o, "input");
    gw_out_open(&o, '[');
    put_items(input, &o);
    put_items(mean_member_of(answer, GW_STR("output")), &o);
    put_input(mean_member_of(request, GW_STR("input")), &o);
    gw_out_close(&o, ']');
    gw_out_close(&o, '}');
    return !out->full;
}

static void open_kept(struct gw_str request, struct gw_out *o, struct gw_buf *out) {
    gw_out_init(o, out);
    gw_out_open(o, '{');
    gw_out_name(o, "input");
    gw_out_open(o, '[');
    put_input(mean_member_of(request, GW_STR("input")), o);
    gw_out_close(o, ']');
    gw_out_name(o, "response");
}

void responses_kept_put(struct gw_str request, struct gw_str answer, struct gw_buf *out) {
    struct gw_out o;
    open_kept(request, &o, out);
    gw_out_value(&o, answer);
    gw_out_close(&o, '}');
}

void responses_kept_put_stream(struct gw_str request, const struct mean_stream *s,
                               struct gw_buf *out) {
    struct gw_out o;
    open_kept(request, &o, out);
    responses_stream_put(s, &o);
    gw_out_close(&o, '}');
}
