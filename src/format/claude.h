/*
 * What Claude's models want, wherever they are served: what two dialects that ask them share.
 */
#ifndef GW_FORMAT_CLAUDE_H
#define GW_FORMAT_CLAUDE_H

#include "format/meaning.h"

/* What an answer may have where nobody has said so, and it has to be said. */
enum { CLAUDE_TOKENS = 8192 };

/* An id that is taken: those of other servers may have other letters, or more of them. Call and result are changed alike. */
void claude_put_id(struct gw_out *o, const char *name, struct gw_str id, size_t most);
/* A temperature: it goes to 1 here, and to 2 elsewhere. */
struct gw_str claude_degrees(struct gw_str value);

/* Turns that become one message: from `from` up to `to`. */
struct claude_run {
    const struct mean_turn *from, *to;
    bool assistants;
};

struct claude_run claude_run_of(const struct mean_turn *t);
/* The first turn that is no system's. */
const struct mean_turn *claude_first(const struct mean *m);

/* A schema that is followed to the letter. */
void claude_put_strict(struct gw_out *o, struct gw_str schema);
/* The schema of a tool, as a member: it must be an object's, and say so. */
void claude_put_schema(struct gw_out *o, const char *member, struct gw_str schema, bool strict);

/* How much thought is to be asked for. */
struct claude_thought {
    bool adapts;      /* as much as it takes */
    const char *type; /* NULL: nothing is said of thinking */
    const char *word; /* of the effort; NULL: nothing is said of it */
    uint64_t budget;  /* of "enabled" */
    uint64_t tokens;  /* of the whole answer, where the client has not said it */
};

struct claude_thought claude_thought_of(const struct mean *m, struct gw_str model);
void claude_put_thinking(struct gw_out *o, const struct mean *m, const struct claude_thought *t);
/* Whether it takes a temperature and the like: newer ones refuse them. */
bool claude_takes_sampling(struct gw_str model);

#endif
