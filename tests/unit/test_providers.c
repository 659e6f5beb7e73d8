#include "unit.h"

#include "format/providers.h"

static bool allows(const char *name, const char *method, const char *path) {
    const struct provider *p = providers_named(gw_str(name, strlen(name)));
    return p != NULL &&
           providers_allow(p, gw_str(method, strlen(method)), gw_str(path, strlen(path)));
}

static void test_table(void) {
    const struct provider *p;
    uint32_t n = 0;
    for (; (p = providers_at(n)) != NULL; n++) {
        CHECK(providers_named(p->name) == p);
        CHECK(p->base_env.n > 0 && p->paths_n > 0);
        CHECK((p->key == PROVIDER_NO_KEY) == (p->key_env.n == 0));
        CHECK(p->base.n == 0 || !gw_str_ends(p->base, GW_STR("/")));
        CHECK(p->version.n == 0 || gw_str_starts(p->version, GW_STR("/")));
        for (uint32_t i = 0; i < p->paths_n; i++)
            CHECK(gw_str_starts(p->paths[i].pattern, GW_STR("/")));
    }
    CHECK_EQ_U64(n, 8);
    CHECK(providers_named(GW_STR("nobody")) == NULL && providers_named(GW_STR("")) == NULL);
}

static void test_dialects(void) {
    CHECK(providers_named(GW_STR("claude"))->dialect == &dialect_anthropic);
    CHECK(providers_named(GW_STR("gemini"))->dialect == &dialect_gemini);
    CHECK(providers_named(GW_STR("groq"))->dialect == &dialect_openai);
    CHECK(providers_named(GW_STR("ollama"))->dialect == &dialect_ollama);
}

static void test_what_runs_a_model(void) {
    CHECK(allows("claude", "POST", "/v1/messages"));
    CHECK(allows("claude", "POST", "/v1/messages/count_tokens"));
    CHECK(allows("claude", "GET", "/v1/models/claude-opus-5"));
    CHECK(allows("gemini", "POST", "/v1beta/models/gemini-3-pro:streamGenerateContent"));
    CHECK(allows("openai", "POST", "/v1/responses") && allows("groq", "POST", "/v1/responses"));
    CHECK(allows("openai", "POST", "/v1/responses/compact"));
    CHECK(!allows("groq", "POST", "/v1/responses/compact"));
    CHECK(!allows("lmstudio", "POST", "/v1/responses/compact"));
    CHECK(allows("groq", "POST", "/v1/chat/completions"));
    CHECK(allows("azure", "POST", "/openai/deployments/d/chat/completions"));
    CHECK(allows("bedrock", "POST", "/model/anthropic.claude-v1%3A0/converse-stream"));
    CHECK(allows("ollama", "POST", "/api/chat"));
    CHECK(allows("lmstudio", "GET", "/v1/models"));
}

static void test_what_is_the_accounts(void) {
    CHECK(!allows("claude", "GET", "/v1/messages"));
    CHECK(!allows("claude", "POST", "/v1/messages/batches"));
    CHECK(!allows("claude", "GET", "/v1/organizations/api_keys"));
    CHECK(!allows("openai", "GET", "/v1/files"));
    CHECK(!allows("openai", "DELETE", "/v1/models/ft:mine"));
    CHECK(!allows("openai", "GET", "/v1/responses/resp_1"));
    CHECK(!allows("gemini", "POST", "/v1beta/files"));
    CHECK(!allows("gemini", "POST", "/v1beta/models/m:predict"));
    CHECK(!allows("ollama", "DELETE", "/api/delete"));
    CHECK(!allows("ollama", "POST", "/api/pull"));
    CHECK(!allows("azure", "POST", "/openai/files"));
}

/* A star is one segment, and not nothing; a path is no longer and no shorter than its pattern. */
static void test_stars(void) {
    CHECK(!allows("openai", "GET", "/v1/models/"));
    CHECK(!allows("openai", "GET", "/v1/models/a/b"));
    CHECK(!allows("openai", "GET", "/v1"));
    CHECK(!allows("openai", "POST", "/v1/chat/completions/"));
    CHECK(!allows("openai", "POST", "v1/chat/completions"));
    CHECK(!allows("gemini", "POST", "/v1beta/models/:generateContent"));
    CHECK(!allows("bedrock", "POST", "/model//converse"));
    CHECK(!allows("openai", "POST", ""));
}

int main(void) {
    RUN(test_table);
    RUN(test_dialects);
    RUN(test_what_runs_a_model);
    RUN(test_what_is_the_accounts);
    RUN(test_stars);
    return unit_end();
}
