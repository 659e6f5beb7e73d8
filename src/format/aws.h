/*
 * Frames of application/vnd.amazon.eventstream, as Bedrock streams them. Numbers are big-endian:
 *
 *     u32 length of the frame | u32 length of the headers | u32 CRC of these 8 bytes
 *     headers, each: u8 length, name, u8 type, value
 *     payload
 *     u32 CRC of all before it
 *
 * A CRC is CRC-32 as in zlib. Values of types 6 (bytes) and 7 (string) begin with a u16 length; those of
 * the others have the length that the type implies.
 */
#ifndef GW_FORMAT_AWS_H
#define GW_FORMAT_AWS_H

#include "base/str.h"

enum { AWS_PRELUDE = 12, AWS_FRAME_MIN = AWS_PRELUDE + 4, AWS_FRAME_MAX = 16 << 20 };

/* What counts in a frame. A header that is not there, or is no string, is empty; of two, the last
 * counts. */
struct aws_frame {
    struct gw_str message_type, event_type, exception_type, content_type;
    struct gw_str payload;
};

/* frame_length for these frames: 0 until the frame is whole, or if it is longer than `max`; FRAME_BAD if
 * it can be none. */
size_t aws_length(struct gw_str s, size_t seen, size_t max);
/* Reads a frame of which aws_length has told the length; false if its headers are not well made. */
bool aws_read(struct gw_str frame, struct aws_frame *f);
/* Appends a frame: an exception of a stream, whose payload is JSON. */
void aws_put_exception(struct gw_buf *out, struct gw_str payload);
/* Begins a frame of an event, behind which its payload follows, and tells where that frame begins; and ends it:
 * `payload` is where that has begun. */
size_t aws_open_event(struct gw_buf *out, struct gw_str type);
void aws_close(struct gw_buf *out, size_t at, size_t payload);
/* Goes on with `crc`, which is 0 before the first byte. */
uint32_t aws_crc(uint32_t crc, struct gw_str bytes);

#endif
