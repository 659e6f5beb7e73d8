/*
 * What a request or an answer means, in no dialect: what translation goes through. Each dialect reads into it and
 * writes from it (speech.h), so there are n translators and not n times n.
 *
 * Nothing is copied. A text is a slice of what came, "raw": the inside of a JSON string as it stands, escapes
 * included, so that it can be written into another JSON string as it is. A "value" is a slice that is a whole JSON
 * value: a number, an object, `true`. Both are empty (n == 0) where nothing was said. What came must stay where it is for as
 * long as its meaning is used. All else is in the arena; if that is full, `full` is set, and what did not fit is lost: so
 * it is looked at once, at the end.
 *
 * Turns are canonical: results of tools are parts of a user's turn; calls of tools, and what a model has thought,
 * are parts of an assistant's. Two turns in a row may be of the same role.
 */
#ifndef GW_FORMAT_MEANING_H
#define GW_FORMAT_MEANING_H

#include "base/arena.h"
#include "base/json_out.h"
#include "format/event.h"
#include "format/feature.h"
#include "format/seal.h"

/* ------------------------------------------------------------------ parts */

enum mean_role { MEAN_SYSTEM = 1, MEAN_USER, MEAN_ASSISTANT };

enum mean_kind {
    MEAN_TEXT = 1,
    MEAN_REFUSAL,   /* text */
    MEAN_REASONING, /* text, signature; hidden: signature alone, which only its server can read */
    MEAN_IMAGE,     /* data and media, or url, or file */
    MEAN_AUDIO,     /* likewise */
    MEAN_FILE,      /* likewise, or text; with a name */
    MEAN_CALL,      /* id, name, args; signature */
    MEAN_RESULT,    /* id of the call, parts, name; failed */
    MEAN_OTHER,     /* of a kind that has no counterpart: raw alone */
};

struct mean_part {
    struct mean_part *next;
    enum mean_kind kind;
    bool hidden; /* see MEAN_REASONING */
    bool failed; /* the tool did */
    bool
        args_is_text; /* `args` is the raw string that holds the arguments, and not their JSON value */
    bool custom;      /* a call of a custom tool: its one argument is a text, `args` */
    struct gw_str text;
    struct gw_str signature; /* raw */
    const struct dialect
        *signer; /* in a request: whose `own` is, the signature that came (seal.h) */
    struct gw_str own;
    struct gw_str media, data, url, file, name, detail;
    struct gw_str id, args, space; /* space: the name space of the tool's name, ... */
    struct gw_str bare;            /* ... and what it is called in that: see struct mean_tool */
    struct mean_part *parts;       /* of a result */
    struct mean_part *parts_last;  /* mean_add_inner's own */
    struct gw_str cache;           /* the value of its cache mark */
    struct gw_str raw;             /* the value that it came as */
};

struct mean_turn {
    struct mean_turn *next;
    enum mean_role role;
    struct mean_part *parts, *last;
    struct gw_str name; /* of who speaks */
};

/* ------------------------------------------------------------------ tools */

enum mean_tool_kind {
    MEAN_FUNCTION = 1,
    MEAN_CUSTOM, /* takes a text, perhaps of a grammar: `format` */
    MEAN_SERVED, /* the provider's own, such as a search: raw alone */
};

struct mean_tool {
    struct mean_tool *next;
    enum mean_tool_kind kind;
    struct gw_str name, description; /* raw */
    /* raw: the name space that it is in, and its own name there; `name` is one for who knows no name spaces */
    struct gw_str space, space_about, bare;
    struct gw_str schema, strict, format, cache, raw; /* values */
    bool deferred; /* not to be shown before it has been searched for */
    bool searches; /* it is the client's own search for tools */
};

enum mean_pick {
    MEAN_PICK_UNSAID = 0,
    MEAN_PICK_AUTO,
    MEAN_PICK_NONE,
    MEAN_PICK_ANY,
    MEAN_PICK_ONE
};

/* ------------------------------------------------------------------ embeddings */

/* Texts of a request, raw; or the vectors of its answer, each a value: a list of numbers. */
struct mean_item {
    struct mean_item *next;
    struct gw_str said;
    uint64_t at; /* its place among them */
};

struct mean_list {
    struct mean_item *first, *last;
    uint32_t n;
};

enum { MEAN_TEXTS = 2048 }; /* of one request: as many as OpenAI takes */

/* What is asked for in the place of an answer to turns: see embed.h. */
struct mean_embeds {
    struct mean_list texts;
    struct gw_str dimensions;    /* value: how many numbers a vector is to have */
    struct gw_str task, purpose; /* raw: what they are for, in Google's words and in Cohere's */
    struct gw_str truncate;      /* value: whether a text that is too long is cut */
    struct gw_str format, types; /* raw, value: of the numbers, as OpenAI and Bedrock name that */
    struct gw_str title, normalize; /* raw, value */
    /* Of the client's answer: numbers come as base64 of their bytes; it holds one vector, and no list; vectors
     * stand in it by the type of their numbers. */
    bool base64, one, typed;
    bool differ;     /* one of a batch wants something else than another */
    uint32_t wishes; /* of that one: a bit per kind of member */
};

/* ------------------------------------------------------------------ the request */

enum mean_form { MEAN_FORM_TEXT = 0, MEAN_FORM_JSON, MEAN_FORM_SCHEMA };

/* How much is to be thought, from nothing to most. */
enum mean_effort {
    MEAN_EFFORT_UNSAID = 0,
    MEAN_EFFORT_NONE,
    MEAN_EFFORT_MINIMAL,
    MEAN_EFFORT_LOW,
    MEAN_EFFORT_MEDIUM,
    MEAN_EFFORT_HIGH,
    MEAN_EFFORT_XHIGH,
    MEAN_EFFORT_MAX,
};

/* Parts: some lists of them are searched for each of them. */
enum { MEAN_STOPS = 16, MEAN_PARTS = 8192 };

struct mean {
    struct gw_arena *arena;
    bool full; /* the arena is */
    bool
        bad; /* it is not what its dialect calls a request (or an answer): `wrong` says what is wrong */
    const char *wrong;
    uint64_t uses; /* a bit per enum feature that it uses */
    uint32_t parts_n;
    struct mean_turn *turns, *last;
    struct mean_tool *tools, *tools_last;
    enum mean_pick pick;
    struct gw_str pick_name; /* raw; of MEAN_PICK_ONE */
    struct gw_str parallel;  /* value: whether several tools may be called at once */
    /* Of the target, before each writing: it is like OpenAI's server, and not OpenAI's own; what its model cannot, and
     * how many tokens that answers with (capability.h). */
    bool alike;
    uint64_t lacks, output;
    bool stream, stream_said, wants_usage;
    bool list; /* a stream is to be a list of JSON, in pieces, and no events */
    struct gw_str max_tokens, temperature, top_p, top_k, seed, n;          /* values */
    struct gw_str frequency, presence, logit_bias, logprobs, top_logprobs; /* values */
    struct gw_str stop[MEAN_STOPS];                                        /* raw */
    uint32_t stops;
    enum mean_form form;
    struct gw_str form_name, form_about;    /* raw */
    struct gw_str form_schema, form_strict; /* values */
    enum mean_effort effort;
    struct gw_str budget;                /* value: tokens that may be thought */
    bool shows_thoughts;                 /* the client wants to see them */
    struct gw_str user, tier, verbosity; /* raw */
    struct gw_str metadata, cache;       /* values; cache: a mark of the whole request */
    struct gw_str previous;              /* raw: the answer that this one follows */
    struct gw_str store;                 /* value */
    /* A prompt stands in the place of messages, and the answer is a text: /v1/completions, /api/generate. */
    bool bare;
    /* Responses: a summary of all this is asked for, to go on with in its place; alone: at a path of its own, which
     * answers nothing but the summary. */
    bool compacts, compacts_alone;
    struct gw_str unknown; /* the first member that nobody knows, its name */
    const char
        *other; /* the member that FEATURE_OTHER is of; NULL: the one that the speech names */
    /* What Responses tells its client again: values, as they came. */
    struct {
        struct gw_str tools, choice, format, summary, instructions, truncation, calls, cache_key,
            safety;
    } said;
    struct mean_embeds embeds;
    struct mean_part spare; /* what stands in for a part that did not fit */
    struct mean_turn spare_turn;
    struct mean_tool spare_tool;
};

/* ------------------------------------------------------------------ the answer */

struct mean_choice {
    struct mean_choice *next;
    uint32_t index;
    struct mean_turn turn;
    enum event_why why;
    struct gw_str stop;     /* raw: the sequence that stopped it */
    struct gw_str logprobs; /* value, in OpenAI's form */
};

struct mean_answer {
    struct mean mean;        /* its arena, and whether it was full or bad */
    struct gw_str id, model; /* raw */
    uint64_t created, seed;  /* s; what ids are made of. The caller's, before it is read */
    struct mean_choice *choices, *last;
    struct mean_list vectors; /* of embeddings */
    struct usage usage;
    struct mean_choice spare;
};

/* ------------------------------------------------------------------ the answer, piece by piece */

enum mean_step_kind {
    MEAN_STEP_TEXT = 1,
    MEAN_STEP_REASONING,
    MEAN_STEP_REFUSAL,
    MEAN_STEP_SIGNATURE, /* of what came before it, unless that is a call */
    MEAN_STEP_HIDDEN,    /* reasoning that only its server can read */
    MEAN_STEP_CALL,      /* a call begins: id, name */
    MEAN_STEP_ARGS,      /* of the call that began last in this choice with this tool's number */
};

struct mean_step {
    enum mean_step_kind kind;
    uint32_t choice, tool;
    struct gw_str raw;      /* the inside of a JSON string; ... */
    bool value;             /* ... or a JSON value, whole (arguments alone) */
    struct gw_str id, name; /* raw, as is the signature: of a call */
    struct gw_str signature;
};

enum { MEAN_CALLS = 64, MEAN_ID_MAX = 64, MEAN_ID_LETTERS = 24 };

/* What a client has been told of an answer that is written step by step. */
struct mean_stream {
    struct gw_arena *arena;
    const struct dialect *in, *out; /* the target's dialect, the client's */
    const struct mean *asked;       /* what the client has asked for */
    const struct seal *seal;        /* for signatures; NULL: they go out as they came */
    struct gw_str id, model;        /* raw */
    uint64_t created, seed;         /* s; what ids are made of */
    bool wants_usage;               /* OpenAI's clients say so */
    bool begun, over, full;
    bool hides;                 /* since it has begun: thoughts are not told (speech.h) */
    uint8_t why[EVENT_CHOICES]; /* enum event_why of each choice that is over */
    struct gw_str stop;         /* raw: the sequence that stopped the first one; n == 0: none */
    uint32_t choices;           /* a bit per choice that has said something */
    struct usage usage;
    struct gw_str
        logprobs; /* value: of the event at hand, in OpenAI's form, or the list in that alone */
    struct gw_buf probs; /* where that is, if it came in another */
    /* Calls whose id or name, or both, have come; see steps.c. */
    struct {
        uint32_t key, choice;
        bool told, args; /* it has been told; some of its arguments have */
        struct gw_str id, name, signature;
    } call[MEAN_CALLS];
    uint32_t calls, called; /* called: a bit per choice that has called a tool */
    /* The writer's own. */
    uint32_t block, blocks; /* the block that is open, and how many have begun */
    uint32_t open;          /* what kind it is: enum mean_step_kind; 0: none is */
    uint32_t sequence;      /* the number of the next event */
    uint32_t told;          /* a bit per choice whose role has been told */
    void *own;              /* anything else */
};

/* What stands before the next item of a stream that is a list, `blocks` of which have been told. */
static inline struct gw_str mean_lead_item(const struct mean_stream *s) {
    return s->blocks > 0 ? GW_STR(",\r\n") : GW_STR("[");
}

/* ------------------------------------------------------------------ for the readers */

/* They give what can be filled in, always: what did not fit is a spare. */
struct mean_turn *mean_add_turn(struct mean *m, enum mean_role role);
/* What was added behind `last`, which was the last one then, comes first. */
void mean_lead(struct mean *m, struct mean_turn *last);
struct mean_part *mean_add_part(struct mean *m, struct mean_turn *t, enum mean_kind kind);
struct mean_part *mean_add_inner(struct mean *m, struct mean_part *result, enum mean_kind kind);
struct mean_tool *mean_add_tool(struct mean *m, enum mean_tool_kind kind);
struct mean_choice *mean_add_choice(struct mean_answer *a, uint32_t index);
/* Adds one, at its place among them; `m` is whose list it is. Of more than MEAN_TEXTS it says that they are wrong. */
void mean_add_item(struct mean *m, struct mean_list *list, struct gw_str said, uint64_t at);
static inline void mean_use(struct mean *m, enum feature feature) {
    m->uses |= 1ULL << feature;
}
/* Whether the model of the target can do this. */
static inline bool mean_can(const struct mean *m, enum feature feature) {
    return (m->lacks >> feature & 1) == 0;
}
/* It is no request of its dialect: a sentence fragment says why. The first one counts. */
void mean_wrong(struct mean *m, const char *wrong);
/* The raw string, or empty if the value is something else. */
struct gw_str mean_raw(struct gw_walk *w);
/* A value as it stands; empty for null. */
struct gw_str mean_value(struct gw_walk *w);
/* The value of a member of this object, of two the last one; empty if there is none, or it is none. */
struct gw_str mean_member_of(struct gw_str object, struct gw_str member);
bool mean_true(struct gw_walk *w);
/* The number, or 0. */
uint64_t mean_number(struct gw_walk *w);
/* What went wrong, in an error's body of any dialect; raw. */
struct mean_error {
    struct gw_str message, code;
};
void mean_read_error(struct gw_walk *w, struct mean_error *e);
/* The beginning of its message, at most `most` bytes, where the body is not whole; raw; or empty. */
struct gw_str mean_torn_error(struct gw_str body, size_t most);
/* What an answer of this dialect says of its cost, by the value of its usage. */
void mean_read_usage(struct mean_answer *a, const struct dialect *d, struct gw_str value);
/* Members of a request that are kept as they stand, and the feature that each is. */
struct mean_member {
    const char *name;
    size_t at; /* of the struct gw_str in struct mean */
    enum feature feature;
    bool raw; /* a raw string, else a value */
};
#define MEAN_VALUE(name, member, feature)                                                          \
    {name, offsetof(struct mean, member), FEATURE_##feature, false}
#define MEAN_RAW(name, member, feature)                                                            \
    {name, offsetof(struct mean, member), FEATURE_##feature, true}
/* Takes the next value if the name is in the table. A null is nothing. */
bool mean_take(struct mean *m, struct gw_walk *w, struct gw_str name,
               const struct mean_member *table, size_t n);
/* Members of any object that are kept as they stand, and where. */
struct mean_field {
    const char *name;
    size_t at; /* of a struct gw_str in what is filled */
    bool raw;  /* a raw string, else a value */
};
/* All of them empty: of many members this is smaller than an initializer. */
void mean_clear_fields(const struct mean_field *table, size_t n, void *to);
/* Reads an object into the slices of `to`. What is not in the table is skipped. */
void mean_read_fields(struct gw_walk *w, const struct mean_field *table, size_t n, void *to);
#define MEAN_READ(w, table, to) mean_read_fields(w, table, sizeof(table) / sizeof *(table), to)
static inline struct gw_walk mean_walk(struct gw_str value) {
    struct gw_walk w;
    gw_walk_init(&w, value);
    return w;
}
/* A line behind others, raw; and a text as one, or all texts of a list of objects that have a "text". */
void mean_put_line(struct gw_buf *b, struct gw_str raw);
void mean_put_lines(struct gw_buf *b, struct gw_str value);
/* What a buffer of the arena holds, which must not be full. */
struct gw_str mean_made(struct mean *m, const struct gw_buf *b);
/* These lines, in the arena. */
struct gw_str mean_joined(struct mean *m, struct gw_str value);
/* Whether it is one whole JSON object. */
bool mean_is_object(struct gw_str json);
/* A member that nobody here knows: noted and skipped. Null is passed over. */
void mean_unknown(struct mean *m, struct gw_walk *w, struct gw_str name);
/* "stop": one string or several. */
void mean_read_stops(struct mean *m, struct gw_walk *w);
/* A document has bytes: what it uses. Those that are text become that, which every dialect has words for. */
void mean_use_file(struct mean *m, struct mean_part *p);
/* "data:image/png;base64,..." is taken apart; other URLs are kept as they are. */
void mean_set_url(struct mean_part *p, struct gw_str url);
/* The effort that a word names; UNSAID if none. And the word for it. */
enum mean_effort mean_effort_of(struct gw_str word);
const char *mean_effort_word(enum mean_effort effort);
/* Which effort so many tokens of thought are, and the other way round. */
enum mean_effort mean_effort_of_budget(uint64_t budget);
uint64_t mean_budget_of(enum mean_effort effort);

/* ------------------------------------------------------------------ for the writers */

/* The arguments of a call as a JSON object: those that are none stand in one. */
void mean_put_args(const struct mean_part *call, struct gw_arena *arena, struct gw_out *o);
/* The arguments as a string that holds them. */
void mean_put_args_text(const struct mean_part *call, struct gw_out *o);
/* "description": what a tool does; of one that takes a text of a grammar, that too. Nothing if nothing is said. */
void mean_put_about(const struct mean_tool *t, struct gw_out *o);
/* Whether OpenAI's servers take a schema as one that is followed to the letter: all members of its objects are required,
 * and there are no others. */
bool mean_is_strict(struct gw_str schema);
/* Those that were said, and that the target's model can: as they stand, by these names. */
struct mean_given {
    const char *name;
    struct gw_str value;
    enum feature feature;
};
void mean_put_given(const struct mean *m, const struct mean_given *given, size_t n,
                    struct gw_out *o);
/* An integer value as a number; 0 if it is none. */
uint64_t mean_u64(struct gw_str value);
/* Whether a value is there and says so. */
static inline bool mean_is_true(struct gw_str value) {
    return gw_str_eq(value, GW_STR("true"));
}
/* All the text of these parts as one string, with `between` between them. */
void mean_put_texts(const struct mean_part *parts, const char *between, struct gw_out *o);
/* Makes one line of JSON from this byte on. What breaks lines stands between its tokens. */
void mean_join_lines(struct gw_buf *json, size_t from);
/* Whether a document has bytes that are PDF, or may be. */
bool mean_is_pdf(const struct mean_part *p);
/* Whether it is some text; a document of text alone is. */
bool mean_is_text(const struct mean_part *p);
bool mean_has(const struct mean_part *parts, enum mean_kind kind);
/* Whether somebody but the system has spoken. */
bool mean_has_talk(const struct mean *m);
/* The tool of that name; NULL: none is. */
const struct mean_tool *mean_tool(const struct mean *m, struct gw_str name);
/* The name of the tool that the call with this id called; empty: nobody has. */
struct gw_str mean_name_of_call(const struct mean *m, struct gw_str id);
/* Log probabilities in OpenAI's form, of their list; and the items of that, in either form, without its brackets. */
struct gw_str mean_logprobs(struct gw_str list, struct gw_arena *arena);
struct gw_str mean_logprobs_items(struct gw_str value);
/* A name or an id of another server, in letters, digits, "_" and "-" and at most `most` of them (16 or more). What
 * does not fit becomes the same one always, so that a call and its result still meet. */
struct gw_str mean_fit(struct gw_arena *arena, struct gw_str raw, size_t most);
/* How long the names of tools may be at most servers, and at Anthropic's. */
enum { MEAN_NAME = 64, MEAN_LONG_NAME = 128 };
/* The tool that a target was told of by this name, which may have been made to fit: what its client calls it. And that
 * for all calls of an answer. */
struct gw_str mean_own_name(const struct mean *asked, struct gw_arena *arena, struct gw_str name);
void mean_own_names(struct mean_answer *a, const struct mean *asked);
/* Whether a raw string is nothing but white space. */
bool mean_is_blank(struct gw_str raw);
/* Why an answer ended: a model that says that it refuses has not ended its turn like any other. */
enum event_why mean_why(enum event_why why, bool refused);
/* The stop sequences as a list, if there are any. `blanks`: those that are nothing but white space, too. */
void mean_put_stops(const struct mean *m, const char *name, bool blanks, struct gw_out *o);
/* Whether there are tools that the client calls. */
bool mean_has_tools(const struct mean *m);
/* A made-up id: a prefix and 24 letters, in the arena. */
struct gw_str mean_make_id(struct gw_arena *arena, const char *prefix, uint64_t seed, uint64_t n);
/* Input tokens as OpenAI counts them (all of them), and without what was read from and written to a cache. */
uint64_t mean_input_rest(const struct usage *u);

#endif
