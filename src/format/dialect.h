/*
 * A dialect: a language that clients and targets speak. From bytes to what they mean, and back.
 *
 * A dialect is not a provider. A provider is a place: a base URL, the header of its key, the methods and
 * paths it allows, its quirks; several speak one dialect. All targets of today are given by their URLs, so
 * there is no table of providers yet; it will stand beside this one, in providers.h.
 *
 * To add a dialect:
 *   1. Write src/format/NAME.c. It defines `const struct dialect dialect_NAME`, as declared below.
 *   2. Add the line DIALECT(NAME) to src/format/dialects.h, in the place that its comment asks for.
 * Nothing else knows dialects by name. tests/toy takes these two steps in a build of its own and shows
 * what they bring about; a dialect's events are tested in tests/unit/test_event.c, its answers in
 * tests/traces.
 *
 * What each member is for:
 *   on the way in    framing, read, usage, why, bare_end: how events are told apart, and what they say
 *   on the way out   keep_alive, end, error_head, error_tail, put_error: what the gateway itself says
 *   of a request     paths: what a client that asks there is likely to speak; seed, streams
 */
#ifndef GW_FORMAT_DIALECT_H
#define GW_FORMAT_DIALECT_H

#include "format/facts.h"
#include "format/frame.h"

struct event;
struct gw_walk;

enum { DIALECT_PATHS = 2, DIALECT_WHYS = 6 /* WHY_OTHER of event.h */ };

/* The numbers of tokens that an answer tells. */
enum dialect_usage {
    USAGE_INPUT,
    USAGE_OUTPUT,
    USAGE_CACHED,  /* input that was read from a cache */
    USAGE_WRITTEN, /* input that was written to one */
    USAGE_REASONING,
    USAGE_N
};

/* An error that is a whole answer. A dialect tells as much of it as its shape has room for. */
struct dialect_error {
    uint32_t status;
    struct gw_str type, code, param, message; /* type: OpenAI's; code and param may be empty */
};

struct dialect_path {
    struct gw_str suffix; /* of the path that the target is asked for; empty: none */
    bool talks;           /* a request there may hold a conversation, which stays with its node */
};

struct dialect {
    struct gw_str name;
    enum framing framing;
    struct dialect_path paths[DIALECT_PATHS];
    enum facts_member seed; /* where a request's seed is; FACTS_NOTHING: it takes none */
    bool streams;           /* its answers are streams unless it is told otherwise */
    /* Reads one event's JSON into `e`, which is zeroed but for `tools`; false if it is not of this dialect. */
    bool (*read)(struct gw_walk *json, struct event *e);
    /* The members of an event's usage, or of an object "..._details" in it. NULL: it does not tell. */
    const char *usage[USAGE_N];
    bool input_is_rest; /* its input leaves out what is cached or written */
    const char
        *why[DIALECT_WHYS];   /* by enum event_why: the words for it, with a space between two */
    struct gw_str bare_end;   /* the data of an end mark that is no JSON; empty: there is none */
    struct gw_str keep_alive; /* what a client that waits may get between two events, and ignores */
    struct gw_str end;        /* the end mark, where a good stream has lost it */
    struct gw_str error_head, error_tail; /* around an error's message, as an event */
    /* Appends the body of an answer that is an error. */
    void (*put_error)(struct gw_buf *b, const struct dialect_error *e);
};

/* A comment that all clients of server-sent events ignore. */
#define DIALECT_COMMENT GW_STR_INIT(": heady\n\n")
/* JSON lines know no comments, but a line may begin with a space. */
#define DIALECT_SPACE GW_STR_INIT(" ")

#define DIALECT(name) extern const struct dialect dialect_##name;
#include "format/dialects.h"
#undef DIALECT

/* ---- dialects.c: the table */

/* The entry `i`, NULL behind the last one. */
const struct dialect *dialects_at(uint32_t i);
/* Whose path this is, or NULL. `*talks`: see struct dialect_path; false if it is nobody's. */
const struct dialect *dialects_of_path(struct gw_str path, bool *talks);
/* What is spoken where nothing shows it. */
const struct dialect *dialects_default(enum framing framing);

#endif
