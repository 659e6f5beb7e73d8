/*
 * Writes requests to Anthropic. Its API is strict:
 *
 *     turns        texts that are blank, and turns without content, are refused: they are left out. Turns of one role
 *                  become one, so that the results of all calls of a turn stand in one message, and first in it
 *     system       messages behind the first turn are taken by some models alone: they become the user's, where
 *                  they stand
 *     thoughts     without a signature are refused
 *     thinking     how it is asked for differs from model to model, and what is wrong is refused: see claude.c
 */
#include "format/anthropic_speech.h"

#include "base/base64.h"
#include "format/claude.h"

/* ------------------------------------------------------------------ small pieces */

/* A mark may have come in another dialect's form; what they have in common is how long it is to last. */
static void put_cache(struct gw_out *o, struct gw_str mark) {
    if (mark.n == 0)
        return;
    if (gw_str_find(mark, GW_STR("\"ephemeral\"")) >= 0)
        gw_out_put_value(o, "cache_control", mark);
    else if (gw_str_find(mark, GW_STR("\"1h\"")) >= 0)
        gw_out_put_value(o, "cache_control", GW_STR("{\"type\":\"ephemeral\",\"ttl\":\"1h\"}"));
    else
        gw_out_put_value(o, "cache_control", GW_STR("{\"type\":\"ephemeral\"}"));
}

/* ------------------------------------------------------------------ images and documents */

static void put_source(struct gw_out *o, const char *type, struct gw_str media, const char *name,
                       struct gw_str raw) {
    gw_out_name(o, "source");
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", type);
    gw_out_may_raw(o, "media_type", media);
    gw_out_put_raw(o, name, raw);
    gw_out_close(o, '}');
}

static void put_bytes_or_url(struct gw_out *o, const struct mean_part *p, struct gw_str media) {
    if (p->data.n > 0)
        put_source(o, "base64", p->media.n > 0 ? p->media : media, "data", p->data);
    else
        put_source(o, "url", GW_STR(""), "url", p->url);
}

static void put_image(struct gw_out *o, const struct mean_part *p) {
    gw_out_put_word(o, "type", "image");
    put_bytes_or_url(o, p, GW_STR("image/png"));
}

/* Base64 is for PDF alone: bytes that are text have to come as text. */
static bool is_text_media(const struct mean_part *p) {
    return p->data.n > 0 && (gw_str_starts(p->media, GW_STR("text/")) ||
                             gw_str_eq(p->media, GW_STR("application/json")));
}

static struct gw_str text_of(const struct mean_part *p, struct gw_arena *arena) {
    struct gw_buf bytes, raw;
    if (!is_text_media(p))
        return p->text;
    gw_buf_init(&bytes, arena, p->data.n);
    gw_base64_decode(&bytes, p->data);
    gw_buf_init(&raw, arena, 6 * bytes.n);
    gw_buf_put_json(&raw, gw_buf_str(&bytes));
    return gw_buf_str(&raw);
}

static void put_document(struct gw_out *o, const struct mean_part *p) {
    struct gw_str text = text_of(p, o->b->arena);
    gw_out_put_word(o, "type", "document");
    if (text.n > 0)
        put_source(o, "text", GW_STR("text/plain"), "data", text);
    else
        put_bytes_or_url(o, p, GW_STR("application/pdf"));
    gw_out_may_raw(o, "title", p->name);
}

/* ------------------------------------------------------------------ parts */

static bool is_words(const struct mean_part *p) {
    return p->kind == MEAN_TEXT || p->kind == MEAN_REFUSAL;
}

/* What can stand in a tool's result, too. */
static bool is_content(const struct mean_part *p) {
    if (is_words(p))
        return !mean_is_blank(p->text);
    bool placed = p->data.n > 0 || p->url.n > 0;
    return (p->kind == MEAN_IMAGE && placed) ||
           (p->kind == MEAN_FILE && (placed || !mean_is_blank(p->text)));
}

static bool is_users(const struct mean_part *p) {
    return p->kind == MEAN_RESULT || is_content(p);
}

static bool is_assistants(const struct mean_part *p) {
    if (p->kind == MEAN_REASONING)
        return p->signature.n > 0;
    return p->kind == MEAN_CALL || (is_words(p) && is_content(p));
}

static void put_content_part(struct gw_out *o, const struct mean_part *p) {
    gw_out_open(o, '{');
    if (p->kind == MEAN_IMAGE) {
        put_image(o, p);
    } else if (p->kind == MEAN_FILE) {
        put_document(o, p);
    } else {
        gw_out_put_word(o, "type", "text");
        gw_out_put_raw(o, "text", p->text);
    }
    put_cache(o, p->cache);
    gw_out_close(o, '}');
}

static void put_thought(struct gw_out *o, const struct mean_part *p) {
    gw_out_put_word(o, "type", p->hidden ? "redacted_thinking" : "thinking");
    if (!p->hidden)
        gw_out_put_raw(o, "thinking", p->text);
    gw_out_put_raw(o, p->hidden ? "data" : "signature", p->signature);
}

static void put_call(struct gw_out *o, const struct mean_part *p) {
    gw_out_put_word(o, "type", "tool_use");
    claude_put_id(o, "id", p->id, SIZE_MAX);
    gw_out_put_raw(o, "name", mean_fit(o->b->arena, p->name, MEAN_LONG_NAME));
    gw_out_name(o, "input");
    if (p->args.n == 0 && !p->custom)
        gw_out_value(o, GW_STR("{}"));
    else
        mean_put_args(p, o->b->arena, o);
    put_cache(o, p->cache);
}

/* Of a tool that has failed something must be said. */
static void put_result_content(struct gw_out *o, const struct mean_part *result) {
    const struct mean_part *p = result->parts;
    while (p != NULL && !is_content(p))
        p = p->next;
    if (p == NULL && !result->failed)
        return;
    gw_out_name(o, "content");
    if (p == NULL) {
        gw_out_raw(o, GW_STR("failed"));
        return;
    }
    if (p->next == NULL && is_words(p) && p->cache.n == 0) {
        gw_out_raw(o, p->text);
        return;
    }
    gw_out_open(o, '[');
    for (; p != NULL; p = p->next)
        if (is_content(p))
            put_content_part(o, p);
    gw_out_close(o, ']');
}

static void put_result(struct gw_out *o, const struct mean_part *p) {
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", "tool_result");
    claude_put_id(o, "tool_use_id", p->id, SIZE_MAX);
    put_result_content(o, p);
    if (p->failed)
        gw_out_put_value(o, "is_error", GW_STR("true"));
    put_cache(o, p->cache);
    gw_out_close(o, '}');
}

static void put_assistants(struct gw_out *o, const struct mean_part *p) {
    if (is_words(p)) {
        put_content_part(o, p);
        return;
    }
    gw_out_open(o, '{');
    if (p->kind == MEAN_CALL)
        put_call(o, p);
    else
        put_thought(o, p);
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ messages */

/* The parts of a turn that this message shows: `results` of tools, or the rest. Returns whether there are any; `o`
 * may be NULL. */
static bool put_turn(struct gw_out *o, const struct mean_turn *t, bool assistants, bool results) {
    bool any = false;
    for (const struct mean_part *p = t->parts; p != NULL; p = p->next) {
        bool shown = assistants ? is_assistants(p) : is_users(p);
        if (!shown || (p->kind == MEAN_RESULT) != results)
            continue;
        any = true;
        if (o == NULL)
            return true;
        if (assistants)
            put_assistants(o, p);
        else if (results)
            put_result(o, p);
        else
            put_content_part(o, p);
    }
    return any;
}

static bool put_run(struct gw_out *o, const struct claude_run *run, bool results) {
    bool any = false;
    for (const struct mean_turn *t = run->from; t != run->to; t = t->next)
        any |= put_turn(o, t, run->assistants, results);
    return any;
}

static void put_message(struct gw_out *o, const struct claude_run *run) {
    if (!put_run(NULL, run, true) && !put_run(NULL, run, false))
        return;
    gw_out_open(o, '{');
    gw_out_put_word(o, "role", run->assistants ? "assistant" : "user");
    gw_out_name(o, "content");
    gw_out_open(o, '[');
    put_run(o, run, true);
    put_run(o, run, false);
    gw_out_close(o, ']');
    gw_out_close(o, '}');
}

/* There must be a message: if all that there is is the system's, it is the user's. */
static void put_messages(struct gw_out *o, const struct mean *m) {
    const struct mean_turn *t = claude_first(m) != NULL ? claude_first(m) : m->turns;
    gw_out_name(o, "messages");
    gw_out_open(o, '[');
    while (t != NULL) {
        struct claude_run run = claude_run_of(t);
        put_message(o, &run);
        t = run.to;
    }
    gw_out_close(o, ']');
}

static void put_system(struct gw_out *o, const struct mean *m) {
    const struct mean_turn *end = claude_first(m);
    bool open = false;
    for (const struct mean_turn *t = m->turns; end != NULL && t != end; t = t->next)
        for (const struct mean_part *p = t->parts; p != NULL; p = p->next) {
            if (!is_words(p) || !is_content(p))
                continue;
            if (!open) {
                gw_out_name(o, "system");
                gw_out_open(o, '[');
            }
            open = true;
            put_content_part(o, p);
        }
    if (open)
        gw_out_close(o, ']');
}

/* ------------------------------------------------------------------ tools */

static void put_tool(struct gw_out *o, const struct mean_tool *t) {
    static const struct gw_str text =
        GW_STR_INIT("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"
                    "\"required\":[\"input\"],\"additionalProperties\":false}");
    gw_out_open(o, '{');
    gw_out_put_raw(o, "name", mean_fit(o->b->arena, t->name, MEAN_LONG_NAME));
    mean_put_about(t, o);
    claude_put_schema(o, "input_schema", t->kind == MEAN_CUSTOM ? text : t->schema,
                      mean_is_true(t->strict));
    if (mean_is_true(t->strict))
        gw_out_put_value(o, "strict", GW_STR("true"));
    put_cache(o, t->cache);
    gw_out_close(o, '}');
}

static void put_tools(struct gw_out *o, const struct mean *m) {
    if (!mean_has_tools(m))
        return;
    gw_out_name(o, "tools");
    gw_out_open(o, '[');
    for (const struct mean_tool *t = m->tools; t != NULL; t = t->next)
        if (t->kind != MEAN_SERVED)
            put_tool(o, t);
    gw_out_close(o, ']');
}

static bool is_single(const struct mean *m) {
    return gw_str_eq(m->parallel, GW_STR("false")) && m->pick != MEAN_PICK_NONE;
}

static void put_pick(struct gw_out *o, const struct mean *m) {
    static const char *const words[] = {
        [MEAN_PICK_UNSAID] = "auto", [MEAN_PICK_AUTO] = "auto", [MEAN_PICK_NONE] = "none",
        [MEAN_PICK_ANY] = "any",     [MEAN_PICK_ONE] = "tool",
    };
    if (!mean_has_tools(m) || (m->pick == MEAN_PICK_UNSAID && !is_single(m)))
        return;
    gw_out_name(o, "tool_choice");
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", words[m->pick]);
    if (m->pick == MEAN_PICK_ONE)
        gw_out_put_raw(o, "name", mean_fit(o->b->arena, m->pick_name, MEAN_LONG_NAME));
    if (is_single(m))
        gw_out_put_value(o, "disable_parallel_tool_use", GW_STR("true"));
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ the rest */

static void put_config(struct gw_out *o, const struct mean *m, const struct claude_thought *t) {
    bool schema = m->form == MEAN_FORM_SCHEMA && m->form_schema.n > 0;
    if (t->word == NULL && !schema)
        return;
    gw_out_name(o, "output_config");
    gw_out_open(o, '{');
    if (t->word != NULL)
        gw_out_put_word(o, "effort", t->word);
    if (schema) {
        gw_out_name(o, "format");
        gw_out_open(o, '{');
        gw_out_put_word(o, "type", "json_schema");
        gw_out_name(o, "schema");
        claude_put_strict(o, m->form_schema);
        gw_out_close(o, '}');
    }
    gw_out_close(o, '}');
}

/* Who thinks is sampled as it likes; and who may be told takes one of the two. */
static void put_sampling(struct gw_out *o, const struct mean *m, const struct claude_thought *t) {
    bool told = m->temperature.n > 0 && mean_can(m, FEATURE_TEMPERATURE);
    if (t->type != NULL && t->type[0] != 'd')
        return;
    if (told)
        gw_out_put_value(o, "temperature", claude_degrees(m->temperature));
    if (!told && mean_can(m, FEATURE_TOP_P))
        gw_out_may_value(o, "top_p", m->top_p);
    if (mean_can(m, FEATURE_TOP_K))
        gw_out_may_value(o, "top_k", m->top_k);
}

static void put_user_id(struct gw_out *o, const struct mean *m) {
    if (m->user.n == 0)
        return;
    gw_out_name(o, "metadata");
    gw_out_open(o, '{');
    gw_out_put_raw(o, "user_id", m->user);
    gw_out_close(o, '}');
}

/* What a model reads of it. */
static void put_read(struct gw_out *o, const struct mean *m) {
    put_tools(o, m);
    put_system(o, m);
    put_messages(o, m);
    put_pick(o, m);
}

static void put_model(struct gw_out *o, struct gw_str model) {
    gw_out_name(o, "model");
    gw_out_text(o, model);
}

void anthropic_put_count(const struct mean *m, struct gw_str model, struct gw_out *o) {
    gw_out_open(o, '{');
    put_model(o, model);
    put_read(o, m);
    gw_out_close(o, '}');
}

void anthropic_put_request(const struct mean *m, struct gw_str model, struct gw_out *o) {
    struct claude_thought t = claude_thought_of(m, model);
    gw_out_open(o, '{');
    put_model(o, model);
    gw_out_name(o, "max_tokens");
    if (m->max_tokens.n > 0)
        gw_out_value(o, m->max_tokens);
    else
        gw_out_u64(o, m->output > 0 && m->output < t.tokens ? m->output : t.tokens);
    put_read(o, m);
    put_sampling(o, m, &t);
    claude_put_thinking(o, m, &t);
    put_config(o, m, &t);
    mean_put_stops(m, "stop_sequences", false, o); /* blank ones are refused */
    put_user_id(o, m);
    put_cache(o, m->cache);
    if (m->stream)
        gw_out_put_value(o, "stream", GW_STR("true"));
    gw_out_close(o, '}');
}
