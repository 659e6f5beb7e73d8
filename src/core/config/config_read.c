#include "core/config/config_read.h"

static void put_path(struct reader *r, const struct gw_json *item) {
    bool any = false;
    for (uint32_t i = 0; i < r->depth; i++, any = true) {
        if (any)
            gw_buf_putc(r->why, '.');
        gw_buf_put(r->why, r->path[i]);
    }
    if (item->name.p != NULL) {
        if (any)
            gw_buf_putc(r->why, '.');
        gw_buf_put(r->why, item->name);
    }
}

bool reader_fail(struct reader *r, const struct gw_json *item, struct gw_str what,
                 struct gw_str remedy) {
    gw_buf_put(r->why, GW_STR("line "));
    gw_buf_put_u64(r->why, gw_json_line(r->text, item));
    gw_buf_put(r->why, GW_STR(": "));
    if (r->depth > 0 || item->name.p != NULL) {
        put_path(r, item);
        gw_buf_put(r->why, GW_STR(": "));
    }
    gw_buf_put(r->why, what);
    gw_buf_put(r->why, GW_STR("; "));
    gw_buf_put(r->why, remedy);
    return false;
}

static bool is_bool(const struct gw_json *item) {
    return gw_json_is(item, GW_JSON_TRUE) || gw_json_is(item, GW_JSON_FALSE);
}

static struct gw_str kind_of(const struct gw_json *item) {
    if (gw_json_is(item, GW_JSON_OBJECT))
        return GW_STR("is an object");
    if (gw_json_is(item, GW_JSON_ARRAY))
        return GW_STR("is a list");
    if (gw_json_is(item, GW_JSON_STRING))
        return GW_STR("is text");
    if (gw_json_is(item, GW_JSON_NUMERAL))
        return GW_STR("is a number");
    return is_bool(item) ? GW_STR("is true or false") : GW_STR("is null");
}

static bool push(struct reader *r, const struct gw_json *item) {
    if (item->name.p == NULL)
        return true;
    if (r->depth == READER_DEPTH)
        return reader_fail(r, item, GW_STR("is nested too deeply"), GW_STR("flatten it"));
    r->path[r->depth++] = item->name;
    return true;
}

static void pop(struct reader *r, const struct gw_json *item) {
    if (item->name.p != NULL)
        r->depth--;
}

static bool fail_unknown(struct reader *r, const struct gw_json *item,
                         const struct reader_field *fields, size_t n) {
    reader_fail(r, item, GW_STR("is not a known field"), GW_STR("the fields here are "));
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            gw_buf_put(r->why, GW_STR(", "));
        gw_buf_put(r->why, fields[i].name);
    }
    return false;
}

static bool read_member(struct reader *r, const struct gw_json *item,
                        const struct reader_field *fields, size_t n, void *into) {
    for (size_t i = 0; i < n; i++) {
        const struct reader_field *f = &fields[i];
        if (!gw_str_eq(f->name, item->name))
            continue;
        if (f->read != NULL)
            return f->read(r, item, into);
        uint64_t value;
        if (!reader_u64(r, item, f->min, f->max, &value))
            return false;
        memcpy((char *)into + f->offset, &value, sizeof value);
        return true;
    }
    return fail_unknown(r, item, fields, n);
}

bool reader_object(struct reader *r, const struct gw_json *item, const struct reader_field *fields,
                   size_t n, void *into) {
    if (!gw_json_is(item, GW_JSON_OBJECT))
        return reader_fail(r, item, kind_of(item), GW_STR("give an object: { ... }"));
    if (!push(r, item))
        return false;
    for (const struct gw_json *m = item->child; m != NULL; m = m->next)
        if (!read_member(r, m, fields, n, into))
            return false;
    pop(r, item);
    return true;
}

bool reader_each(struct reader *r, const struct gw_json *item,
                 bool (*each)(struct reader *r, const struct gw_json *item, void *into),
                 void *into) {
    if (!gw_json_is(item, GW_JSON_OBJECT))
        return reader_fail(r, item, kind_of(item), GW_STR("give an object: { ... }"));
    if (!push(r, item))
        return false;
    for (const struct gw_json *m = item->child; m != NULL; m = m->next)
        if (!each(r, m, into))
            return false;
    pop(r, item);
    return true;
}

bool reader_bool(struct reader *r, const struct gw_json *item, bool *out) {
    if (!is_bool(item))
        return reader_fail(r, item, kind_of(item), GW_STR("give true or false"));
    *out = item->kind == GW_JSON_TRUE;
    return true;
}

bool reader_text(struct reader *r, const struct gw_json *item, struct gw_str *out) {
    if (!gw_json_is(item, GW_JSON_STRING))
        return reader_fail(r, item, kind_of(item), GW_STR("give text in quotes"));
    *out = gw_arena_dup(&r->conf->arena, item->text);
    return out->p != NULL || reader_fail(r, item, GW_STR("does not fit into memory"),
                                         GW_STR("make the configuration smaller"));
}

bool reader_u64(struct reader *r, const struct gw_json *item, uint64_t min, uint64_t max,
                uint64_t *out) {
    bool number = gw_json_is(item, GW_JSON_NUMERAL);
    double v = number ? item->number : -1;
    if (number && v >= (double)min && v <= (double)max && v == (double)(uint64_t)v) {
        *out = (uint64_t)v;
        return true;
    }
    reader_fail(r, item, number ? GW_STR("is out of range") : kind_of(item),
                GW_STR("give a whole number from "));
    gw_buf_put_u64(r->why, min);
    gw_buf_put(r->why, GW_STR(" to "));
    gw_buf_put_u64(r->why, max);
    return false;
}

bool reader_url(struct reader *r, const struct gw_json *item, struct url *out) {
    struct gw_str text;
    if (!reader_text(r, item, &text))
        return false;
    const char *why = url_read(text, &r->conf->arena, out);
    return why == NULL || reader_fail(r, item, gw_str(why, strlen(why)),
                                      GW_STR("give a base URL such as \"https://host.example\""));
}
