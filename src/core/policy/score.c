#include "core/policy/score.h"

#include "base/utf8.h"

/* All words are looked for at once: their letters side by side are the bits of one word of the
 * machine (48 of 64), and each byte of text moves every match one place on (shift-and). */
static const struct gw_str words[] = {
    GW_STR_INIT("refactor"), GW_STR_INIT("redesign"), GW_STR_INIT("architect"),
    GW_STR_INIT("debug"),    GW_STR_INIT("fix"),      GW_STR_INIT("error"),
    GW_STR_INIT("bug"),      GW_STR_INIT("explain"),
};
enum { WORDS = sizeof words / sizeof words[0] };

struct gw_str score_word(unsigned i) {
    return i < WORDS ? words[i] : gw_str(NULL, 0);
}

void score_init(struct scoring *s) {
    unsigned place = 0;
    *s = (struct scoring){0};
    for (unsigned i = 0; i < WORDS; i++) {
        uint64_t bit = UINT64_C(1) << place;
        s->begins |= bit;
        for (size_t k = 0; k < words[i].n; k++)
            s->masks[words[i].p[k] & 31] |= bit << k;
        place += (unsigned)words[i].n;
        s->ends |= bit << words[i].n >> 1;
    }
}

void score_prompt(struct scoring *s, struct gw_str piece) {
    uint64_t reached = s->reached, found = s->found;
    for (size_t i = 0; i < piece.n; i++) {
        unsigned char c = (unsigned char)piece.p[i];
        unsigned letter = (c | 0x20u) - 'a';
        uint64_t mask = letter < 26 ? s->masks[c & 31] : 0;
        reached = (reached << 1 | s->begins) & mask;
        found |= reached & s->ends;
    }
    s->reached = reached;
    s->found = found;
    s->prompt_chars += gw_utf8_count(piece);
}

void score_context(struct scoring *s, struct gw_str piece) {
    s->context_chars += gw_utf8_count(piece);
}

/* The ends come in the order of the words. */
static uint32_t found_words(const struct scoring *s) {
    uint32_t bits = 0;
    unsigned place = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        place += (unsigned)words[i].n;
        if (s->found >> (place - 1) & 1)
            bits |= 1u << i;
    }
    return bits;
}

struct score score_end(const struct scoring *s) {
    struct score out = {
        .words = found_words(s),
        .prompt_chars = s->prompt_chars,
        .context_chars = s->context_chars,
        .large_context = s->prompt_chars + s->context_chars > 32000,
    };
    const struct {
        uint32_t reason, tenths;
        bool holds;
    } rules[] = {
        {GW_SCORE_PROMPT, 2, s->prompt_chars > 1000},
        {GW_SCORE_CONTEXT, 3, s->context_chars > 10000},
        {GW_SCORE_DESIGN, 3, (out.words & GW_WORDS_DESIGN) != 0},
        {GW_SCORE_DEBUG, 2, (out.words & GW_WORDS_DEBUG) != 0},
        {GW_SCORE_EXPLAIN, 3, (out.words & GW_WORDS_EXPLAIN) && s->context_chars > 5000},
        {GW_SCORE_WINDOW, 4, out.large_context},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].holds) {
            out.reasons |= rules[i].reason;
            out.sum += rules[i].tenths;
        }
    out.complex_reasoning = out.sum > 6;
    out.tenths = out.sum < GW_SCORE_MAX ? out.sum : GW_SCORE_MAX;
    return out;
}

struct score score_of(const struct gw_str *prompt, size_t prompt_n, const struct gw_str *context,
                      size_t context_n) {
    struct scoring s;
    score_init(&s);
    for (size_t i = 0; i < prompt_n; i++)
        score_prompt(&s, prompt[i]);
    for (size_t i = 0; i < context_n; i++)
        score_context(&s, context[i]);
    return score_end(&s);
}

/* ------------------------------------------------------------------ tiers */

struct route_choice score_pick_tier(const struct tiers *tiers, struct score score,
                                    int64_t budget_left_nano) {
    uint32_t i = tiers->n - 1;
    while (i > 0 && score.tenths < tiers->tier[i].from)
        i--;
    const struct tier *tier = &tiers->tier[i];
    if (tier->cloud.n > 0 && budget_left_nano > tier->above_nano)
        return (struct route_choice){GW_STR("cloud"), tier->cloud, i};
    if (tier->think)
        return (struct route_choice){GW_STR("local-cot"), tier->local, i};
    return (struct route_choice){GW_STR("local"), tier->local, i};
}
