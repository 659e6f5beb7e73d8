/*
 * What content of a stream the client has, so that another attempt at the same request can be compared
 * with it. The content itself is not kept, only hashes of it.
 *
 * For each channel (a part of a choice or block, format/event.h): how many decoded bytes were delivered,
 * their hash, and the hash as it stood at every 256th byte. There is space for DELIVERED_CHECKS of those;
 * when it is full, every second one is dropped and the distance doubles. So a channel takes 210 bytes
 * however long it gets. A stream with more than DELIVERED_CHANNELS of them (7 KiB) cannot be resumed.
 *
 * Decoded means that escapes are resolved, into UTF-8, except that a character beyond the basic
 * multilingual plane counts as the two surrogates that JSON makes of it (three bytes each). So it is the
 * same whether a server sends it as one character, as two escapes, or as two escapes in two events.
 *
 * The text of a stream that might be gone on with from a prefix (prefix.c) is kept, while the stream brings
 * nothing else, up to DELIVERED_TEXT_MAX bytes; its buffer takes at most twice that. Other streams pay
 * nothing for it.
 */
#ifndef GW_CORE_CALL_DELIVERED_H
#define GW_CORE_CALL_DELIVERED_H

#include "base/arena.h"
#include "base/tally.h"
#include "format/event.h"

enum {
    DELIVERED_IDS = 48,
    DELIVERED_ID_MAX = 128,
    DELIVERED_CHANNELS = 32,
    DELIVERED_CHECKS = 16,
    DELIVERED_STEP = 256,
    DELIVERED_TEXT_MAX = 16384,
    DELIVERED_SEAMS = 8,
};

struct delivered_channel {
    struct delivered_channel *next;
    uint32_t channel;
    bool behind; /* the current attempt has sent less than was delivered */
    bool had;    /* something was delivered when the attempt began */
    uint32_t checks_n;
    uint64_t step;
    struct tally tally; /* of what was delivered */
    struct tally again; /* of the attempt that is compared with it */
    uint64_t check[DELIVERED_CHECKS];
};

/* An id of a part of the answer. The n-th of a kind in one attempt stands for the n-th in every other. */
struct delivered_id {
    struct delivered_id *next;
    uint32_t kind;
    struct gw_str first,
        now; /* what the client knows; the current attempt's, n == 0: not yet seen */
};

/* A place in the text where it may be cut: a word, or a character that is none of ASCII, began an event
 * there, so that it is likely to begin a token again. */
struct delivered_seam {
    uint32_t at, events; /* bytes and events before it */
};

struct delivered_text {
    struct gw_buf raw; /* the inside of a JSON string, as it came */
    uint32_t events, seams_n;
    struct delivered_seam seam[DELIVERED_SEAMS]; /* the last ones, in a ring */
};

struct delivered {
    struct gw_arena *arena;
    uint32_t channels_n;
    uint32_t behind; /* how many channels are */
    uint32_t mark;   /* of the last start or end of a block */
    struct delivered_channel *first;
    uint32_t ids_n;
    struct delivered_id *ids;
    struct delivered_text *text; /* NULL: it is not kept, or could not be */
};

void delivered_init(struct delivered *d, struct gw_arena *arena);
/* Nothing was delivered after all. */
void delivered_reset(struct delivered *d);
/* A piece goes to the client; false if it cannot be noted: too many channels, no memory. */
bool delivered_add(struct delivered *d, const struct event_piece *piece);
/* How many decoded bytes were delivered, in all channels. */
uint64_t delivered_bytes(const struct delivered *d);
/* The id by which the client knows what the attempt calls this; NULL: it cannot be noted. */
const struct gw_str *delivered_id(struct delivered *d, const struct event_id *id);
/* Nothing has been delivered yet: from now on its text is kept, in `text`. */
void delivered_keep(struct delivered *d, struct delivered_text *text);
/* The last seam that leaves at least so many bytes behind it; at 0: there is none. */
struct delivered_seam delivered_seam(const struct delivered_text *text, size_t behind);
/* A new attempt begins: from now on its content is compared with what was delivered. */
void delivered_again(struct delivered *d);
/* Compares a piece of the attempt: false if it differs from what was delivered. `*cut`: how much of
 * piece->raw the client already has; what follows is noted as delivered. */
bool delivered_meet(struct delivered *d, const struct event_piece *piece, size_t *cut);

#endif
