#include "http/h1_class.h"
#include "unit.h"

static bool among(char c, const char *set) {
    return c != 0 && strchr(set, c) != NULL;
}

/* The rules in words, byte by byte. */
static uint32_t rule(int byte) {
    char c = (char)byte;
    bool upper = byte >= 'A' && byte <= 'Z', lower = byte >= 'a' && byte <= 'z';
    bool digit = byte >= '0' && byte <= '9';
    bool hex = digit || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
    uint32_t bits = 0;
    if (upper || lower || digit || among(c, "!#$%&'*+-.^_`|~"))
        bits |= H1_TOKEN;
    if (byte == '\t' || (byte >= ' ' && byte != 0x7f))
        bits |= H1_VALUE;
    if (upper || among(c, "-_"))
        bits |= H1_METHOD;
    if (byte > ' ' && byte < 0x7f && c != '#')
        bits |= H1_TARGET;
    if (upper || lower || digit || among(c, "-_."))
        bits |= H1_NAME;
    if (hex || among(c, ":."))
        bits |= H1_LITERAL;
    return bits;
}

static void table_is_the_rules(void) {
    for (int byte = 0; byte < 256; byte++)
        CHECK_EQ_U64(h1_class[byte], rule(byte));
}

int main(void) {
    RUN(table_is_the_rules);
    return unit_end();
}
