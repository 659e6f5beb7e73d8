#include "format/seal.h"

#include "base/base64.h"
#include "base/digest.h"
#include "format/meaning.h"

enum { MAC = 12 };

static const struct gw_str mark = GW_STR_INIT("hg1"), id_mark = GW_STR_INIT("_hg1");

/* ------------------------------------------------------------------ one seal */

/* `what`: the dialect's name, ".", and what is sealed. */
static void sign(const struct seal *seal, struct gw_str what, uint8_t mac[GW_SHA256]) {
    const struct gw_str parts[] = {seal->who, GW_STR("\n"), what};
    gw_hmac_sha256(seal->key, parts, 3, mac);
}

struct gw_str seal_make(const struct seal *seal, struct gw_arena *arena, const struct dialect *of,
                        struct gw_str id, struct gw_str raw) {
    uint8_t mac[GW_SHA256];
    struct gw_buf inner, out;
    size_t n = MAC + of->name.n + 1 + raw.n;
    gw_buf_init(&inner, arena, n);
    gw_buf_init(&out, arena, id.n + id_mark.n + 4 * (n / 3 + 1));
    gw_buf_put(&inner, gw_str(mac, MAC)); /* its place */
    gw_buf_put(&inner, of->name);
    gw_buf_putc(&inner, '.');
    gw_buf_put(&inner, raw);
    if (inner.full)
        return id;
    sign(seal, gw_str_sub(gw_buf_str(&inner), MAC, n), mac);
    memcpy(inner.p, mac, MAC);
    gw_buf_put(&out, id);
    gw_buf_put(&out, id.n > 0 ? id_mark : mark);
    gw_base64_put(&out, gw_buf_str(&inner), true);
    return out.full ? id : gw_buf_str(&out);
}

static const struct dialect *dialect_named(struct gw_str name) {
    const struct dialect *d;
    for (uint32_t i = 0; (d = dialects_at(i)) != NULL; i++)
        if (gw_str_eq(d->name, name))
            return d;
    return NULL;
}

/* Where the letters begin; -1: it is no seal. An id may hold the mark more than once: the first is ours. */
static ptrdiff_t letters_of(struct gw_str id) {
    if (gw_str_starts(id, mark))
        return (ptrdiff_t)mark.n;
    ptrdiff_t at = gw_str_find(id, id_mark);
    return at < 0 ? -1 : at + (ptrdiff_t)id_mark.n;
}

struct gw_str seal_open(const struct seal *seal, struct gw_arena *arena, struct gw_str *id,
                        const struct dialect **of) {
    uint8_t mac[GW_SHA256];
    struct gw_buf b;
    struct gw_str none = {NULL, 0};
    ptrdiff_t at = letters_of(*id);
    if (at < 0)
        return none;
    gw_buf_init(&b, arena, id->n);
    if (!gw_base64_decode(&b, gw_str_sub(*id, (size_t)at, id->n)) || b.full || b.n <= MAC)
        return none;
    struct gw_str what = gw_str_sub(gw_buf_str(&b), MAC, b.n);
    sign(seal, what, mac);
    uint32_t differs = 0;
    for (uint32_t i = 0; i < MAC; i++)
        differs |= (uint32_t)(mac[i] ^ (uint8_t)b.p[i]);
    *of = dialect_named(gw_str_cut(&what, '.'));
    if (differs != 0 || *of == NULL || what.p == NULL)
        return none;
    *id = gw_str_sub(*id, 0, (size_t)at > id_mark.n ? (size_t)at - id_mark.n : 0);
    return what;
}

/* ------------------------------------------------------------------ all of them */

static void open_part(const struct seal *seal, struct mean *m, struct mean_part *p,
                      const struct dialect *from) {
    struct gw_str *at = p->kind == MEAN_CALL || p->kind == MEAN_RESULT ? &p->id : &p->signature;
    const struct dialect *of = from;
    struct gw_str own = p->signature, opened = GW_STR("");
    if (at->n > 0)
        opened = seal_open(seal, m->arena, at, &of);
    p->signer = opened.n > 0 ? of : from;
    p->own = opened.n > 0 ? opened : own;
}

void seal_open_request(const struct seal *seal, struct mean *m, const struct dialect *from) {
    for (struct mean_turn *t = m->turns; t != NULL; t = t->next)
        for (struct mean_part *p = t->parts; p != NULL; p = p->next)
            open_part(seal, m, p, from);
}

uint32_t seal_choose(struct mean *m, const struct dialect *target) {
    uint32_t left = 0;
    for (struct mean_turn *t = m->turns; t != NULL; t = t->next)
        for (struct mean_part *p = t->parts; p != NULL; p = p->next) {
            p->signature = p->signer == target ? p->own : GW_STR("");
            left += p->own.n > 0 && p->signer != target && p->kind != MEAN_RESULT;
        }
    return left;
}

void seal_answer(const struct seal *seal, struct mean_answer *a, const struct dialect *from) {
    struct gw_arena *arena = a->mean.arena;
    for (struct mean_choice *c = a->choices; c != NULL; c = c->next)
        for (struct mean_part *p = c->turn.parts; p != NULL; p = p->next) {
            if (p->signature.n == 0)
                continue;
            if (p->kind == MEAN_CALL)
                p->id = seal_make(seal, arena, from, p->id, p->signature);
            else
                p->signature = seal_make(seal, arena, from, GW_STR(""), p->signature);
        }
}
