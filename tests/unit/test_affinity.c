#include "core/cluster/affinity.h"

#include "unit.h"

/* Whole, and byte by byte: the same. */
static bool later;

static uint64_t of(const char *body) {
    struct affinity whole, bytes;
    struct gw_str s = gw_str(body, strlen(body));
    affinity_init(&whole);
    affinity_init(&bytes);
    affinity_feed(&whole, s);
    for (size_t i = 0; i < s.n; i++)
        affinity_feed(&bytes, gw_str_sub(s, i, 1));
    later = whole.later_turn;
    CHECK(bytes.later_turn == later);
    CHECK(affinity_of(&whole, GW_STR("me")) == affinity_of(&bytes, GW_STR("me")));
    return affinity_of(&whole, GW_STR("me"));
}

#define SYSTEM "{\"role\":\"system\",\"content\":\"be brief\"}"
#define FIRST "{\"role\":\"user\",\"content\":\"why, \\\"blue\\\"]}?\"}"
#define REPLY "{\"role\":\"assistant\",\"content\":\"because\"}"
#define OTHER "{\"content\":\"who\",\"role\":\"user\"}"

static void test_turns_of_one_conversation(void) {
    uint64_t first = of("{\"model\":\"m\",\"messages\":[" SYSTEM "," FIRST "]}");
    CHECK(first != 0 && !later);
    CHECK(first == of("{\"stream\":true,\"messages\":[" SYSTEM "," FIRST "," REPLY "," OTHER "]}"));
    CHECK(later);
    CHECK(first != of("{\"model\":\"m\",\"messages\":[" SYSTEM "," OTHER "]}"));
    CHECK(first != of("{\"model\":\"m\",\"messages\":[" FIRST "]}"));
    uint64_t parts = of("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]}");
    CHECK(parts ==
          of("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}," REPLY "]}"));
}

static void test_no_conversation(void) {
    CHECK(of("") == 0 && of("[]") == 0 && of("junk \" \\") == 0);
    CHECK(of("{\"prompt\":\"messages\"}") == 0);
    CHECK(of("{\"a\":{\"messages\":[" FIRST "]}}") == 0);
    CHECK(of("{\"messages\":\"none\"}") == 0);
    CHECK(of("}}}]]{{{{{{") == 0);
}

static void test_table(void) {
    static struct affinity_table t;
    uint32_t slot;
    CHECK(!affinity_find(&t, 0, &slot) && !affinity_find(&t, 7, &slot));
    affinity_note(&t, 0, 5);
    affinity_note(&t, 7, 3);
    CHECK(affinity_find(&t, 7, &slot) && slot == 3 && !affinity_find(&t, 0, &slot));
    affinity_note(&t, 7 + AFFINITY_TALKS, 2); /* takes its place */
    CHECK(!affinity_find(&t, 7, &slot));
}

static void test_only_so_much_is_read(void) {
    static char long_one[3 * AFFINITY_MAX];
    struct affinity a;
    size_t n = (size_t)snprintf(long_one, sizeof long_one, "{\"messages\":[{\"content\":\"");
    memset(long_one + n, 'x', sizeof long_one - n);
    affinity_init(&a);
    CHECK(!affinity_feed(&a, gw_str(long_one, AFFINITY_MAX - 1)));
    CHECK(affinity_feed(&a, gw_str(long_one + AFFINITY_MAX - 1, 100)));
    CHECK(a.seen == AFFINITY_MAX && affinity_of(&a, GW_STR("me")) != 0);
    CHECK(affinity_of(&a, GW_STR("me")) != affinity_of(&a, GW_STR("you")));
}

int main(void) {
    RUN(test_turns_of_one_conversation);
    RUN(test_no_conversation);
    RUN(test_table);
    RUN(test_only_so_much_is_read);
    return unit_end();
}
