#include "core/policy/access.h"

enum { HOP_WINDOW_MS = 120000 };

static void hop_mac(const struct config *conf, struct gw_str time, struct gw_str name,
                    struct gw_str id, struct gw_str method, struct gw_str target,
                    uint8_t mac[GW_SHA256]) {
    const struct gw_str nl = GW_STR("\n");
    const struct gw_str parts[] = {time, nl, name, nl, id, nl, method, nl, target};
    gw_hmac_sha256(conf->twin_secret, parts, sizeof parts / sizeof *parts, mac);
}

/* Whether the hop verifies; `name` and `id` are then what it vouches for. */
static bool verify_hop(const struct config *conf, const struct gw_req_head *req, struct gw_str hop,
                       struct gw_time now, struct gw_str *name, struct gw_str *id) {
    uint8_t given[GW_SHA256], right[GW_SHA256];
    uint64_t ms;
    if (conf->twin_secret.n == 0 || hop.n == 0)
        return false;
    struct gw_str time = gw_str_cut(&hop, '.');
    *name = gw_str_cut(&hop, '.');
    struct gw_str mac = gw_str_cut(&hop, '.');
    if (hop.p == NULL || !gw_str_u64(time, &ms) || !gw_unhex(mac, given, GW_SHA256))
        return false;
    *id = hop;
    hop_mac(conf, time, *name, hop, req->method, req->target, right);
    double age = now.wall_ms - (double)ms;
    return gw_digest_eq(given, right) && age <= HOP_WINDOW_MS && age >= -HOP_WINDOW_MS;
}

bool access_is_twin(const struct config *conf, const struct gw_req_head *req,
                    const struct client_head *head, struct gw_time now) {
    struct gw_str name, id;
    return verify_hop(conf, req, head->hop, now, &name, &id);
}

/* A hop that does not verify counts as none: the request then needs a key like any other. */
static bool read_hop(const struct config *conf, const struct gw_req_head *req, struct gw_str hop,
                     struct gw_time now, struct identity *who) {
    struct gw_str name, id;
    if (!verify_hop(conf, req, hop, now, &name, &id))
        return false;
    who->key = config_key_named(conf, name);
    /* The twin vouches for the name; whether that name may call here is this host's to say. */
    if (conf->auth == GW_AUTH_KEYS && who->key == NULL)
        return false;
    who->name = who->key != NULL ? who->key->name : GW_STR("-");
    who->id = id;
    who->hop = true;
    return true;
}

void access_sign_hop(const struct config *conf, struct gw_str key_name, struct gw_str id,
                     struct gw_str method, struct gw_str target, struct gw_time now,
                     struct gw_buf *out) {
    uint8_t mac[GW_SHA256];
    if (conf->twin_secret.n == 0)
        return;
    gw_buf_put(out, GW_STR("x-heady-hop: "));
    size_t at = out->n;
    gw_buf_put_u64(out, (uint64_t)now.wall_ms);
    if (out->full)
        return;
    hop_mac(conf, gw_str(out->p + at, out->n - at), key_name, id, method, target, mac);
    gw_buf_putc(out, '.');
    gw_buf_put(out, key_name);
    gw_buf_putc(out, '.');
    gw_buf_put_hex(out, mac, sizeof mac);
    gw_buf_putc(out, '.');
    gw_buf_put(out, id);
    gw_buf_put(out, GW_STR("\r\n"));
}

/* A page of this same host may call; any other page, and "null", is foreign. */
static bool is_own_origin(struct gw_str origin) {
    if (gw_str_starts(origin, GW_STR("http://")))
        return url_is_loopback(gw_str_sub(origin, 7, origin.n));
    if (gw_str_starts(origin, GW_STR("https://")))
        return url_is_loopback(gw_str_sub(origin, 8, origin.n));
    return false;
}

/* A browser says where a request comes from: a page of this very origin, its user, or else another
 * page. A user opens documents, and his extensions fetch; what is embedded, a page has asked for. */
static bool is_foreign_page(const struct client_head *head) {
    if (head->fetch_site.p == NULL || gw_str_eq(head->fetch_site, GW_STR("same-origin")))
        return false;
    bool embedded = head->fetch_dest.p != NULL &&
                    !gw_str_eq(head->fetch_dest, GW_STR("document")) &&
                    !gw_str_eq(head->fetch_dest, GW_STR("empty"));
    return embedded || !gw_str_eq(head->fetch_site, GW_STR("none"));
}

/* Keyless on loopback is for one person at one machine. */
static enum access_answer check_keyless(const struct gw_req_head *req,
                                        const struct client_head *head) {
    bool own = (req->peer & GW_PEER_LOOPBACK) && url_is_loopback(req->authority) &&
               !head->forwarded && (head->origin.p == NULL || is_own_origin(head->origin));
    return own ? GW_ACCESS_OK : GW_ACCESS_FOREIGN;
}

static enum access_answer check_key(const struct config *conf, struct gw_str credential,
                                    struct identity *who) {
    uint8_t digest[GW_SHA256];
    if (credential.n == 0)
        return GW_ACCESS_NO_KEY;
    gw_sha256(credential, digest);
    who->key = config_key(conf, digest);
    if (who->key == NULL)
        return GW_ACCESS_BAD_KEY;
    who->name = who->key->name;
    return GW_ACCESS_OK;
}

/* A verified certificate is as good as the key of its name, and good enough if there is none. But browsers
 * show a certificate unasked, whichever page makes the request. */
static enum access_answer check_certificate(const struct config *conf, struct gw_str name,
                                            struct identity *who) {
    who->key = config_key_named(conf, name);
    who->name = who->key != NULL ? who->key->name : name;
    return GW_ACCESS_OK;
}

enum access_answer access_check(const struct config *conf, const struct gw_req_head *req,
                                const struct client_head *head, struct gw_time now,
                                struct identity *who) {
    *who = (struct identity){.name = GW_STR("-")};
    if (conf->host == GW_EDGE && conf->auth == GW_AUTH_NONE)
        return GW_ACCESS_NO_KEYS;
    if (read_hop(conf, req, head->hop, now, who))
        return GW_ACCESS_OK;
    bool certified = req->certificate.n > 0;
    if (conf->auth == GW_AUTH_KEYS && (!certified || head->credential.n > 0))
        return check_key(conf, head->credential, who);
    if (conf->host == GW_EDGE && !certified)
        return GW_ACCESS_OK;
    if (is_foreign_page(head))
        return GW_ACCESS_PAGE;
    return certified ? check_certificate(conf, req->certificate, who) : check_keyless(req, head);
}
