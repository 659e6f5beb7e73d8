/*
 * The complexity score of a request, and the tier that it decides.
 *
 * The score is a sum of rules over two texts, counted in characters (code points), in tenths:
 *
 *     prompt over 1000 characters                                   +2
 *     context over 10000 characters                                 +3
 *     prompt contains refactor, redesign or architect               +3
 *     prompt contains debug, fix, error or bug                      +2
 *     prompt contains explain, and context over 5000 characters     +3
 *     both together over 32000 characters, about 8000 tokens        +4   (requires_large_context)
 *
 * A sum over 6 is complex reasoning; the score is the sum, at most 10. Words are found anywhere, also
 * inside other words, in upper or lower case. Folding the 26 ASCII letters is exact: Unicode has only two
 * more characters whose lower case has an ASCII letter in it, the Kelvin sign (k, in none of the words)
 * and I with a dot above (i and a combining dot, which breaks a word).
 *
 * A scoring takes texts piece by piece, in any cut; a word may lie across pieces. Nothing is decided by
 * floating point.
 */
#ifndef GW_CORE_POLICY_SCORE_H
#define GW_CORE_POLICY_SCORE_H

#include "base/arena.h"
#include "core/config/tiers.h"

enum gw_score_reason { /* bits */
                       GW_SCORE_PROMPT = 1,
                       GW_SCORE_CONTEXT = 2,
                       GW_SCORE_DESIGN = 4,
                       GW_SCORE_DEBUG = 8,
                       GW_SCORE_EXPLAIN = 16,
                       GW_SCORE_WINDOW = 32,
};

/* Which words a rule looks for, as bits of score.words. */
enum { GW_WORDS_DESIGN = 0x07, GW_WORDS_DEBUG = 0x78, GW_WORDS_EXPLAIN = 0x80 };

struct score {
    uint32_t tenths; /* 0 to 10 */
    uint32_t sum;    /* the same before it was cut at 10 */
    bool large_context, complex_reasoning;
    uint32_t reasons; /* enum gw_score_reason: the rules that added */
    uint32_t words;   /* a bit per word that the prompt contains, in the order of score_word */
    uint64_t prompt_chars, context_chars;
};

struct scoring {
    uint64_t masks[32];    /* per letter: the places in the words where it stands */
    uint64_t begins, ends; /* the places where a word begins and ends */
    uint64_t reached;      /* the places up to which a word matches the text so far */
    uint64_t found;        /* the ends that were reached */
    uint64_t prompt_chars, context_chars;
};

void score_init(struct scoring *s);
void score_prompt(struct scoring *s, struct gw_str piece);
void score_context(struct scoring *s, struct gw_str piece);
struct score score_end(const struct scoring *s);

/* The score of whole texts; their pieces are joined without a separator. */
struct score score_of(const struct gw_str *prompt, size_t prompt_n, const struct gw_str *context,
                      size_t context_n);
/* The word of bit `i` of score.words; empty from the number of words on. */
struct gw_str score_word(unsigned i);

/* ------------------------------------------------------------------ tiers */

struct route_choice {
    struct gw_str place; /* "local", "cloud" or "local-cot": local with the preamble */
    struct gw_str model;
    uint32_t tier; /* which one */
};

struct route_choice score_pick_tier(const struct tiers *tiers, struct score score,
                                    int64_t budget_left_nano);

/* ------------------------------------------------------------------ explaining */

/* Scores a request given as JSON and makes `out` hold the decision with its reasons, one JSON
 * object: score, score_tenths, requires_large_context, is_complex_reasoning, route [place, model],
 * profile, budget_remaining_usd, prompt_chars, context_chars, reasons. Taken are
 *
 *     {"prompt": TEXT, "context": TEXT, "budget_remaining_usd": NUMBER}  (the prompt is needed)
 *     an OpenAI or Anthropic chat body: {"messages": [{"role", "content"}, ...], "system", ...}
 *     {"body": one of these}
 *
 * TEXT is a string or a list of strings and of {"repeat": STRING, "chars": NUMBER}, the string over
 * and over up to so many characters. In a chat the prompt is the text of the last user message, the
 * context all other text. Without budget_remaining_usd `budget_nano` is what is left.
 * `mem` is for the request's tree, which is gone at the end.
 * 0; or -1 and `out` holds a sentence instead: what is wrong and what to send. 4 KiB hold either;
 * what does not fit makes `out` full and gives -1. */
int score_explain(const struct tiers *tiers, int64_t budget_nano, struct gw_str request,
                  const struct gw_mem *mem, struct gw_buf *out);

#endif
