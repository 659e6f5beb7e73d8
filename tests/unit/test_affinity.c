#include "core/cluster/affinity.h"

#include "unit.h"

static void test_conversation_of_a_client(void) {
    struct tally none = {0}, first = {0}, other = {0};
    tally_add(&first, "why?", 4);
    tally_add(&other, "who?", 4);
    uint64_t mine = affinity_of(&first, GW_STR("me"));
    CHECK(affinity_of(&none, GW_STR("me")) == 0);
    CHECK(mine != 0 && mine == affinity_of(&first, GW_STR("me")));
    CHECK(mine != affinity_of(&first, GW_STR("you")) && mine != affinity_of(&other, GW_STR("me")));
}

static void test_table(void) {
    static struct affinity_table t;
    CHECK(affinity_find(&t, 0) == NULL && affinity_find(&t, 7) == NULL);
    affinity_note(&t, 0, 5, 100);
    affinity_note(&t, 7, 3, 100);
    CHECK(affinity_find(&t, 7) != NULL && affinity_find(&t, 7)->slot == 3 &&
          affinity_find(&t, 7)->bytes >= 100 && affinity_find(&t, 0) == NULL);
    affinity_note(&t, 7 + AFFINITY_TALKS, 2, 100); /* takes its place */
    CHECK(affinity_find(&t, 7) == NULL);
}

int main(void) {
    RUN(test_conversation_of_a_client);
    RUN(test_table);
    return unit_end();
}
