/* Bedrock's Converse, translated: what the files of its speech share. */
#ifndef GW_FORMAT_BEDROCK_SPEECH_H
#define GW_FORMAT_BEDROCK_SPEECH_H

#include "format/claude.h"
#include "format/speech.h"

/* ---- bedrock_read.c: messages, and the blocks that they are made of */

/* The members of all objects, but for a few: what is a union in Converse is told by which member it has. No name is
 * of two kinds, but those that are kept as values. */
struct bedrock_thing {
    /* what it is */
    struct gw_str text, image, document, audio, call, result, thought, mark, guard, found, cited,
        json, spec;
    /* what that says */
    struct gw_str format, name, title, context, id, status, redacted, bytes, description,
        schema_text;                                                                  /* raw */
    struct gw_str source, content, input, reasoning, citations, kept, schema, strict; /* values */
};

void bedrock_read_thing(struct gw_str value, struct bedrock_thing *t);
/* One member of an object: its value; or, if that is a string, what is in it, raw. */
struct gw_str bedrock_member(struct gw_str value, const char *name);
struct gw_str bedrock_raw(struct gw_str value, const char *name);
void bedrock_read_messages(struct gw_walk *w, struct mean *m);
void bedrock_read_system(struct gw_str value, struct mean *m);
void bedrock_read_content(struct gw_str value, struct mean *m, struct mean_turn *t);

/* What a format is as a type of media, and the other way round; empty: nobody knows. */
struct gw_str bedrock_media(struct gw_str format);
struct gw_str bedrock_format(struct gw_str media);

/* ---- bedrock_put.c */
void bedrock_put_request(const struct mean *m, struct gw_str model, struct gw_out *o);

/* ---- bedrock_talk.c */
enum { BEDROCK_NAMES = 16 };

/* What is written where: who the model is decides on much of it. */
struct bedrock_to {
    struct gw_out *o;
    const struct mean *m;
    struct gw_str model;
    bool claude, nova;
    bool samples; /* takes a temperature and the like: it is Claude, and thinks, if not */
    struct claude_thought thought; /* of Claude's */
    struct {
        size_t at, n;
    } names[BEDROCK_NAMES]; /* of documents: where they are in what is written */
    uint32_t documents;     /* that have one */
};

void bedrock_put_messages(struct bedrock_to *to);
void bedrock_put_system(struct bedrock_to *to);
/* A cache mark, as a block; not to models that may refuse it. */
void bedrock_put_mark(struct bedrock_to *to, struct gw_str mark);
/* A block: an object whose one member is an object. */
void bedrock_open(struct gw_out *o, const char *name);
void bedrock_close(struct gw_out *o);
/* A member that is left out if nothing is put into it. It is not the first one. */
size_t bedrock_open_member(struct gw_out *o, const char *name, char bracket);
void bedrock_close_member(struct gw_out *o, size_t at, char bracket);

/* ---- bedrock_say.c */
void bedrock_say_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b);
void bedrock_say_begin(struct mean_stream *s, struct gw_buf *b);
void bedrock_say_step(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b);
void bedrock_say_end(struct mean_stream *s, struct gw_buf *b);

#endif
