/*
 * What the gateway keeps of OpenAI's Responses for a client that names an answer again (previous_response_id): what was
 * asked for, and the answer, as one JSON object:
 *
 *     {"input": [items], "response": {...}}
 *
 * `input` is the whole conversation before the answer, so each one that is kept stands for itself. What comes out of a
 * store may be anything: what is none of these is said to be nothing.
 */
#ifndef GW_FORMAT_RESPONSES_KEPT_H
#define GW_FORMAT_RESPONSES_KEPT_H

#include "base/str.h"

struct mean_stream;

/* What ids of answers begin with that may be kept here. No provider's do. */
#define RESPONSES_KEPT_PREFIX "resp_hg"

/* Whether an id may be of an answer that is kept here: of that form alone. */
bool responses_kept_is_own(struct gw_str id);
/* The answer that a request goes on from, raw; n == 0: it does not. */
struct gw_str responses_kept_previous(struct gw_str request);
/* The answer, and the conversation before it, as they stand; n == 0: that was not kept here. */
struct gw_str responses_kept_answer(struct gw_str kept);
struct gw_str responses_kept_input(struct gw_str kept);
/* The request with the conversation that was kept before its input. False: that is none, or it does not fit. */
bool responses_kept_join(struct gw_str request, struct gw_str kept, struct gw_buf *out);
/* What is to be kept of a request and its answer; of a stream, once it has ended. */
void responses_kept_put(struct gw_str request, struct gw_str answer, struct gw_buf *out);
void responses_kept_put_stream(struct gw_str request, const struct mean_stream *s,
                               struct gw_buf *out);

#endif
