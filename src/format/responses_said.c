/*
 * What an answer has said until now, item by item, as its last event has to tell it again. Texts are lists of pieces,
 * so that nothing is copied to make place: those of a whole answer are its own, those of a stream are kept in the
 * arena, up to a limit.
 */
#include "format/responses_speech.h"

enum { PIECE = 512 - sizeof(struct responses_piece) };

void responses_said_init(struct responses_said *said, struct gw_arena *arena, uint64_t seed,
                         size_t max) {
    *said = (struct responses_said){.arena = arena, .seed = seed, .max = max};
    gw_buf_init(&said->json, arena, max);
    gw_buf_init(&said->input, arena, max);
}

/* ------------------------------------------------------------------ space */

static void *get(struct responses_said *said, size_t n) {
    void *p = n <= said->max - said->taken ? gw_arena_get(said->arena, n) : NULL;
    said->full |= p == NULL;
    said->taken += p != NULL ? n : 0;
    return p;
}

static struct responses_piece *add_piece(struct responses_said *said, struct responses_text *to,
                                         size_t max) {
    struct responses_piece *piece = get(said, sizeof *piece + max);
    if (piece == NULL)
        return NULL;
    piece->max = max;
    piece->text.p = (char *)(piece + 1);
    if (to->last != NULL)
        to->last->next = piece;
    else
        to->first = piece;
    to->last = piece;
    return piece;
}

void responses_said_text(struct responses_said *said, struct responses_text *to,
                         struct gw_str raw) {
    while (raw.n > 0) {
        struct responses_piece *piece = to->last;
        if (piece == NULL || piece->text.n >= piece->max)
            piece = add_piece(said, to, PIECE);
        if (piece == NULL)
            return;
        size_t left = piece->max - piece->text.n, n = raw.n < left ? raw.n : left;
        memcpy((char *)(piece + 1) + piece->text.n, raw.p, n);
        piece->text.n += n;
        raw = gw_str_sub(raw, n, raw.n);
    }
}

void responses_said_borrow(struct responses_said *said, struct responses_text *to,
                           struct gw_str raw) {
    struct responses_piece *piece = raw.n > 0 ? add_piece(said, to, 0) : NULL;
    if (piece != NULL)
        piece->text = raw;
}

/* ------------------------------------------------------------------ items */

struct responses_said_item *responses_said_add(struct responses_said *said,
                                               enum responses_kind kind) {
    static const char *const prefixes[] = {
        [RESPONSES_REASONING] = "rs_",  [RESPONSES_MESSAGE] = "msg_", [RESPONSES_FUNCTION] = "fc_",
        [RESPONSES_CUSTOM] = "ctc_",    [RESPONSES_SEARCH] = "tsc_",  [RESPONSES_IMAGE] = "ig_",
        [RESPONSES_COMPACTION] = "cmp_"};
    struct responses_said_item *item = get(said, sizeof *item);
    if (item == NULL) {
        said->spare = (struct responses_said_item){.kind = kind};
        return &said->spare;
    }
    item->kind = kind;
    item->open = true;
    item->index = said->items++;
    item->id = mean_make_id(said->arena, prefixes[kind], said->seed, said->items);
    if (said->last != NULL)
        said->last->next = item;
    else
        said->first = item;
    said->last = item;
    return item;
}

void responses_said_summary(struct responses_said *said, struct gw_str raw) {
    struct responses_said_item *item = said->last;
    if (item == NULL) {
        item = responses_said_add(said, RESPONSES_COMPACTION);
        responses_said_borrow(said, &item->args, responses_compact);
    }
    responses_said_text(said, &item->args, raw);
}

static enum responses_kind kind_of(const struct mean_tool *t) {
    if (t != NULL && t->searches)
        return RESPONSES_SEARCH;
    return t != NULL && t->kind == MEAN_CUSTOM ? RESPONSES_CUSTOM : RESPONSES_FUNCTION;
}

struct responses_said_item *responses_said_call(struct responses_said *said,
                                                const struct mean *asked, struct gw_str call_id,
                                                struct gw_str name) {
    const struct mean_tool *t = responses_name_tool(asked, name);
    struct responses_said_item *item = responses_said_add(said, kind_of(t));
    item->call_id = call_id;
    item->name = t != NULL && t->bare.n > 0 ? t->bare : name;
    item->space = t != NULL ? t->space : GW_STR("");
    return item;
}

struct responses_part *responses_said_part(struct responses_said *said,
                                           struct responses_said_item *item, bool refusal) {
    struct responses_part *part = get(said, sizeof *part);
    if (part == NULL) {
        said->spare_part = (struct responses_part){.refusal = refusal};
        return &said->spare_part;
    }
    part->refusal = refusal;
    if (item->last != NULL)
        item->last->next = part;
    else
        item->part = part;
    item->last = part;
    item->parts_n++;
    return part;
}

/* ------------------------------------------------------------------ arguments */

/* One piece of arguments as JSON text. */
static struct gw_str json_of(struct responses_said *said, struct gw_str raw, bool value) {
    if (value)
        return raw;
    said->json.n = 0;
    gw_json_decode(&said->json, raw);
    said->full |= said->json.full;
    return gw_buf_str(&said->json);
}

/* And as the inside of a JSON string. */
static struct gw_str raw_of(struct responses_said *said, struct gw_str raw, bool value) {
    if (!value)
        return raw;
    said->json.n = 0;
    gw_buf_put_json(&said->json, raw);
    said->full |= said->json.full;
    return gw_buf_str(&said->json);
}

/* Until the text has been found, all that came is kept: it is the text if none is. */
static struct gw_str take_input(struct responses_said *said, struct responses_said_item *item,
                                struct gw_str raw, bool value) {
    bool found = item->input.found;
    said->input.n = 0;
    custom_input_feed(&item->input, json_of(said, raw, value), &said->input);
    said->full |= said->input.full;
    if (item->input.found && !found)
        item->args = (struct responses_text){.first = NULL};
    if (item->input.found)
        responses_said_text(said, &item->args, gw_buf_str(&said->input));
    else
        responses_said_text(said, &item->args, raw_of(said, raw, value));
    return gw_buf_str(&said->input);
}

struct gw_str responses_said_args(struct responses_said *said, struct responses_said_item *item,
                                  struct gw_str raw, bool value) {
    if (item->kind == RESPONSES_CUSTOM)
        return take_input(said, item, raw, value);
    bool search = item->kind == RESPONSES_SEARCH;
    struct gw_str part = search ? json_of(said, raw, value) : raw_of(said, raw, value);
    responses_said_text(said, &item->args, part);
    return search ? GW_STR("") : part;
}

/* ------------------------------------------------------------------ log probabilities */

/* The items of OpenAI's list of them, which may stand in an object as its "content". */
void responses_said_logprobs(struct responses_said *said, struct responses_part *part,
                             struct gw_str value) {
    struct gw_str items = mean_logprobs_items(value);
    if (items.n == 0)
        return;
    if (part->logprobs.first != NULL)
        responses_said_text(said, &part->logprobs, GW_STR(","));
    responses_said_text(said, &part->logprobs, items);
}

/* ------------------------------------------------------------------ writing */

static void put_pieces(struct gw_buf *b, const struct responses_text *text) {
    for (const struct responses_piece *p = text->first; p != NULL; p = p->next)
        gw_buf_put(b, p->text);
}

void responses_said_put_text(struct gw_out *o, const struct responses_text *text) {
    gw_out_raw(o, GW_STR(""));
    o->b->n -= !o->b->full; /* the closing quote */
    put_pieces(o->b, text);
    gw_buf_putc(o->b, '"');
}

/* What stands between the values of an object may be the ends of lines, which end an event, too. */
void responses_said_put_value(struct gw_out *o, struct gw_str json) {
    gw_out_value(o, GW_STR(""));
    while (json.p != NULL) {
        struct gw_str line = gw_str_cut(&json, '\n');
        while (line.p != NULL)
            gw_buf_put(o->b, gw_str_cut(&line, '\r'));
    }
}

void responses_said_put_list(struct gw_out *o, const struct responses_text *items) {
    gw_out_open(o, '[');
    put_pieces(o->b, items);
    gw_out_close(o, ']');
}

static const struct responses_text nothing = {.first = NULL};

/* `part`: NULL, if it has just begun. */
void responses_said_put_part(struct gw_out *o, const struct responses_part *part,
                             const char *type) {
    bool refusal = gw_str_eq(gw_str(type, strlen(type)), GW_STR("refusal"));
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", type);
    if (gw_str_eq(gw_str(type, strlen(type)), GW_STR("output_text"))) {
        gw_out_put_value(o, "annotations", GW_STR("[]"));
        gw_out_name(o, "logprobs");
        responses_said_put_list(o, part != NULL ? &part->logprobs : &nothing);
    }
    gw_out_name(o, refusal ? "refusal" : "text");
    responses_said_put_text(o, part != NULL ? &part->text : &nothing);
    gw_out_close(o, '}');
}

const char *responses_said_type(const struct responses_said_item *item,
                                const struct responses_part *part) {
    return item->kind == RESPONSES_REASONING ? "summary_text"
           : part->refusal                   ? "refusal"
                                             : "output_text";
}

static void put_parts(struct gw_out *o, const char *name, const struct responses_said_item *item,
                      bool begins) {
    gw_out_name(o, name);
    gw_out_open(o, '[');
    for (const struct responses_part *p = begins ? NULL : item->part; p != NULL; p = p->next)
        responses_said_put_part(o, p, responses_said_type(item, p));
    gw_out_close(o, ']');
}

/* The arguments of a search are an object. */
static void put_search(struct gw_out *o, const struct responses_said_item *item, bool begins) {
    struct gw_buf b;
    struct gw_walk w;
    gw_buf_init(&b, o->b->arena, 1 << 16);
    put_pieces(&b, begins ? &nothing : &item->args);
    gw_walk_init(&w, gw_buf_str(&b));
    bool object = b.n > 0 && gw_walk_kind(&w) == '{' && gw_walk_skip(&w) && gw_walk_end(&w);
    gw_out_put_word(o, "execution", "client");
    gw_out_put_raw(o, "call_id", item->call_id);
    gw_out_name(o, "arguments");
    responses_said_put_value(o, object ? gw_buf_str(&b) : GW_STR("{}"));
}

static void put_call(struct gw_out *o, const struct responses_said_item *item, bool begins) {
    gw_out_put_raw(o, "call_id", item->call_id);
    gw_out_may_raw(o, "namespace", item->space);
    gw_out_put_raw(o, "name", item->name);
    gw_out_name(o, item->kind == RESPONSES_CUSTOM ? "input" : "arguments");
    responses_said_put_text(o, begins ? &nothing : &item->args);
}

static void put_members(struct gw_out *o, const struct responses_said_item *item, bool begins) {
    switch (item->kind) {
    case RESPONSES_REASONING:
        put_parts(o, "summary", item, begins);
        if (!begins)
            gw_out_may_raw(o, "encrypted_content", item->signature);
        break;
    case RESPONSES_MESSAGE:
        gw_out_put_word(o, "role", "assistant");
        put_parts(o, "content", item, begins);
        break;
    case RESPONSES_IMAGE:
        gw_out_name(o, "result");
        responses_said_put_text(o, &item->args);
        break;
    case RESPONSES_COMPACTION:
        gw_out_name(o, "encrypted_content");
        responses_said_put_text(o, &item->args);
        break;
    case RESPONSES_SEARCH:
        put_search(o, item, begins);
        break;
    default:
        put_call(o, item, begins);
    }
}

void responses_said_put_item(struct gw_out *o, const struct responses_said_item *item,
                             bool begins) {
    static const char *const types[] = {
        [RESPONSES_REASONING] = "reasoning",     [RESPONSES_MESSAGE] = "message",
        [RESPONSES_FUNCTION] = "function_call",  [RESPONSES_CUSTOM] = "custom_tool_call",
        [RESPONSES_SEARCH] = "tool_search_call", [RESPONSES_IMAGE] = "image_generation_call",
        [RESPONSES_COMPACTION] = "compaction"};
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", types[item->kind]);
    gw_out_put_raw(o, "id", item->id);
    gw_out_put_word(o, "status", begins ? "in_progress" : item->cut ? "incomplete" : "completed");
    put_members(o, item, begins);
    gw_out_close(o, '}');
}
