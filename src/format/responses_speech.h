/* OpenAI's Responses, translated: what the files of its speech share. */
#ifndef GW_FORMAT_RESPONSES_SPEECH_H
#define GW_FORMAT_RESPONSES_SPEECH_H

#include "format/custom_input.h"
#include "format/responses_kept.h"
#include "format/speech.h"

/* What a summary that stands for a conversation begins with, where its provider's has encrypted content. */
static const struct gw_str responses_compact = GW_STR_INIT("heady-summary:");

/* ---- responses_name.c */
/* A name or an id that any dialect takes: of [a-zA-Z0-9_-], 64 letters at most. What is so already stays; what is
 * too long ends in a sum of it, so that the same becomes the same. */
struct gw_str responses_name_fit(struct gw_arena *arena, struct gw_str raw);
/* The name of a tool in a name space, for who knows no name spaces: SPACE__NAME. */
struct gw_str responses_name_flat(struct gw_arena *arena, struct gw_str space, struct gw_str name);
/* The tool that a model calls by this name; some leave the name space out. NULL: there is none. */
const struct mean_tool *responses_name_tool(const struct mean *asked, struct gw_str name);

/* ---- responses_items.c */
/* An item's members, before it is known what it is; all but the strings are values. */
struct responses_item {
    struct gw_str type, role, call_id, name, space, signature, result; /* raw */
    struct gw_str content, summary, arguments, output, tools, raw;
};
void responses_items_read(struct gw_walk *w, struct responses_item *item);
/* Whether it is an assistant's, and one that others know; then it becomes parts of its turn. */
bool responses_items_are_said(const struct responses_item *item);
void responses_items_said(const struct responses_item *item, struct mean *m, struct mean_turn *t);
/* "input", and a list of tools. */
void responses_items_input(struct gw_walk *w, struct mean *m);
void responses_items_tools(struct gw_str value, struct mean *m);
/* That a summary is asked for, behind all that has been said. */
void responses_items_compact(struct mean *m);
/* The inside of a value that is a string; else nothing. */
struct gw_str responses_items_inside(struct gw_str value);

/* ---- responses_read.c */
void responses_read_request(struct gw_walk *w, struct mean *m);

/* ---- responses_put.c */
void responses_put_request(const struct mean *m, struct gw_str model, struct gw_out *o);
void responses_put_count(const struct mean *m, struct gw_str model, struct gw_out *o);

/* ---- responses_said.c: what has been said, item by item, and the JSON of it */
enum responses_kind {
    RESPONSES_REASONING = 1,
    RESPONSES_MESSAGE,
    RESPONSES_FUNCTION,
    RESPONSES_CUSTOM,
    RESPONSES_SEARCH, /* the client's own search for tools */
    RESPONSES_IMAGE,
    RESPONSES_COMPACTION,
};

/* A text that grows. */
struct responses_piece {
    struct responses_piece *next;
    struct gw_str text;
    size_t max; /* what fits behind this; 0: it is not here */
};
struct responses_text {
    struct responses_piece *first, *last;
};

/* Of a message, or of the summary of what was thought. */
struct responses_part {
    struct responses_part *next;
    bool refusal;
    struct responses_text text, logprobs; /* logprobs: what stands in a list of them */
};

struct responses_said_item {
    struct responses_said_item *next;
    enum responses_kind kind;
    uint32_t index, parts_n;
    uint32_t tool; /* of a stream's call: its number */
    bool open, cut;
    struct gw_str id, signature, call_id, name, space; /* raw */
    struct responses_part *part, *last;
    struct responses_text
        args; /* of a call; of an image: its bytes; of a compaction: the summary */
    struct custom_input input;
};

struct responses_said {
    struct gw_arena *arena;
    size_t taken, max; /* bytes of the arena */
    bool full;
    struct responses_said_item *first, *last;
    uint32_t items;
    uint64_t seed;
    struct gw_buf json, input;        /* one piece of arguments, and what it brings */
    struct responses_said_item spare; /* what stands in for one that did not fit */
    struct responses_part spare_part;
};

void responses_said_init(struct responses_said *said, struct gw_arena *arena, uint64_t seed,
                         size_t max);
struct responses_said_item *responses_said_add(struct responses_said *said,
                                               enum responses_kind kind);
/* A call of a tool by the name that a model calls it by. */
struct responses_said_item *responses_said_call(struct responses_said *said,
                                                const struct mean *asked, struct gw_str call_id,
                                                struct gw_str name);
struct responses_part *responses_said_part(struct responses_said *said,
                                           struct responses_said_item *item, bool refusal);
/* Adds a raw text: a copy, or where it is. */
void responses_said_text(struct responses_said *said, struct responses_text *to, struct gw_str raw);
void responses_said_borrow(struct responses_said *said, struct responses_text *to,
                           struct gw_str raw);
/* Adds arguments of a call: a raw string, or a JSON value. Returns what of it is to be shown now, raw, until the next
 * call of this. */
struct gw_str responses_said_args(struct responses_said *said, struct responses_said_item *item,
                                  struct gw_str raw, bool value);
/* Adds to the summary that is all there is of an answer. */
void responses_said_summary(struct responses_said *said, struct gw_str raw);
/* Log probabilities, in any of OpenAI's forms: adds them. */
void responses_said_logprobs(struct responses_said *said, struct responses_part *part,
                             struct gw_str value);
void responses_said_put_text(struct gw_out *o, const struct responses_text *text);
/* A value as it stands, on one line. */
void responses_said_put_value(struct gw_out *o, struct gw_str json);
void responses_said_put_list(struct gw_out *o, const struct responses_text *items);
/* `part`: NULL, if it has just begun. */
void responses_said_put_part(struct gw_out *o, const struct responses_part *part, const char *type);
const char *responses_said_type(const struct responses_said_item *item,
                                const struct responses_part *part);
/* The item as it is, or as it begins. */
void responses_said_put_item(struct gw_out *o, const struct responses_said_item *item, bool begins);

/* ---- responses_say.c: the whole answer */
struct responses_state {
    struct gw_str id, model; /* raw */
    uint64_t created;
    bool over;
    enum event_why why;
    const struct mean *asked;
    const struct usage *usage;
    const struct responses_said *said;
};
void responses_say_put(struct gw_out *o, const struct responses_state *state);
/* What keeps it from being complete; NULL: nothing. */
const char *responses_say_reason(const struct responses_state *state);
void responses_say_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b);

/* ---- responses_stream.c */
void responses_stream_begin(struct mean_stream *s, struct gw_buf *b);
void responses_stream_step(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b);
void responses_stream_end(struct mean_stream *s, struct gw_buf *b);
/* The answer of a stream that has ended, whole. */
void responses_stream_put(const struct mean_stream *s, struct gw_out *o);

#endif
