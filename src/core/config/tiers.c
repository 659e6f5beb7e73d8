#include "core/config/tiers.h"

/* Balanced is the product's own table. Conservative sends only scores from 0.9 to a cloud, the
 * cheapest one, and what balanced would send there from 0.6 to the best local model. Performance
 * uses clouds from 0.4 on, dearer ones for higher scores, and falls back to a plain local model. */
static const struct tiers profiles[] = {
    {
        .profile = GW_STR_INIT("conservative"),
        .month_nano = 10 * GW_DOLLAR,
        .n = 4,
        .tier =
            {
                {.from = 0, .local = GW_STR_INIT("codellama:13b")},
                {.from = 3, .local = GW_STR_INIT("deepseek-coder:33b")},
                {.from = 6, .local = GW_STR_INIT("mixtral:8x7b")},
                {9, GW_STR_INIT("mixtral:8x7b"), GW_STR_INIT("gemini-pro"), GW_DOLLAR, true},
            },
    },
    {
        .profile = GW_STR_INIT("balanced"),
        .month_nano = 50 * GW_DOLLAR,
        .n = 4,
        .tier =
            {
                {.from = 0, .local = GW_STR_INIT("codellama:13b")},
                {.from = 3, .local = GW_STR_INIT("deepseek-coder:33b")},
                {6, GW_STR_INIT("mixtral:8x7b"), GW_STR_INIT("gemini-pro"), GW_DOLLAR, false},
                {8, GW_STR_INIT("mixtral:8x7b"), GW_STR_INIT("gpt-4-turbo"), 5 * GW_DOLLAR, true},
            },
    },
    {
        .profile = GW_STR_INIT("performance"),
        .month_nano = 200 * GW_DOLLAR,
        .n = 5,
        .tier =
            {
                {.from = 0, .local = GW_STR_INIT("codellama:13b")},
                {.from = 3, .local = GW_STR_INIT("deepseek-coder:33b")},
                {4, GW_STR_INIT("mixtral:8x7b"), GW_STR_INIT("gemini-pro"), GW_DOLLAR, false},
                {6, GW_STR_INIT("mixtral:8x7b"), GW_STR_INIT("gpt-4-turbo"), 5 * GW_DOLLAR, false},
                {8, GW_STR_INIT("mixtral:8x7b"), GW_STR_INIT("claude-3-opus"), 5 * GW_DOLLAR,
                 false},
            },
    },
};

const struct tiers *tiers_default(struct gw_str profile) {
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
        if (gw_str_eq(profiles[i].profile, profile))
            return &profiles[i];
    return NULL;
}
