/*
 * Names that other dialects take. A tool in a name space is called SPACE__NAME by the models of those who know no
 * name spaces; what that stands for is not taken apart again, but looked up among the tools of the request.
 */
#include "format/responses_speech.h"

struct gw_str responses_name_fit(struct gw_arena *arena, struct gw_str raw) {
    enum { NAME_MAX = 64 };
    return mean_fit(arena, raw, NAME_MAX);
}

struct gw_str responses_name_flat(struct gw_arena *arena, struct gw_str space, struct gw_str name) {
    struct gw_buf b;
    if (space.n == 0)
        return name;
    gw_buf_init(&b, arena, space.n + 2 + name.n);
    gw_buf_put(&b, space);
    gw_buf_put(&b, GW_STR("__"));
    gw_buf_put(&b, name);
    return responses_name_fit(arena, gw_buf_str(&b));
}

const struct mean_tool *responses_name_tool(const struct mean *asked, struct gw_str name) {
    const struct mean_tool *t = mean_tool(asked, name);
    if (t != NULL)
        return t;
    t = asked->tools;
    while (t != NULL && !(t->bare.n > 0 && gw_str_eq(t->bare, name)))
        t = t->next;
    return t;
}
