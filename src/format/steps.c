/*
 * From the events of a target's stream to steps. An event may hold several pieces in any order; a call of a tool is
 * told once its name is there, before its arguments. Targets that number their tools by choice are renumbered: a
 * step's `tool` counts all calls of the answer.
 */
#include "format/speech.h"

enum {
    PROBS_MAX = 1 << 17, /* of one event, written anew */
    ARGS_AROUND = 64,    /* what stands around a text that is an argument */
};

static const struct speech *out_of(const struct mean_stream *s) {
    return s->out->speech;
}

/* ------------------------------------------------------------------ calls */

static uint32_t key_of(uint32_t channel) {
    return channel >> 8;
}

/* The number of the call that this channel is of; MEAN_CALLS: there are too many. */
static uint32_t call_of(struct mean_stream *s, uint32_t channel) {
    uint32_t i = 0;
    while (i < s->calls && s->call[i].key != key_of(channel))
        i++;
    if (i == s->calls && i < MEAN_CALLS) {
        s->call[i].key = key_of(channel);
        s->calls++;
    }
    return i;
}

static void note(struct mean_stream *s, struct gw_str *to, struct gw_str raw) {
    if (to->n > 0 || raw.n == 0)
        return;
    *to = gw_arena_dup(s->arena, raw);
    s->full |= to->n == 0;
}

static void note_part(struct mean_stream *s, uint32_t call, enum event_part part,
                      struct gw_str raw) {
    if (call == MEAN_CALLS)
        s->full = true;
    else if (part == PART_ID)
        note(s, &s->call[call].id, raw);
    else if (part == PART_TOOL_NAME)
        note(s, &s->call[call].name, raw);
    else if (part == PART_SIGNATURE)
        note(s, &s->call[call].signature, raw);
}

/* Whether a signature is a call's: it stands right behind that. */
static bool signs_call(const struct event *e, uint32_t i) {
    return event_part_of(e->piece[i].channel) == PART_SIGNATURE && i > 0 &&
           event_part_of(e->piece[i - 1].channel) >= PART_ID;
}

/* The ids, names and signatures of calls that stand anywhere in the event. */
static void note_calls(struct mean_stream *s, const struct event *e) {
    for (uint32_t i = 0; i < e->pieces_n; i++) {
        const struct event_piece *p = &e->piece[i];
        enum event_part part = event_part_of(p->channel);
        if (part >= PART_ID)
            note_part(s, call_of(s, p->channel), part, p->raw);
        else if (signs_call(e, i))
            note_part(s, call_of(s, e->piece[i - 1].channel), part, p->raw);
    }
}

/* ------------------------------------------------------------------ steps */

static void put(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    s->choices |= 1U << step->choice;
    out_of(s)->step(s, step, b);
}

static void begin_call(struct mean_stream *s, uint32_t call, uint32_t choice, struct gw_buf *b) {
    if (s->call[call].told || s->call[call].name.n == 0)
        return;
    s->call[call].told = true;
    s->call[call].choice = choice;
    s->called |= 1U << choice;
    if (s->call[call].id.n == 0)
        s->call[call].id = mean_make_id(s->arena, "call_", s->seed, call + 1);
    if (s->call[call].signature.n > 0 && s->seal != NULL)
        s->call[call].id =
            seal_make(s->seal, s->arena, s->in, s->call[call].id, s->call[call].signature);
    put(s,
        &(struct mean_step){.kind = MEAN_STEP_CALL,
                            .choice = choice,
                            .tool = call,
                            .id = s->call[call].id,
                            .name = mean_own_name(s->asked, s->arena, s->call[call].name),
                            .signature = s->call[call].signature},
        b);
}

/* Whether arguments came as a JSON value, and not inside of a string. */
static bool is_value(const struct event_piece *p) {
    struct gw_walk w;
    gw_walk_init(&w, p->raw);
    return p->whole && gw_walk_kind(&w) != 0 && gw_walk_skip(&w) && gw_walk_end(&w);
}

static void put_call(struct mean_stream *s, const struct event_piece *p, struct gw_buf *b) {
    uint32_t call = call_of(s, p->channel), choice = event_choice_of(p->channel);
    if (call == MEAN_CALLS)
        return;
    begin_call(s, call, choice, b);
    if (event_part_of(p->channel) != PART_TOOL_ARGUMENTS || !s->call[call].told)
        return;
    s->call[call].args = true;
    put(s,
        &(struct mean_step){.kind = MEAN_STEP_ARGS,
                            .choice = choice,
                            .tool = call,
                            .raw = p->raw,
                            .value = is_value(p)},
        b);
}

static struct gw_str sealed(struct mean_stream *s, struct gw_str raw) {
    return s->seal != NULL ? seal_make(s->seal, s->arena, s->in, GW_STR(""), raw) : raw;
}

static void put_piece(struct mean_stream *s, const struct event_piece *p, struct gw_buf *b) {
    static const enum mean_step_kind kinds[] = {
        [PART_TEXT] = MEAN_STEP_TEXT,       [PART_REASONING] = MEAN_STEP_REASONING,
        [PART_REFUSAL] = MEAN_STEP_REFUSAL, [PART_SIGNATURE] = MEAN_STEP_SIGNATURE,
        [PART_REDACTED] = MEAN_STEP_HIDDEN, [PART_ID] = 0};
    enum event_part part = event_part_of(p->channel);
    if (part >= PART_ID)
        put_call(s, p, b);
    else if (kinds[part] != 0 && !(part == PART_REASONING && s->hides))
        put(s,
            &(struct mean_step){.kind = kinds[part],
                                .choice = event_choice_of(p->channel),
                                .raw = part >= PART_SIGNATURE ? sealed(s, p->raw) : p->raw},
            b);
}

/* A call that came whole, but for arguments that it does not have, has none: an object without members. */
static void put_no_args(struct mean_stream *s, const struct event *e, uint32_t i,
                        struct gw_buf *b) {
    const struct event_piece *name = &e->piece[i];
    if (!name->whole || event_part_of(name->channel) != PART_TOOL_NAME)
        return;
    bool has = false;
    for (uint32_t k = 0; k < e->pieces_n && !has; k++)
        has = event_part_of(e->piece[k].channel) == PART_TOOL_ARGUMENTS &&
              key_of(e->piece[k].channel) == key_of(name->channel);
    struct event_piece none = {.raw = GW_STR("{}"), .whole = true};
    none.channel = name->channel - PART_TOOL_NAME + PART_TOOL_ARGUMENTS;
    if (!has)
        put_call(s, &none, b);
}

/* ------------------------------------------------------------------ events */

static void note_finish(struct mean_stream *s, const struct event *e) {
    if (e->finished == 0)
        return;
    enum event_why why = event_why(s->in, e);
    for (uint32_t i = 0; i < EVENT_CHOICES; i++)
        if ((e->finished >> i & 1) != 0 && (s->why[i] == WHY_UNTOLD || why != WHY_UNTOLD))
            s->why[i] = (uint8_t)why;
    if (e->stop.n > 0)
        note(s, &s->stop, e->stop);
    s->choices |= e->finished;
}

static void begin(struct mean_stream *s, struct gw_str event, struct gw_buf *b) {
    if (s->begun)
        return;
    struct gw_str model = event_model(s->in, event);
    if (model.n > 0)
        s->model = gw_arena_dup(s->arena, model);
    s->begun = true;
    s->hides = mean_hides_thoughts(s->asked, s->in, s->out);
    out_of(s)->begin(s, b);
}

void steps_piece(struct mean_stream *s, const struct event_piece *p, struct gw_buf *b) {
    put_piece(s, p, b);
}

/* In the form of a meaning; those of one event at a time, in the same place. */
static void mend_logprobs(struct mean_stream *s, const struct event *e) {
    void (*mend)(struct gw_str, struct gw_out *) = s->in->speech->put_logprobs;
    struct gw_out o;
    if (mend == NULL)
        return;
    if (s->probs.arena == NULL)
        gw_buf_init(&s->probs, s->arena, PROBS_MAX);
    s->probs.n = 0;
    gw_out_init(&o, &s->probs);
    mend(e->logprobs, &o);
    s->logprobs = s->probs.full ? GW_STR("") : gw_buf_str(&s->probs);
}

void steps_put(struct mean_stream *s, const struct event *e, struct gw_str event,
               struct gw_buf *b) {
    event_usage(s->in, e, &s->usage);
    s->logprobs = e->logprobs;
    if (e->logprobs.n > 0)
        mend_logprobs(s, e);
    s->full |= e->opaque && e->pieces_n == EVENT_PIECES; /* there are more */
    note_calls(s, e);
    begin(s, event, b);
    for (uint32_t i = 0; i < e->pieces_n; i++) {
        if (!signs_call(e, i))
            put_piece(s, &e->piece[i], b);
        put_no_args(s, e, i, b);
    }
    note_finish(s, e);
}

/* Some targets say that an answer with a call of a tool has stopped like any other. */
static void settle(struct mean_stream *s) {
    s->choices |= s->choices == 0;
    for (uint32_t i = 0; i < EVENT_CHOICES; i++) {
        bool stopped = s->why[i] == WHY_STOP || s->why[i] == WHY_UNTOLD;
        if (stopped)
            s->why[i] = (s->called >> i & 1) != 0 ? WHY_TOOL : WHY_STOP;
    }
}

void steps_end(struct mean_stream *s, struct gw_buf *b) {
    if (s->over)
        return;
    begin(s, GW_STR(""), b);
    settle(s);
    s->over = true;
    out_of(s)->end(s, b);
}

/* ------------------------------------------------------------------ whole answers */

static void say(struct mean_stream *s, enum mean_step_kind kind, uint32_t choice, struct gw_str raw,
                struct gw_buf *b) {
    if (raw.n > 0)
        put(s, &(struct mean_step){.kind = kind, .choice = choice, .raw = raw}, b);
}

/* A value of a whole answer may be written on several lines; an event has one. */
static struct gw_str one_line(struct mean_stream *s, struct gw_str value) {
    struct gw_buf b;
    if (gw_str_chr(value, '\n') < 0 && gw_str_chr(value, '\r') < 0)
        return value;
    gw_buf_init(&b, s->arena, value.n);
    gw_buf_put(&b, value);
    mean_join_lines(&b, 0);
    s->full |= b.full;
    return gw_buf_str(&b);
}

static void say_thought(struct mean_stream *s, const struct mean_part *p, uint32_t choice,
                        struct gw_buf *b) {
    if (!p->hidden)
        say(s, MEAN_STEP_REASONING, choice, p->text, b);
    say(s, p->hidden ? MEAN_STEP_HIDDEN : MEAN_STEP_SIGNATURE, choice, p->signature, b);
}

/* The argument of a tool that takes a text stands in an object, as it does where targets stream it. */
static void say_args(struct mean_stream *s, const struct mean_part *p, uint32_t choice,
                     struct gw_buf *b) {
    struct mean_step step = {.kind = MEAN_STEP_ARGS, .choice = choice, .tool = s->calls - 1};
    struct gw_buf json;
    struct gw_out o;
    if (p->args.n == 0 && !p->custom)
        return; /* the end of the stream says that there are none */
    step.value = p->custom || !p->args_is_text;
    step.raw = step.value ? one_line(s, p->args) : p->args;
    if (p->custom) {
        gw_buf_init(&json, s->arena, p->args.n + ARGS_AROUND);
        gw_out_init(&o, &json);
        mean_put_args(p, s->arena, &o);
        s->full |= json.full;
        step.raw = gw_buf_str(&json);
    }
    s->call[step.tool].args = true;
    put(s, &step, b);
}

static void say_call(struct mean_stream *s, const struct mean_part *p, uint32_t choice,
                     struct gw_buf *b) {
    uint32_t call = s->calls;
    if (call == MEAN_CALLS) {
        s->full = true;
        return;
    }
    s->calls++;
    s->call[call].id = p->id;
    s->call[call].name = p->name;
    s->call[call].signature = p->signature;
    begin_call(s, call, choice, b);
    say_args(s, p, choice, b);
}

static void say_part(struct mean_stream *s, const struct mean_part *p, uint32_t choice,
                     struct gw_buf *b) {
    if (p->kind == MEAN_CALL)
        say_call(s, p, choice, b);
    else if (p->kind == MEAN_REASONING)
        say_thought(s, p, choice, b);
    else if (p->kind == MEAN_TEXT || p->kind == MEAN_REFUSAL)
        say(s, p->kind == MEAN_TEXT ? MEAN_STEP_TEXT : MEAN_STEP_REFUSAL, choice, p->text, b);
}

void steps_answer(struct mean_stream *s, const struct mean_answer *a, struct gw_buf *b) {
    s->model = a->model;
    s->usage = a->usage;
    s->begun = true;
    out_of(s)->begin(s, b);
    for (const struct mean_choice *c = a->choices; c != NULL; c = c->next) {
        if (c->index >= EVENT_CHOICES)
            continue;
        s->logprobs = one_line(s, c->logprobs);
        s->choices |= 1U << c->index;
        s->why[c->index] = (uint8_t)c->why;
        s->stop = c->index == 0 ? c->stop : s->stop;
        for (const struct mean_part *p = c->turn.parts; p != NULL; p = p->next)
            say_part(s, p, c->index, b);
    }
    s->logprobs = GW_STR("");
    steps_end(s, b);
}
