/*
 * Reading typed fields of the configuration file. Every error has one form, with line, field, what is
 * wrong and remedy: "line 12: heavy.queue_ms: is text; give a whole number from 0 to 60000".
 *
 * A reader stops at the first error: every function returns false from then on.
 */
#ifndef GW_CORE_CONFIG_CONFIG_READ_H
#define GW_CORE_CONFIG_CONFIG_READ_H

#include "base/json.h"
#include "core/config/config.h"

enum { READER_DEPTH = 8 };

struct reader {
    struct gw_str text;
    const struct gw_json *root; /* NULL: there is no file */
    struct config *conf;
    struct gw_buf *why;
    struct gw_str path[READER_DEPTH]; /* of the object being read */
    uint32_t depth;
};

/* One member of an object. If `read` is NULL it is a number, for the uint64_t at `offset` in the
 * object's structure; else `read` does with it what it likes. */
struct reader_field {
    struct gw_str name;
    bool (*read)(struct reader *r, const struct gw_json *item, void *into);
    size_t offset;
    uint64_t min, max;
};

/* Reads each member of `item` by its field. An unknown member is an error that lists the known ones. */
bool reader_object(struct reader *r, const struct gw_json *item, const struct reader_field *fields,
                   size_t n, void *into);
/* Calls `each` for every member of the object `item`, with the path extended by its name. */
bool reader_each(struct reader *r, const struct gw_json *item,
                 bool (*each)(struct reader *r, const struct gw_json *item, void *into),
                 void *into);
bool reader_bool(struct reader *r, const struct gw_json *item, bool *out);
/* Text is copied into the configuration's arena. */
bool reader_text(struct reader *r, const struct gw_json *item, struct gw_str *out);
bool reader_u64(struct reader *r, const struct gw_json *item, uint64_t min, uint64_t max,
                uint64_t *out);
bool reader_url(struct reader *r, const struct gw_json *item, struct url *out);
/* Says what is wrong with `item` and what to do; always false. */
bool reader_fail(struct reader *r, const struct gw_json *item, struct gw_str what,
                 struct gw_str remedy);

/* config_providers.c: the section "providers", into a struct config. */
bool config_providers(struct reader *r, const struct gw_json *item, void *into);
/* config_models.c: the section "models"; the providers must be known. */
bool config_models(struct reader *r, const struct gw_json *item);
/* config_tls.c: the section "upstream_tls", into a struct config. */
bool config_tls(struct reader *r, const struct gw_json *item, void *into);

#endif
