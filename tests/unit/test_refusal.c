#include "unit.h"

#include "core/gw.h"

static char out[256];

static struct gw_str refused(uint32_t status, const char *target, const char *message) {
    const struct gw_refusal r = {status, gw_str(target, strlen(target)), GW_STR("a_code"),
                                 gw_str(message, strlen(message))};
    return gw_str(out, gw_refuse(&r, out, sizeof out));
}

#define SAYS(got, what) CHECK(gw_str_eq(got, GW_STR(what)))

static void test_shapes(void) {
    SAYS(refused(408, "", "too \"late\""),
         "{\"error\":{\"message\":\"too \\\"late\\\"\",\"type\":\""
         "invalid_request_error\",\"param\":null,\"code\":"
         "\"a_code\"}}\n");
    SAYS(refused(503, "/api/local/x/v1/messages", "no"),
         "{\"error\":{\"message\":\"no\",\"type\":\"server_error\",\"param\":null,\"code\":"
         "\"a_code\"}}\n");
    SAYS(refused(500, "/api/heavy/code/v1/messages?beta=true", "no"),
         "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"no\"}}\n");
    SAYS(refused(500, "/api/heavy/code/api/chat", "no"), "{\"error\":\"no\"}\n");
}

static void test_events(void) {
    SAYS(refused(0, "/api/heavy/code/v1/messages", "no"),
         "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":"
         "\"no\"}}\n\n");
    SAYS(refused(0, "/api/heavy/code/api/chat", "no"),
         "data: {\"error\":{\"message\":\"no\",\"type\":\"server_error\",\"param\":null,\"code\":"
         "\"stream_cut\"}}\n\n");
}

static void test_no_room(void) {
    const struct gw_refusal r = {500, GW_STR("/"), GW_STR("c"), GW_STR("m")};
    size_t n = gw_refuse(&r, out, sizeof out);
    CHECK(n > 0);
    CHECK(gw_refuse(&r, out, n) == n);
    CHECK(gw_refuse(&r, out, n - 1) == 0);
    CHECK(gw_refuse(&r, out, 0) == 0);
}

int main(void) {
    RUN(test_shapes);
    RUN(test_events);
    RUN(test_no_room);
    return unit_end();
}
