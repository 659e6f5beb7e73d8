/*
 * How a dialect is translated: each function reads one thing of it into its meaning (meaning.h), or writes one from
 * it. A dialect without a speech is never translated. Readers never fail half-way: what is wrong is noted in the
 * meaning, and whoever has called looks at that.
 *
 * To add one: write src/format/NAME_speech.c, which defines `const struct speech speech_NAME`, and name it in the
 * dialect (dialect.h).
 */
#ifndef GW_FORMAT_SPEECH_H
#define GW_FORMAT_SPEECH_H

#include "format/meaning.h"

struct speech {
    /* Where a provider of this dialect is asked, "%m" being the model's name: for an answer, and for a stream. */
    struct gw_str path, stream_path;
    struct gw_str
        id_line; /* the head line that tells a request's id, beside x-request-id; or empty */
    /* Where its clients ask how many tokens a request is: how such a path ends; the answer up to the number, and what
     * that is called in it; and where a provider of it is asked, by put_count. Empty: they do not. */
    struct gw_str counts_at, count, counted, count_path;
    /* Where they ask for a summary of a conversation, to go on with in its place. Empty: they do not. */
    struct gw_str compacts_at;
    /* What stands for the signature of a call or a thought that is not its server's. Empty: thoughts go with it. */
    struct gw_str no_signature;
    bool
        thinks_unseen; /* its servers tell what a model has thought to those alone who ask for it */
    uint64_t says;     /* a bit per enum feature that it has words for */
    /* What the features are called in it: the member of a request, for those who are told that it cannot be had.
     * NULL: it has no name for it. */
    const char *names[FEATURES];
    /* A request: everything but the model's name, which the caller knows. */
    void (*read_request)(struct gw_walk *json, struct mean *m);
    /* `model`: plain text. */
    void (*put_request)(const struct mean *m, struct gw_str model, struct gw_out *o);
    /* What a provider is asked for its tokens; NULL: none is. */
    void (*put_count)(const struct mean *m, struct gw_str model, struct gw_out *o);
    /* A whole answer. */
    void (*read_answer)(struct gw_walk *json, struct mean_answer *a);
    void (*put_answer)(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b);
    /* Log probabilities of it, in the form that a meaning has of them. NULL: they come in that form. */
    void (*put_logprobs)(struct gw_str ours, struct gw_out *o);
    /* A stream, event by event: its beginning, what it says, its end. They append whole events, in this dialect's
     * framing, or what stands for them in a list. At the end the finish and the usage are known, as far as they will be. */
    void (*begin)(struct mean_stream *s, struct gw_buf *b);
    void (*step)(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b);
    void (*end)(struct mean_stream *s, struct gw_buf *b);
};

extern const struct speech speech_openai, speech_anthropic, speech_responses, speech_gemini,
    speech_ollama, speech_bedrock;

/* ---- meaning.c */

/* Whether a client that has asked this is not told the thoughts of a target that speaks `in`. What its server wants back
 * is told always: those that are signed. */
bool mean_hides_thoughts(const struct mean *asked, const struct dialect *in,
                         const struct dialect *out);
/* Then they are taken out of a whole answer. */
void mean_hide_thoughts(struct mean_answer *a, const struct mean *asked, const struct dialect *in,
                        const struct dialect *out);

/* ---- steps.c: from the events of a target's stream to steps */

/* `s` is zeroed but for arena, in, out, created, seed, wants_usage and the model that the client asked for. */
/* Writes what an event says. What it says of usage and of the end is kept for the end. */
void steps_put(struct mean_stream *s, const struct event *e, struct gw_str event, struct gw_buf *b);
/* Writes one piece of content of an event that says nothing else, of a stream that has begun. */
void steps_piece(struct mean_stream *s, const struct event_piece *p, struct gw_buf *b);
/* Writes the end; once. */
void steps_end(struct mean_stream *s, struct gw_buf *b);
/* Writes a whole answer, whose ids, names and signatures are the client's, as a stream from its beginning to its end. */
void steps_answer(struct mean_stream *s, const struct mean_answer *a, struct gw_buf *b);

#endif
