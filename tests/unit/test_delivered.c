#include "unit.h"

#include "core/call/delivered.h"

static struct unit_mem mem;
static struct gw_arena arena;
static struct delivered d;

static void begin(void) {
    unit_mem_init(&mem, 0);
    gw_arena_init(&arena, &mem.mem, 4096, 1 << 20);
    delivered_init(&d, &arena);
}

static void end(void) {
    gw_arena_del(&arena);
    CHECK(mem.blocks == 0);
}

static const uint32_t text = PART_TEXT;

static struct event_piece piece(uint32_t channel, const char *raw) {
    return (struct event_piece){.channel = channel, .raw = gw_str(raw, strlen(raw))};
}

static bool add(uint32_t channel, const char *raw) {
    struct event_piece p = piece(channel, raw);
    return delivered_add(&d, &p);
}

/* How much of `raw` the client has already; -1: it differs. */
static int meet(uint32_t channel, const char *raw) {
    struct event_piece p = piece(channel, raw);
    size_t cut;
    return delivered_meet(&d, &p, &cut) ? (int)cut : -1;
}

static void test_same(void) {
    begin();
    CHECK(add(text, "The quick") && add(text, " brown"));
    delivered_again(&d);
    CHECK(d.behind == 1);
    CHECK(meet(text, "The ") == 4);
    CHECK(meet(text, "quick brown fox") == 11 && d.behind == 0);
    CHECK(meet(text, " jumps") == 0);
    delivered_again(&d); /* and what was new is delivered now */
    CHECK(meet(text, "The quick brown fox jumps over") == 25);
    end();
}

static void test_differs(void) {
    begin();
    CHECK(add(text, "yes, it is"));
    delivered_again(&d);
    CHECK(meet(text, "yes, it was") == -1);
    delivered_again(&d);
    CHECK(meet(text, "no") == 2); /* nothing to compare with yet */
    CHECK(meet(text, " but no") == 7);
    CHECK(meet(text, "....") == -1);
    end();
}

/* Escapes, characters and halves of characters in two pieces all come to the same. */
static void test_spellings(void) {
    begin();
    CHECK(add(text, "caf\\u00e9 \\ud83d\\ude00\\n"));
    delivered_again(&d);
    CHECK(meet(text, "caf\xc3\xa9 \xf0\x9f\x98\x80\\u000a!") == 16);
    delivered_again(&d);
    CHECK(meet(text, "caf\\u00E9 \\ud83d") == 16);
    CHECK(meet(text, "\\uDE00\\n!") == 9);
    end();
}

/* Half of a character was delivered: what sends it whole cannot be cut there. */
static void test_half(void) {
    begin();
    CHECK(add(text, "x\\ud83d"));
    delivered_again(&d);
    CHECK(meet(text, "x\xf0\x9f\x98\x80") == -1);
    delivered_again(&d);
    CHECK(meet(text, "x\\ud83d\\ude00") == 7);
    end();
}

/* A long text, delivered in pieces of one size and met in pieces of another. */
static void test_long(void) {
    enum { LONG = 20000 };
    static char all[LONG + 1];
    for (int i = 0; i < LONG; i++)
        all[i] = (char)('a' + i * 7 % 26);
    for (size_t put = 1; put < 700; put += 97) {
        begin();
        for (size_t at = 0; at < LONG; at += put) {
            struct event_piece p = {.channel = text, .raw = gw_str_sub(gw_str(all, LONG), at, put)};
            CHECK(delivered_add(&d, &p));
        }
        for (size_t step = 3; step < 1500; step += 211) {
            delivered_again(&d);
            for (size_t at = 0; at < LONG; at += step) {
                size_t cut;
                struct event_piece p = {.channel = text,
                                        .raw = gw_str_sub(gw_str(all, LONG), at, step)};
                CHECK(delivered_meet(&d, &p, &cut) && cut == p.raw.n);
            }
            CHECK(d.behind == 0);
        }
        end();
    }
}

/* A difference is seen at the next check, long before the end. */
static void test_early(void) {
    char same[DELIVERED_STEP + 1] = "", other[DELIVERED_STEP + 1] = "";
    memset(same, 'a', DELIVERED_STEP);
    memset(other, 'a', DELIVERED_STEP);
    other[100] = 'b';
    begin();
    for (int i = 0; i < 3 * DELIVERED_CHECKS; i++)
        CHECK(add(text, same));
    delivered_again(&d);
    CHECK(meet(text, other) == DELIVERED_STEP); /* the distance is four steps by now */
    CHECK(meet(text, same) == DELIVERED_STEP);
    CHECK(meet(text, same) == DELIVERED_STEP);
    CHECK(meet(text, same) == -1);
    end();
}

static void test_channels(void) {
    uint32_t name = event_channel(0, 1, PART_TOOL_NAME), id = event_channel(0, 1, PART_ID);
    uint32_t one = event_channel(0, 0, PART_TOOL_ARGUMENTS);
    uint32_t two = event_channel(0, 1, PART_TOOL_ARGUMENTS);
    begin();
    CHECK(add(text, "Let me see") && add(id, "call_1") && add(name, "look") && add(one, "{\\\"a"));
    delivered_again(&d);
    CHECK(d.behind == 3);
    CHECK(meet(text, "Let me see") == 10);
    CHECK(meet(id, "call_2") == 6); /* not compared, and not told again */
    CHECK(meet(name, "look") == 4);
    CHECK(meet(two, "{}") == 0); /* tools may overtake each other */
    CHECK(meet(one, "{\\\"a\\\":1}") == 4);
    CHECK(d.behind == 0);
    delivered_again(&d);
    CHECK(meet(event_channel(1, 0, PART_TEXT), "another choice") == 0);
    CHECK(meet(PART_REASONING, "thinks anew") == -1); /* before what was said */
    end();
}

static void test_whole(void) {
    struct event_piece p = piece(PART_TOOL_ARGUMENTS, "[{\"f\":1}]");
    size_t cut;
    p.whole = true;
    begin();
    CHECK(delivered_add(&d, &p));
    delivered_again(&d);
    CHECK(delivered_meet(&d, &p, &cut) && cut == p.raw.n);
    delivered_again(&d);
    p.raw = GW_STR("[{\"f\":1}],");
    CHECK(!delivered_meet(&d, &p, &cut));
    end();
}

/* What is known to hold no escapes comes to the same as what is looked at for them. */
static void test_plain(void) {
    struct event_piece p = piece(text, "caf\xc3\xa9, a table for two");
    begin();
    p.plain = true;
    CHECK(delivered_add(&d, &p));
    delivered_again(&d);
    CHECK(meet(text, "caf\\u00e9, a ") == 13);
    CHECK(meet(text, "table for two, please") == 13);
    end();
}

static void test_limits(void) {
    begin();
    for (uint32_t i = 0; i < DELIVERED_CHANNELS; i++)
        CHECK(add(event_channel(i, 0, PART_TEXT), "x"));
    CHECK(!add(event_channel(99, 0, PART_TEXT), "x"));
    CHECK(add(event_channel(3, 0, PART_TEXT), "y"));
    delivered_reset(&d);
    delivered_again(&d);
    CHECK(d.behind == 0);
    end();
    begin();
    mem.fail_at = mem.gets + 1;
    CHECK(!add(text, "x"));
    end();
}

/* The text itself, and where it may be cut, as long as there is nothing else. */
static void test_kept(void) {
    struct delivered_text t;
    begin();
    delivered_keep(&d, &t);
    CHECK(add(text, "One") && add(text, " two") && add(text, "three\\n") && add(text, " four"));
    CHECK(add(text, " five") && gw_str_eq(gw_buf_str(&t.raw), GW_STR("One twothree\\n four five")));
    CHECK(delivered_seam(&t, 5).at == 19 && delivered_seam(&t, 5).events == 4);
    CHECK(delivered_seam(&t, 6).at == 3 && delivered_seam(&t, 22).at == 0);
    delivered_again(&d);
    CHECK(meet(text, "One twothree\\n four") == 19 && d.behind == 1);
    CHECK(meet(text, " five six") == 5 && d.behind == 0 && t.raw.n == 28);
    CHECK(add(event_channel(0, 0, PART_REASONING), "Hm") && d.text == NULL);
    delivered_again(&d);
    CHECK(meet(text, "One twothree\\n four five six") == 28 && d.behind == 1);
    end();
}

static void test_kept_no_more(void) {
    struct delivered_text t;
    begin();
    delivered_keep(&d, &t);
    for (uint32_t i = 0; i <= DELIVERED_TEXT_MAX / 16; i++)
        CHECK(add(text, " fifteen letters"));
    CHECK(d.text == NULL);
    end();
}

int main(void) {
    RUN(test_same);
    RUN(test_differs);
    RUN(test_spellings);
    RUN(test_half);
    RUN(test_long);
    RUN(test_early);
    RUN(test_channels);
    RUN(test_whole);
    RUN(test_plain);
    RUN(test_limits);
    RUN(test_kept);
    RUN(test_kept_no_more);
    return unit_end();
}
