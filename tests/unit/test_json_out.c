#include "unit.h"

#include "base/json_out.h"

static char space[512];

static struct gw_buf buffer(size_t max) {
    return (struct gw_buf){.p = space, .cap = max, .max = max};
}

static void test_commas(void) {
    struct gw_buf b = buffer(sizeof space);
    struct gw_out o;
    gw_out_init(&o, &b);
    gw_out_open(&o, '{');
    gw_out_put_raw(&o, "a", GW_STR("x\\n"));
    gw_out_name(&o, "b");
    gw_out_open(&o, '[');
    gw_out_u64(&o, 1);
    gw_out_open(&o, '{');
    gw_out_close(&o, '}');
    gw_out_value(&o, GW_STR("null"));
    gw_out_close(&o, ']');
    gw_out_may_raw(&o, "not", GW_STR(""));
    gw_out_may_value(&o, "not", GW_STR(""));
    gw_out_put_u64(&o, "c", 7);
    gw_out_put_word(&o, "d", "w");
    gw_out_close(&o, '}');
    CHECK_STR(gw_buf_str(&b), "{\"a\":\"x\\n\",\"b\":[1,{},null],\"c\":7,\"d\":\"w\"}");
}

static void test_encoded(void) {
    struct gw_buf b = buffer(sizeof space);
    struct gw_out o;
    gw_out_init(&o, &b);
    gw_out_quoted(&o, GW_STR("{\"i\":\""), GW_STR("a\\\"\n"), GW_STR("\"}"));
    CHECK_STR(gw_buf_str(&b), "\"{\\\"i\\\":\\\"a\\\\\\\"\\n\\\"}\"");
}

static void test_full(void) {
    for (size_t max = 0; max < 20; max++) {
        struct gw_buf b = buffer(max);
        struct gw_out o;
        gw_out_init(&o, &b);
        gw_out_open(&o, '{');
        gw_out_put_raw(&o, "name", GW_STR("0123456789"));
        gw_out_close(&o, '}');
        CHECK(b.full == (max < 21));
    }
}

static void check_decoded(struct gw_str raw, struct gw_str expected) {
    struct gw_buf b = buffer(sizeof space);
    gw_json_decode(&b, raw);
    CHECK(gw_str_eq(gw_buf_str(&b), expected));
}

static void test_decoded(void) {
    check_decoded(GW_STR("plain"), GW_STR("plain"));
    check_decoded(GW_STR("\\\"\\\\\\/\\b\\f\\n\\r\\t"), GW_STR("\"\\/\b\f\n\r\t"));
    check_decoded(GW_STR("\\u0041\\u00e9\\u6771"), GW_STR("A\xc3\xa9\xe6\x9d\xb1"));
    check_decoded(GW_STR("\\ud83d\\ude42!"), GW_STR("\xf0\x9f\x99\x82!"));
    check_decoded(GW_STR("\\ud83d"), GW_STR("\xef\xbf\xbd"));
    check_decoded(GW_STR("\\ud83d\\u0041"), GW_STR("\xef\xbf\xbd"
                                                   "A"));
    check_decoded(GW_STR("\\ude42"), GW_STR("\xef\xbf\xbd"));
}

int main(void) {
    RUN(test_commas);
    RUN(test_encoded);
    RUN(test_full);
    RUN(test_decoded);
    return unit_end();
}
