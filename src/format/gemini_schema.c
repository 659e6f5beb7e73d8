/*
 * Google's schemas are like OpenAPI's, and clients write them where JSON Schema is wanted, too. What differs:
 *
 *     "type": "STRING"           "string"
 *     "nullable": true           "null" among its types, and among what "enum" or "anyOf" allow
 *     "minItems": "1"            a number: Google writes such as strings
 *     "any_of"                   names in snake_case
 *     "example": 1               "examples": [1]
 *     "propertyOrdering"         nothing: others keep the order in which properties stand
 *
 * Names below "properties" are the client's and no members of a schema.
 */
#include "format/gemini_speech.h"

static bool is(struct gw_str name, const char *camel) {
    return gemini_read_is(name, camel);
}

static bool is_among(struct gw_str name, const char *const *names) {
    while (*names != NULL && !is(name, *names))
        names++;
    return *names != NULL;
}

/* ------------------------------------------------------------------ writing */

static void put_lower(struct gw_out *o, struct gw_str raw) {
    gw_out_raw(o, GW_STR(""));
    o->b->n -= !o->b->full; /* the closing quote */
    for (size_t i = 0; i < raw.n; i++)
        gw_buf_putc(o->b, gw_lower(raw.p[i]));
    gw_buf_putc(o->b, '"');
}

static void put_value(struct gw_walk *w, struct gw_out *o) {
    struct gw_str value = mean_value(w);
    gw_out_value(o, value.n > 0 ? value : GW_STR("null"));
}

/* ------------------------------------------------------------------ members */

static void put_schema(struct gw_walk *w, struct gw_out *o);

/* "STRING", or several. */
static void put_type(struct gw_walk *w, struct gw_out *o, bool nullable) {
    bool list = gw_walk_kind(w) == '[' && gw_walk_enter(w, '[');
    if (list || nullable)
        gw_out_open(o, '[');
    if (!list)
        put_lower(o, mean_raw(w));
    while (list && gw_walk_item(w))
        put_lower(o, mean_raw(w));
    if (nullable)
        gw_out_raw(o, GW_STR("null"));
    if (list || nullable)
        gw_out_close(o, ']');
}

/* What is allowed, and null if that is. */
static void put_enum(struct gw_walk *w, struct gw_out *o, bool nullable) {
    gw_out_open(o, '[');
    for (struct gemini_items all = gemini_read_items(w); gemini_read_item(w, &all);)
        put_value(w, o);
    if (nullable)
        gw_out_value(o, GW_STR("null"));
    gw_out_close(o, ']');
}

static void put_schemas(struct gw_walk *w, struct gw_out *o, bool nullable) {
    gw_out_open(o, '[');
    for (struct gemini_items all = gemini_read_items(w); gemini_read_item(w, &all);)
        put_schema(w, o);
    if (nullable)
        gw_out_value(o, GW_STR("{\"type\":\"null\"}"));
    gw_out_close(o, ']');
}

/* A schema by each name. */
static void put_named(struct gw_walk *w, struct gw_out *o) {
    struct gw_str name;
    gw_out_open(o, '{');
    if (gw_walk_enter(w, '{'))
        while (gw_walk_member(w, &name)) {
            gw_out_raw_name(o, name);
            put_schema(w, o);
        }
    gw_out_close(o, '}');
}

static void put_limit(struct gw_walk *w, struct gw_out *o) {
    uint64_t n;
    bool quoted = gw_walk_kind(w) == '"';
    struct gw_str value = quoted ? mean_raw(w) : mean_value(w);
    gw_out_value(o, quoted && !gw_str_u64(value, &n) ? GW_STR("0") : value);
}

static void put_example(struct gw_walk *w, struct gw_out *o) {
    gw_out_open(o, '[');
    put_value(w, o);
    gw_out_close(o, ']');
}

/* ------------------------------------------------------------------ a schema */

static const char *const of_one[] = {
    "items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else", NULL,
};
static const char *const of_several[] = {"oneOf", "allOf", "prefixItems", NULL};
static const char *const of_named[] = {
    "properties", "$defs", "defs", "definitions", "patternProperties", "dependentSchemas", NULL,
};
static const char *const limits[] = {
    "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties", NULL,
};

/* Its name in JSON Schema: in camelCase if it is known at all. */
static void put_known(struct gw_out *o, struct gw_str name, const char *const *names) {
    while (*names != NULL && !is(name, *names))
        names++;
    if (*names != NULL)
        gw_out_name(o, *names);
    else
        gw_out_raw_name(o, name);
}

static void put_inner(struct gw_walk *w, struct gw_out *o, struct gw_str name) {
    if (is_among(name, of_one)) {
        put_known(o, name, of_one);
        put_schema(w, o);
    } else if (is_among(name, of_several)) {
        put_known(o, name, of_several);
        put_schemas(w, o, false);
    } else if (is_among(name, of_named)) {
        gw_out_raw_name(o, is(name, "defs") ? GW_STR("$defs") : name);
        put_named(w, o);
    } else if (is_among(name, limits)) {
        put_known(o, name, limits);
        put_limit(w, o);
    } else {
        gw_out_raw_name(o, name);
        put_value(w, o);
    }
}

/* What says nothing, or nothing in JSON Schema. */
static bool is_left_out(struct gw_str name, char kind) {
    bool null = kind == 'n' && !is(name, "default") && !is(name, "const");
    return null || is(name, "nullable") || is(name, "propertyOrdering");
}

static void put_member(struct gw_walk *w, struct gw_out *o, struct gw_str name, bool nullable) {
    if (is_left_out(name, gw_walk_kind(w))) {
        gw_walk_skip(w);
    } else if (is(name, "type")) {
        gw_out_name(o, "type");
        put_type(w, o, nullable);
    } else if (is(name, "anyOf")) {
        gw_out_name(o, "anyOf");
        put_schemas(w, o, nullable);
    } else if (is(name, "enum")) {
        gw_out_name(o, "enum");
        put_enum(w, o, nullable);
    } else if (is(name, "example")) {
        gw_out_name(o, "examples");
        put_example(w, o);
    } else {
        put_inner(w, o, name);
    }
}

/* It may stand behind what it changes, so it is looked for first. */
static bool is_nullable(struct gw_walk w) {
    struct gw_str name;
    bool yes = false;
    if (gw_walk_enter(&w, '{'))
        while (gw_walk_member(&w, &name)) {
            bool it = is(name, "nullable");
            yes |= it && gw_walk_kind(&w) == 't';
            gw_walk_skip(&w);
        }
    return yes;
}

/* A list is one of schemas, as "items" once could be; true and false stand for themselves. */
static void put_schema(struct gw_walk *w, struct gw_out *o) {
    struct gw_str name;
    char kind = gw_walk_kind(w);
    if (kind == '[') {
        put_schemas(w, o, false);
        return;
    }
    if (kind != '{') {
        struct gw_str value = mean_value(w);
        gw_out_value(o, value.n > 0 ? value : GW_STR("{}"));
        return;
    }
    bool nullable = is_nullable(*w);
    gw_out_open(o, '{');
    gw_walk_enter(w, '{');
    while (gw_walk_member(w, &name))
        put_member(w, o, name, nullable);
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ all of it */

/* Whether it may be of Google's kind. */
static bool is_theirs(struct gw_str schema) {
    static const struct gw_str marks[] = {
        GW_STR_INIT("\"OBJECT\""),   GW_STR_INIT("\"STRING\""),
        GW_STR_INIT("\"ARRAY\""),    GW_STR_INIT("\"INTEGER\""),
        GW_STR_INIT("\"NUMBER\""),   GW_STR_INIT("\"BOOLEAN\""),
        GW_STR_INIT("\"nullable\""), GW_STR_INIT("\"propertyOrdering\""),
        GW_STR_INIT("\"any_of\""),   GW_STR_INIT("\"example\""),
        GW_STR_INIT("Items\":\""),   GW_STR_INIT("Length\":\""),
        GW_STR_INIT("\"min_"),       GW_STR_INIT("\"max_"),
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (gw_str_find(schema, marks[i]) >= 0)
            return true;
    return false;
}

/* The new one is longer by little: each `nullable` gives what it takes. */
struct gw_str gemini_schema_read(struct gw_walk *w, struct mean *m) {
    struct gw_walk inner;
    struct gw_buf b;
    struct gw_out o;
    struct gw_str schema = mean_value(w);
    if (schema.n == 0 || !is_theirs(schema))
        return schema;
    gw_buf_init(&b, m->arena, 2 * schema.n + 64);
    gw_out_init(&o, &b);
    gw_walk_init(&inner, schema);
    put_schema(&inner, &o);
    m->full |= b.full;
    return b.full ? GW_STR("") : gw_buf_str(&b);
}
