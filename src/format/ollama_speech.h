/* Ollama's own dialect, translated: what the files of its speech share. */
#ifndef GW_FORMAT_OLLAMA_SPEECH_H
#define GW_FORMAT_OLLAMA_SPEECH_H

#include "format/speech.h"

/* ---- ollama_put.c */
void ollama_put_request(const struct mean *m, struct gw_str model, struct gw_out *o);
/* The members of a message: its text, in a member of this name, and what else there is. */
void ollama_put_said(struct gw_out *o, const char *text, const struct mean_part *parts,
                     struct gw_arena *arena);
/* "tool_calls": those among the parts. `first`: which of the answer the first one is. */
void ollama_put_calls(struct gw_out *o, const struct mean_part *parts, uint64_t first,
                      struct gw_arena *arena);

/* ---- ollama_say.c */
void ollama_say_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b);
void ollama_say_begin(struct mean_stream *s, struct gw_buf *b);
void ollama_say_step(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b);
void ollama_say_end(struct mean_stream *s, struct gw_buf *b);

#endif
