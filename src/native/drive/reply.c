#include "native/drive/reply.h"

#include <stdio.h>

#include "native/loop/loop.h"

uint32_t reply_error(struct loop *loop, struct front *front, uint32_t status, const char *message,
                     const char *code) {
    char text[512], head[256], id[LOOP_ID];
    bool server = status == 500 || status == 503;
    int n = snprintf(
        text, sizeof text,
        "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"param\":null,\"code\":%s%s%s}}\n",
        message, server ? "server_error" : "invalid_request_error", code != NULL ? "\"" : "",
        code != NULL ? code : "null", code != NULL ? "\"" : "");
    if (n < 0 || n >= (int)sizeof text)
        return 1;
    loop_id(loop, id);
    int head_n = snprintf(head, sizeof head,
                          "content-type: application/json\r\ncache-control: no-store\r\n"
                          "x-request-id: %s\r\n%s",
                          id, status == 503 ? "retry-after: 1\r\n" : "");
    struct front_piece piece = {gw_str(text, (size_t)n), true};
    front->ops->head(front, status, gw_str(head, (size_t)head_n), (uint64_t)n);
    front->ops->data(front, &piece, 1);
    return 0;
}
