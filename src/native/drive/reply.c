#include "native/drive/reply.h"

#include <stdio.h>

#include "native/loop/loop.h"

uint32_t reply_error(struct loop *loop, struct front *front, uint32_t status, const char *message,
                     const char *code) {
    char text[512], head[256], id[LOOP_ID];
    /* The request's head is gone by now, if it ever came. */
    const struct gw_refusal refusal = {.status = status,
                                       .code = gw_str(code, strlen(code)),
                                       .message = gw_str(message, strlen(message))};
    size_t n = gw_refuse(&refusal, text, sizeof text);
    if (n == 0)
        return 1;
    loop_id(loop, id);
    int head_n = snprintf(head, sizeof head,
                          "content-type: application/json\r\ncache-control: no-store\r\n"
                          "x-request-id: %s\r\n%s",
                          id, status == 503 ? "retry-after: 1\r\n" : "");
    struct front_piece piece = {gw_str(text, n), true};
    front->ops->head(front, status, gw_str(head, (size_t)head_n), n);
    front->ops->data(front, &piece, 1);
    return 0;
}
