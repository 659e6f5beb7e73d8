/*
 * What the files of Gemini's speech share; nobody else includes it.
 *
 *     gemini_speech.c    reads requests and answers, all but what stands in contents
 *     gemini_read.c      reads contents
 *     gemini_schema.c    makes JSON Schema of Google's own kind of schema
 *     gemini_logprobs.c  knows both forms of log probabilities
 *     gemini_put.c       writes requests
 *     gemini_say.c       writes answers and streams
 */
#ifndef GW_FORMAT_GEMINI_SPEECH_H
#define GW_FORMAT_GEMINI_SPEECH_H

#include "format/speech.h"

/* ---- gemini_read.c */

/* Whether a member has this name, which is given in camelCase: Google takes it in snake_case, too. */
bool gemini_read_is(struct gw_str name, const char *camel);

/* A list; or one value where Google takes it for a list of one. After each `true` one value must be taken. */
struct gemini_items {
    bool list, over;
};
struct gemini_items gemini_read_items(struct gw_walk *w);
bool gemini_read_item(struct gw_walk *w, struct gemini_items *items);

/* The name of a type of media. */
struct gw_str gemini_read_media(struct gw_walk *w, struct mean *m);
/* Reads a content into the turn. Returns its role; empty: none is said. */
struct gw_str gemini_read_content(struct gw_walk *w, struct mean *m, struct mean_turn *t);
/* Makes one of the texts of a turn that follow each other, and of the thoughts. */
void gemini_read_joined(struct mean *m, struct mean_turn *t);
void gemini_read_contents(struct gw_walk *w, struct mean *m);
/* The system's words, before all others. */
void gemini_read_system(struct gw_walk *w, struct mean *m);

/* ---- gemini_schema.c */

/* The next value, a schema, as JSON Schema: in the arena, unless it is that already. */
struct gw_str gemini_schema_read(struct gw_walk *w, struct mean *m);

/* ---- gemini_logprobs.c */

/* A logprobsResult, in the form that a meaning has of it (OpenAI's). Nothing if it is none. */
void gemini_logprobs_read(struct gw_str ours, struct gw_out *o);
/* The member that it is, if there is any. */
void gemini_logprobs_put(struct gw_out *o, struct gw_str theirs);

/* ---- gemini_put.c */

void gemini_put_request(const struct mean *m, struct gw_str model, struct gw_out *o);
void gemini_put_count(const struct mean *m, struct gw_str model, struct gw_out *o);
/* Parts. */
bool gemini_put_is_media(const struct mean_part *p);
void gemini_put_text(struct gw_out *o, struct gw_str text, bool thought, struct gw_str signature);
void gemini_put_media(struct gw_out *o, const struct mean_part *p);
void gemini_put_call(struct gw_out *o, const struct mean_part *call, struct gw_arena *arena,
                     struct gw_str signature);

/* ---- gemini_say.c */

void gemini_say_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b);
void gemini_say_begin(struct mean_stream *s, struct gw_buf *b);
void gemini_say_step(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b);
void gemini_say_end(struct mean_stream *s, struct gw_buf *b);

#endif
