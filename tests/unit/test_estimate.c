#include "unit.h"

#include "format/estimate.h"
#include "format/speech.h"

static struct unit_mem mem;
static struct gw_arena arena;

static uint64_t of(const struct dialect *d, const char *text) {
    struct mean m = {.arena = &arena};
    struct gw_walk w;
    gw_walk_init(&w, gw_str(text, strlen(text)));
    d->speech->read_request(&w, &m);
    CHECK(!m.bad && !m.full);
    return estimate_input(&m);
}

/* 1,000 bytes are 286 tokens, whatever the dialect. */
static void test_text(void) {
    char text[1200], words[1001];
    memset(words, 'a', 1000);
    words[1000] = '\0';
    snprintf(text, sizeof text, "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}", words);
    CHECK(of(&dialect_openai, text) == 290 && of(&dialect_anthropic, text) == 290);
    snprintf(text, sizeof text, "{\"contents\":[{\"parts\":[{\"text\":\"%s\"}]}]}", words);
    CHECK(of(&dialect_gemini, text) == 290);
}

/* A picture's bytes are no text. */
static void test_picture(void) {
    static const char text[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":"
        "{\"url\":\"data:image/png;base64,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}]}]}";
    CHECK(of(&dialect_openai, text) == 1604);
}

static void test_tools(void) {
    static const char text[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}],\"tools\":[{\"name\":\"look\","
        "\"input_schema\":{\"type\":\"object\",\"properties\":{}}}]}";
    uint64_t n = of(&dialect_anthropic, text);
    CHECK(n >= 4 + 12 + 39 / 4 && n < 40);
}

int main(void) {
    unit_mem_init(&mem, 0);
    gw_arena_init(&arena, &mem.mem, 4096, 1 << 20);
    RUN(test_text);
    RUN(test_picture);
    RUN(test_tools);
    gw_arena_del(&arena);
    return unit_end();
}
