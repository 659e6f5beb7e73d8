#include "configs.h"

static void test_how_long_requests_wait(void) {
    struct config *c = make(GW_STR(""), "{\"heavy\": {\"queue_ms\": 500}}");
    CHECK(c != NULL && c->queue_ms == 500 && c->queue_longest_ms == 500);
    config_unref(c);
    c = make(GW_STR(""), "{\"heavy\": {\"queue_longest_ms\": 9000, \"queue_ms\": 500}}");
    CHECK(c != NULL && c->queue_ms == 500 && c->queue_longest_ms == 9000);
    config_unref(c);
    c = make(GW_STR(""), "{\"heavy\": {\"queue_longest_ms\": 9000}}");
    CHECK(c != NULL && c->queue_ms == 3000 && c->queue_longest_ms == 9000);
    config_unref(c);
}

static void test_defaults(void) {
    struct config *c = make(GW_STR(""), "");
    CHECK(c != NULL && c->queue_ms == 3000 && c->nodes[0].in_flight_max == 8);
    CHECK(c->queue_longest_ms == 60000);
    CHECK(c->classes[GW_VISION].nodes[0] == 4 && c->classes[GW_VISION].nodes[1] == 5);
    CHECK(c->limits.replay_bytes_max == 8 << 20 && c->auth == GW_AUTH_NONE);
    CHECK(c->monthly_budget == 50 * GW_DOLLAR);
    CHECK_STR(c->listen, "127.0.0.1:4700\n");
    config_unref(c);
}

static void test_file(void) {
    struct config *c =
        make(GW_STR(""),
             "{\"heavy\": {\"classes\": {\"code\": {\"nodes\": [8, 1], \"inspect\": false}},\n"
             "\"in_flight_max\": 3, \"nodes\": {\"2\": \"http://h:1\", \"3\": {\"url\": "
             "\"https://k\", \"in_flight_max\": 9}}, \"overflow\": [\"local/x\"]}, // c\n"
             "\"local\": {\"services\": {\"w\": \"http://w\", \"x\": \"http://x\"},"
             " \"default\": \"x\"}, \"profile\": \"conservative\"}");
    CHECK(c != NULL);
    CHECK(c->classes[GW_CODE].nodes_n == 2 && c->classes[GW_CODE].nodes[0] == 7);
    CHECK(!c->classes[GW_CODE].inspect && c->classes[GW_BATCH].inspect);
    CHECK(c->nodes[1].set && c->nodes[1].in_flight_max == 3 && c->nodes[2].in_flight_max == 9);
    CHECK(c->service_default == 1 && c->overflow_n == 1 && c->overflow[0] == 1);
    CHECK_STR(c->services[1].target.name, "local/x");
    CHECK(c->monthly_budget == 10 * GW_DOLLAR);
    config_unref(c);
}

static void test_environment_beats_file(void) {
    struct config *c =
        make(GW_STR("COLAB_ENDPOINT_2=http://env:2\0PROFILE=performance\0MONTHLY_BUDGET=12.345\0"
                    "LOCAL_SERVICES=brain=http://b, battle = http://c/\0COLAB_ENDPOINT_3=\0"),
             "{\"heavy\":{\"nodes\":{\"2\":\"http://file:1\",\"3\":\"http://file:3\"}},"
             "\"profile\":\"balanced\"}");
    CHECK(c != NULL);
    CHECK_STR(c->nodes[1].target.origin, "http://env:2");
    CHECK_STR(c->nodes[2].target.origin, "http://file:3");
    CHECK_STR(c->tiers.profile, "performance");
    CHECK(c->monthly_budget == INT64_C(12345000000) && c->services_n == 2);
    CHECK_STR(c->services[1].target.name, "local/battle");
    config_unref(c);
}

static void test_refusals_of_the_file(void) {
    expect_refused(GW_STR(""), "{\n\"hevy\": {}}", "line 2: hevy: is not a known field");
    expect_refused(GW_STR(""), "{\"heavy\": []}", "line 1: heavy: is a list; give an object");
    expect_refused(GW_STR(""), "{\"heavy\":\n{\"queue_ms\": \"3\"}}",
                   "line 2: heavy.queue_ms: is text; give a whole number from 0 to 60000");
    expect_refused(GW_STR(""), "{\"heavy\":{\"queue_ms\": 1.5}}", "is out of range");
    expect_refused(GW_STR(""), "{\"heavy\":{\"queue_ms\": -1}}", "is out of range");
    expect_refused(GW_STR(""), "{\"profile\":\"x\",\n\"profile\":\"y\"}",
                   "line 2, column 1: duplicate");
    expect_refused(GW_STR(""), "{\"heavy\":{\"classes\":{\"cod\":{}}}}", "is not a class");
    expect_refused(GW_STR(""), "{\"heavy\":{\"classes\":{\"code\":{\"nodes\":[9]}}}}",
                   "from 1 to 8");
    expect_refused(GW_STR(""), "{\"heavy\":{\"classes\":{\"code\":{\"nodes\":[3,3]}}}}", "twice");
    expect_refused(GW_STR(""), "{\"heavy\":{\"classes\":{\"code\":{\"nodes\":[]}}}}",
                   "give one to");
    expect_refused(GW_STR(""), "{\"heavy\":{\"nodes\":{\"9\":\"http://x\"}}}", "is not a node");
    expect_refused(GW_STR(""), "{\"heavy\":{\"nodes\":{\"1\":\"nowhere\"}}}",
                   "does not begin with");
    expect_refused(GW_STR(""), "{\"heavy\":{\"overflow\":[\"local\"]}}", "no configured service");
    expect_refused(GW_STR(""), "{\"local\":{\"default\":\"x\"}}", "names no configured service");
    expect_refused(GW_STR(""), "{\"local\":{\"services\":{\"a/b\":\"http://x\"}}}", "service name");
    expect_refused(GW_STR(""), "{\"request_headers\":[\"x-heady-hop\"]}", "cannot be passed on");
    expect_refused(GW_STR(""), "{\"listen\":\"127.0.0.1:1\"}", "is not a list");
    expect_refused(GW_STR(""), "{\"profile\":\"bold\"}", "is not a profile");
    expect_refused(GW_STR(""), "{\"log_requests\":1}", "give true or false");
    expect_refused(GW_STR(""), "{\"on_unsupported\":\"maybe\"}", "is none of the ways to go on");
    expect_refused(GW_STR(""), "{\"on_unsupported\":1}", "is none of the ways to go on");
    expect_refused(GW_STR(""), "{\"heavy\":{\"speaks\":[\"french\"]}}", "is no dialect");
    expect_refused(GW_STR(""), "{\"heavy\":{\"speaks\":\"openai\"}}", "list the dialects by name");
    expect_refused(GW_STR(""), "{\"a\":}", "mend the JSON");
    expect_refused(GW_STR(""), "[]", "give an object");
}

#define HEX "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define HEX2 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void test_refusals_of_the_environment(void) {
    expect_refused(GW_STR("COLAB_ENDPOINT_8=node.example\0"), "",
                   "COLAB_ENDPOINT_8: does not begin");
    expect_refused(GW_STR("LOCAL_SERVICES=brain\0"), "", "LOCAL_SERVICES: is not a list");
    expect_refused(GW_STR("TWIN_SECRET=short\0"), "", "TWIN_SECRET: is shorter");
    expect_refused(GW_STR("LOCAL_ENDPOINT=http://rack.example:4700\0"), "",
                   "LOCAL_ENDPOINT: is http beyond");
    expect_refused(GW_STR("LOCAL_ENDPOINT=http://198.51.100.7:4700\0"), "",
                   "LOCAL_ENDPOINT: is http beyond");
    expect_refused(GW_STR(""), "{\"local\": {\"endpoint\": \"http://rack.example\"}}",
                   "LOCAL_ENDPOINT: is http beyond");
    expect_refused(GW_STR("GATEWAY_AUTH=no\0"), "", "GATEWAY_AUTH: is neither");
    expect_refused(GW_STR("GATEWAY_AUTH=off\0GATEWAY_KEYS=a:" HEX "\0"), "", "leave one");
    expect_refused(GW_STR("GATEWAY_KEYS=a\0"), "", "64 hexadecimal");
    expect_refused(GW_STR("GATEWAY_KEYS=:" HEX "\0"), "", "a name is");
    expect_refused(GW_STR("GATEWAY_KEYS=a:" HEX ":rpm\0"), "", "without \"=\"");
    expect_refused(GW_STR("GATEWAY_KEYS=a:" HEX ":rpm=0\0"), "", "rpm");
    expect_refused(GW_STR("GATEWAY_KEYS=a:" HEX ":classes=cod\0"), "", "unknown class");
    expect_refused(GW_STR("GATEWAY_KEYS=a:" HEX ":x=1\0"), "", "unknown option");
    expect_refused(GW_STR("GATEWAY_KEYS=a:" HEX "\nb:" HEX "\0"), "", "there twice");
    expect_refused(GW_STR("MONTHLY_BUDGET=1e3\0"), "", "MONTHLY_BUDGET");
    expect_refused(GW_STR("AIRGAP_MODE=True\0"), "", "AIRGAP_MODE: is set");
    expect_refused(GW_STR("PROFILE=bold\0"), "", "PROFILE: is not a profile");
}

static void test_keys(void) {
    struct config *c = make(GW_STR("GATEWAY_KEYS=\nann:" HEX ":classes=code|batch,rpm=5,budget=3\n"
                                   "\n bob:" HEX2 ";\0"),
                            "");
    uint8_t digest[GW_SHA256];
    CHECK(c != NULL && c->keys_n == 2 && c->auth == GW_AUTH_KEYS);
    gw_sha256(GW_STR("test"), digest);
    const struct key_conf *key = config_key(c, digest);
    CHECK(key != NULL && key->classes == (1 << GW_CODE | 1 << GW_BATCH) && key->rpm == 5);
    CHECK_STR(key->name, "ann");
    gw_sha256(GW_STR("Test"), digest);
    CHECK(config_key(c, digest) == NULL);
    CHECK(config_key_named(c, GW_STR("bob")) != NULL);
    CHECK(config_key_named(c, GW_STR("bo")) == NULL);
    config_unref(c);
}

/* Whichever allocation fails: a refusal, and nothing leaks. */
static void test_no_memory(void) {
    for (size_t i = 1; i < 40; i++) {
        mem.gets = 0;
        mem.fail_at = i;
        struct config *c =
            make(GW_STR("GATEWAY_KEYS=a:" HEX "\0COLAB_ENDPOINT_1=http://a\0"), "{}");
        mem.fail_at = 0;
        if (c != NULL)
            config_unref(c);
        CHECK(mem.blocks == 0);
    }
}

int main(void) {
    unit_mem_init(&mem, 0);
    RUN(test_defaults);
    RUN(test_how_long_requests_wait);
    RUN(test_file);
    RUN(test_environment_beats_file);
    RUN(test_refusals_of_the_file);
    RUN(test_refusals_of_the_environment);
    RUN(test_keys);
    RUN(test_no_memory);
    CHECK(mem.blocks == 0);
    return unit_end();
}
