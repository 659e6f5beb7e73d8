/*
 * The reader of usage says the same of an answer in any cut, and never more than the answer has. The first
 * byte of the input is the seed of the cuts, and says whether the dialect is known.
 */
#include "cuts.h"
#include "format/usage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(void *reader, struct gw_str piece) {
    usage_feed(reader, piece);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct usage_reader whole, cut;
    struct usage a = {.present = 0}, b = {.present = 0};
    if (size == 0)
        return 0;
    struct gw_str text = gw_str(data + 1, size - 1);
    const struct dialect *only = data[0] % 2 == 0 ? NULL : dialects_at(data[0] / 2 % DIALECTS_MAX);
    if (only != NULL) {
        usage_begin_inside(&whole, only);
        usage_begin_inside(&cut, only);
    } else {
        usage_begin(&whole, NULL);
        usage_begin(&cut, NULL);
    }
    usage_feed(&whole, text);
    must(cuts_feed(take, &cut, text, data[0]) == 0);
    usage_merge(&whole, &a);
    usage_merge(&cut, &b);
    must(a.present == b.present && a.present < 1U << USAGE_N);
    for (uint32_t i = 0; i < USAGE_N; i++)
        must(a.n[i] == b.n[i] && (a.n[i] == 0 || (a.present >> i & 1) != 0));
    must(gw_str_eq(usage_model(&whole), usage_model(&cut)));
    must(usage_model(&whole).n <= USAGE_MODEL && whole.depth <= USAGE_LEVELS);
    return 0;
}
