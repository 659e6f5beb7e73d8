#include "configs.h"

static const struct provider_conf *named(const struct config *conf, const char *name) {
    uint32_t i = config_provider_index(conf, gw_str(name, strlen(name)));
    return i < conf->providers_n ? &conf->providers[i] : NULL;
}

static void test_without_keys_nobody_is_there(void) {
    struct config *c = make(GW_STR(""), "");
    CHECK_EQ_U64(c->providers_n, 8);
    for (uint32_t i = 0; i < c->providers_n; i++)
        CHECK(!c->providers[i].backend.set);
    CHECK(named(c, "nobody") == NULL);
    config_unref(c);
}

static void test_keys(void) {
    struct config *c = make(GW_STR("OPENAI_API_KEY= a ,b,,c\0GOOGLE_API_KEY=g\0"
                                   "GEMINI_API_KEY=\0OLLAMA_HOST=gpu-box\0"),
                            "");
    const struct provider_conf *openai = named(c, "openai"), *gemini = named(c, "gemini");
    CHECK(openai->backend.set && openai->backend.paid && openai->keys_n == 3);
    CHECK_STR(openai->keys[0], "a");
    CHECK_STR(openai->keys[2], "c");
    CHECK_STR(openai->backend.target.origin, "https://api.openai.com:443");
    CHECK(gemini->backend.set && gemini->keys_n == 1);
    const struct provider_conf *ollama = named(c, "ollama");
    CHECK(ollama->backend.set && !ollama->backend.paid && ollama->keys_n == 0);
    CHECK_STR(ollama->backend.target.origin, "http://gpu-box:11434");
    CHECK(!named(c, "lmstudio")->backend.set && !named(c, "claude")->backend.set);
    CHECK(config_provider_of(c, &openai->backend) == openai);
    CHECK(config_provider_of(c, &c->nodes[0]) == NULL);
    config_unref(c);
}

/* Every path of a provider has its version: a base with one means the same. */
static void test_bases(void) {
    struct config *c = make(GW_STR("CODEX_ENDPOINT=https://o.test/v1/\0OPENAI_API_KEY=k\0"
                                   "GEMINI_ENDPOINT=https://g.test/v1beta\0GEMINI_API_KEY=k\0"
                                   "AZURE_OPENAI_ENDPOINT=https://a.test/openai/v1\0"
                                   "AZURE_OPENAI_API_KEY=k\0GROQ_API_KEY=k\0"
                                   "LMSTUDIO_HOST=http://10.0.0.2:1234/x/v1\0"),
                            "");
    CHECK_STR(named(c, "openai")->backend.base, "");
    CHECK_STR(named(c, "gemini")->backend.base, "");
    CHECK_STR(named(c, "azure")->backend.base, "");
    CHECK_STR(named(c, "groq")->backend.base, "/openai");
    CHECK_STR(named(c, "lmstudio")->backend.base, "/x");
    config_unref(c);
}

static void test_those_of_the_file(void) {
    struct config *c = make(
        GW_STR("DS_KEY=d\0"),
        "{\"providers\": {\"claude\": {\"endpoint\": \"https://c.test\", \"in_flight_max\": 5},"
        "\"deepseek\": {\"like\": \"openai\", \"endpoint\": \"https://d.test/v1\", "
        "\"key_env\": \"DS_KEY\"}, \"other\": {\"like\": \"claude\", \"endpoint\": "
        "\"http://127.0.0.1:9\", \"first_byte_ms\": 500}, \"keyless\": {\"like\": \"openai\", "
        "\"endpoint\": \"https://e.test\", \"key_env\": \"NOT_SET\"}, \"ollama\": {}}}");
    CHECK(c != NULL && c->providers_n == 11);
    const struct provider_conf *deepseek = named(c, "deepseek"), *other = named(c, "other");
    CHECK(deepseek->backend.set && deepseek->backend.paid && deepseek->keys_n == 1);
    CHECK_STR(deepseek->route, "ai/deepseek");
    CHECK(other->backend.set && !other->backend.paid && other->backend.first_byte_ms == 500);
    CHECK(!named(c, "keyless")->backend.set && named(c, "ollama")->backend.set);
    CHECK(!named(c, "claude")->backend.set && named(c, "claude")->backend.in_flight_max == 5);
    CHECK_STR(named(c, "claude")->backend.target.host, "c.test");
    config_unref(c);
}

/* A key that is kept to classes pays nobody, unless it says whom. */
static void test_whom_a_key_may_pay(void) {
    struct config *c = make(
        GW_STR("GATEWAY_KEYS="
               "a:1111111111111111111111111111111111111111111111111111111111111111 "
               "b:2222222222222222222222222222222222222222222222222222222222222222:classes=code "
               "c:3333333333333333333333333333333333333333333333333333333333333333:classes=code,"
               "providers=claude+openai\0"),
        "");
    CHECK_EQ_U64(config_key_named(c, GW_STR("a"))->providers, 0xffff);
    CHECK_EQ_U64(config_key_named(c, GW_STR("b"))->providers, 0);
    uint32_t bits = 1u << config_provider_index(c, GW_STR("claude")) |
                    1u << config_provider_index(c, GW_STR("openai"));
    CHECK_EQ_U64(config_key_named(c, GW_STR("c"))->providers, bits);
    config_unref(c);
    expect_refused(
        GW_STR("GATEWAY_KEYS=a:1111111111111111111111111111111111111111111111111111111111111111:"
               "providers=nobody\0"),
        "", "unknown provider");
}

static void test_aws(void) {
    struct config *c =
        make(GW_STR("AWS_ACCESS_KEY_ID=AKIA1, AKIA2\0AWS_SECRET_ACCESS_KEY=one,two\0"
                    "AWS_SESSION_TOKEN=,second\0AWS_REGION=eu-west-1\0"),
             "{\"providers\": {\"tokyo\": {\"like\": \"bedrock\", \"endpoint\": "
             "\"https://bedrock-runtime-fips.ap-northeast-1.amazonaws.com\"}, \"vpc\": {\"like\": "
             "\"bedrock\", \"endpoint\": \"http://10.0.0.9/x\"}, \"other\": {\"like\": "
             "\"bedrock\", \"endpoint\": \"https://b.test\", \"key_env\": \"MINE\"}}}");
    const struct provider_conf *bedrock = named(c, "bedrock"), *tokyo = named(c, "tokyo");
    CHECK(bedrock->backend.set && bedrock->backend.paid && bedrock->keys_n == 2);
    CHECK_STR(bedrock->backend.target.origin,
              "https://bedrock-runtime.eu-west-1.amazonaws.com:443");
    CHECK_STR(bedrock->keys[1], "AKIA2");
    CHECK_STR(bedrock->signing->secret[1], "two");
    CHECK_STR(bedrock->signing->region, "eu-west-1");
    CHECK(bedrock->signing->token[0].n == 0);
    CHECK_STR(bedrock->signing->token[1], "second");
    CHECK(tokyo->backend.set && tokyo->keys_n == 2);
    CHECK_STR(tokyo->signing->region, "ap-northeast-1");
    CHECK_STR(named(c, "vpc")->signing->region, "eu-west-1");
    CHECK(!named(c, "other")->backend.set && named(c, "other")->signing == NULL);
    config_unref(c);
    c = make(
        GW_STR("AWS_ACCESS_KEY_ID=AKIA1\0AWS_BEARER_TOKEN_BEDROCK=bearer\0"
               "BEDROCK_ENDPOINT=https://bedrock-runtime.us-west-2.amazonaws.com/\0MINE=own\0"),
        "{\"providers\": {\"other\": {\"like\": \"bedrock\", \"endpoint\": "
        "\"https://b.test\", \"key_env\": \"MINE\"}}}");
    bedrock = named(c, "bedrock");
    CHECK(bedrock->backend.set && bedrock->keys_n == 1 && bedrock->signing == NULL);
    CHECK_STR(bedrock->keys[0], "bearer");
    CHECK_STR(bedrock->backend.target.host, "bedrock-runtime.us-west-2.amazonaws.com");
    CHECK_STR(named(c, "other")->keys[0], "own");
    config_unref(c);
    c = make(GW_STR("AWS_ACCESS_KEY_ID=AKIA1\0AWS_SECRET_ACCESS_KEY=one\0"), "");
    CHECK_STR(named(c, "bedrock")->backend.target.host, "bedrock-runtime.us-east-1.amazonaws.com");
    config_unref(c);
    expect_refused(GW_STR("AWS_ACCESS_KEY_ID=a,b\0AWS_SECRET_ACCESS_KEY=one\0"), "",
                   "AWS_SECRET_ACCESS_KEY: is not as many secrets");
    expect_refused(GW_STR("AWS_ACCESS_KEY_ID=a\0"), "", "AWS_SECRET_ACCESS_KEY: is not as many");
    expect_refused(GW_STR("AWS_ACCESS_KEY_ID=a,b\0AWS_SECRET_ACCESS_KEY=one,\0"), "",
                   "AWS_SECRET_ACCESS_KEY: is not as many");
    expect_refused(
        GW_STR("AWS_ACCESS_KEY_ID=a\0AWS_SECRET_ACCESS_KEY=one\0AWS_SESSION_TOKEN=x,y\0"), "",
        "AWS_SESSION_TOKEN: is not as many tokens");
    expect_refused(GW_STR("AWS_REGION=../x\0"), "", "AWS_REGION: is no region");
    expect_refused(GW_STR("AWS_ACCESS_KEY_ID=a\0AWS_SECRET_ACCESS_KEY=s\0"
                          "BEDROCK_ENDPOINT=http://bedrock-runtime.us-east-1.amazonaws.com\0"),
                   "", "BEDROCK_ENDPOINT: is http beyond");
}

static void test_refusals(void) {
    expect_refused(GW_STR("OPENAI_API_KEY=a,b,c,d,e\0"), "", "OPENAI_API_KEY: is not a list");
    expect_refused(GW_STR("OPENAI_API_KEY=a b\0"), "", "OPENAI_API_KEY: is not a list");
    expect_refused(GW_STR("CODEX_ENDPOINT=ftp://x\0"), "", "CODEX_ENDPOINT: is not a base URL");
    expect_refused(GW_STR("CODEX_ENDPOINT=http://8.8.8.8\0OPENAI_API_KEY=k\0"), "",
                   "CODEX_ENDPOINT: is http beyond a private network");
    expect_refused(GW_STR(""), "{\"providers\": {\"x\": {\"endpoint\": \"https://x\"}}}",
                   "does not say whom it is like");
    expect_refused(GW_STR(""), "{\"providers\": {\"x\": {\"like\": \"openai\"}}}",
                   "providers.x: has no endpoint");
    expect_refused(GW_STR(""), "{\"providers\": {\"X Y\": {\"like\": \"openai\"}}}",
                   "is not a provider's name");
    expect_refused(GW_STR(""), "{\"providers\": {\"claude\": {\"key\": \"secret\"}}}", "like");
}

int main(void) {
    unit_mem_init(&mem, 0);
    RUN(test_without_keys_nobody_is_there);
    RUN(test_keys);
    RUN(test_bases);
    RUN(test_those_of_the_file);
    RUN(test_whom_a_key_may_pay);
    RUN(test_aws);
    RUN(test_refusals);
    return unit_end();
}
