/* What golden files cannot show: how thinking is asked for, which differs from model to model. */
#include "unit.h"

#include "format/speech.h"

static struct unit_mem mem;
static struct gw_arena arena;

/* What a request of OpenAI's becomes for a model, given what it has besides a message. */
static struct gw_str asked(const char *model, const char *more) {
    struct mean m = {.arena = &arena};
    struct gw_walk w;
    struct gw_buf in, out;
    struct gw_out o;
    gw_buf_init(&in, &arena, 1024);
    gw_buf_put(&in, GW_STR("{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"));
    gw_buf_put(&in, gw_str(more, strlen(more)));
    gw_buf_putc(&in, '}');
    gw_walk_init(&w, gw_buf_str(&in));
    speech_openai.read_request(&w, &m);
    CHECK(gw_walk_end(&w) && !m.bad);
    gw_buf_init(&out, &arena, 4096);
    gw_out_init(&o, &out);
    speech_anthropic.put_request(&m, gw_str(model, strlen(model)), &o);
    return gw_buf_str(&out);
}

static bool says(struct gw_str request, const char *what) {
    return gw_str_find(request, gw_str(what, strlen(what))) >= 0;
}

#define EFFORT(word) ",\"reasoning_effort\":\"" word "\""
#define FORCED                                                                                     \
    ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],"                          \
    "\"tool_choice\":\"required\""

static void test_models(void) {
    static const struct {
        const char *model, *more, *says;
    } table[] = {
        {"claude-haiku-4-5", EFFORT("low"), "{\"type\":\"enabled\",\"budget_tokens\":2048}"},
        {"claude-haiku-4-5", EFFORT("max"), "\"budget_tokens\":23808"},
        {"claude-haiku-4-5", EFFORT("max"), "\"max_tokens\":32000"},
        {"claude-haiku-4-5", EFFORT("high") ",\"max_tokens\":4000", "\"budget_tokens\":3000"},
        {"claude-opus-4-6", EFFORT("xhigh"), "\"output_config\":{\"effort\":\"high\"}"},
        {"claude-opus-5", EFFORT("xhigh"), "\"output_config\":{\"effort\":\"xhigh\"}"},
        {"claude-opus-5", EFFORT("minimal"), "\"output_config\":{\"effort\":\"low\"}"},
        {"claude-opus-5", EFFORT("low"), "\"thinking\":{\"type\":\"adaptive\"}"},
        {"claude-opus-5", EFFORT("none"), "\"thinking\":{\"type\":\"disabled\"}"},
        {"claude-opus-5", EFFORT("max") FORCED, "\"thinking\":{\"type\":\"disabled\"}"},
        {"claude-opus-5", EFFORT("max") FORCED, "\"effort\":\"high\""},
        {"claude-sonnet-5-5", EFFORT("none"), "\"thinking\":{\"type\":\"between_tools\"}"},
        {"claude-opus-5-5", EFFORT("none"), "\"output_config\":{\"effort\":\"low\"}"},
        {"qwen", EFFORT("low"), "\"thinking\":{\"type\":\"adaptive\"}"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        CHECK(says(asked(table[i].model, table[i].more), table[i].says));
    }
}

static void test_no_thinking(void) {
    static const char *const table[][2] = {
        {"claude-opus-5", ""},
        {"claude-haiku-4-5", EFFORT("none")},
        {"claude-haiku-4-5", EFFORT("high") ",\"max_tokens\":1000"},
        {"claude-haiku-4-5", EFFORT("high") FORCED},
        {"claude-3-opus", EFFORT("high")},
        {"claude-opus-5-5", EFFORT("none")},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        CHECK(!says(asked(table[i][0], table[i][1]), "\"thinking\""));
}

int main(void) {
    unit_mem_init(&mem, 0);
    gw_arena_init(&arena, &mem.mem, 1 << 12, 1 << 20);
    RUN(test_models);
    RUN(test_no_thinking);
    gw_arena_del(&arena);
    return unit_end();
}
