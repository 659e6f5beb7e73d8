/*
 * What an answer says of the tokens that it cost, and of its model.
 *
 * The reader takes an answer of any dialect as it comes, in any cut, and finds in it, wherever they stand:
 *
 *     {"model": "m", "usage": {"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": 3}}}
 *     {"modelVersion": "m", "usageMetadata": {"promptTokenCount": 7, "promptTokensDetails":
 *         [{"modality": "AUDIO", "tokenCount": 2}]}}
 *     {"model": "m", "prompt_eval_count": 7}
 *     [{...}, {...}]                                    each of them more than the one before
 *     {"message": {...}}, {"response": {...}}           an event that holds the answer
 *
 * The names are the dialects' (dialect.h). Which dialect it is, the names tell, and no address: the one
 * that has most of the numbers. What stands in an item of a list of details goes by the item's modality.
 *
 * It needs no memory but itself. What is no JSON is read up to there; but what is not looked into at all is
 * passed over by its brackets and quotes alone.
 */
#ifndef GW_FORMAT_USAGE_H
#define GW_FORMAT_USAGE_H

#include "base/json_scan.h"
#include "format/dialect.h"

enum {
    USAGE_LEVELS = 6,  /* of the document, that are looked into */
    USAGE_MODEL = 128, /* bytes of a model's name that are kept */
    USAGE_WORD = 16,
    USAGE_DIGITS = 20,
};

/* Numbers of tokens. The input includes what was read from a cache or written to one, and the output
 * includes reasoning, in every dialect; audio is a part of each. */
struct usage {
    uint32_t present; /* a bit per number */
    uint64_t n[USAGE_N];
};

static inline bool usage_has(const struct usage *u, enum dialect_usage which) {
    return (u->present >> which & 1) != 0;
}

struct usage_reader {
    struct gw_json_scan scan;           /* first: see json_scan.h */
    const struct dialect *only;         /* NULL: all are looked for */
    bool inside;                        /* what comes is its usage, and not the answer */
    uint8_t depth, place[USAGE_LEVELS]; /* where it is: of each level that is told */
    uint8_t scalar;                     /* which value is being told */
    bool counted;                       /* the item of a list of details has its number */
    bool skips, quoted, escaped; /* passing over a list or an object: within a string of it */
    uint32_t open;               /* brackets in it that are */
    uint8_t name_n, parent_n, word_n, digits_n, model_n;
    char name[GW_JSON_NAME], parent[GW_JSON_NAME]; /* of the member; of the details that it is in */
    char word[USAGE_WORD];                         /* the item's modality */
    char digits[USAGE_DIGITS];
    char model[USAGE_MODEL];
    uint64_t count;
    uint64_t bytes;                  /* of the answer, until now */
    struct usage said[DIALECTS_MAX]; /* as each dialect would understand it */
};

/* Begins with an answer, of that dialect only if it is not NULL; or with what an event of that dialect holds
 * as its usage. */
void usage_begin(struct usage_reader *r, const struct dialect *only);
void usage_begin_inside(struct usage_reader *r, const struct dialect *only);
void usage_feed(struct usage_reader *r, struct gw_str bytes);
/* At any time: adds what was said so far to `u`. Later numbers replace earlier ones: a dialect that
 * reports more than once reports all that there has been. */
void usage_merge(const struct usage_reader *r, struct usage *u);
/* The model's name, decoded, valid as long as `r`; empty: it was not said. */
struct gw_str usage_model(const struct usage_reader *r);

#endif
