/* Embeddings: places of vectors, limits, base64, and the room that an answer takes. Golden files have the rest. */
#include "format/embed.h"

#include "unit.h"

static struct unit_mem heap;
static struct gw_arena arena;

static void begin(void) {
    unit_mem_init(&heap, 0);
    gw_arena_init(&arena, &heap.mem, 4096, 1 << 24);
}

static struct gw_str written(const struct embeds *out, const struct mean_answer *a,
                             const struct mean *asked, size_t n) {
    struct gw_buf b;
    gw_buf_init(&b, &arena, embed_room(asked, n));
    out->put_answer(a, asked, &b);
    CHECK(!b.full);
    return gw_buf_str(&b);
}

static void read_answer(struct gw_str text, struct mean_answer *a) {
    struct gw_walk w = mean_walk(text);
    *a = (struct mean_answer){.mean = {.arena = &arena}};
    embed_read_answer(&w, a);
    CHECK(gw_walk_end(&w));
}

static void read_request(struct gw_str text, struct mean *m) {
    struct gw_walk w = mean_walk(text);
    *m = (struct mean){.arena = &arena};
    embed_read_request(&w, m);
    CHECK(gw_walk_end(&w));
}

/* Each of up to seven vectors is at its place, in whichever order they come. */
static void test_places(void) {
    uint32_t bad = 0;
    begin();
    for (uint32_t seed = 1; seed < 2000; seed++) {
        struct mean m = {.arena = &arena};
        struct mean_list list = {.n = 0};
        uint32_t n = seed % 7 + 1, step = seed % 5 + 1, place = seed % n;
        while (n % step == 0 && step > 1)
            step--;
        for (uint32_t i = 0; i < n; i++, place = (place + step) % n)
            mean_add_item(&m, &list, GW_STR("[]"), place);
        uint64_t last = 0;
        uint32_t count = 0;
        for (const struct mean_item *v = list.first; v != NULL; v = v->next, count++) {
            bad += v->at < last;
            last = v->at;
            bad += v->next == NULL && v != list.last;
        }
        bad += count != n || list.n != n;
    }
    CHECK_EQ_U64(bad, 0);
    gw_arena_del(&arena);
}

static void test_most_texts(void) {
    struct gw_buf b;
    struct mean m;
    begin();
    for (uint32_t n = MEAN_TEXTS; n <= MEAN_TEXTS + 1; n++) {
        gw_buf_init(&b, &arena, 1 << 16);
        gw_buf_put(&b, GW_STR("{\"input\":[\"a\""));
        for (uint32_t i = 1; i < n; i++)
            gw_buf_put(&b, GW_STR(",\"a\""));
        gw_buf_put(&b, GW_STR("]}"));
        read_request(gw_buf_str(&b), &m);
        CHECK(m.bad == (n > MEAN_TEXTS) && !m.full);
        CHECK_EQ_U64(m.embeds.texts.n, MEAN_TEXTS);
    }
    gw_arena_del(&arena);
}

/* The largest that numbers become: of one digit, as base64; and a vector that is told twice. */
static void test_room(void) {
    struct mean_answer a;
    struct mean m;
    struct gw_buf b;
    begin();
    gw_buf_init(&b, &arena, 1 << 20);
    gw_buf_put(&b, GW_STR("{\"embeddings\":[[0"));
    for (uint32_t i = 1; i < 100000; i++)
        gw_buf_put(&b, GW_STR(",1"));
    gw_buf_put(&b, GW_STR("]]}"));
    read_answer(gw_buf_str(&b), &a);
    read_request(GW_STR("{\"input\":\"a\",\"encoding_format\":\"base64\"}"), &m);
    struct gw_str packed = written(&embeds_openai, &a, &m, b.n);
    CHECK(gw_str_find(packed, GW_STR("AAAAAAAAgD8AAIA/")) > 0);
    CHECK(packed.n > 4 * 100000 / 3 * 4 && packed.n < 3 * b.n);
    read_request(GW_STR("{\"inputText\":\"a\",\"embeddingTypes\":[\"float\"]}"), &m);
    CHECK(written(&embeds_bedrock, &a, &m, b.n).n > 2 * 200000);
    gw_arena_del(&arena);
}

/* What one vector becomes, of each length up to a few rounds of three floats. */
static void test_base64(void) {
    static const char *const letters[] = {"\"\"", "\"AACAPw==\"", "\"AACAPwAAgD8=\"",
                                          "\"AACAPwAAgD8AAIA/\"", "\"AACAPwAAgD8AAIA/AACAPw==\""};
    static const char *const vectors[] = {"[]", "[1]", "[1,1.0]", "[ 1, 1e0 ,10E-1]", "[1,1,1,1]"};
    begin();
    for (uint32_t i = 0; i < 5; i++) {
        struct gw_buf b;
        struct gw_out o;
        gw_buf_init(&b, &arena, 256);
        gw_out_init(&o, &b);
        embed_put_base64(&o, gw_str(vectors[i], strlen(vectors[i])));
        CHECK(gw_str_eq(gw_buf_str(&b), gw_str(letters[i], strlen(letters[i]))));
    }
    gw_arena_del(&arena);
}

/* A batch is one request if all of it wants the same. */
static void test_batches(void) {
    static const struct {
        struct gw_str text;
        bool bad;
    } cases[] = {
        {GW_STR_INIT(
             "{\"requests\":[{\"content\":{},\"title\":\"t\"},{\"content\":{},\"title\":\"t\"}]}"),
         false},
        {GW_STR_INIT("{\"requests\":[{\"content\":{},\"title\":\"t\"},{\"content\":{}}]}"), true},
        {GW_STR_INIT("{\"requests\":[{\"content\":{}},{\"content\":{},\"title\":\"t\"}]}"), true},
        {GW_STR_INIT("{\"requests\":[{\"content\":{},\"taskType\":\"A\"},{\"content\":{},"
                     "\"taskType\":\"B\"}]}"),
         true},
        {GW_STR_INIT("{\"requests\":[{\"taskType\":\"A\",\"content\":{}},{\"taskType\":\"A\","
                     "\"content\":{}}]}"),
         false},
        {GW_STR_INIT("{\"requests\":[{\"content\":{},\"title\":\"t\"},{\"content\":{},"
                     "\"outputDimensionality\":2}]}"),
         true},
    };
    struct mean m;
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_request(cases[i].text, &m);
        CHECK(m.bad == cases[i].bad);
        CHECK_EQ_U64(m.embeds.texts.n, 2);
    }
    gw_arena_del(&arena);
}

int main(void) {
    RUN(test_places);
    RUN(test_most_texts);
    RUN(test_room);
    RUN(test_base64);
    RUN(test_batches);
    return unit_end();
}
