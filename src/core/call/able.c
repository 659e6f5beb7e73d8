/*
 * Places of a chain whose models cannot do what the request needs (format/capability.h), as far as its path and its facts
 * tell: a conversation, pictures, sound, documents, tools. They are left out, and the answer says so. What else a model
 * cannot do is found where a request is understood to be translated (translate.c).
 */
#include "core/call/call.h"

/* What a request is seen to need, as far as models differ in it. */
static uint64_t needs_of(const struct gw_call *c) {
    static const uint32_t pairs[][2] = {{FACTS_NEED_IMAGES, FEATURE_IMAGE},
                                        {FACTS_NEED_AUDIO, FEATURE_AUDIO},
                                        {FACTS_NEED_FILES, FEATURE_FILE},
                                        {FACTS_NEED_TOOLS, FEATURE_TOOLS}};
    const struct facts *f = c->facts;
    uint64_t needs = c->dialect != NULL ? 1ULL << FEATURE_TALK : 0;
    for (uint32_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if ((f->needs & pairs[i][0]) != 0)
            needs |= 1ULL << pairs[i][1];
    return needs;
}

static struct gw_str lacks_text(struct gw_call *c, uint64_t lacks) {
    struct gw_buf b;
    uint32_t i = 0;
    while ((lacks >> i & 1) == 0)
        i++;
    gw_buf_init(&b, &c->arena, 64);
    gw_buf_put(&b, GW_STR("lacks "));
    gw_buf_put(&b, feature_word((enum feature)i));
    return gw_buf_str(&b);
}

/* Places whose models cannot do what the request needs are left out, unless that leaves none: then they may say so
 * themselves. Those that are asked in another dialect are judged once the request has been understood. */
static void leave_out(struct gw_call *c) {
    struct call_chain *chain = c->chain;
    uint64_t needs = chain->n > 1 ? needs_of(c) : 0;
    uint32_t able = 0, n = 0;
    for (uint32_t i = 0; i < chain->n; i++)
        able += chain->link[i].speaks != NULL || (needs & chain->link[i].can.lacks) == 0;
    for (uint32_t i = 0; able > 0 && i < chain->n; i++) {
        const struct chain_link *link = &chain->link[i];
        uint64_t lacks = link->speaks == NULL ? needs & link->can.lacks : 0;
        if (lacks == 0)
            chain->link[n++] = *link;
        else
            end_because(c, chain_who(c, link), lacks_text(c, lacks));
    }
    chain->n = able > 0 ? n : chain->n;
}

/* What models can is asked where it decides something: a place alone that speaks the client's dialect gets all. */
static void look_up(struct gw_call *c) {
    for (uint32_t i = 0; i < c->chain->n; i++) {
        struct chain_link *link = &c->chain->link[i];
        if (c->chain->n > 1 || link->speaks != NULL)
            link->can = config_capability(&link->at, link->says);
    }
}

void able_keep(struct gw_call *c) {
    look_up(c);
    leave_out(c);
}
