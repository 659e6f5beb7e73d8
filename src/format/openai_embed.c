/*
 * OpenAI's /v1/embeddings, written. Its own SDKs ask for base64 unless they are told otherwise; servers give numbers
 * unless they are asked for base64, and are not.
 */
#include "format/embed.h"

#define BIT(f) (1ULL << FEATURE_##f)
#define NAME(f) [FEATURE_##f - FEATURE_TEXTS]

static void put_request(const struct mean *m, struct gw_str model, struct gw_out *o) {
    embed_open_request(o, m, model);
    gw_out_close(o, '}');
}

static void put_item(struct gw_out *o, const struct mean *asked, struct gw_str vector,
                     uint64_t index) {
    gw_out_open(o, '{');
    gw_out_put_word(o, "object", "embedding");
    gw_out_put_u64(o, "index", index);
    gw_out_name(o, "embedding");
    if (asked->embeds.base64)
        embed_put_base64(o, vector);
    else
        gw_out_value(o, vector);
    gw_out_close(o, '}');
}

static void put_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b) {
    struct gw_out o;
    uint64_t n = 0;
    gw_out_init(&o, b);
    gw_out_open(&o, '{');
    gw_out_put_word(&o, "object", "list");
    gw_out_name(&o, "data");
    gw_out_open(&o, '[');
    for (const struct mean_item *v = a->vectors.first; v != NULL; v = v->next)
        put_item(&o, asked, v->said, n++);
    gw_out_close(&o, ']');
    gw_out_put_raw(&o, "model", a->model);
    embed_put_usage(&o, "usage", "prompt_tokens", "total_tokens", a);
    gw_out_close(&o, '}');
}

const struct embeds embeds_openai = {
    .path = GW_STR_INIT("/v1/embeddings"),
    .says = BIT(TEXTS) | BIT(TOKENS) | BIT(DIMENSIONS),
    .names =
        {
            NAME(TEXTS) = "input",
            NAME(TOKENS) = "input",
            NAME(DIMENSIONS) = "dimensions",
        },
    .put_request = put_request,
    .put_answer = put_answer,
};
