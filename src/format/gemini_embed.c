/*
 * Google's :embedContent and :batchEmbedContents, written. Servers are asked with a batch, and for an answer without
 * the white space that is a third of it.
 */
#include "format/embed.h"
#include "format/gemini_speech.h"

#define BIT(f) (1ULL << FEATURE_##f)
#define NAME(f) [FEATURE_##f - FEATURE_TEXTS]

static void put_one(struct gw_out *o, const struct mean *m, struct gw_str model,
                    struct gw_str text) {
    gw_out_open(o, '{');
    gw_out_name(o, "model");
    gw_out_quoted(o, GW_STR("models/"), model, GW_STR(""));
    gw_out_name(o, "content");
    gw_out_open(o, '{');
    gw_out_name(o, "parts");
    gw_out_open(o, '[');
    gemini_put_text(o, text, false, GW_STR(""));
    gw_out_close(o, ']');
    gw_out_close(o, '}');
    gw_out_may_raw(o, "taskType", m->embeds.task);
    gw_out_may_raw(o, "title", m->embeds.title);
    embed_put_dimensions(o, "outputDimensionality", m);
    gw_out_close(o, '}');
}

static void put_request(const struct mean *m, struct gw_str model, struct gw_out *o) {
    gw_out_open(o, '{');
    gw_out_name(o, "requests");
    gw_out_open(o, '[');
    for (const struct mean_item *t = m->embeds.texts.first; t != NULL; t = t->next)
        put_one(o, m, model, t->said);
    gw_out_close(o, ']');
    gw_out_close(o, '}');
}

static void put_values(struct gw_out *o, struct gw_str vector) {
    gw_out_open(o, '{');
    gw_out_put_value(o, "values", vector);
    gw_out_close(o, '}');
}

static void put_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b) {
    struct gw_out o;
    bool one = asked->embeds.one;
    gw_out_init(&o, b);
    gw_out_open(&o, '{');
    gw_out_name(&o, one ? "embedding" : "embeddings");
    if (!one)
        gw_out_open(&o, '[');
    for (const struct mean_item *v = a->vectors.first; v != NULL; v = one ? NULL : v->next)
        put_values(&o, v->said);
    if (!one)
        gw_out_close(&o, ']');
    embed_put_usage(&o, "usageMetadata", "promptTokenCount", "totalTokenCount", a);
    gw_out_close(&o, '}');
}

const struct embeds embeds_gemini = {
    .path = GW_STR_INIT("/v1beta/models/%m:batchEmbedContents?prettyPrint=false"),
    .says = BIT(TEXTS) | BIT(DIMENSIONS) | BIT(TASK) | BIT(TITLE),
    .names =
        {
            NAME(TEXTS) = "requests",
            NAME(DIMENSIONS) = "outputDimensionality",
            NAME(TASK) = "taskType",
            NAME(TITLE) = "title",
            NAME(TRUNCATE) = "autoTruncate",
        },
    .put_request = put_request,
    .put_answer = put_answer,
};
