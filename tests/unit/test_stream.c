/* Observed streams through the whole core: in every cut of their bytes the client gets the same, and
 * a stream that breaks off anywhere goes on to the same words. */
#include "streams.h"

#include "format/event.h"
#include "format/frame.h"

static void begin(const char *file) {
    static const char env[] = "GATEWAY_AUTH=off\0COLAB_ENDPOINT_1=http://127.0.0.1:1\0"
                              "COLAB_ENDPOINT_3=http://127.0.0.1:3\0"
                              "COLAB_ENDPOINT_4=http://127.0.0.1:4\0";
    begin_with(gw_str(env, sizeof env - 1), file);
}

static void answer(bool lines) {
    answer_as(lines ? GW_STR("application/x-ndjson") : GW_STR("text/event-stream"));
}

/* The words in what the client got: text and tool arguments, decoded by the dialect itself. */
static size_t words(struct gw_str bytes, bool lines, char *into) {
    struct event_source source = {.dialect = NULL};
    size_t n = 0;
    while (bytes.n > 0) {
        struct event e;
        size_t len = frame_length(bytes, 0, lines);
        if (!CHECK(len > 0))
            break;
        event_read(gw_str_sub(bytes, 0, len), lines, &source, &e);
        CHECK(e.is != EVENT_MALFORMED && e.is != EVENT_STRANGE && e.is != EVENT_ERROR);
        for (uint32_t i = 0; i < e.pieces_n; i++) {
            if (event_is_token(e.piece[i].channel))
                continue;
            memcpy(into + n, e.piece[i].raw.p, e.piece[i].raw.n);
            n += e.piece[i].raw.n;
        }
        bytes = gw_str_sub(bytes, len, bytes.n);
    }
    return n;
}

/* ------------------------------------------------------------------ streams */

struct sample {
    const char *path;
    bool lines;
    struct gw_str text;  /* as one node says it */
    struct gw_str other; /* the same in other pieces, as another says it */
};

#define CHAT(id, delta, finish)                                                                    \
    "data: {\"id\":\"" id "\",\"choices\":[{\"index\":0,\"delta\":{" delta                         \
    "},\"finish_reason\":" finish "}]}\n\n"
#define SAY(id, text) CHAT(id, "\"content\":\"" text "\"", "null")
#define BLOCK(type, more) "event: " type "\ndata: {\"type\":\"" type "\"" more "}\n\n"
#define PART(index, delta)                                                                         \
    BLOCK("content_block_delta", ",\"index\":" index ",\"delta\":{" delta "}")
#define START(index, block)                                                                        \
    BLOCK("content_block_start", ",\"index\":" index ",\"content_block\":{" block "}")
#define STOP(index) BLOCK("content_block_stop", ",\"index\":" index)
#define THINK(index, text) PART(index, "\"type\":\"thinking_delta\",\"thinking\":\"" text "\"")
#define SIGN(index, text) PART(index, "\"type\":\"signature_delta\",\"signature\":\"" text "\"")
#define TEXT(index, text) PART(index, "\"type\":\"text_delta\",\"text\":\"" text "\"")
#define CALL(name, arguments) "{\"function\":{\"name\":\"" name "\",\"arguments\":" arguments "}}"
#define CALLS(calls) "{\"message\":{\"content\":\"\",\"tool_calls\":[" calls "]},\"done\":false}\n"
#define DELTA(text)                                                                                \
    BLOCK("content_block_delta",                                                                   \
          ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" text "\"}")
#define JSON(text)                                                                                 \
    BLOCK("content_block_delta",                                                                   \
          ",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"" text "\"}")
#define LINE(text, done)                                                                           \
    "{\"message\":{\"role\":\"assistant\",\"content\":\"" text "\"},\"done\":" done "}\n"

static const struct sample samples[] = {
    {"/api/heavy/code/v1/chat/completions", false,
     GW_STR_INIT(CHAT("A", "\"role\":\"assistant\",\"content\":\"\"", "null") SAY("A", "The ") SAY(
         "A", "caf\xc3\xa9 is") SAY("A", " open\\n\\u00e9") ": note\n\n" SAY("A", ".")
                     CHAT("A", "", "\"stop\"") "data: [DONE]\n\n"),
     GW_STR_INIT(CHAT("B", "\"role\":\"assistant\",\"content\":\"\"", "null")
                     SAY("B", "The caf\xc3\xa9 i") SAY("B", "s open\\n") SAY("B", "\\u00e9.")
                         CHAT("B", "", "\"stop\"") "data: [DONE]\n\n")},
    {"/api/heavy/code/v1/chat/completions", false,
     GW_STR_INIT(
         CHAT("A",
              "\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"c1\","
              "\"type\":\"function\",\"function\":{\"name\":\"look\",\"arguments\":\"\"}}]",
              "null")
             CHAT("A", "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\"\"}}]",
                  "null")
                 CHAT("A", "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":1}\"}}]",
                      "null") CHAT("A", "", "\"tool_calls\"") "data: [DONE]\n\n"),
     GW_STR_INIT(
         CHAT("B",
              "\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"c2\","
              "\"type\":\"function\",\"function\":{\"name\":\"look\",\"arguments\":\"{\\\"\"}}]",
              "null")
             CHAT("B", "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"a\\\":1}\"}}]",
                  "null") CHAT("B", "", "\"tool_calls\"") "data: [DONE]\n\n")},
    {"/api/heavy/code/v1/messages", false,
     GW_STR_INIT(
         BLOCK("message_start", ",\"message\":{\"id\":\"m1\",\"role\":\"assistant\"}") BLOCK(
             "content_block_start",
             ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}") BLOCK("ping", "")
             DELTA("Let me") DELTA(" see") BLOCK("content_block_stop", ",\"index\":0") BLOCK(
                 "content_block_start", ",\"index\":1,\"content_block\":{\"type\":\"tool_use\","
                                        "\"id\":\"t1\",\"name\":\"look\",\"input\":{}}")
                 JSON("{\\\"a") JSON("\\\":1}") BLOCK("content_block_stop", ",\"index\":1")
                     BLOCK("message_delta", ",\"delta\":{\"stop_reason\":\"tool_use\"}")
                         BLOCK("message_stop", "")),
     GW_STR_INIT(
         BLOCK("message_start", ",\"message\":{\"id\":\"m2\",\"role\":\"assistant\"}")
             BLOCK("content_block_start",
                   ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")
                 DELTA("Let me se") DELTA("e") BLOCK("content_block_stop", ",\"index\":0") BLOCK(
                     "content_block_start", ",\"index\":1,\"content_block\":{\"type\":\"tool_use\","
                                            "\"id\":\"t2\",\"name\":\"look\",\"input\":{}}")
                     JSON("{\\\"a\\\":1}") BLOCK("content_block_stop", ",\"index\":1")
                         BLOCK("message_delta", ",\"delta\":{\"stop_reason\":\"tool_use\"}")
                             BLOCK("message_stop", ""))},
    {"/api/heavy/code/api/chat", true,
     GW_STR_INIT(LINE("One ", "false") LINE("two", "false") LINE(" three", "false")
                     LINE("", "true")),
     GW_STR_INIT(LINE("On", "false") LINE("e tw", "false") LINE("o three", "false")
                     LINE("", "true"))},
    {"/api/heavy/code/v1/messages", false,
     GW_STR_INIT(
         START("0", "\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"") THINK("0", "Hm")
             THINK("0", ", so") SIGN("0", "AAA") STOP("0")
                 START("1", "\"type\":\"redacted_thinking\",\"data\":\"RRR\"") STOP("1")
                     START("2", "\"type\":\"text\",\"text\":\"\"") TEXT("2", "One") STOP("2") START(
                         "3", "\"type\":\"text\",\"text\":\"\"") TEXT("3", " and two") STOP("3")
                         BLOCK("message_delta", ",\"delta\":{\"stop_reason\":\"end_turn\"}")
                             BLOCK("message_stop", "")),
     GW_STR_INIT(
         START("0", "\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"")
             THINK("0", "Hm, so") SIGN("0", "BBB") STOP("0")
                 START("1", "\"type\":\"redacted_thinking\",\"data\":\"YYYY\"") STOP("1")
                     START("2", "\"type\":\"text\",\"text\":\"\"") TEXT("2", "O") TEXT("2", "ne")
                         STOP("2") START("3", "\"type\":\"text\",\"text\":\"\"") TEXT("3", " an")
                             TEXT("3", "d two") STOP("3")
                                 BLOCK("message_delta", ",\"delta\":{\"stop_reason\":\"end_turn\"}")
                                     BLOCK("message_stop", ""))},
    {"/api/heavy/code/api/chat", true,
     GW_STR_INIT(LINE("Let me see", "false") CALLS(CALL("f", "{\"a\":1}")) CALLS(CALL("g", "{}"))
                     LINE("", "true")),
     GW_STR_INIT(LINE("Let me", "false") LINE(" see", "false") CALLS(CALL("f", "{\"a\":1}"))
                     CALLS(CALL("g", "{}")) LINE("", "true"))},
    {"/api/heavy/code/v1/responses", false,
     GW_STR_INIT("event: response.created\ndata: {\"type\":\"response.created\",\"respon"
                 "se\":{\"id\":\"A\"},\"sequence_number\":0}\n\nevent: response.output_item"
                 ".added\ndata: {\"type\":\"response.output_item.added\",\"output_index\""
                 ":0,\"item\":{\"id\":\"Am\",\"type\":\"message\"},\"sequence_number\":1}\n\neve"
                 "nt: response.output_text.delta\ndata: {\"type\":\"response.output_te"
                 "xt.delta\",\"item_id\":\"Am\",\"output_index\":0,\"delta\":\"Let me\",\"sequ"
                 "ence_number\":2}\n\nevent: response.output_text.delta\ndata: {\"type\""
                 ":\"response.output_text.delta\",\"item_id\":\"Am\",\"output_index\":0,\"d"
                 "elta\":\" see\",\"sequence_number\":3}\n\nevent: response.output_text.d"
                 "one\ndata: {\"type\":\"response.output_text.done\",\"item_id\":\"Am\",\"ou"
                 "tput_index\":0,\"text\":\"Let me see\",\"sequence_number\":4}\n\nevent: r"
                 "esponse.output_item.added\ndata: {\"type\":\"response.output_item.ad"
                 "ded\",\"output_index\":1,\"item\":{\"id\":\"Af\",\"type\":\"function_call\",\""
                 "call_id\":\"Ac\",\"name\":\"look\"},\"sequence_number\":5}\n\nevent: respon"
                 "se.function_call_arguments.delta\ndata: {\"type\":\"response.functio"
                 "n_call_arguments.delta\",\"item_id\":\"Af\",\"output_index\":1,\"delta\":"
                 "\"{\\\"a\",\"sequence_number\":6}\n\nevent: response.function_call_argum"
                 "ents.delta\ndata: {\"type\":\"response.function_call_arguments.delta"
                 "\",\"item_id\":\"Af\",\"output_index\":1,\"delta\":\"\\\":1}\",\"sequence_numb"
                 "er\":7}\n\nevent: response.completed\ndata: {\"type\":\"response.comple"
                 "ted\",\"response\":{\"id\":\"A\",\"status\":\"completed\",\"output\":[{\"id\":\""
                 "Am\"},{\"id\":\"Af\"}]},\"sequence_number\":8}\n\n"),
     GW_STR_INIT("event: response.created\ndata: {\"type\":\"response.created\",\"respon"
                 "se\":{\"id\":\"B\"},\"sequence_number\":0}\n\nevent: response.output_item"
                 ".added\ndata: {\"type\":\"response.output_item.added\",\"output_index\""
                 ":0,\"item\":{\"id\":\"Bm\",\"type\":\"message\"},\"sequence_number\":1}\n\neve"
                 "nt: response.output_text.delta\ndata: {\"type\":\"response.output_te"
                 "xt.delta\",\"item_id\":\"Bm\",\"output_index\":0,\"delta\":\"Let me se\",\"s"
                 "equence_number\":2}\n\nevent: response.output_text.delta\ndata: {\"ty"
                 "pe\":\"response.output_text.delta\",\"item_id\":\"Bm\",\"output_index\":0"
                 ",\"delta\":\"e\",\"sequence_number\":3}\n\nevent: response.output_text.d"
                 "one\ndata: {\"type\":\"response.output_text.done\",\"item_id\":\"Bm\",\"ou"
                 "tput_index\":0,\"text\":\"Let me see\",\"sequence_number\":4}\n\nevent: r"
                 "esponse.output_item.added\ndata: {\"type\":\"response.output_item.ad"
                 "ded\",\"output_index\":1,\"item\":{\"id\":\"Bf\",\"type\":\"function_call\",\""
                 "call_id\":\"Bc\",\"name\":\"look\"},\"sequence_number\":5}\n\nevent: respon"
                 "se.function_call_arguments.delta\ndata: {\"type\":\"response.functio"
                 "n_call_arguments.delta\",\"item_id\":\"Bf\",\"output_index\":1,\"delta\":"
                 "\"{\\\"a\\\":1}\",\"sequence_number\":6}\n\nevent: response.completed\ndata"
                 ": {\"type\":\"response.completed\",\"response\":{\"id\":\"B\",\"status\":\"co"
                 "mpleted\",\"output\":[{\"id\":\"Bm\"},{\"id\":\"Bf\"}]},\"sequence_number\":7"
                 "}\n\n")},
};
enum { SAMPLES = sizeof samples / sizeof *samples };

/* ------------------------------------------------------------------ cuts of the bytes */

static void play(const struct sample *s, size_t first, size_t step) {
    ask(s->path);
    answer(s->lines);
    chunk(gw_str_sub(s->text, 0, first));
    for (size_t at = first; at < s->text.n; at += step)
        chunk(gw_str_sub(s->text, at, step));
    over(GW_CLEAN);
    CHECK(ended && code == 0 && status == 200 && sends == 1);
    CHECK(gw_str_eq(gw_str(out, out_n), s->text));
    gw_close(call, now);
}

static void test_any_cut(void) {
    begin("{}");
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct sample *s = &samples[i];
        for (size_t step = 1; step < 9; step++)
            play(s, 0, step);
        for (size_t first = 1; first < s->text.n; first++)
            play(s, first, s->text.n);
    }
    end();
}

/* ------------------------------------------------------------------ streams that break off */

/* Breaks off after `have` bytes, and goes on with the other node's pieces, `step` bytes at a time. */
static void resume(const struct sample *s, size_t have, size_t step) {
    char want[2048], got[2048];
    size_t want_n = words(s->text, s->lines, want);
    ask(s->path);
    answer(s->lines);
    chunk(gw_str_sub(s->text, 0, have));
    over(GW_CUT);
    if (!ended) {
        answer(s->lines);
        for (size_t at = 0; at < s->other.n; at += step)
            chunk(gw_str_sub(s->other, at, step));
        over(GW_CLEAN);
    }
    CHECK(ended && code == 0);
    size_t got_n = words(gw_str(out, out_n), s->lines, got);
    if (!CHECK(gw_str_eq(gw_str(got, got_n), gw_str(want, want_n))))
        printf("  cut at %zu: %.*s\n", have, (int)out_n, out);
    bool one = gw_str_find(gw_str(out, out_n), GW_STR("\"id\":\"A\"")) < 0 ||
               gw_str_find(gw_str(out, out_n), GW_STR("\"id\":\"B\"")) < 0;
    CHECK(one); /* ids are of one stream */
    gw_close(call, now);
}

static void test_resume_anywhere(void) {
    begin("{\"breaker\":{\"failure_threshold\":63}}");
    for (size_t i = 0; i < SAMPLES; i++)
        for (size_t have = 0; have <= samples[i].text.n; have++) {
            if (have % 20 == 0) { /* more failures than that open the breakers */
                end();
                begin("{\"breaker\":{\"failure_threshold\":63}}");
            }
            resume(&samples[i], have, have % 3 == 0 ? 1 : have % 50 + 1);
        }
    end();
}

/* What the other node has more is behind what it cannot be told behind: no byte of it goes out. */
static void test_resume_late(void) {
    static const struct {
        const char *path;
        bool lines;
        struct gw_str first, second;
    } late[] = {
        {"/api/heavy/code/v1/messages", false, /* in a block that is over */
         GW_STR_INIT(START("0", "\"type\":\"text\",\"text\":\"\"") TEXT("0", "It is") STOP("0")),
         GW_STR_INIT(START("0", "\"type\":\"text\",\"text\":\"\"") TEXT("0", "It is NEW"))},
        {"/api/heavy/code/v1/messages", false,
         GW_STR_INIT(START("0", "\"type\":\"text\",\"text\":\"\"") TEXT("0", "It ") STOP("0")
                         START("1", "\"type\":\"text\",\"text\":\"\"") TEXT("1", "is")),
         GW_STR_INIT(START("0", "\"type\":\"text\",\"text\":\"\"") TEXT("0", "It is NEW"))},
        {"/api/heavy/code/api/chat", true, /* in one value with what was told */
         GW_STR_INIT(CALLS(CALL("f", "{}"))),
         GW_STR_INIT(CALLS(CALL("f", "{}") "," CALL("NEW", "{}")))}};
    begin("{}");
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        ask(late[i].path);
        answer(late[i].lines);
        chunk(late[i].first);
        over(GW_CUT);
        answer(late[i].lines);
        chunk(late[i].second);
        CHECK(ended && gw_str_find(gw_str(out, out_n), GW_STR("goes on differently")) > 0);
        CHECK(gw_str_find(gw_str(out, out_n), GW_STR("NEW")) < 0);
        gw_close(call, now);
    }
    end();
}

/* With "resume" off the same is told in the stream. */
static void test_resume_off(void) {
    begin("{\"limits\":{\"resume\":false}}");
    ask(samples[0].path);
    answer(false);
    chunk(gw_str_sub(samples[0].text, 0, 300));
    over(GW_CUT);
    CHECK(ended && code == 0 && sends == 1);
    CHECK(gw_str_find(gw_str(out, out_n), GW_STR("data: {\"error\":")) > 0);
    CHECK(gw_str_find(gw_str(out, out_n), GW_STR("[DONE]")) < 0);
    gw_close(call, now);
    end();
}

/* ------------------------------------------------------------------ limits */

/* An event above the limit is passed on as it comes, and so is all behind it. */
static void test_huge_event(void) {
    static char big[40000];
    memset(big, 'x', sizeof big);
    begin("{}");
    ask(samples[0].path);
    answer(false);
    chunk(GW_STR(SAY("A", "first") "data: {\"choices\":[{\"delta\":{\"content\":\""));
    CHECK_EQ_U64(out_n, sizeof SAY("A", "first") - 1);
    chunk(gw_str(big, sizeof big));
    CHECK_EQ_U64(out_n, sizeof SAY("A", "first") - 1);
    chunk(gw_str(big, sizeof big));
    chunk(gw_str(big, 10));
    CHECK_EQ_U64(out_n, sizeof SAY("A", "first") - 1 + 39 + 80010);
    over(GW_CUT);
    CHECK(ended && code == 1 && sends == 1);
    gw_close(call, now);
    end();
}

/* Many places where an id is another: more than there are slices, and all of it arrives. */
static void test_many_edits(void) {
    char many[8192], got[2048];
    size_t n = 0;
    begin("{}");
    ask(samples[0].path);
    answer(false);
    chunk(GW_STR(SAY("AAAA", "x")));
    over(GW_CUT);
    answer(false);
    for (int i = 0; i < 40; i++)
        n += (size_t)snprintf(many + n, sizeof many - n, "%s", SAY("B", "x"));
    chunk(gw_str(many, n));
    CHECK_EQ_U64(words(gw_str(out, out_n), false, got), 40);
    CHECK(gw_str_find(gw_str(out, out_n), GW_STR("\"id\":\"B\"")) < 0);
    gw_close(call, now);
    end();
}

int main(void) {
    RUN(test_any_cut);
    RUN(test_resume_anywhere);
    RUN(test_resume_late);
    RUN(test_resume_off);
    RUN(test_huge_event);
    RUN(test_many_edits);
    return unit_end();
}
