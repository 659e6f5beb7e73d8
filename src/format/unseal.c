#include "format/unseal.h"

#include "format/responses_speech.h"

struct seeker {
    const char *body;
    const struct seal *seal;
    const struct dialect *own;
    struct gw_arena *arena;
    struct unseal *out;
    struct gw_str summary; /* of the item at hand, which is one that another model has made; raw */
};

static void change(struct seeker *s, const char *from, const char *to, struct gw_str text) {
    struct unseal *out = s->out;
    if (out->n == UNSEAL_CHANGES || text.p == NULL) {
        out->full = true;
        return;
    }
    out->change[out->n++] = (struct unseal_change){
        .at = (size_t)(from - s->body), .skip = (size_t)(to - from), .text = text};
}

/* True: what it is in is to be left out. */
static bool seek_string(struct seeker *s, struct gw_walk *w, struct gw_str name) {
    struct gw_str raw = GW_STR("");
    const struct dialect *of = NULL;
    if (!gw_walk_string(w, &raw))
        return false;
    if (gw_str_eq(name, GW_STR("encrypted_content")) && gw_str_starts(raw, responses_compact)) {
        s->summary = gw_str_sub(raw, responses_compact.n, raw.n);
        return false;
    }
    struct gw_str id = raw, own = seal_open(s->seal, s->arena, &id, &of);
    struct gw_str word = s->own->speech->no_signature;
    if (own.n == 0)
        return false;
    if (id.n == 0 && of != s->own && word.n == 0)
        return true;
    change(s, raw.p, raw.p + raw.n, id.n > 0 ? id : of == s->own ? own : word);
    return false;
}

static bool seek(struct seeker *s, struct gw_walk *w, struct gw_str name);

/* Items that are left out go with the comma before them; the first ones with that behind them. */
struct list {
    const char *end;   /* of the item before */
    const char *first; /* those from here on are left out so far, and nothing is before them */
    bool kept;         /* there is an item before */
};

static void leave_out(struct seeker *s, struct list *l, const char *from, const char *to,
                      uint32_t changes) {
    s->out->n = changes; /* those within it */
    if (l->kept)
        change(s, l->end, to, GW_STR(""));
    else if (l->first == NULL)
        l->first = from;
}

static void keep(struct seeker *s, struct list *l, const char *from, uint32_t changes) {
    struct unseal *out = s->out;
    if (l->first != NULL && out->n < UNSEAL_CHANGES) {
        memmove(&out->change[changes + 1], &out->change[changes],
                (out->n - changes) * sizeof *out->change);
        out->change[changes] = (struct unseal_change){.at = (size_t)(l->first - s->body),
                                                      .skip = (size_t)(from - l->first),
                                                      .text = GW_STR("")};
        out->n++;
    } else if (l->first != NULL) {
        out->full = true;
    }
    l->first = NULL;
    l->kept = true;
}

/* The item's summary, as its user would say it. */
static void retell(struct seeker *s, struct list *l, const char *from, const char *to,
                   uint32_t changes) {
    struct gw_buf b;
    gw_buf_init(&b, s->arena, s->summary.n + 64);
    gw_buf_put(&b, GW_STR("{\"role\":\"user\",\"content\":\""));
    gw_buf_put(&b, s->summary);
    gw_buf_put(&b, GW_STR("\"}"));
    s->summary = GW_STR("");
    s->out->n = changes;
    keep(s, l, from, changes);
    change(s, from, to, b.full ? gw_str(NULL, 0) : gw_buf_str(&b));
}

static void seek_list(struct seeker *s, struct gw_walk *w) {
    struct list l = {.kept = false};
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w)) {
        const char *from = w->p;
        uint32_t changes = s->out->n;
        bool foreign = seek(s, w, GW_STR(""));
        if (s->summary.n > 0)
            retell(s, &l, from, w->p, changes);
        else if (foreign)
            leave_out(s, &l, from, w->p, changes);
        else
            keep(s, &l, from, changes);
        l.end = w->p;
    }
    if (l.first != NULL)
        change(s, l.first, l.end, GW_STR(""));
}

static bool seek_object(struct seeker *s, struct gw_walk *w) {
    struct gw_str name;
    bool foreign = false;
    if (!gw_walk_enter(w, '{'))
        return false;
    while (gw_walk_member(w, &name))
        foreign |= seek(s, w, name);
    return foreign;
}

/* True: the item of a list that this is in, or is, is to be left out. */
static bool seek(struct seeker *s, struct gw_walk *w, struct gw_str name) {
    switch (gw_walk_kind(w)) {
    case '"':
        return seek_string(s, w, name);
    case '{':
        return seek_object(s, w);
    case '[':
        seek_list(s, w);
        return false;
    default:
        gw_walk_skip(w);
        return false;
    }
}

void unseal_find(struct gw_str body, const struct seal *seal, const struct dialect *own,
                 struct gw_arena *arena, struct unseal *out) {
    struct seeker s = {.body = body.p, .seal = seal, .own = own, .arena = arena, .out = out};
    struct gw_walk w;
    out->n = 0;
    out->full = false;
    gw_walk_init(&w, body);
    seek(&s, &w, GW_STR(""));
    out->full |= !gw_walk_end(&w);
}
