#include "base/base64.h"
#include "base/real32.h"
#include "format/embed.h"

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

/* ------------------------------------------------------------------ reading */

/* A list of numbers. */
static struct gw_str read_vector(struct gw_walk *w, struct mean_answer *a) {
    bool good = gw_walk_kind(w) == '[';
    const char *from = w->p;
    if (gw_walk_enter(w, '['))
        while (gw_walk_item(w)) {
            char kind = gw_walk_kind(w);
            good &= kind == '-' || (kind >= '0' && kind <= '9');
            gw_walk_skip(w);
        }
    if (!good)
        mean_wrong(&a->mean, "a vector is no list of numbers");
    return gw_str(from, (size_t)(w->p - from));
}

static void read_object(struct gw_walk *w, struct mean_answer *a);

/* A vector, or an object that holds one. */
static void read_one(struct gw_walk *w, struct mean_answer *a) {
    if (gw_walk_kind(w) == '{')
        read_object(w, a);
    else
        mean_add_item(&a->mean, &a->vectors, read_vector(w, a), a->vectors.n);
}

/* Several; or such a list by the type of its numbers. */
static void read_several(struct gw_walk *w, struct mean_answer *a) {
    if (gw_walk_kind(w) == '{') {
        read_object(w, a);
        return;
    }
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w))
        read_one(w, a);
}

static void note_tokens(struct mean_answer *a, uint64_t n) {
    a->usage.n[USAGE_INPUT] = n;
    a->usage.present |= 1U << USAGE_INPUT;
}

/* What an answer tells beside its vectors. */
static bool read_about(struct gw_walk *w, struct gw_str name, struct mean_answer *a) {
    if (is(name, "usage"))
        mean_read_usage(a, &dialect_openai, mean_value(w));
    else if (is(name, "usageMetadata"))
        mean_read_usage(a, &dialect_gemini, mean_value(w));
    else if (is(name, "prompt_eval_count") || is(name, "inputTextTokenCount"))
        note_tokens(a, mean_number(w));
    else if (is(name, "model"))
        a->model = mean_raw(w);
    else if (is(name, "id"))
        a->id = mean_raw(w);
    else
        return false;
    return true;
}

/* The answer itself, or what stands in it. OpenAI's items tell their place. */
static void read_object(struct gw_walk *w, struct mean_answer *a) {
    struct gw_str name, vector = {NULL, 0};
    uint64_t place = a->vectors.n;
    gw_walk_enter(w, '{');
    while (gw_walk_member(w, &name)) {
        bool one = is(name, "embedding") || is(name, "values");
        if (one && gw_walk_kind(w) == '[')
            vector = read_vector(w, a);
        else if (one)
            read_one(w, a);
        else if (is(name, "data") || is(name, "embeddings") || is(name, "float"))
            read_several(w, a);
        else if (is(name, "index"))
            place = mean_number(w);
        else if (!read_about(w, name, a))
            gw_walk_skip(w);
    }
    if (vector.p != NULL)
        mean_add_item(&a->mean, &a->vectors, vector, place);
}

void embed_read_answer(struct gw_walk *w, struct mean_answer *a) {
    if (gw_walk_kind(w) == '{')
        read_object(w, a);
    if (a->vectors.n == 0)
        mean_wrong(&a->mean, "it has no vectors");
}

/* ------------------------------------------------------------------ writing */

void embed_put_vectors(struct gw_out *o, const char *name, const struct mean_answer *a) {
    gw_out_name(o, name);
    gw_out_open(o, '[');
    for (const struct mean_item *v = a->vectors.first; v != NULL; v = v->next)
        gw_out_value(o, v->said);
    gw_out_close(o, ']');
}

/* There is one. */
void embed_put_first(struct gw_out *o, const char *name, const struct mean_answer *a) {
    gw_out_put_value(o, name, a->vectors.first->said);
}

enum { FLOAT = 4, THREE_FLOATS = 3 * FLOAT }; /* these are whole letters */

void embed_put_base64(struct gw_out *o, struct gw_str vector) {
    struct gw_walk w = mean_walk(vector);
    char bytes[THREE_FLOATS];
    size_t n = 0;
    gw_out_raw(o, GW_STR(""));
    o->b->n -= !o->b->full; /* the closing quote */
    gw_walk_enter(&w, '[');
    while (gw_walk_item(&w)) {
        uint32_t bits = gw_real32(mean_value(&w));
        for (uint32_t i = 0; i < FLOAT; i++)
            bytes[n++] = (char)(bits >> 8 * i & 0xff);
        if (n < THREE_FLOATS)
            continue;
        gw_base64_put(o->b, gw_str(bytes, n), false);
        n = 0;
    }
    gw_base64_put(o->b, gw_str(bytes, n), false);
    gw_buf_putc(o->b, '"');
}

void embed_put_usage(struct gw_out *o, const char *name, const char *input, const char *total,
                     const struct mean_answer *a) {
    gw_out_name(o, name);
    gw_out_open(o, '{');
    gw_out_put_u64(o, input, a->usage.n[USAGE_INPUT]);
    gw_out_put_u64(o, total, a->usage.n[USAGE_INPUT]);
    gw_out_close(o, '}');
}

/* A number is two bytes or more, a comma with it, and six letters of base64 at most. */
enum { ANSWER_MORE = 4096, VECTOR_MORE = 64 };

size_t embed_room(const struct mean *asked, size_t n) {
    size_t room = (asked->embeds.base64 ? 3 * n : n) + VECTOR_MORE * asked->embeds.texts.n;
    for (const struct mean_item *t = asked->embeds.texts.first; t != NULL; t = t->next)
        room += t->said.n + 3;                                 /* Cohere tells them again, ... */
    return (asked->embeds.typed ? 2 : 1) * room + ANSWER_MORE; /* ... and Titan the vector */
}
