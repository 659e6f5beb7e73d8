/*
 * Ollama's /api/embed, written, and for clients the older /api/embeddings, whose answer is one vector and nothing else.
 */
#include "format/embed.h"

#define BIT(f) (1ULL << FEATURE_##f)
#define NAME(f) [FEATURE_##f - FEATURE_TEXTS]

static void put_request(const struct mean *m, struct gw_str model, struct gw_out *o) {
    embed_open_request(o, m, model);
    gw_out_may_value(o, "truncate", m->embeds.truncate);
    gw_out_close(o, '}');
}

static void put_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b) {
    struct gw_out o;
    gw_out_init(&o, b);
    gw_out_open(&o, '{');
    if (asked->embeds.one) {
        embed_put_first(&o, "embedding", a);
    } else {
        gw_out_put_raw(&o, "model", a->model);
        embed_put_vectors(&o, "embeddings", a);
        gw_out_put_u64(&o, "prompt_eval_count", a->usage.n[USAGE_INPUT]);
    }
    gw_out_close(&o, '}');
}

const struct embeds embeds_ollama = {
    .path = GW_STR_INIT("/api/embed"),
    .says = BIT(TEXTS) | BIT(DIMENSIONS) | BIT(TRUNCATE),
    .names =
        {
            NAME(TEXTS) = "input",
            NAME(TOKENS) = "input",
            NAME(DIMENSIONS) = "dimensions",
            NAME(TRUNCATE) = "truncate",
        },
    .put_request = put_request,
    .put_answer = put_answer,
};
