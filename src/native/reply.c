#include "native/reply.h"

#include <stdio.h>

uint32_t reply_error(struct front *front, uint32_t status, const char *message, const char *code) {
    char text[512];
    bool server = status == 500 || status == 503;
    int n = snprintf(
        text, sizeof text,
        "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"param\":null,\"code\":%s%s%s}}\n",
        message, server ? "server_error" : "invalid_request_error", code != NULL ? "\"" : "",
        code != NULL ? code : "null", code != NULL ? "\"" : "");
    if (n < 0 || n >= (int)sizeof text)
        return 1;
    struct front_piece piece = {gw_str(text, (size_t)n), true};
    front->ops->head(front, status, GW_STR("content-type: application/json\r\n"), (uint64_t)n);
    front->ops->data(front, &piece, 1);
    return 0;
}
