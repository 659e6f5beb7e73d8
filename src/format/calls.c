#include "format/calls.h"

enum { ARGS_MAX = 1 << 20 };

/* ------------------------------------------------------------------ ids */

/* How far a call is looked for among those that a result may be of. */
enum { NEAR = 1024 };

/* A place among the parts, from the model's last turn on: results are of its calls. */
struct place {
    struct mean_turn *turn;
    struct mean_part *part; /* NULL: behind all of them */
};

static void go_on(struct place *at) {
    at->part = at->part->next;
    while (at->part == NULL && at->turn->next != NULL) {
        at->turn = at->turn->next;
        at->part = at->turn->parts;
    }
}

/* To the first call that no result is of. `failed` of a call says that one is; only here: a call cannot fail. */
static void pass_answered(struct place *at, const struct mean_part *end) {
    while (at->part != NULL && at->part != end && (at->part->kind != MEAN_CALL || at->part->failed))
        go_on(at);
}

/* The call before `end` that has this id; or, without an id, the first one of this name that no result is of. NULL:
 * there is none. An empty name is any. */
static struct mean_part *find_call(struct place at, const struct mean_part *end, struct gw_str id,
                                   struct gw_str name) {
    for (int i = 0; i < NEAR && at.part != NULL && at.part != end; i++, go_on(&at)) {
        const struct mean_part *p = at.part;
        bool its = id.n > 0 ? gw_str_eq(p->id, id)
                            : !p->failed && (name.n == 0 || gw_str_eq(p->name, name));
        if (p->kind == MEAN_CALL && its)
            return at.part;
    }
    return NULL;
}

static struct gw_str number_id(struct mean *m, uint32_t n) {
    struct gw_buf b;
    gw_buf_init(&b, m->arena, 24);
    gw_buf_put(&b, GW_STR("call_"));
    gw_buf_put_u64(&b, n);
    m->full |= b.full;
    return gw_buf_str(&b);
}

static void settle_result(struct mean *m, struct place *at, struct mean_part *p, uint32_t *n) {
    struct gw_str none = GW_STR("");
    pass_answered(at, p);
    struct mean_part *call = p->id.n > 0 ? find_call(*at, p, p->id, none) : NULL;
    if (call == NULL)
        call = find_call(*at, p, none, p->name);
    if (call == NULL && p->id.n == 0)
        call = find_call(*at, p, none, none);
    if (call != NULL) {
        call->failed = true;
        p->id = call->id;
    } else if (p->id.n == 0) {
        p->id = number_id(m, ++*n);
    }
}

static void settle_part(struct mean *m, struct place *at, struct mean_part *p, uint32_t *n) {
    *n += p->kind == MEAN_CALL;
    if (p->kind == MEAN_CALL && p->id.n == 0)
        p->id = number_id(m, *n);
    else if (p->kind == MEAN_RESULT)
        settle_result(m, at, p, n);
}

void calls_pair(struct mean *m) {
    uint32_t n = 0;
    struct place at = {NULL, NULL};
    for (struct mean_turn *t = m->turns; t != NULL; t = t->next) {
        if (t->role == MEAN_ASSISTANT)
            at = (struct place){t, t->parts};
        for (struct mean_part *p = t->parts; p != NULL; p = p->next)
            settle_part(m, &at, p, &n);
    }
    for (struct mean_turn *t = m->turns; t != NULL; t = t->next)
        for (struct mean_part *p = t->parts; p != NULL; p = p->next)
            p->failed = p->failed && p->kind != MEAN_CALL;
}

void calls_settle(struct mean_answer *a, struct mean_choice *c, uint64_t *calls) {
    for (struct mean_part *p = c->turn.parts; p != NULL; p = p->next) {
        if (p->kind != MEAN_CALL)
            continue;
        ++*calls;
        if (p->id.n == 0)
            p->id = mean_make_id(a->mean.arena, "call_", a->seed, *calls);
        if (c->why == WHY_STOP || c->why == WHY_UNTOLD)
            c->why = WHY_TOOL;
    }
}

/* ------------------------------------------------------------------ streams */

/* A call whose arguments may still come. */
struct pending {
    struct pending *next;
    uint32_t choice, tool;
    struct mean_part call;
    struct gw_buf args; /* what was said of them: the inside of a string, or a value */
};

struct own {
    struct pending *calls, *spare;
    struct gw_buf json; /* the arguments at hand, decoded */
};

static struct own *own_of(struct mean_stream *s) {
    struct own *own = s->own;
    if (own != NULL)
        return own;
    own = gw_arena_get(s->arena, sizeof *own);
    if (own != NULL)
        gw_buf_init(&own->json, s->arena, ARGS_MAX);
    s->full |= own == NULL;
    s->own = own;
    return own;
}

/* One that was used before keeps its buffer. */
static struct pending *get_pending(struct mean_stream *s, struct own *own) {
    struct pending *p = own->spare;
    if (p != NULL) {
        own->spare = p->next;
        p->args.n = 0;
        return p;
    }
    p = gw_arena_get(s->arena, sizeof *p);
    if (p != NULL)
        gw_buf_init(&p->args, s->arena, ARGS_MAX);
    s->full |= p == NULL;
    return p;
}

/* Its arguments as an object; empty: they are none, or not all there. */
static struct gw_str object_of(struct mean_stream *s, struct own *own, const struct pending *p) {
    own->json.n = 0;
    if (p->call.args_is_text)
        gw_json_decode(&own->json, gw_buf_str(&p->args));
    else
        gw_buf_put(&own->json, gw_buf_str(&p->args));
    s->full |= own->json.full;
    if (!mean_is_object(gw_buf_str(&own->json)))
        return GW_STR("");
    mean_join_lines(&own->json, 0);
    return gw_buf_str(&own->json);
}

static void tell_pending(struct mean_stream *s, const struct pending *p, struct gw_str object,
                         calls_tell *tell, struct gw_buf *b) {
    struct mean_part call = p->call;
    call.args_is_text = call.args_is_text && object.n == 0;
    call.args = call.args_is_text ? gw_buf_str(&p->args) : object;
    tell(s, p->choice, &call, b);
}

/* Tells the calls of a choice in their order; `all`, or those that are whole. */
static void flush(struct mean_stream *s, uint32_t choice, bool all, calls_tell *tell,
                  struct gw_buf *b) {
    struct own *own = own_of(s);
    struct pending **at = own != NULL ? &own->calls : NULL;
    while (at != NULL && *at != NULL) {
        struct pending *p = *at;
        if (p->choice != choice) {
            at = &p->next;
            continue;
        }
        struct gw_str object = object_of(s, own, p);
        if (!all && object.n == 0)
            return;
        tell_pending(s, p, object, tell, b);
        *at = p->next;
        p->next = own->spare;
        own->spare = p;
    }
}

static void begin_call(struct mean_stream *s, const struct mean_step *step, calls_tell *tell,
                       struct gw_buf *b) {
    flush(s, step->choice, false, tell, b);
    struct own *own = own_of(s);
    struct pending *p = own != NULL ? get_pending(s, own) : NULL;
    if (p == NULL)
        return;
    struct pending **at = &own->calls;
    while (*at != NULL)
        at = &(*at)->next;
    *at = p;
    p->next = NULL;
    p->choice = step->choice;
    p->tool = step->tool;
    p->call = (struct mean_part){.kind = MEAN_CALL,
                                 .id = step->id,
                                 .name = step->name,
                                 .signature = step->signature,
                                 .args_is_text = true};
}

static void add_args(struct mean_stream *s, const struct mean_step *step) {
    struct own *own = own_of(s);
    struct pending *p = own != NULL ? own->calls : NULL;
    while (p != NULL && (p->choice != step->choice || p->tool != step->tool))
        p = p->next;
    if (p == NULL)
        return;
    if (step->value)
        p->call.args_is_text = false;
    gw_buf_put(&p->args, step->raw);
    s->full |= p->args.full;
}

void calls_flush(struct mean_stream *s, uint32_t choice, calls_tell *tell, struct gw_buf *b) {
    flush(s, choice, true, tell, b);
}

bool calls_gather(struct mean_stream *s, const struct mean_step *step, calls_tell *tell,
                  struct gw_buf *b) {
    if (step->kind == MEAN_STEP_ARGS)
        add_args(s, step);
    else if (step->kind == MEAN_STEP_CALL)
        begin_call(s, step, tell, b);
    else
        flush(s, step->choice, true, tell, b);
    return step->kind == MEAN_STEP_ARGS || step->kind == MEAN_STEP_CALL;
}
