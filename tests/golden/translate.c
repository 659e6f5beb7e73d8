/*
 * Translates one document, as the gateway does it:
 *
 *     translate request IN OUT [MODEL] <FILE     a request of dialect IN, as one of OUT
 *     translate answer  IN OUT [FILE2] <FILE     a whole answer of a target that speaks IN, for a client of OUT that
 *                                                asked FILE2 (a request in its own dialect)
 *     translate told    IN OUT [FILE2] <FILE     the same, but the client wants a stream
 *     translate stream  IN OUT [usage [FILE2]] <FILE     likewise a stream; "usage": the client asks for it
 *     translate embed   IN OUT [MODEL] <FILE     likewise a request for embeddings
 *     translate vectors IN OUT [FILE2] <FILE     and its answer
 *     translate table                            docs/dialects.md
 *
 * Lines before the result say what OUT has no words for: "cannot FEATURE FATE". Exit 1: what came is none of IN.
 */
#include <stdio.h>
#include <stdlib.h>

#include "format/capability.h"
#include "format/embed.h"
#include "format/estimate.h"
#include "format/speech.h"

enum { INPUT_MAX = 1 << 24, ARENA_MAX = 1 << 26, SEED = 7, CREATED = 1700000000 };

static void *mem_get(void *user, size_t n) {
    (void)user;
    return malloc(n);
}
static void mem_put(void *user, void *p, size_t n) {
    (void)user, (void)n;
    free(p);
}
static const struct gw_mem mem = {mem_get, mem_put, NULL};

static const struct dialect *dialect_named(const char *name) {
    const struct dialect *d;
    for (uint32_t i = 0; (d = dialects_at(i)) != NULL; i++)
        if (gw_str_eq(d->name, gw_str(name, strlen(name))) && d->speech != NULL)
            return d;
    fprintf(stderr, "no dialect %s with a speech\n", name);
    exit(2);
}

/* Embeddings are translated, and no conversation; see main. */
static bool embeds;

static uint64_t says(const struct dialect *d) {
    return embeds ? d->embeds->says : d->speech->says;
}

static const char *name_in(const struct dialect *d, uint32_t f) {
    return embeds ? embed_name(d->embeds, (enum feature)f) : d->speech->names[f];
}

static struct gw_str slurp(FILE *f, struct gw_arena *arena) {
    char *p = gw_arena_get(arena, INPUT_MAX);
    return gw_str(p, fread(p, 1, INPUT_MAX, f));
}

static void check(const struct mean *m, bool whole) {
    if (!m->bad && !m->full && whole)
        return;
    printf("%s\n", m->bad ? m->wrong : m->full ? "the arena is full" : "it is no JSON");
    exit(1);
}

static void read_request(const struct dialect *d, struct gw_str text, struct mean *m) {
    struct gw_walk w;
    gw_walk_init(&w, text);
    if (embeds)
        embed_read_request(&w, m);
    else
        d->speech->read_request(&w, m);
    check(m, gw_walk_end(&w));
}

/* What is known of the model that is asked. */
static void look_up(struct gw_str model, struct mean *m) {
    struct capability can = capability_of(&capability_table, model);
    m->lacks = can.lacks;
    m->output = can.output;
}

static void show_cannot(const struct mean *m, const struct dialect *in, const struct dialect *out) {
    static const char *const fates[] = {"drop", "warn", "reject"};
    for (uint32_t f = 0; f < FEATURES; f++) {
        const char *name = name_in(in, f);
        if ((m->uses & ~(says(out) & ~m->lacks)) >> f & 1)
            printf("cannot %s (%s): %s\n", feature_about((enum feature)f),
                   name != NULL ? name : "-", fates[feature_fate((enum feature)f)]);
    }
}

static void put(const struct gw_buf *b) {
    fwrite(b->p, 1, b->n, stdout);
    if (b->full)
        printf("\nfull\n");
}

static void do_request(const struct dialect *in, const struct dialect *out, const char *model,
                       struct gw_arena *arena) {
    struct mean m = {.arena = arena};
    struct gw_buf b;
    struct gw_out o;
    read_request(in, slurp(stdin, arena), &m);
    look_up(gw_str(model, strlen(model)), &m);
    show_cannot(&m, in, out);
    gw_buf_init(&b, arena, INPUT_MAX);
    gw_out_init(&o, &b);
    (embeds ? out->embeds->put_request : out->speech->put_request)(&m, gw_str(model, strlen(model)),
                                                                   &o);
    put(&b);
}

/* What the client has asked, if it is in a file. */
static void read_asked(const struct dialect *d, const char *file, struct gw_arena *arena,
                       struct mean *m) {
    FILE *f = file != NULL ? fopen(file, "r") : NULL;
    if (f == NULL)
        return;
    read_request(d, slurp(f, arena), m);
    fclose(f);
}

static void put_told(const struct dialect *in, const struct dialect *out, const struct mean *asked,
                     const struct mean_answer *a, struct gw_buf *b) {
    struct mean_stream s = {.arena = asked->arena,
                            .in = in,
                            .out = out,
                            .asked = asked,
                            .created = CREATED,
                            .seed = SEED,
                            .wants_usage = true};
    steps_answer(&s, a, b);
    b->full |= s.full;
}

static void do_answer(const struct dialect *in, const struct dialect *out, bool told,
                      const char *asked, struct gw_arena *arena) {
    struct mean m = {.arena = arena};
    struct mean_answer a = {.mean = {.arena = arena}, .created = CREATED, .seed = SEED};
    struct gw_walk w;
    struct gw_buf b;
    read_asked(out, asked, arena, &m);
    struct gw_str text = slurp(stdin, arena);
    size_t size = text.n;
    gw_walk_init(&w, text);
    if (embeds)
        embed_read_answer(&w, &a);
    else
        in->speech->read_answer(&w, &a);
    check(&a.mean, gw_walk_end(&w));
    if (embeds && !usage_has(&a.usage, USAGE_INPUT))
        a.usage.n[USAGE_INPUT] = estimate_input(&m);
    gw_buf_init(&b, arena, embeds ? embed_room(&m, size) : INPUT_MAX);
    if (a.id.n == 0 && embeds)
        a.id = GW_STR("made-id");
    if (a.model.n == 0 && embeds)
        a.model = GW_STR("asked-model");
    mean_own_names(&a, &m);
    mean_hide_thoughts(&a, &m, in, out);
    if (told)
        put_told(in, out, &m, &a, &b);
    else
        (embeds ? out->embeds->put_answer : out->speech->put_answer)(&a, &m, &b);
    put(&b);
}

static void do_stream(const struct dialect *in, const struct dialect *out, bool usage,
                      const char *asked, struct gw_arena *arena) {
    struct mean m = {.arena = arena};
    struct mean_stream s = {.arena = arena,
                            .in = in,
                            .out = out,
                            .asked = &m,
                            .created = CREATED,
                            .seed = SEED,
                            .model = GW_STR("asked-model"),
                            .wants_usage = usage};
    struct event_source source = {.dialect = in};
    struct event e;
    struct gw_buf b;
    struct gw_str text = slurp(stdin, arena);
    read_asked(out, asked, arena, &m);
    gw_buf_init(&b, arena, INPUT_MAX);
    size_t n;
    while (text.n > 0 && (n = frame_length(text, 0, in->framing)) > 0 && n != FRAME_BAD) {
        struct gw_str event = gw_str_sub(text, 0, n);
        event_read(event, in->framing, &source, &e);
        if (e.is == EVENT_ERROR || e.is == EVENT_MALFORMED || e.is == EVENT_STRANGE)
            printf("event %d: %.*s\n", e.is, (int)event.n, event.p);
        else if (e.is != EVENT_PING)
            steps_put(&s, &e, event, &b);
        text = gw_str_sub(text, n, text.n);
    }
    steps_end(&s, &b);
    put(&b);
}

/* ------------------------------------------------------------------ the page */

static const char intro[] =
    "# What can be said in which dialect\n\n"
    "`make dialects` writes this page from the tables that translation goes by\n"
    "(`src/format/feature.c`, `says` and `names` of each `src/format/*_speech.c`).\n\n"
    "A request uses features. Where the target's dialect has no words for one, the feature has a\n"
    "fate: it is **left out**, because the answer is as good without it; it is left out and the "
    "client\n"
    "is **told**, in `x-heady-warnings`; or the request is **refused** with 400\n"
    "`unsupported_parameter`, which names the field, and a chain asks the next place. The\n"
    "configuration's `on_unsupported` puts one fate in the place of all.\n\n"
    "## By the target's dialect\n\n";

static const char *fate_word(const struct dialect *d, uint32_t f) {
    static const char *const words[] = {"left out", "told", "refused"};
    return says(d) >> f & 1 ? "yes" : words[feature_fate((enum feature)f)];
}

static const char *name_word(const struct dialect *d, uint32_t f) {
    return name_in(d, f) != NULL ? name_in(d, f) : "";
}

/* Whether the table at hand has a row for this. */
static bool has_row(uint32_t f) {
    bool both = f == FEATURE_USER || f == FEATURE_OTHER || f == FEATURE_UNKNOWN;
    if (embeds)
        return both || feature_is_of_embeddings((enum feature)f);
    return both || (f != FEATURE_TALK && !feature_is_of_embeddings((enum feature)f));
}

static bool has_column(const struct dialect *d) {
    return embeds ? d->embeds != NULL : d->speech != NULL;
}

static void put_page_table(const char *(*word)(const struct dialect *, uint32_t), bool code) {
    const struct dialect *d;
    printf("| a request may use |");
    for (uint32_t i = 0; (d = dialects_at(i)) != NULL; i++)
        if (has_column(d))
            printf(" %.*s |", (int)d->name.n, d->name.p);
    printf("\n|---|");
    for (uint32_t i = 0; (d = dialects_at(i)) != NULL; i++)
        printf("%s", has_column(d) ? "---|" : "");
    printf("\n");
    for (uint32_t f = 0; f < FEATURES; f++) {
        if (!has_row(f))
            continue;
        printf("| %s |", feature_about((enum feature)f));
        for (uint32_t i = 0; (d = dialects_at(i)) != NULL; i++) {
            if (!has_column(d))
                continue;
            const char *tick = code && word(d, f)[0] != '\0' ? "`" : "";
            printf(" %s%s%s |", tick, word(d, f), tick);
        }
        printf("\n");
    }
}

static const char embeds_intro[] =
    "\n## Embeddings\n\n"
    "`/v1/embeddings`, `:embedContent`, `:batchEmbedContents`, `/api/embed`, `/api/embeddings` "
    "and\n"
    "InvokeModel, by the target's dialect. Anthropic has none: a chain passes it over. An answer "
    "has\n"
    "the vectors as numbers, as they came; as base64 they are floats of 32 bits.\n\n"
    "Several texts at once for a model that takes one, such as Titan, and texts as numbers of "
    "tokens\n"
    "are refused whatever `on_unsupported` says: nothing would be left of the request. It may "
    "have\n"
    "2,048 texts. Cohere must be told what vectors are for: where nothing is said, they are of\n"
    "documents (`search_document`). A batch of Google's is translated if its requests differ in "
    "their\n"
    "texts alone. Of InvokeModel, Titan's form and Cohere's are translated.\n\n";

static void put_embeds(void) {
    embeds = true;
    printf("%s", embeds_intro);
    put_page_table(fate_word, false);
    printf("\nWhat clients call it:\n\n");
    put_page_table(name_word, true);
    embeds = false;
}

static const char models_intro[] =
    "\n## What models cannot do\n\n"
    "A model may not be able to do what its provider's dialect has words for. That has the same "
    "fates.\n"
    "The facts are those of `config/models.json`, by how a model's name begins; the longest one "
    "counts.\n"
    "`\"lacks\"` of a model in `config/gateway.json` says otherwise.\n\n"
    "| models that begin with | context | answer | lack |\n|---|---|---|---|\n";

static void put_tokens(uint64_t n) {
    if (n > 0)
        printf(" %llu |", (unsigned long long)n);
    else
        printf(" |");
}

static void put_models(void) {
    printf("%s", models_intro);
    for (uint32_t i = 0; i < capability_table.n; i++) {
        const struct capability_row *c = &capability_table.of[i];
        printf(*c->begins != '\0' ? "| `%s` |" : "| any other |", c->begins);
        put_tokens(c->context);
        put_tokens(c->output);
        for (uint32_t f = 0; f < FEATURES; f++)
            if (c->lacks >> f & 1)
                printf(" `%s`", feature_word((enum feature)f).p);
        printf(" |\n");
    }
}

static void put_words(void) {
    printf("\n## What the configuration calls it\n\n| a request may use | word |\n|---|---|\n");
    for (uint32_t f = 0; f < FEATURES; f++)
        printf("| %s | `%s` |\n", feature_about((enum feature)f), feature_word((enum feature)f).p);
}

static int do_table(void) {
    struct gw_arena arena;
    gw_arena_init(&arena, &mem, 1 << 16, ARENA_MAX);
    printf("%s", intro);
    put_page_table(fate_word, false);
    printf("\n## What clients call it\n\n");
    put_page_table(name_word, true);
    put_embeds();
    put_models();
    put_words();
    gw_arena_del(&arena);
    return 0;
}

int main(int argc, char **argv) {
    struct gw_arena arena;
    if (argc == 2 && strcmp(argv[1], "table") == 0)
        return do_table();
    if (argc < 4) {
        fprintf(stderr, "usage: translate request|answer|told|stream|embed|vectors IN OUT [...]\n");
        return 2;
    }
    gw_arena_init(&arena, &mem, 1 << 16, ARENA_MAX);
    const struct dialect *in = dialect_named(argv[2]), *out = dialect_named(argv[3]);
    embeds = strcmp(argv[1], "embed") == 0 || strcmp(argv[1], "vectors") == 0;
    if (strcmp(argv[1], "request") == 0 || strcmp(argv[1], "embed") == 0)
        do_request(in, out, argc > 4 ? argv[4] : "some-model", &arena);
    else if (strcmp(argv[1], "stream") != 0)
        do_answer(in, out, argv[1][0] == 't', argc > 4 ? argv[4] : NULL, &arena);
    else
        do_stream(in, out, argc > 4, argc > 5 ? argv[5] : NULL, &arena);
    gw_arena_del(&arena);
    return 0;
}
