/*
 * What the events of a stream say: server-sent events or JSON lines, in the dialects that are known.
 *
 * An event is read when it is whole: it goes from the byte behind the last event to the end of its blank
 * line (SSE) or newline (JSON lines), see frame.h. Nothing is copied. What is found is named by where it
 * lies, so that its decoded bytes can be compared and an event can be cut within a string.
 *
 *     dialect     content                                        good end          end mark
 *     openai      choices[].delta (text of completions)           finish_reason     data: [DONE]
 *     anthropic   content_block_start of a tool, _delta           stop_reason       message_stop
 *     ollama      message or response of JSON lines               done: true        the same line
 *
 * A dialect is recognised by the content of an event, never by an address.
 *
 * Channels. A piece of content belongs to a channel: a choice, a block of it, a part. The numbers are
 * canonical, so that a stream in one dialect can be compared with one in another, channel by channel:
 *
 *     part                             block
 *     text, reasoning, refusal         0: what a choice says runs on, in whatever blocks it came
 *     tool id, tool name, arguments    the tool's number among the tools of the choice, from 0
 *     type, signature, redacted        the block's place in the answer: Anthropic's alone
 *
 * Anthropic has one choice, 0. Its index counts blocks of all kinds, and is not a channel's number but
 * for the last row. Those parts, and the ids of tools, mean nothing to another server: they are not
 * compared between dialects (event_is_common).
 *
 * Only what every event needs is read at once. Usage, log probabilities and the reason of the finish are
 * kept as slices; event_usage and event_why make values of them for whoever wants them.
 */
#ifndef GW_FORMAT_EVENT_H
#define GW_FORMAT_EVENT_H

#include "base/json_walk.h"
#include "format/dialect.h"

enum event_is {
    EVENT_PING,      /* a comment, an event without data, a dialect's own ping */
    EVENT_PREAMBLE,  /* before the content, or beside it: a role, a block's start, usage */
    EVENT_CONTENT,   /* something that was generated */
    EVENT_FINISH,    /* says why generating ended; no content */
    EVENT_END,       /* the dialect's end mark */
    EVENT_ERROR,     /* the stream failed at its source */
    EVENT_MALFORMED, /* not JSON, in a dialect that is */
    EVENT_STRANGE,   /* of no known dialect, or not of the one that this stream has */
};

/* What a piece of content is. */
enum event_part {
    PART_TEXT = 1,
    PART_REASONING,
    PART_REFUSAL,
    PART_TYPE,      /* of a block */
    PART_SIGNATURE, /* of reasoning */
    PART_REDACTED,  /* reasoning that only its server can read; comes whole */
    PART_ID,        /* of a tool's call, as are all that follow */
    PART_TOOL_NAME,
    PART_TOOL_ARGUMENTS,
};

enum { EVENT_PIECES = 16, EVENT_CHOICES = 32 };

struct event_piece {
    uint32_t channel;
    struct gw_str raw; /* the inside of a JSON string, as it stands in the event */
    bool whole;        /* not a string but a value: it cannot be cut */
    bool plain;        /* a string that holds what it stands for: nothing is to be decoded */
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
/* Whether two attempts may differ in it: the client keeps what the first one said. */
static inline bool event_is_token(uint32_t channel) {
    enum event_part part = event_part_of(channel);
    return part >= PART_SIGNATURE && part <= PART_ID;
}
/* Whether every dialect has it. */
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
    bool finish;                /* content may come with the finish, and the finish with the end */
    bool end;                   /* nothing comes behind this event */
    bool opaque;                /* it holds content that no piece names */
    uint32_t choices, finished; /* a bit per choice: it is there; it is over */
    uint32_t mark;              /* counts the starts and ends of blocks, from 1; 0: it is none */
    uint32_t within;            /* the mark at which the block of this content began; 0: no block */
    uint64_t tools;         /* the dialect's own note of the tools that the attempt has called */
    struct gw_str id;       /* of the whole answer, the inside of a JSON string; n == 0: none */
    struct gw_str role;     /* likewise */
    struct gw_str why;      /* likewise, of the last choice in it that is over: see event_why */
    struct gw_str usage;    /* the JSON value that holds it: see event_usage */
    struct gw_str logprobs; /* the JSON value, of the last choice in it that has one */
    uint32_t pieces_n;
    struct event_piece piece[EVENT_PIECES];
};

/* What is known of an attempt's stream. All zero before its first event. */
struct event_source {
    const struct dialect *dialect; /* set by the first event that shows it */
    uint64_t tools;                /* see struct event */
};

/* Reads one whole event. */
void event_read(struct gw_str event, enum framing framing, struct event_source *source,
                struct event *e);

/* For a translator. `d` is the event's dialect. */
enum event_why event_why(const struct dialect *d, const struct event *e);

struct event_usage {
    uint32_t present; /* a bit per number */
    uint64_t n[USAGE_N];
};

/* Adds what the event says to `u`, zeroed before the stream; what is told later replaces what was told.
 * The input is all of it: what was read from a cache or written to one is counted in it. */
void event_usage(const struct dialect *d, const struct event *e, struct event_usage *u);

/* For the dialects. Adds a piece of content (nothing if `raw` is empty). */
void event_add(struct event *e, uint32_t channel, struct gw_str raw);
/* Takes the next value as it stands; empty for null, or at a fault. */
struct gw_str event_value(struct gw_walk *w);

#endif
