/*
 * "upstream_tls" of the file: certificates for connections to upstreams, of which the daemon makes
 * contexts. The edge uses the platform's TLS: it checks the section and ignores it.
 */
#include "core/config/config_parts.h"
#include "core/config/config_read.h"

static bool read_name(struct reader *r, const struct gw_json *item, struct gw_str *out) {
    if (!reader_text(r, item, out))
        return false;
    return (gw_str_chr(*out, '\t') < 0 && gw_str_chr(*out, '\n') < 0) ||
           reader_fail(r, item, GW_STR("has a tab or a line end"), GW_STR("name another file"));
}

#define TEXT(field)                                                                                \
    static bool read_##field(struct reader *r, const struct gw_json *item, void *into) {           \
        struct tls_conf *tls = into;                                                               \
        return read_name(r, item, &tls->field);                                                    \
    }
TEXT(ca_file)
TEXT(cert_file)
TEXT(key_file)
TEXT(server_name)

/* A certificate is of no use without its key, and the other way round. */
static bool check_pair(struct reader *r, const struct gw_json *item, const struct tls_conf *tls) {
    return (tls->cert_file.n > 0) == (tls->key_file.n > 0) ||
           reader_fail(r, item, GW_STR("has a certificate or a key alone"),
                       GW_STR("give \"cert_file\" and \"key_file\" together"));
}

static bool read_host(struct reader *r, const struct gw_json *item, void *into) {
    static const struct reader_field fields[] = {
        {GW_STR_INIT("ca_file"), read_ca_file, 0, 0, 0},
        {GW_STR_INIT("cert_file"), read_cert_file, 0, 0, 0},
        {GW_STR_INIT("key_file"), read_key_file, 0, 0, 0},
        {GW_STR_INIT("server_name"), read_server_name, 0, 0, 0},
    };
    struct config *conf = into;
    struct gw_str host = item->name;
    if (conf->tls_n == GW_TLS_HOSTS)
        return reader_fail(r, item, GW_STR("is one host too many"), GW_STR("name at most 32"));
    struct tls_conf *tls = &conf->tls[conf->tls_n++];
    tls->host = gw_arena_dup(&conf->arena, host);
    return reader_object(r, item, fields, 4, tls) && check_pair(r, item, tls);
}

static bool read_hosts(struct reader *r, const struct gw_json *item, void *into) {
    (void)into;
    return reader_each(r, item, read_host, r->conf);
}

bool config_tls(struct reader *r, const struct gw_json *item, void *into) {
    static const struct reader_field fields[] = {
        {GW_STR_INIT("ca_file"), read_ca_file, 0, 0, 0},
        {GW_STR_INIT("cert_file"), read_cert_file, 0, 0, 0},
        {GW_STR_INIT("key_file"), read_key_file, 0, 0, 0},
        {GW_STR_INIT("hosts"), read_hosts, 0, 0, 0},
    };
    struct config *conf = into;
    return reader_object(r, item, fields, 4, &conf->tls[0]) && check_pair(r, item, &conf->tls[0]);
}
