/*
 * The facts of a request's JSON body, and where they stand in it: the model, whether a stream is asked
 * for, limits, seeds, which conversation it belongs to, how much text it holds and what a target must be
 * capable of. One reader for all dialects: OpenAI's chat, completions and
 * Responses, Anthropic, Gemini, Ollama, Bedrock's Converse.
 *
 * Bytes are fed in any pieces, and take constant memory. Nothing is refused for its meaning: a member of
 * an unexpected kind is recorded with that kind, and otherwise ignored. A body that is not JSON is
 * reported; what was found before the fault stays, except for the conversation.
 *
 * Every member in enum facts_member has a place: `off` and `len` name its value as it stands in the
 * body, quotes and brackets included, so that it can be replaced by slices. A member that comes twice
 * is noted in `twice`; the last one counts then, as with most JSON readers, but not all.
 */
#ifndef GW_FORMAT_FACTS_H
#define GW_FORMAT_FACTS_H

#include "base/json_scan.h"
#include "base/tally.h"

enum {
    FACTS_MODEL_MAX = 256,  /* bytes of the model's name that are kept */
    FACTS_CHAIN_MAX = 1024, /* and of the names in `models`, with a byte behind each */
    FACTS_TYPE_MAX = 64,    /* and of the type's */
    FACTS_WORD_MAX = 40,    /* of a number, or of a word that is looked up */
    FACTS_TALK_MAX = 16384, /* bytes of the body that are searched for the first messages */
    FACTS_LEVELS = 16,      /* what is nested deeper is ignored */
};

enum facts_member {
    FACTS_NOTHING = 0,
    FACTS_BODY, /* the document; its first member, if it has_members, begins behind `off` + 1 */
    FACTS_MODEL,
    FACTS_STREAM,
    FACTS_STREAM_OPTIONS,
    FACTS_INCLUDE_USAGE, /* of stream_options */
    FACTS_OPTIONS,    /* Ollama's options, Gemini's generationConfig, Bedrock's inferenceConfig */
    FACTS_MAX_TOKENS, /* from here on, numbers */
    FACTS_MAX_COMPLETION_TOKENS,
    FACTS_MAX_OUTPUT_TOKENS,
    FACTS_N,
    FACTS_TEMPERATURE,
    FACTS_SEED,
    FACTS_OPTIONS_LIMIT, /* num_predict, maxOutputTokens, maxTokens in them */
    FACTS_OPTIONS_N,     /* candidateCount */
    FACTS_OPTIONS_TEMPERATURE,
    FACTS_OPTIONS_SEED, /* the last of them */
    FACTS_TYPE,
    FACTS_MESSAGES, /* OpenAI, Anthropic, Ollama, Bedrock */
    FACTS_CONTENTS, /* Gemini */
    FACTS_INPUT,    /* Responses */
    FACTS_PROMPT,
    FACTS_SYSTEM, /* system, system_prompt, instructions, systemInstruction */
    FACTS_TOOLS,
    FACTS_FORMAT,       /* response_format, format, text.format */
    FACTS_PREVIOUS,     /* Responses: previous_response_id */
    FACTS_CONVERSATION, /* Responses: conversation */
    FACTS_ASKED,        /* the last message of the user's */
    FACTS_MODELS,       /* a chain: models that are tried one after the other */
    FACTS_USUAL, /* the last of those that say nothing here, but that are known: stop, top_p, user */
    FACTS_MEMBERS,
    FACTS_NUMBERS = FACTS_OPTIONS_SEED + 1 - FACTS_MAX_TOKENS,
};

/* What the target must be capable of, as bits. */
enum facts_need {
    FACTS_NEED_TOOLS = 1,
    FACTS_NEED_IMAGES = 2,
    FACTS_NEED_AUDIO = 4,
    FACTS_NEED_FILES = 8,
    FACTS_NEED_JSON = 16, /* the answer must be JSON, with or without a schema */
};

/* How much of the body is taken. */
enum facts_wanted {
    FACTS_ALL,
    FACTS_BRIEF,    /* until the conversation and whether a stream is asked for are known */
    FACTS_STREAMED, /* the same, but all of it if a stream is asked for */
};

struct facts_at {
    uint32_t off, len;
    uint8_t kind; /* enum gw_json_kind; 0: the member is not there */
    bool cut;     /* only the beginning is kept */
};

/* The conversation: a hash of the first messages, from behind the list's bracket up to and with the
 * first of the user's, as they stand. Later turns begin with the same bytes. */
struct facts_talk {
    struct tally tally; /* of no bytes: there is none */
    uint32_t from, to;  /* where the first messages begin and end; 0: not yet */
    uint8_t list;       /* which list: enum facts_member */
    bool later_turn;    /* there are more, or these are longer than FACTS_TALK_MAX */
    bool done;          /* it is complete, or was not asked for */
};

struct facts {
    struct gw_json_scan scan; /* callers may use `at` and `what`; must stand first */
    struct facts_at at[FACTS_MEMBERS];
    uint32_t twice;                /* members that came more than once, as bits */
    uint8_t needs;                 /* enum facts_need */
    bool has_members, has_options; /* in FACTS_BODY, in FACTS_OPTIONS */
    bool has_stream_options;       /* in FACTS_STREAM_OPTIONS */
    bool has_others;               /* in FACTS_BODY: some that are not known */
    /* Characters of text: in the user's last message (or `prompt`), and in all else. */
    uint64_t prompt_chars, context_chars;
    struct facts_talk talk;

    /* The rest is private to facts.c. */
    uint64_t chars;  /* of text since the last message */
    uint32_t turn;   /* where the message at hand begins */
    uint16_t arrays; /* a bit per level: the value there is an array */
    uint16_t kept;   /* bytes of the string or number at hand */
    uint8_t is;      /* what they are */
    bool by_user;    /* the message at hand is the user's */
    bool behind;     /* MODELS has ended, and no member has begun since */
    uint8_t wanted;  /* enum facts_wanted */
    uint8_t depth;   /* how many values are open */
    uint8_t next;    /* the place that the last name leads to */
    uint16_t model_n, type_n, chain_n;
    /* Of MODEL and MODELS: the brace or comma before the member. */
    uint32_t model_before, models_before;
    uint32_t models_behind; /* the comma behind it; 0: it is the last member */
    /* These are not cleared, and stand last. */
    uint8_t place[FACTS_LEVELS];
    double number[FACTS_NUMBERS];
    char model[FACTS_MODEL_MAX], type[FACTS_TYPE_MAX], word[FACTS_WORD_MAX];
    char chain[FACTS_CHAIN_MAX];
};

/* `talk`: find the conversation. */
void facts_init(struct facts *f, bool talk, enum facts_wanted wanted);
/* 0, or -1 as soon as the body is no JSON: `scan` says why and where. The bytes must be fed without
 * gaps. */
int facts_feed(struct facts *f, struct gw_str bytes);
/* 0 if what was fed is one whole document, else -1. */
int facts_end(struct facts *f);

static inline bool facts_is(const struct facts *f, enum facts_member m, enum gw_json_kind kind) {
    return f->at[m].kind == kind;
}
static inline bool facts_is_number(enum facts_member m) {
    return m >= FACTS_MAX_TOKENS && m <= FACTS_OPTIONS_SEED;
}
/* Of such a member: 0 if it is no number, or of more than FACTS_WORD_MAX characters. */
static inline double facts_number(const struct facts *f, enum facts_member m) {
    bool is_one = facts_is(f, m, GW_JSON_NUMERAL) && !f->at[m].cut;
    return is_one ? f->number[m - FACTS_MAX_TOKENS] : 0;
}
/* Empty if it is no string; of a long one what is kept. */
static inline struct gw_str facts_model(const struct facts *f) {
    return gw_str(f->model, facts_is(f, FACTS_MODEL, GW_JSON_STRING) ? f->model_n : 0);
}
static inline struct gw_str facts_type(const struct facts *f) {
    return gw_str(f->type, facts_is(f, FACTS_TYPE, GW_JSON_STRING) ? f->type_n : 0);
}
/* The names in `models`, each with a line feed behind it. */
static inline struct gw_str facts_chain(const struct facts *f) {
    return gw_str(f->chain, f->chain_n);
}
/* Whether the last message is the user's. */
static inline bool facts_ends_with_user(const struct facts *f) {
    return f->at[FACTS_ASKED].kind != 0 && f->at[FACTS_ASKED].off == f->turn;
}
static inline bool facts_is_twice(const struct facts *f, enum facts_member m) {
    return (f->twice >> m & 1) != 0;
}

#endif
