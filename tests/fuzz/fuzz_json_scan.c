/*
 * The scanner in any cut gives what it gives for the whole, and accepts what cJSON accepts.
 * The first byte of the input is the seed of the cuts.
 */
#include <stdlib.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok) {
    if (!ok)
        abort();
}

static int feed_cut(struct gw_json_scan *s, struct gw_str text, unsigned seed) {
    for (size_t i = 0; i < text.n;) {
        seed = seed * 1103515245u + 12345u;
        struct gw_str part = gw_str_sub(text, i, 1 + (seed >> 16) % 20);
        char *copy = malloc(part.n);
        must(copy != NULL);
        memcpy(copy, part.p, part.n);
        int got = gw_json_scan_feed(s, gw_str(copy, part.n));
        free(copy);
        if (got != 0)
            return got;
        i += part.n;
    }
    return gw_json_scan_end(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct gw_str text = gw_str(data + 1, size - 1), key = GW_STR("ab");
    struct gw_json_scan whole, cut;
    gw_json_scan_init(&whole, key);
    gw_json_scan_init(&cut, key);
    int got = gw_json_scan_feed(&whole, text) == 0 ? gw_json_scan_end(&whole) : -1;
    must(feed_cut(&cut, text, data[0]) == got);
    must(whole.at == cut.at && whole.what == cut.what);
    must(whole.found == cut.found && whole.cut == cut.cut && whole.value_n == cut.value_n);
    must(memcmp(whole.value, cut.value, whole.value_n) == 0);
    must(whole.value_n <= GW_JSON_KEEP && (got == 0) == (whole.what == NULL));

    cJSON *root = cJSON_ParseWithLengthOpts(text.p, text.n, NULL, 0);
    must(root || got != 0);
    if (got == 0 && cJSON_IsObject(root)) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, "ab");
        must(whole.found == (cJSON_IsString(item) != 0));
        if (whole.found && !whole.cut)
            must(strlen(item->valuestring) == whole.value_n &&
                 memcmp(item->valuestring, whole.value, whole.value_n) == 0);
    }
    cJSON_Delete(root);
    return 0;
}
