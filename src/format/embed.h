/*
 * Embeddings, translated: texts go in, and for each a vector comes out. They have a meaning of their own (struct
 * mean_embeds), and words of their own in each dialect that has them, without streams:
 *
 *     dialect    a request's texts                    an answer's vectors
 *     openai     input                                data[].embedding, as numbers or as base64
 *     gemini     content; requests[].content          embedding.values; embeddings[].values
 *     ollama     input; prompt (/api/embeddings)      embeddings; embedding
 *     bedrock    inputText (Titan); texts (Cohere)    embedding; embeddings, or embeddings.float
 *
 * What these members are called means the same wherever it is said. So there is one reader for requests and one for
 * answers of all dialects, and each dialect has writers alone (NAME_embed.c).
 *
 * Numbers are copied as they stand. Only as base64, which OpenAI's own SDKs ask for, are they read and rounded: to
 * floats of 32 bits, the lowest byte first.
 */
#ifndef GW_FORMAT_EMBED_H
#define GW_FORMAT_EMBED_H

#include "format/speech.h"

struct embeds {
    struct gw_str path; /* where a provider of this dialect is asked, "%m" being the model's name */
    uint64_t says;      /* a bit per enum feature that it has words for */
    const char *names[FEATURE_TRUNCATE - FEATURE_TEXTS + 1]; /* what it calls them; NULL: nothing */
    void (*put_request)(const struct mean *m, struct gw_str model, struct gw_out *o);
    void (*put_answer)(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b);
};

extern const struct embeds embeds_openai, embeds_gemini, embeds_ollama, embeds_bedrock;

/* What a dialect calls a feature of a request for embeddings; NULL: it has no name for it. */
const char *embed_name(const struct embeds *e, enum feature feature);

/* ---- embed.c: requests */

void embed_read_request(struct gw_walk *w, struct mean *m);
/* A member with a list of the texts; and one that says how many numbers a vector is to have, if that is said and the model
 * can be told. */
void embed_put_texts(struct gw_out *o, const char *name, const struct mean *m);
void embed_put_dimensions(struct gw_out *o, const char *name, const struct mean *m);
/* {"model", "input", "dimensions", ...: it stays open. */
void embed_open_request(struct gw_out *o, const struct mean *m, struct gw_str model);
/* What the vectors are for, in Cohere's words; if that is not said, documents. */
const char *embed_purpose(struct gw_str task);

/* ---- embed_answer.c */

void embed_read_answer(struct gw_walk *w, struct mean_answer *a);
/* A member with a list of the vectors; or with the first one alone. */
void embed_put_vectors(struct gw_out *o, const char *name, const struct mean_answer *a);
void embed_put_first(struct gw_out *o, const char *name, const struct mean_answer *a);
/* A string: the numbers of this vector as base64. */
void embed_put_base64(struct gw_out *o, struct gw_str vector);
/* A member {"...", "..."} with the number of the tokens of all texts, twice. */
void embed_put_usage(struct gw_out *o, const char *name, const char *input, const char *total,
                     const struct mean_answer *a);
/* How many bytes an answer of `n` bytes may become, in any dialect. */
size_t embed_room(const struct mean *asked, size_t n);

#endif
