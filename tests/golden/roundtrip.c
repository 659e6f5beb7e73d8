/*
 * Conversations of chance, from one dialect into another and back: what they mean is the same afterwards.
 *
 *     roundtrip SEED N    each of the seeds from SEED on, N of them, for every pair of dialects
 *
 * A conversation uses what both dialects have words for (`says`), and nothing that the table of docs/dialects.md lets go.
 * What is compared is what was said (`show`): ids are told by their numbers, for some dialects make their own.
 * A failure is told with its seed, both meanings, and what stood between them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "format/speech.h"

enum { ARENA_MAX = 1 << 24, TEXT_MAX = 1 << 20, SHOWN = 3 };

static void *mem_get(void *user, size_t n) {
    (void)user;
    return malloc(n);
}
static void mem_put(void *user, void *p, size_t n) {
    (void)user, (void)n;
    free(p);
}
static const struct gw_mem mem = {mem_get, mem_put, NULL};

/* ------------------------------------------------------------------ making one */

struct maker {
    struct gw_rng rng;
    struct gw_arena *arena;
    struct mean *m;
    uint64_t allowed;
    uint32_t calls;
};

static uint32_t up_to(struct maker *k, uint32_t n) {
    return (uint32_t)(gw_rng_next(&k->rng) % n);
}

static bool may(struct maker *k, enum feature feature, uint32_t one_in) {
    if ((k->allowed >> feature & 1) == 0 || up_to(k, one_in) > 0)
        return false;
    mean_use(k->m, feature);
    return true;
}

/* The inside of a JSON string. */
static struct gw_str text(struct maker *k) {
    static const char *const words[] = {"hello",
                                        "w\\u00f6rld",
                                        "\xe6\x9d\xb1\xe4\xba\xac",
                                        "\\\"quoted\\\"",
                                        "back\\\\slash",
                                        "line\\nbreak",
                                        "\xf0\x9f\x98\x80",
                                        "\\ud83d\\ude00",
                                        "a/b",
                                        "{\\\"x\\\":1}",
                                        "data: x",
                                        "0"};
    struct gw_buf b;
    gw_buf_init(&b, k->arena, 256);
    gw_buf_put(&b, GW_STR("t"));
    for (uint32_t n = 1 + up_to(k, 5); n > 0; n--) {
        const char *word = words[up_to(k, sizeof words / sizeof *words)];
        gw_buf_putc(&b, ' ');
        gw_buf_put(&b, gw_str(word, strlen(word)));
    }
    return gw_buf_str(&b);
}

static struct gw_str numbered(struct maker *k, const char *prefix, uint32_t n) {
    struct gw_buf b;
    gw_buf_init(&b, k->arena, 64);
    gw_buf_put(&b, gw_str(prefix, strlen(prefix)));
    gw_buf_put_u64(&b, n);
    return gw_buf_str(&b);
}

static struct gw_str args(struct maker *k) {
    static const struct gw_str some[] = {
        GW_STR_INIT("{}"), GW_STR_INIT("{\"a\":\"b\"}"),
        GW_STR_INIT("{\"a\":\"b\\nc\",\"n\":-1.5e3}"),
        GW_STR_INIT("{\"a\":\"\\\"\",\"l\":[1,{\"x\":null}],\"t\":true}")};
    return some[up_to(k, sizeof some / sizeof *some)];
}

static void add_image(struct maker *k, struct mean_turn *t) {
    struct mean_part *p = mean_add_part(k->m, t, MEAN_IMAGE);
    p->media = GW_STR("image/png");
    p->data = GW_STR("iVBORw0KGgo=");
}

static void add_user(struct maker *k) {
    struct mean_turn *t = mean_add_turn(k->m, MEAN_USER);
    if (may(k, FEATURE_IMAGE, 4)) /* first: Ollama's have no place among the words */
        add_image(k, t);
    mean_add_part(k->m, t, MEAN_TEXT)->text = text(k);
}

static void add_call(struct maker *k, struct mean_turn *t) {
    struct mean_part *p = mean_add_part(k->m, t, MEAN_CALL);
    p->id = numbered(k, "call_", ++k->calls);
    p->name = numbered(k, "tool_", up_to(k, 2));
    p->args = args(k);
}

/* Calls, and all their results. */
static void add_calls(struct maker *k, struct mean_turn *t) {
    uint32_t from = k->calls, n = 1 + up_to(k, 3);
    for (uint32_t i = 0; i < n; i++)
        add_call(k, t);
    struct mean_turn *results = mean_add_turn(k->m, MEAN_USER);
    const struct mean_part *call = t->parts;
    for (; call != NULL; call = call->next) {
        if (call->kind != MEAN_CALL)
            continue;
        struct mean_part *r = mean_add_part(k->m, results, MEAN_RESULT);
        r->id = call->id;
        r->name = call->name;
        mean_add_inner(k->m, r, MEAN_TEXT)->text = text(k);
        r->failed = may(k, FEATURE_RESULT_FAILED, 4);
    }
    k->calls = from + n;
}

static void add_assistant(struct maker *k, bool tools) {
    struct mean_turn *t = mean_add_turn(k->m, MEAN_ASSISTANT);
    bool calls = tools && up_to(k, 2) == 0;
    if (!calls || up_to(k, 2) == 0)
        mean_add_part(k->m, t, MEAN_TEXT)->text = text(k);
    if (calls)
        add_calls(k, t);
    else
        add_user(k);
}

static void add_tools(struct maker *k) {
    static const struct gw_str closed = GW_STR_INIT(
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"],"
        "\"additionalProperties\":false}");
    bool strict = may(k, FEATURE_STRICT, 3); /* all or none: Gemini says it of all */
    for (uint32_t i = 0; i < 2; i++) {
        struct mean_tool *t = mean_add_tool(k->m, MEAN_FUNCTION);
        t->name = numbered(k, "tool_", i);
        t->description = text(k);
        t->schema = closed;
        t->strict = strict ? GW_STR("true") : GW_STR("");
    }
    if (strict)
        return;
    if (may(k, FEATURE_PICK_ANY, 4)) {
        k->m->pick = MEAN_PICK_ANY;
    } else if (may(k, FEATURE_PICK_ONE, 4)) {
        k->m->pick = MEAN_PICK_ONE;
        k->m->pick_name = GW_STR("tool_1");
    } else if (may(k, FEATURE_PICK_NONE, 4)) {
        k->m->pick = MEAN_PICK_NONE;
    }
    if (k->m->pick != MEAN_PICK_NONE && may(k, FEATURE_PARALLEL, 3))
        k->m->parallel = GW_STR("false");
}

static void add_sampling(struct maker *k) {
    struct mean *m = k->m;
    mean_use(m, FEATURE_MAX_TOKENS);
    m->max_tokens = numbered(k, "", 100 + up_to(k, 900));
    if (may(k, FEATURE_TEMPERATURE, 2))
        m->temperature = GW_STR("0.25");
    else if (may(k, FEATURE_TOP_P, 2))
        m->top_p = GW_STR("0.5");
    if (may(k, FEATURE_TOP_K, 2))
        m->top_k = GW_STR("7");
    if (may(k, FEATURE_SEED, 2))
        m->seed = GW_STR("42");
    if (may(k, FEATURE_PENALTIES, 2))
        m->presence = GW_STR("0.5");
    for (uint32_t n = up_to(k, 3); n > 0 && may(k, FEATURE_STOP, 1); n--)
        m->stop[m->stops++] = text(k);
    if (may(k, FEATURE_USER, 2))
        m->user = GW_STR("user-7");
}

static void add_form(struct maker *k) {
    struct mean *m = k->m;
    if (may(k, FEATURE_SCHEMA, 3)) {
        m->form = MEAN_FORM_SCHEMA;
        m->form_name = GW_STR("answer");
        m->form_schema = GW_STR("{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"number\"}},"
                                "\"required\":[\"x\"],\"additionalProperties\":false}");
        m->form_strict = GW_STR("true");
    } else if (may(k, FEATURE_JSON, 3)) {
        m->form = MEAN_FORM_JSON;
    }
}

static void make(uint64_t seed, uint64_t allowed, struct mean *m) {
    struct maker k = {.arena = m->arena, .m = m, .allowed = allowed};
    gw_rng_init(&k.rng, seed);
    bool tools = may(&k, FEATURE_TOOLS, 2);
    if (up_to(&k, 2) == 0)
        mean_add_part(m, mean_add_turn(m, MEAN_SYSTEM), MEAN_TEXT)->text = text(&k);
    add_user(&k);
    for (uint32_t n = up_to(&k, 4); n > 0; n--)
        add_assistant(&k, tools);
    if (tools)
        add_tools(&k);
    add_sampling(&k);
    add_form(&k);
    m->stream = up_to(&k, 2) == 0;
}

/* ------------------------------------------------------------------ showing one */

struct ids {
    struct gw_str id[256];
    uint32_t n;
};

static uint32_t number_of(struct ids *ids, struct gw_str id) {
    uint32_t i = 0;
    while (i < ids->n && !gw_str_eq(ids->id[i], id))
        i++;
    if (i == ids->n && i < 256)
        ids->id[ids->n++] = id;
    return i;
}

static void show_raw(struct gw_buf *b, const char *name, struct gw_str raw) {
    if (raw.n == 0)
        return;
    gw_buf_put(b, gw_str(name, strlen(name)));
    gw_buf_putc(b, '=');
    gw_json_decode(b, raw);
    gw_buf_putc(b, '\n');
}

static void show_value(struct gw_buf *b, const char *name, struct gw_str value) {
    if (value.n == 0)
        return;
    gw_buf_put(b, gw_str(name, strlen(name)));
    gw_buf_putc(b, '=');
    gw_buf_put(b, value);
    gw_buf_putc(b, '\n');
}

static void show_args(struct gw_buf *b, const struct mean_part *p, struct gw_arena *arena) {
    struct gw_out o;
    gw_out_init(&o, b);
    mean_put_args(p, arena, &o);
    gw_buf_putc(b, '\n');
}

static void show_part(struct gw_buf *b, const struct mean_part *p, struct ids *ids,
                      struct gw_arena *arena) {
    static const char *const kinds[] = {"?",     "text", "refusal", "reasoning", "image",
                                        "audio", "file", "call",    "result",    "other"};
    gw_buf_put(b, gw_str(kinds[p->kind], strlen(kinds[p->kind])));
    gw_buf_putc(b, '\n');
    show_raw(b, "text", p->text);
    show_raw(b, "media", p->media);
    show_raw(b, "data", p->data);
    if (p->kind == MEAN_CALL || p->kind == MEAN_RESULT) {
        gw_buf_put_u64(b, number_of(ids, p->id));
        gw_buf_put(b, p->failed ? GW_STR(" failed\n") : GW_STR("\n"));
    }
    if (p->kind == MEAN_CALL) {
        show_raw(b, "name", p->name);
        show_args(b, p, arena);
    }
    for (const struct mean_part *inner = p->parts; inner != NULL; inner = inner->next)
        show_part(b, inner, ids, arena);
}

static void show_tools(struct gw_buf *b, const struct mean *m) {
    for (const struct mean_tool *t = m->tools; t != NULL; t = t->next) {
        show_raw(b, "tool", t->name);
        show_raw(b, "about", t->description);
        show_value(b, "schema", t->schema);
        if (gw_str_eq(t->strict, GW_STR("true")))
            gw_buf_put(b, GW_STR("strict\n"));
    }
    if (m->pick > MEAN_PICK_AUTO)
        gw_buf_put_u64(b, m->pick);
    show_raw(b, "pick", m->pick_name);
    if (gw_str_eq(m->parallel, GW_STR("false")))
        gw_buf_put(b, GW_STR("one by one\n"));
}

static struct gw_str show(const struct mean *m) {
    struct ids ids = {.n = 0};
    struct gw_buf b;
    gw_buf_init(&b, m->arena, TEXT_MAX);
    for (const struct mean_turn *t = m->turns; t != NULL; t = t->next) {
        if (t->parts == NULL)
            continue;
        gw_buf_put(&b, t->role == MEAN_SYSTEM ? GW_STR("-- system\n")
                       : t->role == MEAN_USER ? GW_STR("-- user\n")
                                              : GW_STR("-- assistant\n"));
        for (const struct mean_part *p = t->parts; p != NULL; p = p->next)
            show_part(&b, p, &ids, m->arena);
    }
    show_tools(&b, m);
    const struct {
        const char *name;
        struct gw_str value;
    } values[] = {{"max_tokens", m->max_tokens},
                  {"temperature", m->temperature},
                  {"top_p", m->top_p},
                  {"top_k", m->top_k},
                  {"seed", m->seed},
                  {"presence", m->presence},
                  {"schema", m->form_schema}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        show_value(&b, values[i].name, values[i].value);
    for (uint32_t i = 0; i < m->stops; i++)
        show_raw(&b, "stop", m->stop[i]);
    show_raw(&b, "user", m->user);
    gw_buf_putc(&b, (char)('0' + m->form));
    return gw_buf_str(&b);
}

/* ------------------------------------------------------------------ there and back */

static struct gw_str put(const struct dialect *d, const struct mean *m) {
    struct gw_buf b;
    struct gw_out o;
    gw_buf_init(&b, m->arena, TEXT_MAX);
    gw_out_init(&o, &b);
    /* At Bedrock what is asked differs by model: this one takes most. */
    bool bedrock = gw_str_eq(d->name, GW_STR("bedrock"));
    d->speech->put_request(
        m, bedrock ? GW_STR("anthropic.claude-sonnet-4-5") : GW_STR("some-model"), &o);
    return gw_buf_str(&b);
}

static bool read_back(const struct dialect *d, struct gw_str body, bool stream, struct mean *m) {
    struct gw_walk w;
    gw_walk_init(&w, body);
    d->speech->read_request(&w, m);
    if (d->streams_at.n > 0)
        m->stream = stream;
    return gw_walk_end(&w) && !m->bad && !m->full;
}

static void tell(uint64_t seed, const struct dialect *a, const struct dialect *b,
                 const struct gw_str *texts, size_t n) {
    printf("seed %llu, %.*s to %.*s and back\n", (unsigned long long)seed, (int)a->name.n,
           a->name.p, (int)b->name.n, b->name.p);
    for (size_t i = 0; i < n; i++)
        printf("%.*s\n----\n", (int)texts[i].n, texts[i].p);
}

static bool is_same(uint64_t seed, const struct dialect *a, const struct dialect *b, bool tells) {
    struct gw_arena arena;
    gw_arena_init(&arena, &mem, 1 << 16, ARENA_MAX);
    struct mean made = {.arena = &arena}, first = made, there = made, back = made;
    uint64_t allowed = a->speech->says & b->speech->says;
    /* Those two leave the tools out, so that none is called. */
    if (gw_str_eq(b->name, GW_STR("ollama")) || gw_str_eq(b->name, GW_STR("bedrock")) ||
        gw_str_eq(a->name, GW_STR("ollama")) || gw_str_eq(a->name, GW_STR("bedrock")))
        allowed &= ~(1ULL << FEATURE_PICK_NONE);
    make(seed, allowed, &made);
    made.alike = true;
    struct gw_str one = put(a, &made), two = GW_STR(""), three = GW_STR("");
    bool good = read_back(a, one, made.stream, &first);
    if (good) {
        two = put(b, &first);
        good = read_back(b, two, first.stream, &there);
    }
    if (good) {
        three = put(a, &there);
        good = read_back(a, three, there.stream, &back);
    }
    const struct gw_str texts[] = {show(&first), show(&back), one, two, three};
    bool same = good && gw_str_eq(texts[0], texts[1]) && first.stream == back.stream;
    if (!same && tells)
        tell(seed, a, b, texts, 5);
    gw_arena_del(&arena);
    return same;
}

int main(int argc, char **argv) {
    uint64_t from = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 100;
    uint32_t passed = 0, failed = 0, shown = argc > 3 ? (uint32_t)atoi(argv[3]) : SHOWN;
    const struct dialect *a, *b;
    for (uint32_t i = 0; (a = dialects_at(i)) != NULL; i++)
        for (uint32_t k = 0; (b = dialects_at(k)) != NULL; k++) {
            if (a->speech == NULL || b->speech == NULL || a == b)
                continue;
            for (uint64_t seed = from; seed < from + n; seed++) {
                bool same = is_same(seed, a, b, failed < shown);
                passed += same;
                failed += !same;
            }
        }
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
