#include "core/cluster/room.h"

#include "core/cluster/cells.h"
#include "unit.h"

static struct gw_cells cells = {NULL, 2};

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
    cells.cell = unit_cells();
    for (int i = 0; i < 50; i++) {
        (void)room_take(&cells, 1, 10, 900);
        (void)room_take(&cells, 2, 10, 900);
    }
    CHECK(room_taken(&cells) == 600); /* a third each */
    cells.cell = unit_cells();
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

/* Each key has its own, up to the last; so has whoever shows none. */
static void test_clients_have_counts(void) {
    static struct key_conf keys[GW_KEYS];
    static bool seen[CELLS_CLIENTS];
    struct config conf = {.keys = keys, .keys_n = GW_KEYS};
    uint32_t nobody = room_client(&conf, NULL, GW_STR("-"));
    uint32_t named = room_client(&conf, NULL, GW_STR("backend_heady"));
    CHECK(nobody < CELLS_CLIENTS && named < CELLS_CLIENTS && nobody != named);
    seen[nobody] = seen[named] = true;
    for (uint32_t i = 0; i < GW_KEYS; i++) {
        uint32_t at = room_client(&conf, &keys[i], GW_STR("x"));
        CHECK(at < CELLS_CLIENTS && !seen[at]);
        if (at < CELLS_CLIENTS)
            seen[at] = true;
    }
    CHECK(room_take(&cells, room_client(&conf, &keys[GW_KEYS - 1], GW_STR("x")), 10, 1000));
    CHECK(room_taken(&cells) == 10);
    room_give(&cells, room_client(&conf, &keys[GW_KEYS - 1], GW_STR("x")), 10);
}

/* What is counted of one thing is not counted of another. */
static void test_cells_are_apart(void) {
    struct cells *all = cells_of(&cells);
    CHECK(gw_cells_n() * sizeof(uint64_t) == sizeof *all);
    CHECK(GW_BACKENDS >= 64 && GW_KEYS >= 1000);
    all->backend[GW_BACKENDS - 1].in_flight = 1;
    all->budget[CELLS_BUDGETS - 1] = 2;
    all->client[CELLS_CLIENTS - 1].held = 3;
    all->node[GW_NODES - 1].challenged_until = 4;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < gw_cells_n(); i++)
        sum += cells.cell[i];
    CHECK(sum == 10 && cells.cell[gw_cells_n() - 1] == 4);
}

int main(void) {
    cells.cell = unit_cells();
    RUN(test_one_has_half);
    RUN(test_whoever_comes_finds_some);
    RUN(test_nothing_is_too_much);
    RUN(test_clients_have_counts);
    RUN(test_cells_are_apart);
    return unit_end();
}
