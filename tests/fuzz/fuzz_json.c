/*
 * Parsing: what is accepted has a place for each item, no name twice in an object; what is refused
 * has a place inside the text. Comments change nothing but that they are allowed; explaining a
 * request never faults.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/json.h"
#include "core/policy/score.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok) {
    if (!ok)
        abort();
}

/* Recursion is bounded by GW_JSON_DEPTH. The line goes on from `line`. */
static unsigned check_items(struct gw_str text, const cJSON *root, const cJSON *item,
                            unsigned line) {
    for (; item; item = item->next) {
        unsigned at = gw_json_line(text, root, item);
        must(at >= line);
        for (const cJSON *b = item->next; item->string && b; b = b->next)
            must(strcmp(item->string, b->string) != 0);
        line = check_items(text, root, item->child, at);
    }
    return line;
}

static void *get(void *user, size_t n) {
    (void)user;
    return malloc(n);
}

static void put(void *user, void *p, size_t n) {
    (void)user, (void)n;
    free(p);
}

static void check_explain(struct gw_str text) {
    const struct gw_mem mem = {get, put, NULL};
    struct gw_arena a;
    struct gw_buf out;
    gw_arena_init(&a, &mem, 8192, 16384);
    gw_buf_init(&out, &a, 4096);
    const struct tiers *tiers = tiers_default(GW_STR("balanced"));
    int got = score_explain(tiers, GW_DOLLAR, text, &out);
    cJSON *root = gw_json_parse(gw_buf_str(&out), 0, NULL);
    must(out.n > 0 && !out.full && (got == 0) == (root != NULL));
    cJSON_Delete(root);
    gw_arena_del(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gw_json_error error;
    struct gw_str text = gw_str(data, size);
    if (size > 2000) /* checking each item's place takes quadratic time */
        return 0;
    cJSON *strict = gw_json_parse(text, 0, NULL);
    cJSON *root = gw_json_parse(text, GW_JSON_COMMENTS, &error);
    must(root ? (!strict || cJSON_Compare(strict, root, 1)) : !strict);
    if (root)
        check_items(text, root, root, 1);
    else
        must(error.what && error.line >= 1 && error.column >= 1 && error.line <= size + 1 &&
             error.column <= size + 1);
    cJSON_Delete(strict);
    cJSON_Delete(root);
    check_explain(text);
    return 0;
}
