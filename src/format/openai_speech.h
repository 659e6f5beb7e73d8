/* OpenAI's chat completions, translated: what the files of its speech share. */
#ifndef GW_FORMAT_OPENAI_SPEECH_H
#define GW_FORMAT_OPENAI_SPEECH_H

#include "format/speech.h"

/* ---- openai_speech.c */
/* "tools" of a request. */
void openai_speech_tools(struct gw_walk *w, struct mean *m);

/* ---- openai_bare.c: /v1/completions, where a prompt stands in the place of messages */
struct openai_bare {
    struct gw_str prompt, context, suffix, echo, best_of; /* values */
};
/* Takes the next value if it is one of those. */
bool openai_bare_member(struct gw_walk *w, struct gw_str name, struct openai_bare *bare);
/* What they mean; of a request with messages they are members that nobody knows. */
void openai_bare_settle(const struct openai_bare *bare, struct mean *m);
/* A choice of an answer, or of a piece of one (`finish`: NULL until its end). */
void openai_bare_put(struct gw_out *o, uint32_t index, const struct mean_part *parts,
                     const char *finish);

/* ---- openai_put.c */
void openai_put_request(const struct mean *m, struct gw_str model, struct gw_out *o);
void openai_put_tool(struct gw_out *o, const struct mean_tool *t);
/* "tool_calls", with all calls among these parts. `asked`: the request that an answer's are for; NULL:
 * they are a request's, whose ids and names OpenAI's servers do not take all. */
void openai_put_calls(struct gw_out *o, const struct mean_part *parts, const struct mean *asked);
/* Whether the client knows this tool as one that takes a text. */
bool openai_is_custom(const struct mean *asked, struct gw_str name);
/* A member that holds all texts of one kind, as one string; and whether there are any. */
void openai_put_joined(struct gw_out *o, const char *name, const struct mean_part *parts,
                       enum mean_kind kind);
bool openai_says(const struct mean_part *parts, enum mean_kind kind);

/* ---- openai_say.c */
void openai_say_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b);
void openai_say_begin(struct mean_stream *s, struct gw_buf *b);
void openai_say_step(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b);
void openai_say_end(struct mean_stream *s, struct gw_buf *b);

#endif
