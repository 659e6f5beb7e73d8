#include "format/estimate.h"

enum {
    BYTES_OF_TEN = 35, /* of ten tokens: English and code have rather more */
    TURN = 4,
    TOOL = 12,
    IMAGE = 1600,    /* what the largest costs that is not made smaller */
    DOCUMENT = 1600, /* by its name or URL; else by its bytes: */
    DOCUMENT_BYTES = 40,
    SOUND_BYTES = 600,
};

/* What is counted by bytes, and what is not. */
struct estimate {
    uint64_t bytes, tokens;
};

static uint64_t by_bytes(struct gw_str base64, uint64_t each) {
    return base64.n / 4 * 3 / each + 1;
}

static void add_part(struct estimate *e, const struct mean_part *p) {
    e->bytes += p->text.n + p->name.n + p->args.n + p->signature.n;
    if (p->kind == MEAN_IMAGE)
        e->tokens += IMAGE;
    else if (p->kind == MEAN_AUDIO)
        e->tokens += by_bytes(p->data, SOUND_BYTES);
    else if (p->kind == MEAN_FILE && p->data.n > 0)
        e->tokens += by_bytes(p->data, DOCUMENT_BYTES);
    else if (p->kind == MEAN_FILE && p->text.n == 0)
        e->tokens += DOCUMENT;
    else if (p->kind == MEAN_OTHER)
        e->bytes += p->raw.n;
}

static void add_parts(struct estimate *e, const struct mean_part *p) {
    for (; p != NULL; p = p->next) {
        add_part(e, p);
        for (const struct mean_part *inner = p->parts; inner != NULL; inner = inner->next)
            add_part(e, inner);
    }
}

uint64_t estimate_input(const struct mean *m) {
    struct estimate e = {.bytes = m->form_schema.n};
    for (const struct mean_turn *t = m->turns; t != NULL; t = t->next) {
        e.tokens += TURN;
        add_parts(&e, t->parts);
    }
    for (const struct mean_tool *t = m->tools; t != NULL; t = t->next) {
        e.tokens += TOOL;
        e.bytes += t->name.n + t->description.n + t->schema.n + t->format.n;
    }
    for (const struct mean_item *t = m->embeds.texts.first; t != NULL; t = t->next)
        e.bytes += t->said.n;
    return e.tokens + (10 * e.bytes + BYTES_OF_TEN - 1) / BYTES_OF_TEN;
}
