/*
 * Names that other dialects take. A tool in a name space is called SPACE__NAME by the models of those who know no
 * name spaces; what that stands for is not taken apart again, but looked up among the tools of the request.
 */
#include "format/responses_speech.h"

enum { NAME_MAX = 64, SUM = 8 };

static bool is_letter(char c) {
    return (gw_lower(c) >= 'a' && gw_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static bool fits(struct gw_str raw) {
    size_t i = 0;
    while (i < raw.n && is_letter(raw.p[i]))
        i++;
    return i == raw.n && raw.n <= NAME_MAX;
}

/* FNV-1a: it need not keep anybody out. */
static uint32_t sum_of(struct gw_str raw) {
    uint32_t sum = 2166136261U;
    for (size_t i = 0; i < raw.n; i++)
        sum = (sum ^ (uint8_t)raw.p[i]) * 16777619U;
    return sum;
}

struct gw_str responses_name_fit(struct gw_arena *arena, struct gw_str raw) {
    struct gw_buf b;
    if (fits(raw))
        return raw;
    bool too_long = raw.n > NAME_MAX;
    size_t n = too_long ? NAME_MAX - SUM - 1 : raw.n;
    gw_buf_init(&b, arena, NAME_MAX);
    for (size_t i = 0; i < n; i++)
        gw_buf_putc(&b, is_letter(raw.p[i]) ? raw.p[i] : '_');
    uint32_t sum = sum_of(raw);
    const uint8_t bytes[] = {(uint8_t)(sum >> 24), (uint8_t)(sum >> 16), (uint8_t)(sum >> 8),
                             (uint8_t)sum};
    if (too_long) {
        gw_buf_putc(&b, '_');
        gw_buf_put_hex(&b, bytes, sizeof bytes);
    }
    return gw_buf_str(&b);
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
