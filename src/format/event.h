/*
 * What the events of a stream say: server-sent events or JSON lines, in the dialects that are known.
 *
 * An event is whole when it is read: it goes from the first byte behind the last event to the end of
 * its blank line (SSE) or newline (JSON lines), see frame.h. Nothing is copied: what is found is named by where
 * it lies, so that its decoded bytes can be compared and an event can be cut within a string.
 *
 *     dialect     content                                        good end          end mark
 *     openai      choices[].delta (text of completions)           finish_reason     data: [DONE]
 *     anthropic   content_block_start of a tool, _delta           stop_reason       message_stop
 *     ollama      message or response of JSON lines               done: true        the same line
 *
 * A dialect is recognised by the content of an event, never by an address.
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

/* What a piece of content is. Of an ID only the first stream's counts: it differs from one attempt
 * to the next, and is not compared. */
enum event_part {
    PART_TEXT = 1,
    PART_REASONING,
    PART_REFUSAL,
    PART_TYPE, /* of a block */
    PART_ID,
    PART_TOOL_NAME,
    PART_TOOL_ARGUMENTS,
};

enum { EVENT_PIECES = 8, EVENT_CHOICES = 32 };

/* A piece of one channel's content. A channel is a part of a tool (or block) of a choice. */
struct event_piece {
    uint32_t channel;
    struct gw_str raw; /* the inside of a JSON string, as it stands in the event */
    bool whole;        /* not a string but a value: it cannot be cut */
    bool plain;        /* a string that holds what it stands for: nothing is to be decoded */
};

static inline uint32_t event_channel(uint32_t choice, uint32_t tool, enum event_part part) {
    return choice << 16 | tool << 8 | (uint32_t)part;
}
static inline enum event_part event_part_of(uint32_t channel) {
    return (enum event_part)(channel & 0xff);
}
static inline uint32_t event_choice_of(uint32_t channel) {
    return channel >> 16;
}

struct event {
    enum event_is is;
    bool finish;                /* content may come with the finish, and the finish with the end */
    bool end;                   /* nothing comes behind this event */
    bool opaque;                /* it holds content that no piece names */
    uint32_t choices, finished; /* a bit per choice: it is there; it is over */
    uint32_t mark;              /* counts the starts and ends of blocks, from 1; 0: it is none */
    struct gw_str id;           /* of the whole answer, the inside of a JSON string; n == 0: none */
    uint32_t pieces_n;
    struct event_piece piece[EVENT_PIECES];
};

/* Reads one whole event. `*dialect` is set by the first event that shows it; NULL until then. */
void event_read(struct gw_str event, enum framing framing, const struct dialect **dialect,
                struct event *e);

/* Adds a piece of content (nothing if `raw` is empty). For the dialects. */
void event_add(struct event *e, uint32_t channel, struct gw_str raw);

#endif
