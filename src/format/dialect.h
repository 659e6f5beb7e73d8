/*
 * A dialect is a protocol that clients and targets speak: it turns bytes into meaning, and back.
 *
 * A dialect is not a provider, which is a place: see providers.h. Several providers speak one dialect.
 *
 * To add a dialect:
 *   1. Write src/format/NAME.c. It defines `const struct dialect dialect_NAME`, as declared below.
 *   2. Add the line DIALECT(NAME) to src/format/dialects.h, in the place that its comment asks for.
 * Besides, the table of providers knows dialects by name, responses.c uses openai's errors, and the question
 * of call/prefix.c is openai's. tests/toy takes these two steps in a build of its own and tests the
 * result. A dialect's events are tested in tests/unit/test_event.c, its answers in tests/traces.
 *
 * What each member is for:
 *   on the way in    framing, read, model, usage, why, bare_end: where events end, and what they say
 *   on the way out   keep_alive, end, error_head, error_tail, put_error_head, put_error: what the gateway
 *                    itself sends
 *   of a request     ask: what a provider's /generate becomes; paths: a client that asks for one of them is
 *                    likely to speak this dialect; seed,
 *                    streams, turn_head, turn_tail: what a request may have, and what it gets
 */
#ifndef GW_FORMAT_DIALECT_H
#define GW_FORMAT_DIALECT_H

#include "format/facts.h"
#include "format/frame.h"

struct event;
struct gw_walk;
struct speech;
struct embeds;

enum { DIALECTS_MAX = 8, DIALECT_PATHS = 2, DIALECT_WHYS = 6 /* WHY_OTHER of event.h */ };

/* The token counts that an answer may report. */
enum dialect_usage {
    USAGE_INPUT,
    USAGE_OUTPUT,
    USAGE_CACHED,    /* input that was read from a cache */
    USAGE_WRITTEN,   /* input that was written to one */
    USAGE_REASONING, /* output that is not shown */
    USAGE_AUDIO_INPUT,
    USAGE_AUDIO_OUTPUT,
    USAGE_N
};

/* An error that is a whole answer. A dialect sends as much of it as its error format has room for. */
struct dialect_error {
    uint32_t status;
    struct gw_str type, code, param, message; /* type: OpenAI's; code and param may be empty */
};

/* A small request, as text with places in it: "%m" the model's name, "%p" the prompt, "%s" and "%l" what
 * `system` and `limit` say, if the client gave one; in these "%v" is what it gave. Prompt and system are JSON
 * strings, quotes included. */
struct dialect_ask {
    struct gw_str path, body; /* body.n == 0: none */
    struct gw_str system, limit, no_limit;
};

struct dialect_path {
    struct gw_str suffix; /* of the target's path; empty: no entry */
    bool talks;           /* requests may be turns of a conversation, which stays with its node */
};

struct dialect {
    struct gw_str name;
    enum framing framing;
    struct dialect_path paths[DIALECT_PATHS];
    enum facts_member seed; /* where a request's seed is; FACTS_NOTHING: it takes none */
    bool binds;             /* requests may need what one target remembers: previous_response_id */
    bool usual;             /* assumed where nothing shows another one */
    bool asks_usage;        /* its streams tell their usage if include_usage asks for it */
    bool streams;           /* its answers are streams unless a request says otherwise */
    struct gw_str streams_at; /* how paths of streams end; empty: the body says what is wanted */
    struct gw_str
        events_if; /* of the query: a stream without it is a list of JSON, in pieces; or empty */
    struct gw_str waits; /* the member of an error that says when to come again; or empty */
    /* Around the inside of a JSON string: a last message that an answer goes on from, for servers that can.
     * Empty: none of this dialect can. */
    struct gw_str turn_head, turn_tail;
    struct dialect_ask ask; /* what /generate of a provider becomes (call/generate.c) */
    /* Reads one event's JSON into `e`, in which only `tools` is set; false if it is of another dialect. */
    bool (*read)(struct gw_walk *json, struct event *e);
    struct gw_str model;    /* the member of an answer that names its model; empty: there is none */
    struct gw_str usage_of; /* the one that is its usage; empty: the answer itself */
    /* Names of members of the usage, or of a list or an object "...details" in it; or "details.member"
     * where a member's name alone would not do. Empty: not reported. See usage.h. */
    struct gw_str usage[USAGE_N], usage_too[USAGE_N]; /* too: other names for the same */
    bool input_is_rest;            /* the reported input excludes what is cached or written */
    bool output_is_rest;           /* the reported output excludes reasoning */
    const char *why[DIALECT_WHYS]; /* by enum event_why: the words for it, separated by spaces */
    struct gw_str bare_end; /* the data of an end mark that is not JSON; empty: there is none */
    struct gw_str
        keep_alive; /* sent between events to a client that waits, which ignores it; may be empty */
    struct gw_str end; /* sent at the end of a good stream that came without an end mark */
    /* Around an error's message, as an event; of one that comes in frames, as its payload. */
    struct gw_str error_head, error_tail;
    /* Appends lines to the head of an error answer; NULL: it has none of its own. */
    void (*put_error_head)(struct gw_buf *head, const struct dialect_error *e);
    /* Appends the body of an error answer. */
    void (*put_error)(struct gw_buf *b, const struct dialect_error *e);
    const struct speech *speech; /* how it is translated (speech.h); NULL: it is not */
    bool speaks_all;             /* on all of its paths, and not only where it talks */
    /* Embeddings in it (embed.h), and how the paths end where its clients ask for them. NULL: it has none. */
    const struct embeds *embeds;
    struct gw_str embeds_at[DIALECT_PATHS];
};

/* A comment that all clients of server-sent events ignore. */
#define DIALECT_COMMENT GW_STR_INIT(": heady\n\n")
/* JSON lines have no comments, but a line may begin with a space. */
#define DIALECT_SPACE GW_STR_INIT(" ")

#define DIALECT(name) extern const struct dialect dialect_##name;
#include "format/dialects.h"
#undef DIALECT

/* ---- dialects.c: the table */

/* Entry `i`; NULL past the end. */
const struct dialect *dialects_at(uint32_t i);
/* The dialect that has this path, or NULL. `*talks`: see struct dialect_path; false without a dialect. */
const struct dialect *dialects_of_path(struct gw_str path, bool *talks);
/* The dialect in which embeddings are asked for at this path, or NULL. */
const struct dialect *dialects_of_embeds(struct gw_str path);
/* The dialect to assume where nothing shows which it is. */
const struct dialect *dialects_default(enum framing framing);

#endif
