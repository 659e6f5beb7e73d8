/*
 * Calls of tools in dialects that do not name each of them by an id, or that tell each of them whole.
 */
#ifndef GW_FORMAT_CALLS_H
#define GW_FORMAT_CALLS_H

#include "format/speech.h"

/* ---- of a request, and of an answer */

/* Gives ids to the calls that have none, and to their results. */
void calls_pair(struct mean *m);
/* Gives ids to the calls of a choice; `*calls` counts those of the answer. A call ends an answer like any other there. */
void calls_settle(struct mean_answer *a, struct mean_choice *c, uint64_t *calls);

/* ---- of a stream; it takes `own` of the stream */

/* Writes one call of a choice: its arguments are an object, or text that is none. */
typedef void calls_tell(struct mean_stream *s, uint32_t choice, const struct mean_part *call,
                        struct gw_buf *b);

/* Takes what is of a call, and gathers its arguments. It is told once the next one begins and they are an object,
 * or when something else follows: then false, for the writer to tell that. */
bool calls_gather(struct mean_stream *s, const struct mean_step *step, calls_tell *tell,
                  struct gw_buf *b);
/* Tells all that have been gathered of a choice. */
void calls_flush(struct mean_stream *s, uint32_t choice, calls_tell *tell, struct gw_buf *b);

#endif
