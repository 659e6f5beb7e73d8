/*
 * score_explain: a request's texts out of JSON into a scoring, and the decision back into JSON.
 */
#include "base/json.h"
#include "base/utf8.h"
#include "core/policy/score.h"

#define REPEAT_MAX 1e7 /* characters of one {"repeat", "chars"} piece */

#define SEND "; send {\"prompt\": \"...\"} or a chat body with \"messages\""

/* Where a text goes; `wrong` is the first thing that was not as it should be. */
struct taking {
    struct scoring scoring;
    const char *wrong;
};

static bool is_text(const struct gw_json *item, struct gw_str text) {
    return gw_json_is(item, GW_JSON_STRING) && gw_str_eq(item->text, text);
}

static void take(struct taking *t, struct gw_str text, bool prompt) {
    if (prompt)
        score_prompt(&t->scoring, text);
    else
        score_context(&t->scoring, text);
}

/* ------------------------------------------------------------------ {"prompt", "context"} */

/* Whole turns of the string, then as much of it as is left. */
static void take_repeated(struct taking *t, const struct gw_json *piece, bool prompt) {
    const struct gw_json *repeat = gw_json_member(piece, GW_STR("repeat")),
                         *chars = gw_json_member(piece, GW_STR("chars"));
    if (!gw_json_is(repeat, GW_JSON_STRING) || repeat->text.n == 0 ||
        !gw_json_is(chars, GW_JSON_NUMERAL) ||
        !(chars->number >= 0 && chars->number <= REPEAT_MAX)) {
        t->wrong = "a piece of text must be a string, or {\"repeat\": \"...\", \"chars\": number "
                   "up to 10000000}";
        return;
    }
    struct gw_str text = repeat->text;
    uint64_t turn = gw_utf8_count(text), left = (uint64_t)chars->number;
    for (; left >= turn; left -= turn)
        take(t, text, prompt);
    size_t end = 0;
    for (; left > 0; left--)
        end += gw_utf8_char(text.p + end, text.n - end);
    take(t, gw_str_sub(text, 0, end), prompt);
}

static void take_text(struct taking *t, const struct gw_json *text, bool prompt) {
    if (gw_json_is(text, GW_JSON_STRING)) {
        take(t, text->text, prompt);
    } else if (gw_json_is(text, GW_JSON_ARRAY)) {
        for (const struct gw_json *piece = text->child; piece; piece = piece->next) {
            if (gw_json_is(piece, GW_JSON_STRING))
                take(t, piece->text, prompt);
            else
                take_repeated(t, piece, prompt);
        }
    } else {
        t->wrong = prompt ? "\"prompt\" must be a string or a list of strings"
                          : "\"context\" must be a string or a list of strings";
    }
}

/* ------------------------------------------------------------------ chat bodies */

/* The text of a message or of Anthropic's "system": a string, or parts of which those of type text
 * count. Absent and null are no text: an assistant's message may have tool calls instead. */
static void take_content(struct taking *t, const struct gw_json *content, bool prompt) {
    if (!content || gw_json_is(content, GW_JSON_NULL))
        return;
    if (gw_json_is(content, GW_JSON_STRING)) {
        take(t, content->text, prompt);
        return;
    }
    if (!gw_json_is(content, GW_JSON_ARRAY)) {
        t->wrong = "the content of a message must be a string or a list of parts";
        return;
    }
    for (const struct gw_json *part = content->child; part; part = part->next) {
        const struct gw_json *text = gw_json_member(part, GW_STR("text"));
        if (is_text(gw_json_member(part, GW_STR("type")), GW_STR("text")) &&
            gw_json_is(text, GW_JSON_STRING))
            take(t, text->text, prompt);
    }
}

static void take_chat(struct taking *t, const struct gw_json *body,
                      const struct gw_json *messages) {
    const struct gw_json *last = NULL;
    if (!gw_json_is(messages, GW_JSON_ARRAY)) {
        t->wrong = "\"messages\" must be a list of {\"role\", \"content\"}";
        return;
    }
    for (const struct gw_json *message = messages->child; message; message = message->next) {
        if (!gw_json_is(message, GW_JSON_OBJECT) ||
            !gw_json_is(gw_json_member(message, GW_STR("role")), GW_JSON_STRING))
            t->wrong = "each message must be an object with \"role\" and \"content\"";
        else if (is_text(gw_json_member(message, GW_STR("role")), GW_STR("user")))
            last = message;
    }
    take_content(t, gw_json_member(body, GW_STR("system")), false);
    for (const struct gw_json *message = messages->child; message; message = message->next)
        take_content(t, gw_json_member(message, GW_STR("content")), message == last);
}

/* ------------------------------------------------------------------ what was asked */

/* To the nearest nano-dollar, within what an int64_t holds. */
static int64_t nano_of(double dollars) {
    double nano = dollars * 1e9;
    if (nano >= 9e18)
        return INT64_C(9000000000000000000);
    if (nano <= -9e18)
        return INT64_C(-9000000000000000000);
    return (int64_t)(nano < 0 ? nano - 0.5 : nano + 0.5);
}

static void take_budget(struct taking *t, const struct gw_json *object, int64_t *budget_nano) {
    const struct gw_json *budget = gw_json_member(object, GW_STR("budget_remaining_usd"));
    if (!budget)
        return;
    if (gw_json_is(budget, GW_JSON_NUMERAL))
        *budget_nano = nano_of(budget->number);
    else
        t->wrong = "\"budget_remaining_usd\" must be a number of dollars";
}

/* A sentence about the request if it cannot be taken, else NULL. */
static const char *take_request(struct taking *t, const struct gw_json *root,
                                int64_t *budget_nano) {
    const struct gw_json *body = root;
    if (!gw_json_is(root, GW_JSON_OBJECT))
        return "the request must be a JSON object" SEND;
    take_budget(t, root, budget_nano);
    if (gw_json_is(gw_json_member(root, GW_STR("body")), GW_JSON_OBJECT) &&
        !gw_json_member(root, GW_STR("prompt")) && !gw_json_member(root, GW_STR("messages"))) {
        body = gw_json_member(root, GW_STR("body"));
        take_budget(t, body, budget_nano);
    }
    const struct gw_json *prompt = gw_json_member(body, GW_STR("prompt")),
                         *context = gw_json_member(body, GW_STR("context"));
    const struct gw_json *messages = gw_json_member(body, GW_STR("messages"));
    if (prompt && messages) {
        t->wrong = "the request has both \"prompt\" and \"messages\"; send one of them";
    } else if (prompt) {
        take_text(t, prompt, true);
        if (context)
            take_text(t, context, false);
    } else if (messages) {
        take_chat(t, body, messages);
    } else {
        t->wrong = "the request has no text to score" SEND;
    }
    return t->wrong;
}

/* ------------------------------------------------------------------ the answer */

static void put_str(struct gw_buf *out, const char *text) {
    gw_buf_put(out, gw_str(text, strlen(text)));
}

static void put_tenths(struct gw_buf *out, uint32_t tenths) {
    gw_buf_put_u64(out, tenths / 10);
    gw_buf_putc(out, '.');
    gw_buf_put_u64(out, tenths % 10);
}

/* Dollars with as many digits as they need, but at least `digits` after the point. */
static void put_usd(struct gw_buf *out, int64_t nano, int digits) {
    uint64_t abs = nano < 0 ? (uint64_t)0 - (uint64_t)nano : (uint64_t)nano;
    uint64_t part = abs % (uint64_t)GW_DOLLAR;
    if (nano < 0)
        gw_buf_putc(out, '-');
    gw_buf_put_u64(out, abs / (uint64_t)GW_DOLLAR);
    for (uint64_t unit = (uint64_t)GW_DOLLAR / 10; unit > 0 && (part > 0 || digits > 0);
         unit /= 10, digits--) {
        if (unit == (uint64_t)GW_DOLLAR / 10)
            gw_buf_putc(out, '.');
        gw_buf_putc(out, (char)('0' + part / unit));
        part %= unit;
    }
}

static void begin_reason(struct gw_buf *out) {
    bool first = out->n > 0 && out->p[out->n - 1] == '[';
    put_str(out, first ? "\"" : ", \"");
}

static void put_reason(struct gw_buf *out, const char *text) {
    begin_reason(out);
    put_str(out, text);
    gw_buf_putc(out, '"');
}

/* Names the first of the group's words that was found. */
static void put_word_reason(struct gw_buf *out, struct score score, uint32_t group,
                            const char *rest) {
    unsigned i = 0;
    while (score_word(i).n > 0 && !(score.words & group & 1u << i))
        i++;
    begin_reason(out);
    put_str(out, "prompt contains '");
    gw_buf_put(out, score_word(i));
    put_str(out, rest);
    gw_buf_putc(out, '"');
}

static void put_rules(struct gw_buf *out, struct score score) {
    if (score.reasons & GW_SCORE_PROMPT)
        put_reason(out, "prompt over 1000 characters: +0.2");
    if (score.reasons & GW_SCORE_CONTEXT)
        put_reason(out, "context over 10000 characters: +0.3");
    if (score.reasons & GW_SCORE_DESIGN)
        put_word_reason(out, score, GW_WORDS_DESIGN, "': +0.3");
    if (score.reasons & GW_SCORE_DEBUG)
        put_word_reason(out, score, GW_WORDS_DEBUG, "': +0.2");
    if (score.reasons & GW_SCORE_EXPLAIN)
        put_word_reason(out, score, GW_WORDS_EXPLAIN, "' and context over 5000 characters: +0.3");
    if (score.reasons & GW_SCORE_WINDOW)
        put_reason(out, "prompt and context over 32000 characters, about 8000 tokens: +0.4");
    if (score.sum > score.tenths)
        put_reason(out, "a score is at most 1.0");
}

static void put_tier(struct gw_buf *out, const struct tiers *tiers, struct route_choice choice,
                     int64_t budget_nano) {
    const struct tier *tier = &tiers->tier[choice.tier];
    begin_reason(out);
    put_str(out, "tier of scores from ");
    put_tenths(out, tier->from);
    if (choice.tier + 1 < tiers->n) {
        put_str(out, " to below ");
        put_tenths(out, tiers->tier[choice.tier + 1].from);
    }
    put_str(out, ": ");
    gw_buf_put(out, choice.place);
    gw_buf_putc(out, ' ');
    gw_buf_put_json(out, choice.model);
    if (tier->cloud.n > 0) {
        put_str(out, ", since $");
        put_usd(out, budget_nano, 2);
        put_str(out, budget_nano > tier->above_nano ? " is left, more than $"
                                                    : " is left, not more than $");
        put_usd(out, tier->above_nano, 2);
    }
    gw_buf_putc(out, '"');
}

static void put_answer(struct gw_buf *out, const struct tiers *tiers, struct score score,
                       int64_t budget_nano) {
    struct route_choice choice = score_pick_tier(tiers, score, budget_nano);
    put_str(out, "{\"score\": ");
    put_tenths(out, score.tenths);
    put_str(out, ", \"score_tenths\": ");
    gw_buf_put_u64(out, score.tenths);
    put_str(out, ", \"requires_large_context\": ");
    put_str(out, score.large_context ? "true" : "false");
    put_str(out, ", \"is_complex_reasoning\": ");
    put_str(out, score.complex_reasoning ? "true" : "false");
    put_str(out, ", \"route\": [\"");
    gw_buf_put(out, choice.place);
    put_str(out, "\", \"");
    gw_buf_put_json(out, choice.model);
    put_str(out, "\"], \"profile\": \"");
    gw_buf_put_json(out, tiers->profile);
    put_str(out, "\", \"budget_remaining_usd\": ");
    put_usd(out, budget_nano, 0);
    put_str(out, ", \"prompt_chars\": ");
    gw_buf_put_u64(out, score.prompt_chars);
    put_str(out, ", \"context_chars\": ");
    gw_buf_put_u64(out, score.context_chars);
    put_str(out, ", \"reasons\": [");
    put_rules(out, score);
    put_tier(out, tiers, choice, budget_nano);
    put_str(out, "]}");
}

static void put_refusal(struct gw_buf *out, const struct gw_json_error *error) {
    put_str(out, "the request is not JSON: line ");
    gw_buf_put_u64(out, error->line);
    put_str(out, ", column ");
    gw_buf_put_u64(out, error->column);
    put_str(out, ": ");
    put_str(out, error->what);
    put_str(out, SEND);
}

/* False, and `out` says why, unless there is a text to score. */
static bool read_request(struct taking *t, struct gw_str request, struct gw_arena *arena,
                         int64_t *budget_nano, struct gw_buf *out) {
    struct gw_json_error error;
    const struct gw_json *root = gw_json_parse(request, 0, arena, &error);
    if (!root) {
        put_refusal(out, &error);
        return false;
    }
    const char *wrong = take_request(t, root, budget_nano);
    if (wrong)
        put_str(out, wrong);
    return !wrong;
}

int score_explain(const struct tiers *tiers, int64_t budget_nano, struct gw_str request,
                  const struct gw_mem *mem, struct gw_buf *out) {
    struct taking t = {.wrong = NULL};
    struct gw_arena tree;
    out->n = 0;
    score_init(&t.scoring);
    gw_arena_init(&tree, mem, 16384, gw_json_most(request.n));
    bool good = read_request(&t, request, &tree, &budget_nano, out);
    gw_arena_del(&tree);
    if (!good)
        return -1;
    put_answer(out, tiers, score_end(&t.scoring), budget_nano);
    return out->full ? -1 : 0;
}
