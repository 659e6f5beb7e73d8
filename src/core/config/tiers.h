/*
 * Tiers: which model is asked for a request of which complexity (policy/score.h).
 */
#ifndef GW_CORE_CONFIG_TIERS_H
#define GW_CORE_CONFIG_TIERS_H

#include "base/str.h"

enum { GW_TIERS_MAX = 8, GW_SCORE_MAX = 10 };
#define GW_DOLLAR INT64_C(1000000000) /* in nano-dollars */

/* For scores from `from` up to the next tier's. */
struct tier {
    uint32_t from;       /* tenths */
    struct gw_str local; /* the model if there is no `cloud` or not enough money left */
    struct gw_str cloud; /* empty: this tier is always local */
    int64_t above_nano;  /* the cloud takes it if more than this is left */
    bool think;          /* the local model gets a chain-of-thought preamble */
};

struct tiers {
    struct gw_str profile;
    int64_t month_nano; /* the profile's monthly budget */
    uint32_t n;         /* at least 1; tier[0].from is 0; they ascend */
    struct tier tier[GW_TIERS_MAX];
};

/* The tiers of a profile that ships: conservative, balanced or performance; NULL if there is no
 * such profile. A configuration copies them and changes what it names. */
const struct tiers *tiers_default(struct gw_str profile);

#endif
