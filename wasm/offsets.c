/*
 * offsets.c: where the fields of an action lie and what the ABI's numbers are, for JavaScript.
 *
 * Never linked: it is compiled to assembly, and the build turns each line "@@ NAME VALUE" of that
 * into `export const NAME = VALUE;` of build/offsets.js. So the numbers come from the compiler that
 * builds the module.
 */
#include "core/gw.h"

#define NUMBER(name, value) __asm__ volatile("# @@ " #name " %0" ::"i"(value))
#define ENUM(name) NUMBER(name, name)
#define FIELD(name, path) NUMBER(name, offsetof(struct gw_action, path))

void offsets(void);

void offsets(void) {
    ENUM(GW_ABI);
    ENUM(GW_EDGE);
    ENUM(GW_RACK);
    NUMBER(STR_P, offsetof(struct gw_str, p));
    NUMBER(STR_N, offsetof(struct gw_str, n));

    FIELD(ACTION_ATTEMPT, attempt);
    FIELD(ACTION_AT, at);
    FIELD(READ_UPTO, read.upto);
    FIELD(READ_SHOW, read.show);
    FIELD(READ_AGAIN, read.again);
    FIELD(READ_FROM, read.from);
    FIELD(SEND_TARGET_NAME, send.target.name);
    FIELD(SEND_TARGET_AUTHORITY, send.target.authority);
    FIELD(SEND_TARGET_TLS, send.target.tls);
    FIELD(SEND_CONNECT_MS, send.connect_ms);
    FIELD(SEND_METHOD, send.method);
    FIELD(SEND_URL, send.url);
    FIELD(SEND_HEAD, send.head);
    FIELD(SEND_SLICES, send.slices);
    FIELD(SEND_SLICES_N, send.slices_n);
    FIELD(SEND_BODY_LEN, send.body_len);
    FIELD(FORGET_BELOW, forget.below);
    FIELD(HEAD_STATUS, head.status);
    FIELD(HEAD_HEAD, head.head);
    FIELD(HEAD_BODY_LEN, head.body_len);
    FIELD(DATA_SLICES, data.slices);
    FIELD(DATA_SLICES_N, data.slices_n);
    FIELD(RELAY_REPORT, relay.report);
    FIELD(RELAY_SHOW, relay.show);
    FIELD(END_CODE, end.code);
    FIELD(RECORD_LINE, record.line);
    FIELD(ASK_ID, ask.id);
    FIELD(ASK_WHAT, ask.what);
    FIELD(ASK_KEY, ask.key);
    FIELD(ASK_BYTES, ask.bytes);

    NUMBER(SLICE_SIZE, sizeof(struct gw_slice));
    NUMBER(SLICE_KIND, offsetof(struct gw_slice, kind));
    NUMBER(SLICE_P, offsetof(struct gw_slice, p));
    NUMBER(SLICE_OFF, offsetof(struct gw_slice, off));
    NUMBER(SLICE_LEN, offsetof(struct gw_slice, len));

    ENUM(GW_WAIT);
    ENUM(GW_READ);
    ENUM(GW_SEND);
    ENUM(GW_FORGET);
    ENUM(GW_DROP);
    ENUM(GW_HEAD);
    ENUM(GW_DATA);
    ENUM(GW_RELAY);
    ENUM(GW_END);
    ENUM(GW_RECORD);
    ENUM(GW_ASK);
    ENUM(GW_ASK_PROOF);
    ENUM(GW_ASK_LEASES);
    ENUM(GW_ASK_KEEP);
    ENUM(GW_ASK_ALIVE);
    ENUM(GW_ASK_STORE);
    ENUM(GW_ASK_RECALL);
    ENUM(GW_ASK_FORGET);
    ENUM(GW_STORED_MAX);
    ENUM(GW_STORED_OF_OWNER);
    ENUM(GW_STORED_OWNER_MAX);
    ENUM(GW_ANSWER_DONE);
    ENUM(GW_ANSWER_NONE);
    ENUM(GW_ANSWER_OLDER);
    ENUM(GW_ANSWER_LATE);
    ENUM(GW_ANSWER_UNASKED);
    ENUM(GW_ANSWER_FAILED);
    ENUM(GW_ANSWER_MAX);
    ENUM(GW_LITERAL);
    ENUM(GW_REQUEST);
    ENUM(GW_CHUNK);
    ENUM(GW_CLEAN);
    ENUM(GW_CUT);
    ENUM(GW_AWAITED);
    ENUM(GW_HELD_BACK);
    ENUM(GW_UNSEEN);
    ENUM(GW_FAIL_REFUSED);
    ENUM(GW_FAIL_DNS);
    ENUM(GW_FAIL_TLS);
    ENUM(GW_FAIL_CONNECT_TIME);
    ENUM(GW_FAIL_RESET);
    ENUM(GW_FAIL_STALE);
    ENUM(GW_FAIL_JUNK);
    ENUM(GW_FAIL_LOCAL);
    ENUM(GW_SENT_NONE);
    ENUM(GW_SENT_PART);
    ENUM(GW_SENT_ALL);
    ENUM(GW_FRAMES_BREAKERS);
    ENUM(GW_FRAMES_LEASES);
    ENUM(GW_FRAMES_ALL);
    ENUM(GW_SHOW_HEALTH);
    ENUM(GW_SHOW_LIMITS);
    ENUM(GW_SHOW_MISSING);
    ENUM(GW_SHOW_TARGETS);
}
