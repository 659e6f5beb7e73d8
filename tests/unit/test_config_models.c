#include "core/policy/models.h"

#include "configs.h"

#define FILE_OF(models) "{\"models\": {" models "}}"

static const char *const providers =
    "{\"providers\": {\"deepseek\": {\"like\": \"openai\", \"endpoint\": \"https://d.test\", "
    "\"key_env\": \"DEEPSEEK_API_KEY\", \"prefixes\": [\"deepseek-\", \"ds/\"]}}, "
    "\"models\": {\"groq/llama-x\": {\"context\": 8192}, \"fast\": {\"is\": \"groq/llama-x\", "
    "\"fallbacks\": [\"gpt-5.5\", \"heavy/code\"], \"silence_ms\": 5000}, \"old\": \"openai/new\", "
    "\"openai/gpt-5.5\": {\"fallbacks\": [\"claude/claude-opus-5\"]}}}";
static const struct gw_str keys =
    GW_STR_INIT("OPENAI_API_KEY=k\0GROQ_API_KEY=k\0DEEPSEEK_API_KEY=k\0OLLAMA_HOST=:1\0");

static struct gw_str str(const char *s) {
    return gw_str(s, strlen(s));
}

/* The place that a name leads to, as "provider/model" or "heavy/class"; "" if it leads nowhere. */
static const char *place(const struct config *c, const char *name) {
    static char text[128];
    struct model_place at;
    if (!config_model_place(c, str(name), &at))
        return "";
    struct gw_str who = at.heavy ? GW_STR("heavy") : c->providers[at.index].backend.target.name;
    struct gw_str what = at.heavy ? config_class_names[at.index] : at.model;
    snprintf(text, sizeof text, "%.*s/%.*s", (int)who.n, who.p, (int)what.n, what.p);
    return text;
}

static void expect(const struct config *c, const char *name, const char *to) {
    if (!CHECK(strcmp(place(c, name), to) == 0))
        printf("  %s leads to %s, not %s\n", name, place(c, name), to);
}

static void test_places(void) {
    struct config *c = make(keys, providers);
    expect(c, "openai/gpt-9", "openai/gpt-9");
    expect(c, "codex/gpt-9", "openai/gpt-9");
    expect(c, "anthropic/claude-x", "claude/claude-x");
    expect(c, "google/gemini-x", "gemini/gemini-x");
    expect(c, "deepseek/a/b", "deepseek/a/b");
    expect(c, "heavy/code", "heavy/code");
    expect(c, "heavy/coder", "");
    expect(c, "heavy/", "");
    expect(c, "openai/", "");
    expect(c, "/x", "");
    expect(c, "", "");
    expect(c, "llama-x", "groq/llama-x"); /* the file knows it */
    expect(c, "gpt-4o", "openai/gpt-4o");
    expect(c, "o3-mini", "openai/o3-mini");
    expect(c, "ft:gpt-4o:acme", "openai/ft:gpt-4o:acme");
    expect(c, "claude-opus-9", "claude/claude-opus-9"); /* though it is not there */
    expect(c, "deepseek-chat", "deepseek/deepseek-chat");
    expect(c, "ds/one", "deepseek/ds/one");
    expect(c, "qwen3:8b", "ollama/qwen3:8b");
    expect(c, "qwen3", "");
    config_unref(c);
}

static void test_entries(void) {
    struct config *c = make(keys, providers);
    const struct model_conf *fast = config_model(c, GW_STR("fast"));
    CHECK(fast->alias && fast->places_n == 3 && fast->silence_ms == 5000);
    CHECK(!fast->places[1].heavy && fast->places[2].heavy);
    CHECK_STR(fast->places[1].model, "gpt-5.5");
    const struct model_conf *own = config_model(c, GW_STR("openai/gpt-5.5"));
    CHECK(!own->alias && own->places_n == 2); /* itself first */
    CHECK_STR(own->places[0].model, "gpt-5.5");
    CHECK(config_model_at(c, &fast->places[0])->context == 8192);
    CHECK(config_model_at(c, &own->places[1]) == NULL);
    CHECK(config_model(c, GW_STR("slow")) == NULL);
    config_unref(c);
}

static void test_refused(void) {
    expect_refused(GW_STR(""), FILE_OF("\"x\": {}"), "stands for none");
    expect_refused(GW_STR(""), FILE_OF("\"x\": \"nobody/y\""), "no known provider");
    expect_refused(GW_STR(""), FILE_OF("\"x\": \"openai/y\", \"z\": \"x\""), "another alias");
    expect_refused(GW_STR(""), FILE_OF("\"a b\": \"openai/y\""), "not a model's name");
    expect_refused(GW_STR(""),
                   FILE_OF("\"x\": {\"fallbacks\": [\"openai/y\"], \"is\": \"openai/z\"}"),
                   "put \"is\" first");
    expect_refused(GW_STR(""), FILE_OF("\"x\": {\"is\": \"openai/y\", \"size\": 1}"), "size");
    expect_refused(GW_STR(""),
                   FILE_OF("\"x\": {\"is\": \"openai/y\", \"fallbacks\": [\"openai/1\", "
                           "\"openai/2\", \"openai/3\", \"openai/4\", \"openai/5\", \"openai/6\", "
                           "\"openai/7\", \"openai/8\"]}"),
                   "more than 8");
    expect_refused(GW_STR("FAILOVER_CHAIN=claude\0"), "", "FAILOVER_CHAIN");
    expect_refused(GW_STR("FAILOVER_CHAIN=openai/x,local\0"), "", "\"local\"");
}

static void test_failover(void) {
    struct config *c = make(GW_STR("FAILOVER_CHAIN=claude, old ,local,heavy/batch\0"
                                   "OLLAMA_MODEL=llama3.2\0"),
                            "{\"providers\": {\"claude\": {\"model\": \"claude-x\"}}, \"models\": "
                            "{\"old\": \"openai/new\"}}");
    CHECK_EQ_U64(c->failover_n, 4);
    CHECK_STR(c->failover[0].model, "claude-x");
    CHECK_STR(c->failover[1].model, "new");
    CHECK_STR(c->failover[2].model, "llama3.2");
    CHECK(c->failover[3].heavy && c->failover[3].index == GW_BATCH);
    config_unref(c);
}

static void test_near(void) {
    struct gw_str near[2];
    struct config *c = make(keys, providers);
    CHECK(models_near(c, GW_STR("fats"), near, 2) == 0); /* two letters of four */
    CHECK(models_near(c, GW_STR("gtp-5.5"), near, 2) == 1);
    CHECK_STR(near[0], "gpt-5.5");
    CHECK(models_near(c, GW_STR("heavy/cod"), near, 2) >= 1);
    CHECK_STR(near[0], "heavy/code");
    CHECK(models_near(c, GW_STR("llama"), near, 2) == 2); /* both hold it */
    CHECK(models_near(c, GW_STR("nothing-like-it"), near, 2) == 0);
    CHECK(models_near(c, GW_STR(""), near, 2) == 0);
    config_unref(c);
}

int main(void) {
    unit_mem_init(&mem, 0);
    RUN(test_places);
    RUN(test_entries);
    RUN(test_refused);
    RUN(test_failover);
    RUN(test_near);
    return unit_end();
}
