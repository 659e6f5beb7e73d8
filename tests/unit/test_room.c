#include "core/cluster/room.h"
#include "unit.h"

static uint64_t cell[GW_CELLS];
static const struct gw_cells cells = {cell, 2};

/* Takes pieces of 10 until no more are to be had: how many bytes. */
static uint64_t take_all(uint32_t client, uint64_t total) {
    uint64_t n = 0;
    while (room_take(&cells, client, 10, total))
        n += 10;
    return n;
}

static void test_one_has_half(void) {
    CHECK(take_all(1, 1000) == 500);
    CHECK(!room_take(&cells, 1, 1, 1000) && room_taken(&cells) == 500);
    room_give(&cells, 1, 500);
    CHECK(room_taken(&cells) == 0);
}

static void test_whoever_comes_finds_some(void) {
    uint64_t least = 1000;
    for (uint32_t i = 1; i <= 5; i++) {
        uint64_t n = take_all(i, 1000);
        CHECK(n > 0 && n <= least && room_taken(&cells) <= 1000);
        least = n;
    }
    memset(cell, 0, sizeof cell);
    for (int i = 0; i < 50; i++) {
        (void)room_take(&cells, 1, 10, 900);
        (void)room_take(&cells, 2, 10, 900);
    }
    CHECK(room_taken(&cells) == 600); /* a third each */
    memset(cell, 0, sizeof cell);
}

static void test_nothing_is_too_much(void) {
    CHECK(!room_take(&cells, 1, 501, 1000) && !room_take(&cells, 1, UINT64_MAX, 1000));
    CHECK(!room_take(&cells, 1, 1, 0) && room_taken(&cells) == 0);
    CHECK(room_take(&cells, 1, 250, 1000) && room_is_ample(&cells, 1, 1000));
    CHECK(room_take(&cells, 1, 10, 1000) && !room_is_ample(&cells, 1, 1000));
    CHECK(!room_is_ample(&cells, 1, 100)); /* the total has been lowered meanwhile */
    CHECK(!room_take(&cells, 2, 1, 100));
    room_give(&cells, 1, 260);
}

static void test_clients_have_counts(void) {
    struct key_conf keys[100];
    struct config conf = {.keys = keys, .keys_n = 100};
    CHECK(room_client(&conf, NULL, GW_STR("-")) == 0);
    CHECK(room_client(&conf, &keys[0], GW_STR("a")) == 1);
    CHECK(room_client(&conf, &keys[1], GW_STR("b")) == 2);
    for (uint32_t i = 0; i < 100; i++)
        CHECK(room_client(&conf, &keys[i], GW_STR("x")) < ROOM_CLIENTS);
    uint32_t named = room_client(&conf, NULL, GW_STR("backend_heady"));
    CHECK(named > 0 && named < ROOM_CLIENTS);
}

int main(void) {
    RUN(test_one_has_half);
    RUN(test_whoever_comes_finds_some);
    RUN(test_nothing_is_too_much);
    RUN(test_clients_have_counts);
    return unit_end();
}
