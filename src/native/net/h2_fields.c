#include "native/net/h2_fields.h"

enum { FIELD_EXTRA = 32 }; /* RFC 9113 6.5.2 */
enum { CRUMB_EXTRA = 2 };  /* "; " */

/* Each field is this, its name and its value. */
struct record {
    uint32_t name_n, value_n;
};
_Static_assert(sizeof(struct record) <= FIELD_EXTRA && (int)GW_HEAD_MAX <= (int)BLOCK_LARGE,
               "what the limit allows fits a block");

void h2_fields_init(struct h2_fields *head) {
    *head = (struct h2_fields){.body_len = GW_UNKNOWN};
}

void h2_fields_del(struct h2_fields *head, struct blocks *blocks) {
    if (head->block != NULL)
        block_put(blocks, head->block);
    head->block = NULL;
    head->n = head->crumbs = 0;
}

/* Room for `n` bytes behind what is there. */
static bool make_room(struct h2_fields *head, struct blocks *blocks, size_t n) {
    struct block *old = head->block;
    size_t used = old != NULL ? old->to : 0;
    if (old != NULL && used + n <= old->cap)
        return true;
    struct block *block = block_get(blocks, used + n);
    if (block == NULL)
        return false;
    if (old != NULL) {
        memcpy(block->data, old->data, used);
        block->to = (uint32_t)used;
        block_put(blocks, old);
    }
    head->block = block;
    return true;
}

static void put(struct block *block, const void *p, size_t n) {
    memcpy(block->data + block->to, p, n);
    block->to += (uint32_t)n;
}

static void append(struct h2_fields *head, struct gw_str name, struct gw_str value) {
    struct record r = {(uint32_t)name.n, (uint32_t)value.n};
    put(head->block, &r, sizeof r);
    put(head->block, name.p, name.n);
    put(head->block, value.p, value.n);
    head->n++;
}

/* Joined crumbs lie behind the fields: that room is reserved as they come. */
static size_t joined_n(const struct h2_fields *head) {
    return head->crumbs > 1 ? head->crumbs_n : 0;
}

bool h2_fields_add(struct h2_fields *head, struct blocks *blocks, struct gw_str name,
                   struct gw_str value) {
    if (gw_str_eq(name, GW_STR("cookie"))) {
        head->crumbs++;
        head->crumbs_n += value.n + CRUMB_EXTRA;
    }
    if (gw_str_eq(name, GW_STR(":method")))
        head->to_head = gw_str_eq(value, GW_STR("HEAD"));
    head->size += name.n + value.n + FIELD_EXTRA;
    head->over |= head->size + joined_n(head) > GW_HEAD_MAX || head->n == H2_FIELDS_MAX;
    if (head->over) {
        h2_fields_del(head, blocks);
        return true;
    }
    if (!make_room(head, blocks, sizeof(struct record) + name.n + value.n + joined_n(head)))
        return false;
    if (gw_str_eq(name, GW_STR("content-length")) && !gw_str_u64(value, &head->body_len))
        head->body_len = GW_UNKNOWN;
    append(head, name, value);
    return true;
}

/* Puts a crumb behind those that are joined already. */
static void join(struct block *block, struct gw_header *cookie, struct gw_str crumb) {
    char *at = block->data + block->to;
    if (cookie->value.p == NULL) {
        cookie->value.p = at;
    } else {
        put(block, "; ", CRUMB_EXTRA);
    }
    put(block, crumb.p, crumb.n);
    cookie->value.n = (size_t)(block->data + block->to - cookie->value.p);
}

uint32_t h2_fields_list(struct h2_fields *head, struct gw_header fields[H2_FIELDS_MAX]) {
    struct gw_header *cookie = NULL;
    uint32_t n = 0;
    if (head->block == NULL)
        return 0;
    const char *p = head->block->data;
    for (uint32_t i = 0; i < head->n; i++) {
        struct record r;
        memcpy(&r, p, sizeof r);
        struct gw_str name = gw_str(p + sizeof r, r.name_n);
        struct gw_str value = gw_str(name.p + r.name_n, r.value_n);
        p = value.p + r.value_n;
        bool crumb = head->crumbs > 1 && gw_str_eq(name, GW_STR("cookie"));
        if (!crumb || cookie == NULL)
            fields[n++] = (struct gw_header){name, crumb ? gw_str(NULL, 0) : value};
        if (crumb && cookie == NULL)
            cookie = &fields[n - 1];
        if (crumb)
            join(head->block, cookie, value);
    }
    return n;
}
