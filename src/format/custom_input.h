/* The one argument of a custom tool, a text, out of the arguments of a function: custom_input.c. */
#ifndef GW_FORMAT_CUSTOM_INPUT_H
#define GW_FORMAT_CUSTOM_INPUT_H

#include "base/str.h"

struct custom_input {
    uint8_t state, key_n, held_n;
    bool quoted, escaped; /* within what is passed over */
    bool found;           /* it has begun */
    uint32_t depth;
    char key[8], held[12];
};
/* Appends what the next piece of the arguments (JSON) brings of it: the inside of a JSON string, whole escapes alone. */
void custom_input_feed(struct custom_input *in, struct gw_str json, struct gw_buf *out);

#endif
