/*
 * HTTP/1.1 on the wire: heads in, chunked bodies in, heads and chunks out.
 *
 * Pure: no I/O, no allocation, no state but what the caller holds. The caller gives the bytes and
 * the array for the headers and gets slices into its own bytes.
 *
 * Strict, because the next hop may read in another way whatever is forgiven here, and a gateway need not
 * forgive what a server that faces browsers must:
 *
 *   - lines end in CR LF, and there is no CR, LF or NUL elsewhere
 *   - nothing stands before the request line but one empty line
 *   - no folded headers, no space before a colon
 *   - one Host; one Content-Length, of at most 18 digits
 *   - Transfer-Encoding is exactly "chunked", once, never in HTTP/1.0 and never beside Content-Length
 *   - chunk extensions follow their grammar; no trailer speaks of framing
 *
 * The measure: what node, nginx or HAProxy would refuse is refused here (tests/differential). There are
 * three exceptions, which the RFCs allow, and which move no border of a message even if others read them
 * in another way: tabs around a value, white space in chunk extensions, and the target "*" of OPTIONS.
 * They are not passed on as they came: what goes on has one spelling.
 *
 * However the bytes are cut into pieces, the result is the same.
 *
 * Limits: GW_HEAD_MAX bytes of a head, GW_HEADERS_MAX or GW_ANSWER_HEADERS_MAX headers (gw.h),
 * GW_H1_TARGET_MAX bytes of a target, GW_H1_METHOD_MAX of a method; for chunked bodies see below.
 */
#ifndef GW_HTTP_H1_H
#define GW_HTTP_H1_H

#include "core/gw.h"

enum {
    GW_H1_METHOD_MAX = 32,
    GW_H1_TARGET_MAX = 16384,
    GW_H1_EXT_MAX = 512,      /* bytes of one chunk's extensions */
    GW_H1_TRAILER_MAX = 8192, /* bytes of all trailers but their line ends */
};

enum { GW_H1_BAD = -1, GW_H1_MORE = -2 };

/* How the end of a body is found. */
enum gw_h1_framing {
    GW_H1_NONE = 0, /* there is no body */
    GW_H1_LENGTH,   /* body_len bytes */
    GW_H1_CHUNKED,  /* gw_h1_chunks_next tells */
    GW_H1_CLOSE,    /* until the connection ends (responses only) */
};

/* ---------------------------------------------------------------------- heads: reading */

struct gw_h1_req {
    struct gw_str method; /* upper-case letters, '-' and '_'; never CONNECT */
    struct gw_str target; /* begins with '/': of an absolute-form target the part from there on; or
                           * it is "*", of OPTIONS */
    struct gw_str authority; /* Host, checked; empty only in HTTP/1.0 */
    uint32_t headers_n;
    uint32_t minor;       /* HTTP/1.minor: 0 or 1 */
    uint32_t framing;     /* enum gw_h1_framing: NONE, LENGTH (body_len > 0) or CHUNKED */
    uint64_t body_len;    /* as in gw_req_head: 0, the length, GW_UNKNOWN for CHUNKED */
    bool keep_alive;      /* the client lets the connection live on */
    bool expect_continue; /* it waits for "100 Continue" (never in HTTP/1.0) */
    bool upgrade;         /* there is an Upgrade header, or Connection names it */
    uint32_t status;      /* after GW_H1_BAD: what to answer; 400, 414, 417, 431, 501 or 505 */
    struct gw_str why;    /* after GW_H1_BAD: the reason, for a log; static */
};

struct gw_h1_res {
    uint32_t status; /* 100 to 599, never 101 */
    uint32_t headers_n;
    uint32_t minor;
    uint32_t framing;  /* enum gw_h1_framing */
    uint64_t body_len; /* as in gw_res_head: 0 where there is no body, GW_UNKNOWN if not declared */
    bool keep_alive;   /* the connection may be used again when the body is through */
    struct gw_str why; /* after GW_H1_BAD: the reason; static */
};

/*
 * Reads a request head at p[0..n), and the empty line that may stand before it. `last_n` is how many of
 * these bytes were there at the last try (0 at the first): so each byte is looked at once however slowly
 * the head comes, and it is parsed once, when it is whole. `headers` has room for GW_HEADERS_MAX.
 *
 * Returns the bytes of the head, the empty line included; what follows is the body. GW_H1_MORE: not
 * whole yet, call again with the same bytes (they may have moved) and more. GW_H1_BAD: answer
 * `out->status`, close; the other fields mean nothing. Never GW_H1_MORE with n >= GW_HEAD_MAX.
 */
int gw_h1_req_read(const char *p, size_t n, size_t last_n, struct gw_header *headers,
                   struct gw_h1_req *out);

/*
 * The same for a response head; `headers` has room for GW_ANSWER_HEADERS_MAX. `to_head`: it answers a
 * HEAD request, so it has no body whatever it declares. An interim answer (status 100 to 199) is
 * returned like any other: the caller reads the next head behind it, and bounds how many there may be.
 */
int gw_h1_res_read(const char *p, size_t n, size_t last_n, bool to_head, struct gw_header *headers,
                   struct gw_h1_res *out);

/* ---------------------------------------------------------------------- chunked bodies: reading */

/*
 * A chunked body: size lines and trailers are checked and dropped, payload is handed on in place.
 * A size is 1 to 16 hex digits, below 2^62. Extensions are skipped. All that is not payload may
 * come to at most 64 KiB + 8 times the payload so far, so that framing cannot keep a gateway busy
 * for nothing.
 */
struct gw_h1_chunks {
    uint32_t state;
    uint32_t count;             /* digits, extension bytes or trailer bytes so far */
    uint32_t part;              /* bytes of this extension's name or value, or trailer's name */
    char name[17];              /* the trailer's name, as far as it fits */
    uint64_t left;              /* payload bytes of this chunk that have yet to come */
    uint64_t payload, overhead; /* so far */
    struct gw_str why;          /* after GW_H1_BAD: the reason; static */
};

enum gw_h1_chunks_kind {
    GW_H1_DATA = 1, /* `*data` is payload, a slice of p */
    GW_H1_END = 2,  /* the body is over */
};

void gw_h1_chunks_init(struct gw_h1_chunks *c);

/*
 * Takes bytes from p[0..n) up to the end of the next piece of payload; `*used` says how many.
 * Returns GW_H1_DATA (go on with p + *used), GW_H1_END (what is at p + *used belongs to the next
 * message; it stays END), GW_H1_MORE (all n are used) or GW_H1_BAD (it stays BAD). `data->n` is
 * never 0 with GW_H1_DATA, and 0 otherwise.
 */
int gw_h1_chunks_next(struct gw_h1_chunks *c, const char *p, size_t n, size_t *used,
                      struct gw_str *data);

/* ---------------------------------------------------------------------- writing */

/* Writing a head takes at most this many bytes besides those of the strings that go into it. */
enum { GW_H1_WRITE_EXTRA = 256 };

/*
 * A response head. `head` is a head block (gw.h); `date` is a whole line "date: ...\r\n" or empty, and
 * left out where the block has one.
 * The framing is decided here, from the status, the request and body_len:
 *
 *   status 102 to 199             | NONE     and nothing is said of the connection, nor the date; not
 *                                 |          with minor 0, which knows no interim answers
 *   status 204, 304; or to_head   | NONE     but for 204 a content-length is written if body_len is
 *                                 |          known and not 0: it says what a GET would get
 *   body_len known                | LENGTH   "content-length"
 *   body_len GW_UNKNOWN, minor 1  | CHUNKED  "transfer-encoding: chunked"
 *   body_len GW_UNKNOWN, minor 0  | CLOSE    and keep_alive becomes false
 *
 * Body bytes that come for NONE are to be dropped.
 */
struct gw_h1_res_out {
    uint32_t status; /* 102 to 599; for 100 there is GW_H1_CONTINUE */
    uint32_t minor;  /* of the request's version */
    bool to_head;    /* the request's method is HEAD */
    bool keep_alive; /* in: may the connection live on; out: does it */
    uint64_t body_len;
    struct gw_str head, date;
    uint32_t framing; /* out */
};

/*
 * Writes it to buf[0..cap) and returns the bytes written. head.n + date.n + GW_H1_WRITE_EXTRA is
 * always room enough. GW_H1_BAD: something in it may not stand on the wire (a CR, LF or NUL, a line
 * that is no header, a header that is the host's to write); GW_H1_MORE: no room. The buffer's
 * contents are then not to be sent.
 */
ptrdiff_t gw_h1_res_write(char *buf, size_t cap, struct gw_h1_res_out *res);

/*
 * A request head, always HTTP/1.1. A body of unknown length is CHUNKED, a known one LENGTH, and
 * none is LENGTH 0 where the method usually has one, else NONE.
 */
struct gw_h1_req_out {
    struct gw_str method, path, authority; /* path as in gw_action's send: from '/' on */
    struct gw_str head;                    /* head block */
    uint64_t body_len;
    bool keep_alive;  /* false: "connection: close" */
    uint32_t framing; /* out */
};

/* The same results; room enough is all the strings' n + GW_H1_WRITE_EXTRA. */
ptrdiff_t gw_h1_req_write(char *buf, size_t cap, struct gw_h1_req_out *req);

/* A chunk is its size line, n bytes of payload, and GW_H1_CRLF. Writes the size line ("1a\r\n") and
 * returns its length; n must not be 0, which would end the body. */
enum { GW_H1_SIZE_LINE = 18 };
size_t gw_h1_chunk_write(char buf[GW_H1_SIZE_LINE], uint64_t n);

#define GW_H1_CRLF GW_STR("\r\n")
#define GW_H1_LAST_CHUNK GW_STR("0\r\n\r\n")
#define GW_H1_CONTINUE GW_STR("HTTP/1.1 100 Continue\r\n\r\n")

/* "Not Found" for 404; of a status that has no phrase, that of its class. */
struct gw_str gw_h1_reason(uint32_t status);

#endif
