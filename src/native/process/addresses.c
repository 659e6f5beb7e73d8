#include "native/process/addresses.h"

#include <stdio.h>

bool addresses_read(struct addresses *a, struct gw *gw, char why[ADDRESSES_WHY]) {
    struct gw_str rest = gw_report(gw, GW_SHOW_LISTEN);
    a->n = 0;
    while (rest.n > 0) {
        struct gw_str line = gw_str_cut(&rest, '\n');
        if (line.n == 0)
            continue;
        if (a->n == ADDRESSES_MAX) {
            (void)snprintf(why, ADDRESSES_WHY, "listen: more than %d addresses; name fewer",
                           ADDRESSES_MAX);
            return false;
        }
        if (!listen_parse(&a->at[a->n++], line.p, line.n)) {
            (void)snprintf(why, ADDRESSES_WHY,
                           "listen: \"%.*s\" is not ADDR:PORT; write 127.0.0.1:4700 or [::1]:4700",
                           (int)line.n, line.p);
            return false;
        }
    }
    return true;
}

bool addresses_safe(const struct addresses *a, struct gw *gw, bool certified,
                    char why[ADDRESSES_WHY]) {
    char text[LISTEN_TEXT];
    struct gw_str keyed = gw_show(gw, GW_SHOW_KEYED, (struct gw_time){1, 1});
    if (certified || gw_str_eq(keyed, GW_STR("1")))
        return true;
    for (uint32_t i = 0; i < a->n; i++) {
        if (listen_is_loopback(&a->at[i]))
            continue;
        listen_text(&a->at[i], text);
        (void)snprintf(why, ADDRESSES_WHY,
                       "listening on %s without keys would open the gateway to everybody; set "
                       "GATEWAY_KEYS (see keys new), or --client-ca, or listen on 127.0.0.1",
                       text);
        return false;
    }
    return true;
}

bool addresses_equal(const struct addresses *a, const struct addresses *b) {
    if (a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++) {
        if (!listen_equal(&a->at[i], &b->at[i]))
            return false;
    }
    return true;
}
