/* Anthropic's messages, translated: what the files of its speech share. */
#ifndef GW_FORMAT_ANTHROPIC_SPEECH_H
#define GW_FORMAT_ANTHROPIC_SPEECH_H

#include "format/speech.h"

/* ---- anthropic_speech.c: members that others pass on to Claude */
void anthropic_read_thinking(struct gw_str value, struct mean *m); /* "thinking" */
void anthropic_read_config(struct gw_str value, struct mean *m);   /* "output_config" */

/* ---- anthropic_put.c */
void anthropic_put_request(const struct mean *m, struct gw_str model, struct gw_out *o);
void anthropic_put_count(const struct mean *m, struct gw_str model, struct gw_out *o);

/* ---- anthropic_say.c */
void anthropic_say_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b);
void anthropic_say_begin(struct mean_stream *s, struct gw_buf *b);
void anthropic_say_step(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b);
void anthropic_say_end(struct mean_stream *s, struct gw_buf *b);

#endif
