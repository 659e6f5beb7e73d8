/*
 * A request that is sent to some place in another dialect (translate.c).
 */
#ifndef GW_CORE_CALL_TRANSLATE_H
#define GW_CORE_CALL_TRANSLATE_H

#include "core/call/call.h"
#include "format/speech.h"

struct call_translation {
    const struct dialect *from; /* the client's */
    bool embeds;                /* it asks for embeddings */
    struct gw_str came;         /* the request, whole */
    size_t taken;               /* of it, until now */
    uint64_t room, seed;        /* taken for it; what ids are made of */
    uint64_t vectors_room;      /* of that: for an answer's vectors; and ... */
    bool crowded;               /* ... there was not enough */
    uint64_t tokens;            /* that the head of the answer tells; 0: it does not */
    struct seal seal;           /* for what the client is to bring back */
    struct mean mean;           /* what it asks for */
    bool follows;               /* it names an answer that it goes on from */
    bool recalled;              /* `came` holds what was kept of an answer, too (remember.c) */
    struct gw_str
        answer; /* for the client; of one that is written as a stream, only if it is to be kept */
    bool kept;  /* its own answer is, or could not be */
    bool
        counts; /* how many tokens it is, is asked of whoever counts in another dialect (count.c) */
    struct gw_buf sent;    /* in the dialect of the attempt at hand */
    struct gw_slice slice; /* all of that */
};

#endif
