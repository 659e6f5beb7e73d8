/*
 * What a request may ask for that not every dialect can say. A dialect's speech names those it can (speech.h);
 * what it cannot say is refused, or left out with or without a word: as the configuration wants it, else as the table in feature.c
 * says for each.
 */
#ifndef GW_FORMAT_FEATURE_H
#define GW_FORMAT_FEATURE_H

#include "base/str.h"

enum feature {
    FEATURE_TALK, /* a conversation: of embedding models nothing else is asked than vectors */
    FEATURE_SYSTEM_LATER, /* a system message behind the first turn */
    FEATURE_IMAGE,        /* its bytes */
    FEATURE_IMAGE_URL,    /* or where it is */
    FEATURE_AUDIO,
    FEATURE_FILE,        /* a document: its bytes (those of text become text), ... */
    FEATURE_FILE_OFFICE, /* ... of Word or Excel, ... */
    FEATURE_FILE_OTHER,  /* ... of another type than these and PDF; ... */
    FEATURE_FILE_URL,    /* ... where it is, or ... */
    FEATURE_FILE_ID,     /* ... what its provider calls it */
    FEATURE_TOOLS,
    FEATURE_PICK_NONE,    /* tool choice: none of them, ... */
    FEATURE_PICK_ANY,     /* ... at least one, ... */
    FEATURE_PICK_ONE,     /* ... this one */
    FEATURE_PARALLEL,     /* whether several may be called at once */
    FEATURE_STRICT,       /* arguments follow the schema to the letter */
    FEATURE_CUSTOM,       /* a tool that takes a text */
    FEATURE_SERVED,       /* a tool of the provider's own */
    FEATURE_DEFERRED,     /* a tool that is found by a search */
    FEATURE_RESULT_IMAGE, /* a tool's result that is no text */
    FEATURE_RESULT_FAILED,
    FEATURE_JSON,
    FEATURE_SCHEMA,
    FEATURE_MAX_TOKENS,
    FEATURE_TEMPERATURE,
    FEATURE_TOP_P,
    FEATURE_TOP_K,
    FEATURE_STOP,
    FEATURE_SEED,
    FEATURE_N,
    FEATURE_PENALTIES,
    FEATURE_LOGIT_BIAS,
    FEATURE_LOGPROBS,
    FEATURE_EFFORT,
    FEATURE_BUDGET,    /* tokens that may be thought */
    FEATURE_SIGNATURE, /* what a model has thought, signed by its server */
    FEATURE_CACHE,     /* cache marks */
    FEATURE_TIER,
    FEATURE_VERBOSITY,
    FEATURE_USER,
    FEATURE_METADATA,
    FEATURE_PREVIOUS,   /* the answer before it, kept by the server */
    FEATURE_SAFEGUARDS, /* Claude Code's wish that its server watches over it */
    FEATURE_KEPT,       /* content that its provider keeps, by the name that it gave it */
    FEATURE_TEXTS,      /* embeddings: of several texts at once, ... */
    FEATURE_TOKENS,     /* ... of texts as numbers of tokens; ... */
    FEATURE_DIMENSIONS, /* ... how many numbers a vector has, ... */
    FEATURE_TASK,       /* ... what they are for, ... */
    FEATURE_TITLE,      /* ... what the text is called, and ... */
    FEATURE_TRUNCATE,   /* ... whether a text that is too long is cut */
    FEATURE_OTHER,      /* content of a kind that has no counterpart */
    FEATURE_UNKNOWN,    /* a member that nobody here knows */
    FEATURES,
};

_Static_assert(FEATURES <= 64, "a bit for each");

/* What becomes of a request that uses what the target's dialect cannot say. */
enum feature_fate {
    FEATURE_DROP = 0, /* left out: the answer is as good without it */
    FEATURE_WARN,     /* left out, and the client is told so */
    FEATURE_REJECT,   /* refused */
};

/* Its name in configurations, and whose name that is; FEATURES: nobody's. */
struct gw_str feature_word(enum feature feature);
enum feature feature_named(struct gw_str word);
/* For people: what it is. */
const char *feature_about(enum feature feature);
/* Whether nothing would be left of a request without it: it is refused, whatever the configuration says. */
static inline bool feature_is_vital(enum feature feature) {
    return feature == FEATURE_TALK || feature == FEATURE_TEXTS || feature == FEATURE_TOKENS;
}
/* Whether it is of embeddings alone. */
static inline bool feature_is_of_embeddings(enum feature feature) {
    return feature >= FEATURE_TEXTS && feature <= FEATURE_TRUNCATE;
}
/* What becomes of it where nobody has said otherwise. */
enum feature_fate feature_fate(enum feature feature);

#endif
