/*
 * What the events of a stream say, in any of the known dialects.
 *
 * An event is read once it is complete (frame.h). Nothing is copied: the results are slices of the event,
 * so that their decoded bytes can be compared and an event can be cut within a string.
 *
 *     dialect     content                                        good end          end mark
 *     openai      choices[].delta (text of completions)           finish_reason     data: [DONE]
 *     anthropic   content_block_start of a tool, _delta           stop_reason       message_stop
 *     responses   response.*.delta, a call's output_item.added    response.completed, response.incomplete: the same
 *     ollama      message or response of JSON lines               done: true        the same line
 *     gemini      candidates[].content.parts                      finishReason      none
 *     bedrock     delta and start of blocks; bytes                stopReason        usage
 *
 * A dialect is recognised by the content of an event, never by an address.
 *
 * Channels. A piece of content belongs to a channel: a choice, a block of it, a part. The numbers are
 * canonical, so that a stream in one dialect can be compared with one in another, channel by channel:
 *
 *     part                             block
 *     text, reasoning, refusal         0: it is one text, in however many blocks it came
 *     tool id, tool name, arguments    the tool's number among the tools of the choice, from 0
 *     type, signature, redacted        the place of a block or an item in the answer; Gemini has no places,
 *                                      but only signatures: their number in the choice
 *
 * Answers of Anthropic's and of Responses are choice 0. Its index counts blocks of every kind and is used for the last row only.
 * Types, signatures, what is redacted and the ids of tools mean nothing to another server and are not compared between dialects
 * (event_is_common).
 *
 * Usage, log probabilities and the finish reason are noted as slices; event_usage and event_why parse them
 * on demand, so that streams which are only passed on do not pay for it.
 */
#ifndef GW_FORMAT_EVENT_H
#define GW_FORMAT_EVENT_H

#include "base/json_walk.h"
#include "format/dialect.h"
#include "format/usage.h"

enum event_is {
    EVENT_PING,      /* a comment, an event without data, a dialect's own ping */
    EVENT_PREAMBLE,  /* no content: a role, a block's start or end, usage */
    EVENT_CONTENT,   /* generated content */
    EVENT_FINISH,    /* says why generating ended; no content */
    EVENT_END,       /* the dialect's end mark */
    EVENT_ERROR,     /* the stream failed at its source */
    EVENT_MALFORMED, /* not JSON, in a dialect that is */
    EVENT_STRANGE,   /* of no known dialect, or of another one than the stream's */
};

/* What a piece of content is. */
enum event_part {
    PART_TEXT = 1,
    PART_REASONING,
    PART_REFUSAL,
    PART_TYPE,      /* of a block */
    PART_SIGNATURE, /* of reasoning */
    PART_REDACTED,  /* reasoning that only its server can read; comes whole */
    PART_ID,        /* of a tool call, as are those below */
    PART_TOOL_NAME,
    PART_TOOL_ARGUMENTS,
};

enum { EVENT_PIECES = 64, EVENT_CHOICES = 32, EVENT_IDS = 32, EVENT_BLOCKS = 64 };

/* An id of a part of the answer: attempts differ in it, and the client keeps the first one's. */
struct event_id {
    uint32_t kind;     /* ids of one kind come in the same order in every attempt */
    struct gw_str raw; /* the inside of a JSON string */
};

struct event_piece {
    uint32_t channel;
    struct gw_str raw; /* the inside of a JSON string, as it stands in the event */
    bool whole;        /* taken as it stands, escapes included; it cannot be cut */
    bool plain;        /* a string without escapes: it needs no decoding */
};

static inline uint32_t event_channel(uint32_t choice, uint32_t block, enum event_part part) {
    return choice << 16 | block << 8 | (uint32_t)part;
}
static inline enum event_part event_part_of(uint32_t channel) {
    return (enum event_part)(channel & 0xff);
}
static inline uint32_t event_block_of(uint32_t channel) {
    return channel >> 8 & 0xff;
}
static inline uint32_t event_choice_of(uint32_t channel) {
    return channel >> 16;
}
/* An opaque token: attempts may differ in it, and the client keeps the first one's. */
static inline bool event_is_token(uint32_t channel) {
    enum event_part part = event_part_of(channel);
    return part >= PART_SIGNATURE && part <= PART_ID;
}
/* Whether it can be compared between dialects. */
static inline bool event_is_common(uint32_t channel) {
    return event_part_of(channel) != PART_TYPE && !event_is_token(channel);
}

/* Why generating ended. */
enum event_why {
    WHY_UNTOLD = 0,
    WHY_STOP,   /* it was complete, or a stop sequence came */
    WHY_LENGTH, /* a limit of tokens */
    WHY_TOOL,   /* a tool is to be called */
    WHY_FILTER, /* refused, or filtered */
    WHY_PAUSE,  /* the client is to ask again */
    WHY_OTHER,  /* a word that the dialect does not list */
};

_Static_assert((int)DIALECT_WHYS == (int)WHY_OTHER, "the words of a dialect");

struct event {
    enum event_is is;
    bool finish;                /* a choice is over; the event may hold content as well */
    bool end;                   /* this is the last event */
    bool opaque;                /* it holds content that no piece covers */
    uint32_t choices, finished; /* a bit per choice: mentioned here; over */
    uint32_t mark;       /* number of this start or end of a block, from 1; 0: it is neither */
    uint32_t within;     /* mark of the start of the block that this belongs to; 0: none */
    uint64_t tools;      /* private to the dialect: the tools that the attempt has called so far */
    struct gw_str id;    /* of the whole answer, the inside of a JSON string; n == 0: none */
    struct gw_str role;  /* likewise */
    struct gw_str why;   /* likewise, of the last choice that is over: see event_why */
    struct gw_str stop;  /* likewise, the sequence that stopped it; n == 0: it is not told */
    struct gw_str usage; /* the JSON value that holds it: see event_usage */
    struct gw_str logprobs; /* the JSON value of the last choice that has one */
    struct gw_str
        sequence; /* the event's number in its stream, as it stands; n == 0: it has none */
    uint32_t pieces_n, ids_n;
    struct event_piece piece[EVENT_PIECES];
    struct event_id ids[EVENT_IDS]; /* of parts of the answer, wherever they stand */
};

/* The state that the reading of a stream keeps between events; zeroed at the start of each attempt but
 * for the dialect, which a stream keeps. */
struct event_source {
    const struct dialect *dialect; /* NULL until an event has shown it */
    uint64_t tools;                /* see struct event */
};

/* Reads one complete event. */
void event_read(struct gw_str event, enum framing framing, struct event_source *source,
                struct event *e);

/* For a translator. `d` is the event's dialect. */
enum event_why event_why(const struct dialect *d, const struct event *e);
/* What a word of that dialect means; empty: UNTOLD. */
enum event_why event_why_of(const struct dialect *d, struct gw_str word);

/* Merges what the event reports into `u`, which is zeroed before the first event: see usage_merge. */
void event_usage(const struct dialect *d, const struct event *e, struct usage *u);

/* The JSON of an event of that dialect, or of an error that came as one. */
struct gw_str event_json(const struct dialect *d, struct gw_str event);
/* The name of the model in an event of that dialect, the inside of a JSON string; n == 0: it has none. */
struct gw_str event_model(const struct dialect *d, struct gw_str event);
/* How many bytes of content it has. */
uint64_t event_bytes(const struct event *e);

/* For the dialects. Adds a piece of content (nothing if `raw` is empty). */
void event_add(struct event *e, uint32_t channel, struct gw_str raw);
/* Adds an id (nothing if `raw` is empty). */
void event_add_id(struct event *e, uint32_t kind, struct gw_str raw);
/* All pieces are of the block of this index, whose kind is not told by it: then event.tools has a bit for each
 * block of a tool. From EVENT_BLOCKS on nothing is done. */
void event_place(struct event *e, uint32_t index);
/* Takes the next value and returns its text; empty for null, or on a fault. */
struct gw_str event_value(struct gw_walk *w);
/* Likewise; empty for a list of nothing, too. */
struct gw_str event_list(struct gw_walk *w);
/* What it is, by what was found in it; for dialects whose events do not say it by a type. */
void event_settle(struct event *e, bool failed);

#endif
