/*
 * GATEWAY_KEYS: lines (or words) "name:sha256-of-key[:budget=..,rpm=..,classes=..,scopes=..]".
 */
#include "core/config/config_parts.h"

enum {
    ALL_CLASSES = (1 << GW_CLASSES) - 1,
    ALL_PROVIDERS = (1 << GW_PROVIDERS) - 1,
    UNSAID = 1 << GW_PROVIDERS,
};

static bool fail(struct gw_buf *why, struct gw_str name, struct gw_str what) {
    gw_buf_put(why, GW_STR("GATEWAY_KEYS: key \""));
    gw_buf_put(why, gw_str_sub(name, 0, 64));
    gw_buf_put(why, GW_STR("\": "));
    gw_buf_put(why, what);
    return false;
}

static bool is_key_name(struct gw_str s) {
    if (s.n == 0 || s.n > 64)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = gw_lower(s.p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '@'))
            return false;
    }
    return true;
}

/* "code+vision" (or with "|"): the classes that the key may use. */
static bool read_classes(struct gw_str list, uint32_t *classes) {
    *classes = 0;
    for (size_t i = 0; i <= list.n;) {
        size_t end = i;
        while (end < list.n && list.p[end] != '+' && list.p[end] != '|')
            end++;
        uint32_t class = 0;
        while (class < GW_CLASSES &&
               !gw_str_eq(config_class_names[class], gw_str_sub(list, i, end - i)))
            class ++;
        if (class == GW_CLASSES)
            return false;
        *classes |= 1u << class;
        i = end + 1;
    }
    return true;
}

/* "claude+openai" */
static bool read_providers(const struct config *conf, struct gw_str list, uint32_t *providers) {
    *providers = 0;
    while (list.p != NULL) {
        uint32_t i = config_provider_index(conf, gw_str_cut(&list, '+'));
        if (i == GW_PROVIDERS)
            return false;
        *providers |= 1u << i;
    }
    return true;
}

/* "account+byok" */
static bool read_scopes(struct gw_str list, uint32_t *scopes) {
    static const struct gw_str names[] = {GW_STR_INIT("account"), GW_STR_INIT("byok"),
                                          GW_STR_INIT("admin"), GW_STR_INIT("explain")};
    while (list.p != NULL) {
        struct gw_str name = gw_str_cut(&list, '+');
        uint32_t i = 0;
        while (i < 4 && !gw_str_eq(names[i], name))
            i++;
        if (i == 4)
            return false;
        *scopes |= 1u << i;
    }
    return true;
}

static bool read_option(const struct config *conf, struct key_conf *key, struct gw_str option,
                        struct gw_buf *why) {
    struct gw_str name = gw_str_cut(&option, '=');
    uint64_t rpm;
    if (option.p == NULL)
        return fail(why, key->name, GW_STR("an option without \"=\"; give for example rpm=60"));
    if (gw_str_eq(name, GW_STR("classes")))
        return read_classes(option, &key->classes) ||
               fail(why, key->name, GW_STR("unknown class; give for example classes=code+vision"));
    if (gw_str_eq(name, GW_STR("providers")))
        return read_providers(conf, option, &key->providers) ||
               fail(why, key->name,
                    GW_STR("unknown provider; give for example providers=claude+openai"));
    if (gw_str_eq(name, GW_STR("rpm"))) {
        if (!gw_str_u64(option, &rpm) || rpm == 0 || rpm > 1000000)
            return fail(why, key->name, GW_STR("rpm is not a number from 1 to 1000000"));
        key->rpm = (uint32_t)rpm;
        return true;
    }
    if (gw_str_eq(name, GW_STR("scopes")))
        return read_scopes(option, &key->scopes) ||
               fail(why, key->name,
                    GW_STR("unknown scope; the scopes are account, byok, admin, explain"));
    /* Known, and without effect until there are prices to apply it to. */
    if (gw_str_eq(name, GW_STR("budget")))
        return true;
    return fail(why, key->name,
                GW_STR("unknown option; the options are budget, rpm, classes, "
                       "providers, scopes"));
}

static bool read_key(const struct config *conf, struct gw_str line, struct key_conf *key,
                     struct gw_buf *why) {
    key->name = gw_str_cut(&line, ':');
    key->classes = ALL_CLASSES;
    key->providers = UNSAID;
    struct gw_str digest = gw_str_cut(&line, ':');
    if (!is_key_name(key->name))
        return fail(why, key->name,
                    GW_STR("a name is 1 to 64 letters, digits, \"-\", \"_\", \"@\""));
    if (digest.p == NULL || !gw_unhex(digest, key->digest, GW_SHA256))
        return fail(why, key->name,
                    GW_STR("the second part is not a SHA-256 in 64 hexadecimal "
                           "digits; make a line with: heady-gateway keys new NAME"));
    while (line.p != NULL && line.n > 0)
        if (!read_option(conf, key, gw_str_cut(&line, ','), why))
            return false;
    if (key->providers == UNSAID)
        key->providers = key->classes == ALL_CLASSES ? ALL_PROVIDERS : 0;
    return true;
}

/* By digest, so that the look-up is a binary search. The lists are short. */
static bool insert(struct key_conf *keys, uint32_t n, struct key_conf key, struct gw_buf *why) {
    uint32_t at = n;
    for (uint32_t i = 0; i < n; i++)
        if (gw_str_eq(keys[i].name, key.name) || memcmp(keys[i].digest, key.digest, GW_SHA256) == 0)
            return fail(why, key.name, GW_STR("its name or its key is there twice; remove one"));
    for (; at > 0 && memcmp(keys[at - 1].digest, key.digest, GW_SHA256) > 0; at--)
        keys[at] = keys[at - 1];
    keys[at] = key;
    return true;
}

static struct gw_str next_line(struct gw_str *rest) {
    size_t start = 0, end;
    while (start < rest->n && (unsigned char)rest->p[start] <= ' ')
        start++;
    for (end = start; end < rest->n && (unsigned char)rest->p[end] > ' ' && rest->p[end] != ';';)
        end++;
    struct gw_str line = gw_str_sub(*rest, start, end - start);
    *rest = gw_str_sub(*rest, end < rest->n ? end + 1 : end, rest->n);
    return line;
}

bool config_keys(struct config *conf, struct gw_str lines, struct gw_buf *why) {
    uint32_t n = 0;
    struct key_conf *keys = gw_arena_get(&conf->arena, GW_KEYS * sizeof *keys);
    if (keys == NULL)
        return fail(why, GW_STR(""), GW_STR("no memory for the list"));
    while (lines.n > 0) {
        struct gw_str line = next_line(&lines);
        struct key_conf key = {.rpm = 0};
        if (line.n == 0)
            continue;
        if (n == GW_KEYS)
            return fail(why, GW_STR(""), GW_STR("more than 1024 keys; remove some"));
        if (!read_key(conf, line, &key, why) || !insert(keys, n, key, why))
            return false;
        n++;
    }
    conf->keys = keys;
    conf->keys_n = n;
    return n > 0 || fail(why, GW_STR(""), GW_STR("no key in it; leave it out or add one"));
}
