/*
 * Watches the scan of a request's body. The scan is always at a place; the tables of names below lead from
 * one place to the next, and the table of places behind them says what each one means.
 */
#include "format/facts.h"

#include "base/real.h"

/* The places: the members of facts.h, and these. */
enum place {
    NOWHERE = FACTS_NOTHING,
    TURN = FACTS_MEMBERS, /* a message, or another item of a list of them */
    ROLE,
    SAY,       /* says something: text, a list of parts, a part */
    PART_TYPE, /* what a part says that it is */
    MEDIA,     /* a part's bytes, with their media type */
    MEDIA_TYPE,
    CONTEXT,
    IMAGES,
    IMAGE,
    AUDIO,
    FILE_PART,
    TOOL,
    TOOL_CONFIG,
    TEXT_CONFIG,
    FORMAT_TYPE,
    SCHEMA,
    LINK, /* of the chain */
    PLACES,
};

/* ------------------------------------------------------------------ from place to place */

struct member {
    const char *name;
    uint8_t n, to;
};
#define MEMBER(name, to) {name, sizeof(name) - 1, to}

/* The most frequent ones first. */
static const struct member of_body[] = {
    MEMBER("model", FACTS_MODEL),
    MEMBER("messages", FACTS_MESSAGES),
    MEMBER("stream", FACTS_STREAM),
    MEMBER("temperature", FACTS_TEMPERATURE),
    MEMBER("max_tokens", FACTS_MAX_TOKENS),
    MEMBER("system", FACTS_SYSTEM),
    MEMBER("tools", FACTS_TOOLS),
    MEMBER("input", FACTS_INPUT),
    MEMBER("contents", FACTS_CONTENTS),
    MEMBER("prompt", FACTS_PROMPT),
    MEMBER("stream_options", FACTS_STREAM_OPTIONS),
    MEMBER("max_completion_tokens", FACTS_MAX_COMPLETION_TOKENS),
    MEMBER("max_output_tokens", FACTS_MAX_OUTPUT_TOKENS),
    MEMBER("n", FACTS_N),
    MEMBER("seed", FACTS_SEED),
    MEMBER("type", FACTS_TYPE),
    MEMBER("options", FACTS_OPTIONS),
    MEMBER("generationConfig", FACTS_OPTIONS),
    MEMBER("generation_config", FACTS_OPTIONS),
    MEMBER("inferenceConfig", FACTS_OPTIONS),
    MEMBER("response_format", FACTS_FORMAT),
    MEMBER("format", FACTS_FORMAT),
    MEMBER("text", TEXT_CONFIG),
    MEMBER("context", CONTEXT),
    MEMBER("system_prompt", FACTS_SYSTEM),
    MEMBER("instructions", FACTS_SYSTEM),
    MEMBER("systemInstruction", FACTS_SYSTEM),
    MEMBER("system_instruction", FACTS_SYSTEM),
    MEMBER("images", IMAGES),
    MEMBER("audio", AUDIO),
    MEMBER("functions", FACTS_TOOLS),
    MEMBER("toolConfig", TOOL_CONFIG),
    MEMBER("previous_response_id", FACTS_PREVIOUS),
    MEMBER("conversation", FACTS_CONVERSATION),
    MEMBER("top_p", FACTS_USUAL),
    MEMBER("stop", FACTS_USUAL),
    MEMBER("user", FACTS_USUAL),
    MEMBER("models", FACTS_MODELS),
};
static const struct member of_stream_options[] = {
    MEMBER("include_usage", FACTS_INCLUDE_USAGE),
};
static const struct member of_options[] = {
    MEMBER("num_predict", FACTS_OPTIONS_LIMIT),
    MEMBER("maxOutputTokens", FACTS_OPTIONS_LIMIT),
    MEMBER("max_output_tokens", FACTS_OPTIONS_LIMIT),
    MEMBER("maxTokens", FACTS_OPTIONS_LIMIT),
    MEMBER("temperature", FACTS_OPTIONS_TEMPERATURE),
    MEMBER("seed", FACTS_OPTIONS_SEED),
    MEMBER("candidateCount", FACTS_OPTIONS_N),
    MEMBER("candidate_count", FACTS_OPTIONS_N),
    MEMBER("responseMimeType", FORMAT_TYPE),
    MEMBER("response_mime_type", FORMAT_TYPE),
    MEMBER("responseSchema", SCHEMA),
    MEMBER("response_schema", SCHEMA),
    MEMBER("responseJsonSchema", SCHEMA),
};
static const struct member of_turn[] = {
    MEMBER("role", ROLE),     MEMBER("content", SAY), MEMBER("parts", SAY),
    MEMBER("images", IMAGES), MEMBER("output", SAY),
};
static const struct member of_say[] = {
    MEMBER("type", PART_TYPE),    MEMBER("text", SAY),           MEMBER("content", SAY),
    MEMBER("parts", SAY),         MEMBER("image_url", IMAGE),    MEMBER("inlineData", MEDIA),
    MEMBER("inline_data", MEDIA), MEMBER("fileData", MEDIA),     MEMBER("file_data", MEDIA),
    MEMBER("image", IMAGE),       MEMBER("document", FILE_PART), MEMBER("video", FILE_PART),
    MEMBER("toolResult", SAY),    MEMBER("input_audio", AUDIO),
};
static const struct member of_media[] = {
    MEMBER("mimeType", MEDIA_TYPE),
    MEMBER("mime_type", MEDIA_TYPE),
};
static const struct member of_tool_config[] = {MEMBER("tools", FACTS_TOOLS)};
static const struct member of_text_config[] = {MEMBER("format", FACTS_FORMAT)};
static const struct member of_format[] = {MEMBER("type", FORMAT_TYPE)};

/* Strings that are looked up, and what they imply. */
enum { IS_USER = 128 };
static const struct member roles[] = {MEMBER("user", IS_USER)};
static const struct member part_types[] = {
    MEMBER("image_url", FACTS_NEED_IMAGES),   MEMBER("image", FACTS_NEED_IMAGES),
    MEMBER("input_image", FACTS_NEED_IMAGES), MEMBER("input_audio", FACTS_NEED_AUDIO),
    MEMBER("file", FACTS_NEED_FILES),         MEMBER("input_file", FACTS_NEED_FILES),
    MEMBER("document", FACTS_NEED_FILES),
};
/* Of a media type, the part before the slash. */
static const struct member media_types[] = {
    MEMBER("image", FACTS_NEED_IMAGES), MEMBER("audio", FACTS_NEED_AUDIO),
    MEMBER("video", FACTS_NEED_FILES),  MEMBER("application", FACTS_NEED_FILES),
    MEMBER("text", FACTS_NEED_FILES),
};
/* "object" and "array" are types of a schema, and imply one. */
static const struct member formats[] = {
    MEMBER("json_schema", FACTS_NEED_JSON),      MEMBER("json_object", FACTS_NEED_JSON),
    MEMBER("application/json", FACTS_NEED_JSON), MEMBER("json", FACTS_NEED_JSON),
    MEMBER("object", FACTS_NEED_JSON),           MEMBER("array", FACTS_NEED_JSON),
};

enum group {
    NONE,
    BODY,
    STREAM_OPTIONS,
    OPTIONS,
    OF_TURN,
    OF_SAY,
    OF_MEDIA,
    TOOLS,
    TEXT,
    FORMAT,
    ROLES,
    PART_TYPES,
    MEDIA_TYPES,
    FORMATS,
};
#define GROUP(table) {table, sizeof(table) / sizeof *(table)}
static const struct {
    const struct member *p;
    uint8_t n;
} groups[] = {
    [BODY] = GROUP(of_body),          [STREAM_OPTIONS] = GROUP(of_stream_options),
    [OPTIONS] = GROUP(of_options),    [OF_TURN] = GROUP(of_turn),
    [OF_SAY] = GROUP(of_say),         [OF_MEDIA] = GROUP(of_media),
    [TOOLS] = GROUP(of_tool_config),  [TEXT] = GROUP(of_text_config),
    [FORMAT] = GROUP(of_format),      [ROLES] = GROUP(roles),
    [PART_TYPES] = GROUP(part_types), [MEDIA_TYPES] = GROUP(media_types),
    [FORMATS] = GROUP(formats),
};

/* ------------------------------------------------------------------ what places mean */

/* What a string or number there is taken for. */
enum is { IS_NOTHING, IS_TEXT, IS_WORD, IS_NUMBER, IS_MODEL, IS_TYPE, IS_LINK };
/* What is complete when a value there ends. */
enum ends { ENDS_NOTHING, ENDS_TURN, ENDS_ASKED, ENDS_CONTEXT, ENDS_CHAIN };

static const struct {
    uint8_t members; /* of an object: enum group */
    uint8_t words;   /* of a string */
    uint8_t element; /* of an array: the place of each */
    uint8_t is, ends;
    uint8_t needs; /* what a value there requires of the target */
} places[PLACES] = {
    [FACTS_BODY] = {.members = BODY},
    [FACTS_MODEL] = {.is = IS_MODEL},
    [FACTS_STREAM_OPTIONS] = {.members = STREAM_OPTIONS},
    [FACTS_OPTIONS] = {.members = OPTIONS},
    [FACTS_MAX_TOKENS] = {.is = IS_NUMBER},
    [FACTS_MAX_COMPLETION_TOKENS] = {.is = IS_NUMBER},
    [FACTS_MAX_OUTPUT_TOKENS] = {.is = IS_NUMBER},
    [FACTS_N] = {.is = IS_NUMBER},
    [FACTS_TEMPERATURE] = {.is = IS_NUMBER},
    [FACTS_SEED] = {.is = IS_NUMBER},
    [FACTS_OPTIONS_LIMIT] = {.is = IS_NUMBER},
    [FACTS_OPTIONS_N] = {.is = IS_NUMBER},
    [FACTS_OPTIONS_TEMPERATURE] = {.is = IS_NUMBER},
    [FACTS_OPTIONS_SEED] = {.is = IS_NUMBER},
    [FACTS_TYPE] = {.is = IS_TYPE},
    [FACTS_MESSAGES] = {.element = TURN, .ends = ENDS_ASKED},
    [FACTS_CONTENTS] = {.element = TURN, .ends = ENDS_ASKED},
    [FACTS_INPUT] = {.element = TURN, .is = IS_TEXT, .ends = ENDS_ASKED},
    [FACTS_PROMPT] = {.element = SAY, .is = IS_TEXT, .ends = ENDS_ASKED},
    [FACTS_SYSTEM] = {.members = OF_SAY, .element = SAY, .is = IS_TEXT, .ends = ENDS_CONTEXT},
    [FACTS_TOOLS] = {.element = TOOL},
    [FACTS_FORMAT] = {.members = FORMAT, .words = FORMATS, .is = IS_WORD},
    [FACTS_MODELS] = {.element = LINK, .ends = ENDS_CHAIN},
    [LINK] = {.is = IS_LINK},
    [TURN] = {.members = OF_TURN, .is = IS_TEXT, .ends = ENDS_TURN},
    [ROLE] = {.words = ROLES, .is = IS_WORD},
    [SAY] = {.members = OF_SAY, .element = SAY, .is = IS_TEXT},
    [PART_TYPE] = {.words = PART_TYPES, .is = IS_WORD},
    [MEDIA] = {.members = OF_MEDIA},
    [MEDIA_TYPE] = {.words = MEDIA_TYPES, .is = IS_WORD},
    [CONTEXT] = {.element = SAY, .is = IS_TEXT, .ends = ENDS_CONTEXT},
    [IMAGES] = {.element = IMAGE},
    [IMAGE] = {.needs = FACTS_NEED_IMAGES},
    [AUDIO] = {.needs = FACTS_NEED_AUDIO},
    [FILE_PART] = {.needs = FACTS_NEED_FILES},
    [TOOL] = {.needs = FACTS_NEED_TOOLS},
    [TOOL_CONFIG] = {.members = TOOLS},
    [TEXT_CONFIG] = {.members = TEXT},
    [FORMAT_TYPE] = {.words = FORMATS, .is = IS_WORD},
    [SCHEMA] = {.needs = FACTS_NEED_JSON},
};

/* ------------------------------------------------------------------ the conversation */

/* It counts only if it lies within the first FACTS_TALK_MAX bytes. */
static bool is_early(const struct facts *f, uint64_t end) {
    return !f->talk.done && end <= FACTS_TALK_MAX;
}

static void talk_list_begins(struct facts *f, unsigned place, uint32_t at) {
    if (f->talk.from > 0 || !is_early(f, (uint64_t)at + 1))
        return;
    f->talk.from = at + 1;
    f->talk.list = (uint8_t)place;
}

/* A brief reading is over when both are known. */
static bool is_enough(const struct facts *f) {
    return f->wanted != FACTS_ALL && f->talk.done && f->at[FACTS_STREAM].len > 0 &&
           (f->wanted == FACTS_BRIEF || !facts_is(f, FACTS_STREAM, GW_JSON_TRUE));
}

static void talk_is_known(struct facts *f) {
    f->talk.done = true;
    f->scan.enough = is_enough(f);
}

static void talk_list_ends(struct facts *f, unsigned place, uint32_t end) {
    if (place != f->talk.list || !is_early(f, end))
        return;
    talk_is_known(f);
    if (f->talk.to == 0)
        f->talk.to = end;
}

/* Another message follows the first ones. */
static void talk_turn_begins(struct facts *f, unsigned list, uint32_t at) {
    if (list != f->talk.list || f->talk.to == 0 || !is_early(f, at))
        return;
    f->talk.later_turn = true;
    talk_is_known(f);
}

static void talk_turn_ends(struct facts *f, uint32_t end) {
    if (f->by_user && is_early(f, end) && f->place[f->depth - 1] == f->talk.list)
        f->talk.to = end;
}

/* The part of the first messages that lies in `bytes`, which begin at `base`. */
static void talk_take(struct facts *f, struct gw_str bytes, uint64_t base, bool bad) {
    struct facts_talk *t = &f->talk;
    uint64_t end = t->to > 0 ? t->to : FACTS_TALK_MAX;
    if (t->from > 0 && base < end) {
        size_t skip = t->from > base ? (size_t)(t->from - base) : 0;
        struct gw_str part = gw_str_sub(gw_str_sub(bytes, 0, (size_t)(end - base)), skip, bytes.n);
        if (part.n > 0)
            tally_add(&t->tally, part.p, part.n);
    }
    if (t->done)
        return;
    if (f->scan.at >= FACTS_TALK_MAX)
        t->done = t->later_turn = true; /* first messages that long are worth a warm cache */
    else if (bad)
        *t = (struct facts_talk){.done = true};
}

/* ------------------------------------------------------------------ watching */

static struct facts *of(struct gw_json_scan *s) {
    return (struct facts *)s;
}

static unsigned place_at_hand(const struct facts *f) {
    return f->depth > 0 ? f->place[f->depth - 1] : NOWHERE;
}

/* The place of the value that begins. */
static unsigned place_of_value(const struct facts *f) {
    if (f->depth == 0)
        return FACTS_BODY;
    return f->arrays >> (f->depth - 1) & 1 ? places[place_at_hand(f)].element : f->next;
}

static void note_member(struct facts *f, unsigned place, enum gw_json_kind kind, uint32_t at) {
    struct facts_at *m = &f->at[place];
    if (m->kind != GW_JSON_NONE)
        f->twice |= 1u << place;
    *m = (struct facts_at){.off = at, .kind = (uint8_t)kind};
    if (place == FACTS_MODEL)
        f->model_before = (uint32_t)f->scan.before;
    else if (place == FACTS_MODELS)
        f->models_before = (uint32_t)f->scan.before;
    if (kind == GW_JSON_ARRAY && places[place].element == TURN)
        talk_list_begins(f, place, at);
}

static void begin_turn(struct facts *f, uint32_t at) {
    talk_turn_begins(f, place_at_hand(f), at);
    f->turn = at;
    f->by_user = false;
    f->chars = 0;
}

/* What such a value is taken for. */
static uint8_t is_of(unsigned place, enum gw_json_kind kind) {
    uint8_t is = places[place].is;
    return kind == (is == IS_NUMBER ? GW_JSON_NUMERAL : GW_JSON_STRING) ? is : IS_NOTHING;
}

static void push(struct facts *f, unsigned place, enum gw_json_kind kind) {
    unsigned bit = 1u << f->depth;
    f->arrays = (uint16_t)(kind == GW_JSON_ARRAY ? f->arrays | bit : f->arrays & ~bit);
    f->place[f->depth++] = (uint8_t)place;
}

static enum gw_json_tell on_begin(struct gw_json_scan *s, enum gw_json_kind kind, uint64_t at) {
    struct facts *f = of(s);
    unsigned place = place_of_value(f);
    if (place == NOWHERE || f->depth == FACTS_LEVELS)
        return GW_JSON_SKIP;
    if (kind > GW_JSON_FALSE)
        f->needs |= places[place].needs;
    if (place < FACTS_MEMBERS)
        note_member(f, place, kind, (uint32_t)at);
    else if (place == TURN)
        begin_turn(f, (uint32_t)at);
    f->is = is_of(place, kind);
    f->kept = 0;
    if (place >= FACTS_MEMBERS && f->is == IS_NOTHING && kind < GW_JSON_ARRAY)
        return GW_JSON_SKIP;
    push(f, place, kind);
    return f->is > IS_TEXT ? GW_JSON_PIECES : GW_JSON_TELL;
}

/* Where a name or a word leads to; 0: nowhere. */
static uint8_t find(unsigned group, struct gw_str name) {
    const struct member *m = groups[group].p;
    for (unsigned n = groups[group].n; n > 0; n--, m++)
        if (m->n == name.n && memcmp(m->name, name.p, name.n) == 0)
            return m->to;
    return 0;
}

/* The first member behind the chain begins. */
__attribute__((noinline)) static void note_comma(struct facts *f) {
    f->models_behind = (uint32_t)f->scan.before;
    f->behind = false;
}

static void on_name(struct gw_json_scan *s, struct gw_str name) {
    struct facts *f = of(s);
    unsigned place = place_at_hand(f);
    f->has_members |= f->depth == 1;
    if (f->behind)
        note_comma(f);
    f->has_options |= place == FACTS_OPTIONS;
    f->has_stream_options |= place == FACTS_STREAM_OPTIONS;
    f->next = find(places[place].members, name);
    f->has_others |= f->depth == 1 && (f->next == NOWHERE || f->next >= FACTS_MEMBERS);
}

static void keep(struct facts *f, char *to, size_t max, struct gw_str piece) {
    size_t room = max - f->kept, n = piece.n < room ? piece.n : room;
    memcpy(to + f->kept, piece.p, n);
    f->kept = (uint16_t)(f->kept + n);
    unsigned place = place_at_hand(f);
    if (n < piece.n && place < FACTS_MEMBERS)
        f->at[place].cut = true;
}

/* A byte of room is left for what goes behind it. Out of line: it is rare, and its callers are not. */
__attribute__((noinline)) static void keep_link(struct facts *f, struct gw_str piece) {
    size_t room = f->chain_n < FACTS_CHAIN_MAX ? FACTS_CHAIN_MAX - 1u - f->chain_n : 0;
    f->at[FACTS_MODELS].cut |= piece.n > room || gw_str_chr(piece, '\n') >= 0;
    piece.n = piece.n < room ? piece.n : room;
    memcpy(f->chain + f->chain_n, piece.p, piece.n);
    f->chain_n = (uint16_t)(f->chain_n + piece.n);
}

static void end_link(struct facts *f) {
    if (f->chain_n < FACTS_CHAIN_MAX)
        f->chain[f->chain_n++] = '\n';
}

static void on_piece(struct gw_json_scan *s, struct gw_str piece) {
    struct facts *f = of(s);
    switch (f->is) {
    case IS_MODEL:
        keep(f, f->model, FACTS_MODEL_MAX, piece);
        break;
    case IS_TYPE:
        keep(f, f->type, FACTS_TYPE_MAX, piece);
        break;
    case IS_WORD:
    case IS_NUMBER:
        keep(f, f->word, FACTS_WORD_MAX, piece);
        break;
    case IS_LINK:
        keep_link(f, piece);
        break;
    }
}

/* A message ends: its text is what was found since the last one. */
static void said(struct facts *f, bool by_user) {
    if (by_user) {
        f->context_chars += f->prompt_chars;
        f->prompt_chars = f->chars;
    } else {
        f->context_chars += f->chars;
    }
    f->chars = 0;
}

static void end_turn(struct facts *f, uint32_t end) {
    if (f->by_user)
        f->at[FACTS_ASKED] =
            (struct facts_at){.off = f->turn, .len = end - f->turn, .kind = GW_JSON_OBJECT};
    talk_turn_ends(f, end);
    said(f, f->by_user);
}

static void end_word(struct facts *f, unsigned place) {
    struct gw_str word = gw_str(f->word, f->kept);
    if (place == MEDIA_TYPE) {
        struct gw_str rest = word;
        word = gw_str_cut(&rest, '/');
    }
    uint8_t shows = find(places[place].words, word);
    f->by_user |= shows == IS_USER;
    f->needs |= shows & (IS_USER - 1);
}

static void end_number(struct facts *f, unsigned place) {
    f->number[place - FACTS_MAX_TOKENS] = gw_real(gw_str(f->word, f->kept));
}

static void end_scalar(struct facts *f, unsigned place) {
    switch (f->is) {
    case IS_TEXT:
        f->chars += f->scan.chars;
        break;
    case IS_MODEL:
        f->model_n = f->kept;
        break;
    case IS_TYPE:
        f->type_n = f->kept;
        break;
    case IS_WORD:
        end_word(f, place);
        break;
    case IS_NUMBER:
        end_number(f, place);
        break;
    case IS_LINK:
        end_link(f);
        break;
    }
    f->is = IS_NOTHING;
}

static void on_end(struct gw_json_scan *s, uint64_t end) {
    struct facts *f = of(s);
    unsigned place = f->place[--f->depth];
    if (place < FACTS_MEMBERS)
        f->at[place].len = (uint32_t)end - f->at[place].off;
    end_scalar(f, place);
    s->enough = s->enough || (place == FACTS_STREAM && is_enough(f));
    switch (places[place].ends) {
    case ENDS_TURN:
        end_turn(f, (uint32_t)end);
        break;
    case ENDS_ASKED:
        talk_list_ends(f, place, (uint32_t)end);
        if (f->chars > 0)
            said(f, true);
        break;
    case ENDS_CONTEXT:
        said(f, false);
        break;
    case ENDS_CHAIN:
        f->behind = true;
        break;
    }
}

static const struct gw_json_watch watch = {on_begin, on_name, on_piece, on_end};

/* ------------------------------------------------------------------ feeding */

void facts_init(struct facts *f, bool talk, enum facts_wanted wanted) {
    size_t from = sizeof f->scan;
    gw_json_scan_init(&f->scan, &watch);
    memset((char *)f + from, 0, offsetof(struct facts, place) - from);
    f->talk.done = !talk;
    f->wanted = (uint8_t)wanted;
}

int facts_feed(struct facts *f, struct gw_str bytes) {
    uint64_t base = f->scan.at;
    if (bytes.n > UINT32_MAX - base) /* offsets are of 32 bits */
        return -1;
    int got = gw_json_scan_feed(&f->scan, bytes);
    talk_take(f, bytes, base, got != 0);
    return got;
}

int facts_end(struct facts *f) {
    return gw_json_scan_end(&f->scan);
}
