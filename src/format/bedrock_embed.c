/*
 * Embeddings by Bedrock's InvokeModel, written. There a model is asked in its maker's form, which its name tells:
 *
 *     Titan     inputText, dimensions, normalize, embeddingTypes: one text, and so one vector
 *     Cohere    texts, input_type, truncate, output_dimension, embedding_types. What the vectors are for must be said:
 *               if the client does not, they are of documents
 *
 * A model whose name tells nothing, such as a profile's, is asked in Titan's form. Other requests of InvokeModel than
 * for embeddings are not translated.
 */
#include "format/embed.h"

#define BIT(f) (1ULL << FEATURE_##f)
#define NAME(f) [FEATURE_##f - FEATURE_TEXTS]

/* The third version's words for the ends are not the fourth's. */
static const char *cut_word(const struct mean *m, struct gw_str model) {
    bool older = gw_str_find(model, GW_STR("-v3")) >= 0;
    return !mean_is_true(m->embeds.truncate) ? "NONE" : older ? "END" : "RIGHT";
}

static void put_coheres(const struct mean *m, struct gw_str model, struct gw_out *o) {
    embed_put_texts(o, "texts", m);
    gw_out_put_word(o, "input_type", embed_purpose(m->embeds.task));
    if (m->embeds.truncate.n > 0)
        gw_out_put_word(o, "truncate", cut_word(m, model));
    embed_put_dimensions(o, "output_dimension", m);
    gw_out_put_value(o, "embedding_types", GW_STR("[\"float\"]"));
}

static void put_request(const struct mean *m, struct gw_str model, struct gw_out *o) {
    const struct mean_item *text = m->embeds.texts.first;
    gw_out_open(o, '{');
    if (gw_str_find(model, GW_STR("cohere.")) >= 0) {
        put_coheres(m, model, o);
    } else {
        gw_out_put_raw(o, "inputText", text != NULL ? text->said : GW_STR(""));
        embed_put_dimensions(o, "dimensions", m);
    }
    gw_out_close(o, '}');
}

static void put_titans(struct gw_out *o, const struct mean_answer *a, const struct mean *asked) {
    embed_put_first(o, "embedding", a);
    if (asked->embeds.typed) {
        gw_out_name(o, "embeddingsByType");
        gw_out_open(o, '{');
        embed_put_first(o, "float", a);
        gw_out_close(o, '}');
    }
    gw_out_put_u64(o, "inputTextTokenCount", a->usage.n[USAGE_INPUT]);
}

static void put_coheres_answer(struct gw_out *o, const struct mean_answer *a,
                               const struct mean *asked) {
    bool typed = asked->embeds.typed;
    gw_out_put_raw(o, "id", a->id);
    if (typed) {
        gw_out_name(o, "embeddings");
        gw_out_open(o, '{');
    }
    embed_put_vectors(o, typed ? "float" : "embeddings", a);
    if (typed)
        gw_out_close(o, '}');
    gw_out_put_word(o, "response_type", typed ? "embeddings_by_type" : "embeddings_floats");
    embed_put_texts(o, "texts", asked);
}

static void put_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b) {
    struct gw_out o;
    gw_out_init(&o, b);
    gw_out_open(&o, '{');
    if (asked->embeds.one)
        put_titans(&o, a, asked);
    else
        put_coheres_answer(&o, a, asked);
    gw_out_close(&o, '}');
}

const struct embeds embeds_bedrock = {
    .path = GW_STR_INIT("/model/%m/invoke"),
    .says = BIT(TEXTS) | BIT(DIMENSIONS) | BIT(TASK) | BIT(TRUNCATE),
    .names =
        {
            NAME(TEXTS) = "texts",
            NAME(TOKENS) = "texts",
            NAME(DIMENSIONS) = "dimensions",
            NAME(TASK) = "input_type",
            NAME(TRUNCATE) = "truncate",
        },
    .put_request = put_request,
    .put_answer = put_answer,
};
