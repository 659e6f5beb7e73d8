/*
 * What has been said, in a request to Bedrock: system and messages.
 *
 *     turns        of users and assistants alternate, and the first one is a user's; texts that are blank are refused
 *     documents    have a name of few letters, each its own, and a text in the same message
 */
#include "format/bedrock_speech.h"
#include "format/claude.h"

/* ------------------------------------------------------------------ blocks */

void bedrock_open(struct gw_out *o, const char *name) {
    gw_out_open(o, '{');
    gw_out_name(o, name);
    gw_out_open(o, '{');
}

void bedrock_close(struct gw_out *o) {
    gw_out_close(o, '}');
    gw_out_close(o, '}');
}

size_t bedrock_open_member(struct gw_out *o, const char *name, char bracket) {
    size_t at = o->b->n;
    gw_out_name(o, name);
    gw_out_open(o, bracket);
    return at;
}

void bedrock_close_member(struct gw_out *o, size_t at, char bracket) {
    if (o->more)
        gw_out_close(o, bracket);
    else
        o->b->n = at;
    o->more = true;
}

static void put_text(struct gw_out *o, struct gw_str raw) {
    gw_out_open(o, '{');
    gw_out_put_raw(o, "text", raw);
    gw_out_close(o, '}');
}

/* Of other models some refuse marks, wherever they stand. */
void bedrock_put_mark(struct bedrock_to *to, struct gw_str mark) {
    if (mark.n == 0 || !(to->claude || to->nova))
        return;
    bedrock_open(to->o, "cachePoint");
    gw_out_put_word(to->o, "type", "default");
    if (to->claude && gw_str_find(mark, GW_STR("\"1h\"")) >= 0)
        gw_out_put_word(to->o, "ttl", "1h");
    bedrock_close(to->o);
}

static void put_id(struct gw_out *o, struct gw_str id) {
    enum { ID_MAX = 64 };
    claude_put_id(o, "toolUseId", id, ID_MAX);
}

/* ------------------------------------------------------------------ images and documents */

/* What is given as text is one, whatever it was. */
static struct gw_str format_of(const struct mean_part *p) {
    struct gw_str format = bedrock_format(p->media);
    if (p->kind == MEAN_FILE && p->data.n == 0)
        return GW_STR("txt");
    if (format.n > 0)
        return format;
    return p->kind == MEAN_IMAGE   ? GW_STR("png")
           : p->kind == MEAN_AUDIO ? GW_STR("mp3")
                                   : GW_STR("pdf");
}

static void put_source(struct gw_out *o, const struct mean_part *p) {
    gw_out_name(o, "source");
    gw_out_open(o, '{');
    if (p->data.n > 0)
        gw_out_put_raw(o, "bytes", p->data);
    else
        gw_out_put_raw(o, "text", p->text);
    gw_out_close(o, '}');
}

static char name_letter(char c) {
    bool takes = (gw_lower(c) >= 'a' && gw_lower(c) <= 'z') || (c >= '0' && c <= '9') ||
                 gw_str_chr(GW_STR("()[] "), c) >= 0;
    return takes ? c : '-';
}

/* Whether a document before this one has what is written from `at` on as its name. Of many only the first ones are
 * remembered. */
static bool is_taken(struct bedrock_to *to, size_t at) {
    struct gw_buf *b = to->o->b;
    uint32_t n = to->documents++;
    bool taken = n >= BEDROCK_NAMES;
    for (uint32_t i = 0; i < n && !taken && !b->full; i++)
        taken =
            gw_str_eq(gw_str(b->p + to->names[i].at, to->names[i].n), gw_str(b->p + at, b->n - at));
    return taken;
}

enum { NAME_MAX = 180 }; /* of 200 */

/* Letters that are not taken are dashes, and of several spaces one is left. */
static void put_letters(struct gw_buf *b, struct gw_str name) {
    char last = ' ';
    for (size_t i = 0; i < name.n; i++) {
        char c = name_letter(name.p[i]);
        if (c != ' ' || last != ' ')
            gw_buf_putc(b, c);
        last = c;
    }
}

static void put_name(struct bedrock_to *to, const struct mean_part *p) {
    struct gw_buf *b = to->o->b;
    gw_out_put_raw(to->o, "name", GW_STR(""));
    b->n -= !b->full; /* the closing quote */
    size_t at = b->n;
    put_letters(b, mean_is_blank(p->name) ? GW_STR("document") : gw_str_sub(p->name, 0, NAME_MAX));
    if (is_taken(to, at)) {
        gw_buf_putc(b, '-');
        gw_buf_put_u64(b, to->documents);
    }
    if (to->documents <= BEDROCK_NAMES) {
        to->names[to->documents - 1].at = at;
        to->names[to->documents - 1].n = b->n - at;
    }
    gw_buf_putc(b, '"');
}

static void put_media(struct bedrock_to *to, const struct mean_part *p) {
    bedrock_open(to->o, p->kind == MEAN_IMAGE   ? "image"
                        : p->kind == MEAN_AUDIO ? "audio"
                                                : "document");
    gw_out_put_raw(to->o, "format", format_of(p));
    if (p->kind == MEAN_FILE)
        put_name(to, p);
    put_source(to->o, p);
    bedrock_close(to->o);
}

/* ------------------------------------------------------------------ parts */

static bool is_words(const struct mean_part *p) {
    return (p->kind == MEAN_TEXT || p->kind == MEAN_REFUSAL) && !mean_is_blank(p->text);
}

static bool has_format(const struct mean_part *p) {
    return mean_is_pdf(p) || (p->data.n > 0 && bedrock_format(p->media).n > 0);
}

/* What can stand in a tool's result, too. */
static bool is_content(const struct mean_part *p) {
    return is_words(p) || (p->kind == MEAN_IMAGE && p->data.n > 0) ||
           (p->kind == MEAN_FILE && (has_format(p) || !mean_is_blank(p->text)));
}

static bool is_users(const struct mean_part *p) {
    return p->kind == MEAN_RESULT || is_content(p) || (p->kind == MEAN_AUDIO && p->data.n > 0);
}

/* A thought without a signature is refused. */
static bool is_assistants(const struct mean_part *p) {
    return p->kind == MEAN_CALL || is_words(p) || (p->kind == MEAN_REASONING && p->signature.n > 0);
}

static void put_content(struct bedrock_to *to, const struct mean_part *p) {
    if (p->kind == MEAN_TEXT || p->kind == MEAN_REFUSAL)
        put_text(to->o, p->text);
    else
        put_media(to, p);
}

static void put_thought(struct gw_out *o, const struct mean_part *p) {
    bedrock_open(o, "reasoningContent");
    if (p->hidden) {
        gw_out_put_raw(o, "redactedContent", p->signature);
    } else {
        gw_out_name(o, "reasoningText");
        gw_out_open(o, '{');
        gw_out_put_raw(o, "text", p->text);
        gw_out_put_raw(o, "signature", p->signature);
        gw_out_close(o, '}');
    }
    bedrock_close(o);
}

static void put_call(struct gw_out *o, const struct mean_part *p) {
    bedrock_open(o, "toolUse");
    put_id(o, p->id);
    gw_out_put_raw(o, "name", mean_fit(o->b->arena, p->name, MEAN_NAME));
    gw_out_name(o, "input");
    if (p->args.n == 0 && !p->custom)
        gw_out_value(o, GW_STR("{}"));
    else
        mean_put_args(p, o->b->arena, o);
    bedrock_close(o);
}

/* Something must be said. */
static void put_result(struct bedrock_to *to, const struct mean_part *result) {
    struct gw_out *o = to->o;
    bool any = false;
    bedrock_open(o, "toolResult");
    put_id(o, result->id);
    gw_out_name(o, "content");
    gw_out_open(o, '[');
    for (const struct mean_part *p = result->parts; p != NULL; p = p->next) {
        if (is_content(p))
            put_content(to, p);
        any |= is_content(p);
    }
    if (!any)
        put_text(o, result->failed ? GW_STR("failed") : GW_STR("(no content)"));
    gw_out_close(o, ']');
    if (result->failed && (to->claude || to->nova)) /* others refuse it */
        gw_out_put_word(o, "status", "error");
    bedrock_close(o);
}

static void put_part(struct bedrock_to *to, const struct mean_part *p) {
    if (p->kind == MEAN_RESULT)
        put_result(to, p);
    else if (p->kind == MEAN_CALL)
        put_call(to->o, p);
    else if (p->kind == MEAN_REASONING)
        put_thought(to->o, p);
    else
        put_content(to, p);
    bedrock_put_mark(to, p->cache);
}

/* ------------------------------------------------------------------ messages */

/* What a message shows of its turns. */
struct shown {
    bool any, words, documents;
};

/* Results of tools go first: `results`, or the rest. `put` or only look. */
static void put_run(struct bedrock_to *to, const struct claude_run *run, bool results, bool put,
                    struct shown *shown) {
    for (const struct mean_turn *t = run->from; t != run->to; t = t->next)
        for (const struct mean_part *p = t->parts; p != NULL; p = p->next) {
            if (!(run->assistants ? is_assistants(p) : is_users(p)) ||
                (p->kind == MEAN_RESULT) != results)
                continue;
            shown->any = true;
            shown->words |= is_words(p);
            shown->documents |= p->kind == MEAN_FILE;
            if (put)
                put_part(to, p);
        }
}

static void open_message(struct gw_out *o, bool assistants) {
    gw_out_open(o, '{');
    gw_out_put_word(o, "role", assistants ? "assistant" : "user");
    gw_out_name(o, "content");
    gw_out_open(o, '[');
}

static void close_message(struct gw_out *o) {
    gw_out_close(o, ']');
    gw_out_close(o, '}');
}

/* Somebody must have asked for what an assistant has said first. */
static void put_question(struct gw_out *o) {
    open_message(o, false);
    put_text(o, GW_STR("..."));
    close_message(o);
}

static struct shown look(struct bedrock_to *to, const struct claude_run *run) {
    struct shown shown = {.any = false};
    put_run(to, run, true, false, &shown);
    put_run(to, run, false, false, &shown);
    return shown;
}

static void put_message(struct bedrock_to *to, const struct claude_run *run, struct shown shown) {
    open_message(to->o, run->assistants);
    put_run(to, run, true, true, &shown);
    put_run(to, run, false, true, &shown);
    if (shown.documents && !shown.words)
        put_text(to->o, GW_STR("(a document)"));
    if (run->to == NULL)
        bedrock_put_mark(to, to->m->cache);
    close_message(to->o);
}

/* What stands on both sides of turns that show nothing is one message. */
static struct claude_run wide_run_of(struct bedrock_to *to, const struct mean_turn *t) {
    struct claude_run run = claude_run_of(t), next;
    while (run.to != NULL) {
        next = claude_run_of(run.to);
        if (look(to, &next).any)
            break;
        run.to = next.to != NULL ? claude_run_of(next.to).to : NULL;
    }
    return run;
}

/* If all that there is is the system's, it is the user's. */
void bedrock_put_messages(struct bedrock_to *to) {
    const struct mean_turn *t = claude_first(to->m);
    bool any = false;
    gw_out_name(to->o, "messages");
    gw_out_open(to->o, '[');
    for (t = t != NULL ? t : to->m->turns; t != NULL;) {
        struct claude_run run = wide_run_of(to, t);
        struct shown shown = look(to, &run);
        t = run.to;
        if (!shown.any)
            continue;
        if (!any && run.assistants)
            put_question(to->o);
        put_message(to, &run, shown);
        any = true;
    }
    gw_out_close(to->o, ']');
}

void bedrock_put_system(struct bedrock_to *to) {
    const struct mean_turn *end = claude_first(to->m);
    size_t at = bedrock_open_member(to->o, "system", '[');
    for (const struct mean_turn *t = to->m->turns; end != NULL && t != end; t = t->next)
        for (const struct mean_part *p = t->parts; p != NULL; p = p->next)
            if (is_words(p))
                put_part(to, p);
    bedrock_close_member(to->o, at, ']');
}
