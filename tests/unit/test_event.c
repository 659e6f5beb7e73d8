#include "unit.h"

#include "core/call/delivered.h"
#include "format/shape.h"

/* ------------------------------------------------------------------ what events say */

static struct event_source source;

/* The event as text: "KIND channel=raw ... finish end mark=N id=X". */
static const char *said(const char *text) {
    static char out[1024];
    static const char *const kinds[] = {"ping", "preamble", "content",   "finish",
                                        "end",  "error",    "malformed", "strange"};
    struct event e;
    size_t n = strlen(text);
    enum framing framing = text[0] == '{' ? FRAMING_LINES : FRAMING_SSE;
    event_read(gw_str(text, n), framing, &source, &e);
    int at = snprintf(out, sizeof out, "%s", kinds[e.is]);
    for (uint32_t i = 0; i < e.pieces_n; i++) {
        uint32_t channel = e.piece[i].channel;
        CHECK(e.piece[i].raw.p >= text && e.piece[i].raw.p + e.piece[i].raw.n <= text + n);
        at +=
            snprintf(out + at, sizeof out - (size_t)at, " %u.%u.%u=%.*s", channel >> 16,
                     channel >> 8 & 0xff, channel & 0xff, (int)e.piece[i].raw.n, e.piece[i].raw.p);
    }
    at += snprintf(out + at, sizeof out - (size_t)at, "%s%s%s", e.finish ? " finish" : "",
                   e.end ? " end" : "", e.opaque ? " opaque" : "");
    if (e.mark > 0)
        at += snprintf(out + at, sizeof out - (size_t)at, " mark=%u", e.mark);
    if (e.id.n > 0)
        (void)snprintf(out + at, sizeof out - (size_t)at, " id=%.*s", (int)e.id.n, e.id.p);
    return out;
}

#define SAYS(text, what)                                                                           \
    do {                                                                                           \
        const char *got = said(text);                                                              \
        if (!CHECK(strcmp(got, what) == 0))                                                        \
            printf("  %s\n  %s\n", got, what);                                                     \
    } while (0)

static void test_openai(void) {
    source = (struct event_source){.dialect = NULL};
    SAYS(": hello\n\n", "ping");
    CHECK(source.dialect == NULL);
    SAYS("data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
         "\"content\":\"\"},\"finish_reason\":null}]}\n\n",
         "preamble id=c1");
    CHECK(source.dialect == &dialect_openai);
    SAYS("data: {\"choices\":[{\"delta\":{\"content\":\"a\\n\"}}]}\n\n", "content 0.0.1=a\\n");
    SAYS("data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\",\"content\":null},"
         "\"index\":2}]}\r\n\r\n",
         "content 2.0.2=hm");
    SAYS("data:{\"choices\":[{\"text\":\"old\",\"index\":0,\"finish_reason\":\"stop\"}]}\n\n",
         "content 0.0.1=old finish");
    SAYS("data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"c\","
         "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}}]}\n\n",
         "content 0.1.7=c 0.1.8=f 0.1.9={");
    SAYS("data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n", "preamble");
    SAYS("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n", "finish finish");
    SAYS("data: {\"choices\":[{\"delta\":{\"audio\":{\"data\":\"x\"}}}]}\n\n", "content opaque");
    SAYS("data: {\"error\":{\"message\":\"no\"}}\n\n", "error");
    SAYS("data: {\"error\":null,\"choices\":[]}\n\n", "preamble");
    SAYS("data: [DONE]\n\n", "end end");
    SAYS("data: {\"choices\":[{\"delta\":{\"content\":\"br\n\n", "malformed");
    SAYS("data: oops\n\n", "malformed");
    SAYS("data: {\"type\":\"other\"}\n\n", "strange");
    SAYS("data: {\ndata: }\n\n", "strange");
}

static void test_responses(void) {
    source = (struct event_source){.dialect = NULL};
    SAYS("data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"statu"
         "s\":\"in_progress\"},\"sequence_number\":0}\n\n",
         "preamble mark=1 id=r");
    CHECK(source.dialect == &dialect_responses);
    SAYS("data: {\"type\":\"response.in_progress\",\"response\":{\"id\":\"r\"}}\n"
         "\n",
         "preamble mark=1 id=r");
    SAYS("data: {\"type\":\"response.output_item.added\",\"output_index\":0,"
         "\"item\":{\"id\":\"rs\",\"type\":\"reasoning\"}}\n\n",
         "preamble 0.0.4=reasoning mark=2");
    SAYS("data: {\"type\":\"response.reasoning_summary_text.delta\",\"outpu"
         "t_index\":0,\"delta\":\"hm\"}\n\n",
         "content 0.0.2=hm");
    SAYS("data: {\"delta\":\"so\",\"type\":\"response.reasoning_text.delta\"}\n"
         "\n",
         "content 0.0.2=so");
    SAYS("data: {\"type\":\"response.output_item.done\",\"output_index\":0,\""
         "item\":{\"id\":\"rs\",\"type\":\"reasoning\"}}\n\n",
         "preamble mark=3");
    SAYS("data: {\"type\":\"response.output_item.added\",\"output_index\":1,"
         "\"item\":{\"id\":\"m\",\"type\":\"message\"}}\n\n",
         "preamble 0.1.4=message mark=4");
    SAYS("data: {\"type\":\"response.output_text.delta\",\"output_index\":1,"
         "\"delta\":\"Hi\",\"obfuscation\":\"x\"}\n\n",
         "content 0.0.1=Hi");
    SAYS("data: {\"type\":\"response.output_text.delta\",\"output_index\":1,"
         "\"delta\":\"\"}\n\n",
         "preamble");
    SAYS("data: {\"type\":\"response.output_text.done\",\"output_index\":1,\""
         "text\":\"Hi\"}\n\n",
         "preamble mark=5");
    SAYS("data: {\"type\":\"response.refusal.delta\",\"output_index\":1,\"del"
         "ta\":\"no\"}\n\n",
         "content 0.0.3=no");
    SAYS("data: {\"type\":\"response.output_item.added\",\"output_index\":2,"
         "\"item\":{\"id\":\"f\",\"type\":\"function_call\",\"call_id\":\"c\",\"name\""
         ":\"f\",\"arguments\":\"\"}}\n\n",
         "content 0.2.4=function_call 0.0.7=c 0.0.8=f mark=6");
    SAYS("data: {\"type\":\"response.output_item.added\",\"item\":{\"type\":\"c"
         "ustom_tool_call\",\"call_id\":\"d\",\"name\":\"g\",\"input\":\"\"}}\n\n",
         "content 0.3.4=custom_tool_call 0.1.7=d 0.1.8=g mark=7");
    SAYS("data: {\"type\":\"response.function_call_arguments.delta\",\"outp"
         "ut_index\":2,\"delta\":\"{\"}\n\n",
         "content 0.0.9={");
    SAYS("data: {\"type\":\"response.custom_tool_call_input.delta\",\"delta"
         "\":\"}\"}\n\n",
         "content 0.1.9=}");
    SAYS("data: {\"type\":\"response.audio.delta\",\"delta\":\"AA\"}\n\n", "content opaque");
    SAYS("data: {\"type\":\"response.output_text.delta\",\"output_index\":42"
         ",\"delta\":\"x\"}\n\n",
         "content opaque");
    SAYS("data: {\"type\":\"response.web_search_call.searching\"}\n\n", "preamble mark=8");
    SAYS("data: {\"type\":\"response.failed\",\"response\":{\"id\":\"r\"}}\n\n", "error id=r");
    SAYS("data: {\"type\":\"error\",\"code\":null,\"message\":\"no\",\"sequence_n"
         "umber\":4}\n\n",
         "error");
    SAYS("data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"sta"
         "tus\":\"completed\"}}\n\n",
         "finish finish end id=r");
    SAYS("data: {\"type\":\"response.output_text.delta\",\"delta\":\"br\n\n", "malformed");
    SAYS("data: {\"type\":\"ping\"}\n\n", "strange");
}

static void test_anthropic(void) {
    source = (struct event_source){.dialect = NULL};
    SAYS("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"}}\n\n",
         "preamble");
    CHECK(source.dialect == &dialect_anthropic);
    SAYS("event: ping\ndata: {\"type\": \"ping\"}\n\n", "ping");
    SAYS("data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\","
         "\"text\":\"\"}}\n\n",
         "preamble 0.0.4=text mark=1");
    SAYS("data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
         "\"text\":\"Hi\"}}\n\n",
         "content 0.0.1=Hi");
    SAYS("data: {\"type\":\"content_block_stop\",\"index\":0}\n\n", "preamble mark=2");
    SAYS("data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":"
         "\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}}\n\n",
         "content 0.1.4=tool_use 0.0.7=t 0.0.8=f mark=3");
    SAYS("data: {\"delta\":{\"partial_json\":\"{\",\"type\":\"input_json_delta\"},\"index\":1,"
         "\"type\":\"content_block_delta\"}\n\n",
         "content 0.0.9={");
    SAYS("data: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":"
         "\"redacted_thinking\",\"data\":\"ZW5j\"}}\n\n",
         "content 0.2.4=redacted_thinking 0.2.6=ZW5j mark=5");
    SAYS("data: {\"type\":\"content_block_start\",\"index\":3,\"content_block\":{\"type\":"
         "\"tool_use\",\"id\":\"u\",\"name\":\"g\",\"input\":{}}}\n\n",
         "content 0.3.4=tool_use 0.1.7=u 0.1.8=g mark=7");
    SAYS("data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
         "\"input_json_delta\",\"partial_json\":\"}\"}}\n\n",
         "content 0.0.9=}");
    SAYS("data: {\"type\":\"content_block_delta\",\"index\":64,\"delta\":{\"type\":"
         "\"text_delta\",\"text\":\"Hi\"}}\n\n",
         "content 0.0.1=Hi opaque");
    SAYS("data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
         "\"signature_delta\",\"signature\":\"s\"}}\n\n",
         "content 0.0.5=s");
    SAYS("data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\","
         "\"stop_sequence\":null},\"usage\":{\"output_tokens\":2}}\n\n",
         "finish finish");
    SAYS("data: {\"type\":\"message_stop\"}\n\n", "end end");
    SAYS("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n",
         "error");
    SAYS("data: {\"type\":\"new_thing\"}\n\n", "strange");
}

static void test_ollama(void) {
    source = (struct event_source){.dialect = NULL};
    SAYS("{\"model\":\"m\",\"created_at\":\"t\",\"message\":{\"role\":\"assistant\",\"content\":"
         "\"Hi\"},\"done\":false}\n",
         "content 0.0.1=Hi");
    CHECK(source.dialect == &dialect_ollama);
    SAYS("{\"response\":\"x\",\"done\":false}\n", "content 0.0.1=x");
    SAYS("{\"message\":{\"content\":\"\",\"thinking\":\"hm\"},\"done\":false}\n",
         "content 0.0.2=hm");
    SAYS("{\"message\":{\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"f\"}}]},"
         "\"done\":false}\n",
         "content 0.0.8=f");
    SAYS("{\"message\":{\"tool_calls\":[{\"id\":\"c\",\"function\":{\"index\":0,\"name\":\"g\","
         "\"arguments\": {\"a\":[1]}}},{\"function\":{\"arguments\":{},\"name\":\"h\"}}]},"
         "\"done\":false}\n",
         "content 0.1.7=c 0.1.8=g 0.1.9={\"a\":[1]} 0.2.9={} 0.2.8=h");
    SAYS("{\"message\":{\"tool_calls\":[]},\"done\":false}\n", "preamble");
    SAYS("{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}\n",
         "finish finish end");
    SAYS("{\"error\":\"out of memory\"}\n", "error");
    SAYS("{\"message\":{\"con\n", "malformed");
}

#define PARTS(parts)                                                                               \
    "data: {\"candidates\":[{\"content\":{\"parts\":[" parts "],\"role\":\"model\"}"

static void test_gemini(void) {
    source = (struct event_source){.dialect = NULL};
    SAYS(PARTS("{\"text\":\"\"}") ",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":3},"
                                  "\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\n",
         "preamble id=r");
    CHECK(source.dialect == &dialect_gemini);
    SAYS(PARTS("{\"text\":\"hm\",\"thought\":true}") "}]}\n\n", "content 0.0.2=hm");
    SAYS(PARTS("{\"thought\":false,\"thoughtSignature\":\"s0\",\"text\":\"Hi\"}") "}]}\n\n",
         "content 0.0.1=Hi 0.0.5=s0");
    SAYS(PARTS("{\"text\":\"a\"},{\"thoughtSignature\":\"s1\"}") ",\"index\":1}]}\n\n",
         "content 1.0.1=a 1.0.5=s1");
    SAYS(PARTS(
             "{\"functionCall\":{\"name\":\"f\",\"args\": {\"x\":[1]},\"id\":\"c\"},"
             "\"thoughtSignature\":\"s1\"},{\"functionCall\":{\"args\":{},\"name\":\"g\"}}") "}]}"
                                                                                             "\n\n",
         "content 0.0.8=f 0.0.9={\"x\":[1]} 0.0.7=c 0.1.5=s1 0.1.9={} 0.1.8=g");
    SAYS(PARTS(
             "{\"functionCall\":{\"name\":\"h\"}}") ",\"finishReason\":\"STOP\",\"index\":0}]}\n\n",
         "content 0.2.8=h finish");
    SAYS(PARTS("{\"functionCall\":{\"name\":\"h\"}}") ",\"index\":1}]}\n\n", "content 1.0.8=h");
    SAYS(PARTS("{\"functionCall\":{\"name\":\"h\",\"willContinue\":true}}") "}]}\n\n",
         "content 0.3.8=h opaque");
    SAYS(PARTS("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AA\"}}") "}]}\n\n",
         "content opaque");
    SAYS(PARTS("{\"text\":\"a\"}") ",\"index\":4}]}\n\n", "content 0.0.1=a opaque");
    SAYS("data: "
         "{\"candidates\":[{\"content\":{\"role\":\"model\"},\"finishReason\":\"MAX_TOKENS\"}]}"
         "\n\n",
         "finish finish");
    SAYS("data: {\"candidates\":[{\"finishReason\":\"FINISH_REASON_UNSPECIFIED\"}]}\n\n",
         "preamble");
    SAYS("data: {\"promptFeedback\":{\"safetyRatings\":[]},\"usageMetadata\":{}}\n\n", "preamble");
    SAYS("data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":{}}\n\n",
         "finish finish");
    SAYS("data: {\"error\":{\"code\":503,\"message\":\"no\",\"status\":\"UNAVAILABLE\"}}\n\n",
         "error");
    SAYS("data: {\"candidates\":[{\"content\":{\"parts\":[{\"te\n\n", "malformed");
    SAYS("data: {\"choices\":[]}\n\n", "strange");
}

/* More calls than can be counted are content that is not read. */
static void test_gemini_many(void) {
    static const char call[] = PARTS("{\"functionCall\":{\"name\":\"f\"}}") "}]}\n\n";
    struct event e = {.is = EVENT_PING};
    source = (struct event_source){.dialect = &dialect_gemini};
    for (uint32_t i = 0; i < 255; i++) {
        event_read(gw_str(call, sizeof call - 1), FRAMING_SSE, &source, &e);
        CHECK(!e.opaque && e.pieces_n == 1 && event_block_of(e.piece[0].channel) == i);
    }
    event_read(gw_str(call, sizeof call - 1), FRAMING_SSE, &source, &e);
    CHECK(e.opaque && source.tools == 255);
}

/* ------------------------------------------------------------------ the same in every dialect */

enum { SAME_EVENTS = 5 };

/* One answer: it thinks, says something in two pieces, and calls two tools. */
static const char *const same[][SAME_EVENTS] = {
    {"data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n",
     "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"It is \"}}]}\n\n",
     "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\u0031\"}}]}\n\n",
     "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\","
     "\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}}]}}]}\n\n",
     "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"b\","
     "\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]}}]}\n\n"},
    {"data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
     "\"thinking\",\"thinking\":\"hm\",\"signature\":\"s\"}}\n\n",
     "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\","
     "\"text\":\"It is \"}}\n\n",
     "data: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"text_delta\","
     "\"text\":\"1\"}}\n\n",
     "data: {\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":"
     "\"input_json_delta\",\"partial_json\":\"{\\\"x\\\":1}\"}}\n\n",
     "data: {\"type\":\"content_block_delta\",\"index\":4,\"delta\":{\"type\":"
     "\"input_json_delta\",\"partial_json\":\"{}\"}}\n\n"},
    {"{\"message\":{\"role\":\"assistant\",\"thinking\":\"hm\"},\"done\":false}\n",
     "{\"message\":{\"role\":\"assistant\",\"content\":\"It \"},\"done\":false}\n",
     "{\"message\":{\"role\":\"assistant\",\"content\":\"is 1\"},\"done\":false}\n",
     "{\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}}]},"
     "\"done\":false}\n",
     "{\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"g\",\"arguments\":{}}}]},"
     "\"done\":false}\n"},
    {PARTS("{\"text\":\"hm\",\"thought\":true}") "}]}\n\n",
     PARTS("{\"text\":\"It \"},{\"text\":\"i\"}") "}]}\n\n",
     PARTS("{\"text\":\"s 1\",\"thoughtSignature\":\"t\"}") "}]}\n\n",
     PARTS("{\"functionCall\":{\"name\":\"f\",\"args\":{\"x\":1}}}") "}]}\n\n",
     PARTS("{\"functionCall\":{\"name\":\"g\",\"args\":{}}}") ",\"finishReason\":\"STOP\"}]}\n\n"}};

enum { SAME_DIALECTS = sizeof same / sizeof *same };

/* Delivers the answer, or holds it against what was delivered: what every dialect has of it. */
static void tell_same(size_t which, struct delivered *d, bool again) {
    source = (struct event_source){.dialect = NULL};
    for (size_t k = 0; k < SAME_EVENTS; k++) {
        struct event e;
        struct gw_str text = gw_str(same[which][k], strlen(same[which][k]));
        event_read(text, text.p[0] == '{' ? FRAMING_LINES : FRAMING_SSE, &source, &e);
        CHECK(e.pieces_n > 0 && !e.opaque);
        for (uint32_t i = 0; i < e.pieces_n; i++) {
            size_t cut;
            struct event_piece *piece = &e.piece[i];
            /* The names of tools stand in the starts of blocks, which are left out here, at Anthropic. */
            if (!event_is_common(piece->channel) || event_part_of(piece->channel) == PART_TOOL_NAME)
                continue;
            if (!again)
                CHECK(delivered_add(d, piece));
            else
                CHECK(delivered_meet(d, piece, &cut) && cut == piece->raw.n);
        }
    }
}

static void test_same(void) {
    for (size_t first = 0; first < SAME_DIALECTS; first++)
        for (size_t second = 0; second < SAME_DIALECTS; second++) {
            struct unit_mem mem;
            struct gw_arena arena;
            struct delivered d;
            unit_mem_init(&mem, 0);
            gw_arena_init(&arena, &mem.mem, 4096, 1 << 20);
            delivered_init(&d, &arena);
            tell_same(first, &d, false);
            CHECK(d.channels_n == 4);
            delivered_again(&d);
            tell_same(second, &d, true);
            CHECK(d.behind == 0);
            gw_arena_del(&arena);
        }
}

/* ------------------------------------------------------------------ values */

static struct event read_as(const struct dialect *d, const char *text) {
    struct event e;
    source = (struct event_source){.dialect = d};
    event_read(gw_str(text, strlen(text)), d->framing, &source, &e);
    return e;
}

static enum event_why why(const struct dialect *d, const char *before, const char *word,
                          const char *after) {
    char text[256];
    (void)snprintf(text, sizeof text, "%s%s%s", before, word, after);
    struct event e = read_as(d, text);
    CHECK(e.finish && e.finished == 1);
    return event_why(d, &e);
}

static void test_why(void) {
    static const struct {
        const char *openai, *anthropic, *ollama;
        enum event_why why;
    } words[] = {{"stop", "end_turn", "stop", WHY_STOP},
                 {"stop", "stop_sequence", "stop", WHY_STOP},
                 {"length", "max_tokens", "length", WHY_LENGTH},
                 {"tool_calls", "tool_use", "load", WHY_TOOL},
                 {"content_filter", "refusal", "unload", WHY_FILTER},
                 {"eos", "pause_turn", "", WHY_PAUSE}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        enum event_why openai = why(
            &dialect_openai, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"",
            words[i].openai, "\"}]}\n\n");
        enum event_why anthropic = why(
            &dialect_anthropic, "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"",
            words[i].anthropic, "\"}}\n\n");
        enum event_why ollama = why(&dialect_ollama, "{\"response\":\"\",\"done_reason\":\"",
                                    words[i].ollama, "\",\"done\":true}\n");
        CHECK(openai == (words[i].why == WHY_PAUSE ? WHY_OTHER : words[i].why));
        CHECK(anthropic == words[i].why);
        CHECK(ollama == (words[i].why <= WHY_LENGTH  ? words[i].why
                         : words[i].why == WHY_PAUSE ? WHY_UNTOLD
                                                     : WHY_OTHER));
    }
    struct event e = read_as(&dialect_openai, "data: {\"choices\":[{\"delta\":{}}]}\n\n");
    CHECK(event_why(&dialect_openai, &e) == WHY_UNTOLD);
}

static void add_usage(const struct dialect *d, const char *text, struct usage *u) {
    struct event e = read_as(d, text);
    event_usage(d, &e, u);
}

static void check_usage(const struct usage *u, uint32_t present, const uint64_t n[USAGE_N]) {
    CHECK_EQ_U64(u->present, present);
    for (uint32_t i = 0; i < USAGE_N; i++)
        CHECK_EQ_U64(u->n[i], n[i]);
}

static void test_usage(void) {
    struct usage u = {.present = 0};
    add_usage(&dialect_openai, "data: {\"choices\":[],\"usage\":null}\n\n", &u);
    CHECK(u.present == 0);
    add_usage(&dialect_openai,
              "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":"
              "12345678901,\"total_tokens\":7,\"prompt_tokens_details\":{\"cached_tokens\":"
              "20,\"audio_tokens\":0},\"x\":{\"prompt_tokens\":1},\"completion_tokens_details\":"
              "{\"reasoning_tokens\":0}}}\n\n",
              &u);
    check_usage(&u,
                1 << USAGE_INPUT | 1 << USAGE_OUTPUT | 1 << USAGE_CACHED | 1 << USAGE_REASONING |
                    1 << USAGE_AUDIO_INPUT,
                (uint64_t[USAGE_N]){30, 12345678901, 20, 0, 0, 0, 0});
    u = (struct usage){.present = 0};
    add_usage(
        &dialect_anthropic,
        "data: {\"type\":\"message_start\",\"message\":{\"role\":\"assistant\",\"usage\":"
        "{\"input_tokens\":10,\"cache_read_input_tokens\":20,\"cache_creation_input_tokens\":3,"
        "\"output_tokens\":1}}}\n\n",
        &u);
    add_usage(&dialect_anthropic,
              "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},"
              "\"usage\":{\"output_tokens\":9}}\n\n",
              &u);
    check_usage(&u, 1 << USAGE_INPUT | 1 << USAGE_OUTPUT | 1 << USAGE_CACHED | 1 << USAGE_WRITTEN,
                (uint64_t[USAGE_N]){33, 9, 20, 3, 0});
    u = (struct usage){.present = 0};
    add_usage(&dialect_ollama,
              "{\"response\":\"\",\"prompt_eval_count\":4,\"eval_count\":-5,\"done\":true}\n", &u);
    check_usage(&u, 1 << USAGE_INPUT, (uint64_t[USAGE_N]){4, 0, 0, 0, 0});
}

/* Of the end: why, and how many tokens. */
static void test_responses_end(void) {
    struct event e = read_as(
        &dialect_responses, "data: {\"type\":\"response.completed\",\"response\":{\"status\":"
                            "\"completed\",\"incomplete_details\":null,\"output\":[{\"id\":\"m"
                            "\",\"type\":\"message\"},{\"id\":\"f\",\"type\":\"function_call\",\"ca"
                            "ll_id\":\"c\"}],\"usage\":{\"input_tokens\":30,\"input_tokens_de"
                            "tails\":{\"cached_tokens\":20},\"output_tokens\":9,\"output_to"
                            "kens_details\":{\"reasoning_tokens\":4},\"total_tokens\":39}}"
                            ",\"sequence_number\":17}\n\n");
    struct usage u = {.present = 0};
    event_usage(&dialect_responses, &e, &u);
    check_usage(&u, 1 << USAGE_INPUT | 1 << USAGE_OUTPUT | 1 << USAGE_CACHED | 1 << USAGE_REASONING,
                (uint64_t[USAGE_N]){30, 9, 20, 0, 4});
    CHECK(event_why(&dialect_responses, &e) == WHY_TOOL);
    CHECK(e.ids_n == 3 && e.ids[2].kind == 1);
    CHECK_STR(e.ids[2].raw, "c");
    CHECK_STR(e.sequence, "17");
    e = read_as(&dialect_responses,
                "data: {\"type\":\"response.incomplete\",\"response\":{\"status\""
                ":\"completed\"}}\n\n");
    CHECK(event_why(&dialect_responses, &e) == WHY_STOP);
    e = read_as(&dialect_responses,
                "data: {\"type\":\"response.incomplete\",\"response\":{\"status\""
                ":\"incomplete\",\"incomplete_details\":{\"reason\":\"max_output"
                "_tokens\"}}}\n\n");
    CHECK(event_why(&dialect_responses, &e) == WHY_LENGTH);
    e = read_as(&dialect_responses,
                "data: {\"type\":\"response.incomplete\",\"response\":{\"incompl"
                "ete_details\":{\"reason\":\"content_filter\"}}}\n\n");
    CHECK(event_why(&dialect_responses, &e) == WHY_FILTER);
    e = read_as(&dialect_responses,
                "data: {\"type\":\"response.incomplete\",\"response\":{\"status\""
                ":\"x\"}}\n\n");
    CHECK(event_why(&dialect_responses, &e) == WHY_OTHER);
    e = read_as(&dialect_responses,
                "data: {\"type\":\"response.incomplete\",\"response\":{\"id\":\"r\""
                "}}\n\n");
    CHECK(event_why(&dialect_responses, &e) == WHY_UNTOLD);
    e = read_as(&dialect_responses,
                "data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\",\""
                "logprobs\":[1]}\n\n");
    CHECK_STR(e.logprobs, "[1]");
}

static void test_gemini_end(void) {
    static const struct {
        const char *word;
        enum event_why why;
    } words[] = {{"STOP", WHY_STOP},         {"MAX_TOKENS", WHY_LENGTH},
                 {"SAFETY", WHY_FILTER},     {"PROHIBITED_CONTENT", WHY_FILTER},
                 {"RECITATION", WHY_FILTER}, {"MALFORMED_FUNCTION_CALL", WHY_OTHER},
                 {"functionCall", WHY_TOOL}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        CHECK(why(&dialect_gemini, "data: {\"candidates\":[{\"finishReason\":\"", words[i].word,
                  "\"}]}\n\n") == words[i].why);
    struct event e = read_as(
        &dialect_gemini, PARTS("{\"functionCall\":{\"name\":\"f\"}}") ",\"finish"
                                                                      "Reason\":\"STOP\"}]}\n\n");
    CHECK(event_why(&dialect_gemini, &e) == WHY_TOOL);
    CHECK_STR(e.role, "model");
    e = read_as(&dialect_gemini, "data: {\"promptFeedback\":{\"blockReason\":\"OTHER\"}}\n\n");
    CHECK(event_why(&dialect_gemini, &e) == WHY_FILTER && e.finished == 1 && e.choices == 1);
    e = read_as(&dialect_gemini, "data: {\"candidates\":[{\"logprobsResult\": {\"x\":1},\"finishRe"
                                 "ason\":\"STOP\",\"index\":2}]}\n\n");
    CHECK_STR(e.logprobs, "{\"x\":1}");
    CHECK(e.choices == 4 && e.finished == 4 && e.finish && !e.end);
    struct usage u = {.present = 0};
    add_usage(&dialect_gemini,
              "data: {\"usageMetadata\":{\"promptTokenCount\":30,\"candidatesTokenCount\":9,"
              "\"thoughtsTokenCount\":4,\"cachedContentTokenCount\":20,\"totalTokenCount\":43,"
              "\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":30}]}}\n\n",
              &u);
    check_usage(&u, 1 << USAGE_INPUT | 1 << USAGE_OUTPUT | 1 << USAGE_CACHED | 1 << USAGE_REASONING,
                (uint64_t[USAGE_N]){30, 13, 20, 0, 4, 0, 0});
}

/* What the gateway says itself. */
static void test_gemini_errors(void) {
    static const struct {
        uint32_t status;
        const char *word;
    } words[] = {{400, "INVALID_ARGUMENT"}, {401, "UNAUTHENTICATED"},  {403, "PERMISSION_DENIED"},
                 {404, "NOT_FOUND"},        {413, "INVALID_ARGUMENT"}, {429, "RESOURCE_EXHAUSTED"},
                 {500, "INTERNAL"},         {502, "UNAVAILABLE"},      {503, "UNAVAILABLE"},
                 {504, "DEADLINE_EXCEEDED"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char out[256], want[256];
        struct gw_buf b = {.p = out, .cap = sizeof out, .max = sizeof out};
        const struct dialect_error error = {.status = words[i].status,
                                            .message = GW_STR("a \"b\"")};
        dialect_gemini.put_error(&b, &error);
        (void)snprintf(want, sizeof want,
                       "{\"error\":{\"code\":%u,\"message\":\"a \\\"b\\\"\",\"status\":\"%s\"}}\n",
                       words[i].status, words[i].word);
        CHECK(gw_str_eq(gw_buf_str(&b), gw_str(want, strlen(want))));
    }
}

/* Cut at any byte it is nothing that ends the stream, and nothing new. */
static void test_gemini_torn(void) {
    static const char whole[] =
        PARTS("{\"text\":\"a\"}") ",\"finishReason\":\"STOP\",\"index\":0}]}\r\n\r\n";
    enum { MARKS = 4, WHOLE = sizeof whole - 1 - MARKS };
    for (size_t n = 0; n < WHOLE + MARKS; n++) {
        char torn[sizeof whole + 1];
        struct event e;
        CHECK(frame_length(gw_str(whole, n), n > 0 ? n - 1 : 0, FRAMING_SSE) == 0);
        memcpy(torn, whole, n);
        torn[n] = torn[n + 1] = '\n';
        source = (struct event_source){.dialect = &dialect_gemini};
        event_read(gw_str(torn, n + 2), FRAMING_SSE, &source, &e);
        CHECK(n >= WHOLE ? e.is == EVENT_CONTENT && e.finish
                         : e.is == EVENT_MALFORMED || (n < 6 && e.is == EVENT_PING));
        CHECK(n >= WHOLE || (!e.finish && e.pieces_n == 0));
    }
}

static void test_slices(void) {
    struct event e = read_as(
        &dialect_openai, "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":"
                         "\"a\"},\"logprobs\": {\"content\":[]}, \"finish_reason\":null}]}\n\n");
    CHECK_STR(e.role, "assistant");
    CHECK_STR(e.logprobs, "{\"content\":[]}");
    e = read_as(&dialect_openai, "data: {\"choices\":[{\"delta\":{},\"logprobs\":null}]}\n\n");
    CHECK(e.logprobs.n == 0 && e.role.n == 0);
    e = read_as(&dialect_anthropic, "data: {\"type\":\"message_start\",\"message\":{\"role\":"
                                    "\"assistant\"}}\n\n");
    CHECK_STR(e.role, "assistant");
    e = read_as(&dialect_ollama, "{\"message\":{\"role\":\"assistant\",\"content\":\"\"},"
                                 "\"logprobs\":[1],\"done\":false}\n");
    CHECK_STR(e.role, "assistant");
    CHECK_STR(e.logprobs, "[1]");
}

/* ------------------------------------------------------------------ recognising */

static void test_strange(void) {
    source = (struct event_source){.dialect = NULL};
    SAYS("data: {\"candidates\":7}\n\n", "strange");
    SAYS("data: 17\n\n", "strange");
    SAYS("{\"done\":1}\n", "strange");
    SAYS("data: {\"error\":{\"message\":\"no\"}}\n\n", "error");
    SAYS("{\"error\":\"no\"}\n", "error");
    SAYS("data: {\"type\":\"session.updated\",\"delta\":\"x\"}\n\n", "strange");
    CHECK(source.dialect == NULL);
}

static void test_table(void) {
    bool talks;
    CHECK(dialects_of_path(GW_STR("/v1/messages"), &talks) == &dialect_anthropic && talks);
    CHECK(dialects_of_path(GW_STR("/v1/chat/completions"), &talks) == &dialect_openai && talks);
    CHECK(dialects_of_path(GW_STR("/v1/completions"), &talks) == &dialect_openai && !talks);
    CHECK(dialects_of_path(GW_STR("/v1/responses"), &talks) == &dialect_responses && talks);
    CHECK(dialects_of_path(GW_STR("/api/chat"), &talks) == &dialect_ollama && talks);
    CHECK(dialects_of_path(GW_STR("/api/generate"), &talks) == &dialect_ollama && !talks);
    CHECK(dialects_of_path(GW_STR("/v1beta/models/m:generateContent"), &talks) == &dialect_gemini &&
          talks);
    CHECK(dialects_of_path(GW_STR("/v1/models/m:streamGenerateContent"), &talks) ==
              &dialect_gemini &&
          talks);
    CHECK(dialects_of_path(GW_STR("/v1/models/m:countTokens"), &talks) == NULL && !talks);
    CHECK(dialects_of_path(GW_STR("/sse"), &talks) == NULL && !talks);
    CHECK(dialects_default(FRAMING_SSE) == &dialect_openai);
    CHECK(dialects_default(FRAMING_LINES) == &dialect_ollama);
}

static void test_many_pieces(void) {
    struct event e = {.is = EVENT_CONTENT};
    for (uint32_t i = 0; i <= EVENT_PIECES; i++)
        event_add(&e, i, GW_STR("x"));
    CHECK(e.pieces_n == EVENT_PIECES && e.opaque);
}

/* ------------------------------------------------------------------ the usual event */

static void test_shape(void) {
    static const struct gw_str first =
        GW_STR_INIT("data: {\"choices\":[{\"delta\":{\"content\":\"one\"}}]}\n\n");
    static const struct gw_str next =
        GW_STR_INIT("data: {\"choices\":[{\"delta\":{\"content\":\"t\\\"wo\"}}]}\n\ndata: {\"ch");
    struct shape shape = {.before = 0};
    struct event e;
    struct event_piece piece;
    source = (struct event_source){.dialect = NULL};
    event_read(first, FRAMING_SSE, &source, &e);
    CHECK(shape_match(&shape, first, &piece) == 0);
    shape_learn(&shape, first, &e);
    CHECK_EQ_U64(shape_match(&shape, next, &piece), next.n - 10);
    CHECK_STR(piece.raw, "t\\\"wo");
    CHECK(piece.channel == PART_TEXT && !piece.whole);
    for (size_t n = 0; n < next.n - 10; n++)
        CHECK(shape_match(&shape, gw_str_sub(next, 0, n), &piece) == 0);
    CHECK(shape_match(&shape,
                      GW_STR("data: {\"choices\":[{\"delta\":{\"content\":\"a\nb\"}}]}\n\n"),
                      &piece) == 0);
    CHECK(shape_match(&shape,
                      GW_STR("data: {\"choices\":[{\"delta\":{\"content\":\"a\"},"
                             "\"finish_reason\":\"stop\"}]}\n\n"),
                      &piece) == 0);
}

/* Only what is nothing but content has the shape. */
static void test_no_shape(void) {
    static const char *const not[] = {
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\",\"reasoning\":\"y\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\",\"audio\":{}}}]}\n\n",
        "data: "
        "{\"choices\":[{\"delta\":{\"content\":\"x\"}}],\"usage\":{\"completion_tokens\":1}}\n\n",
        "data: {\"type\":\"response.output_text.delta\",\"item_id\":\"m\",\"output_index\":0,"
        "\"content_index\":0,\"delta\":\"x\",\"sequence_number\":4}\n\n"};
    struct shape shape = {.before = 0};
    struct event e;
    for (size_t i = 0; i < sizeof not/ sizeof *not; i++) {
        struct gw_str event = gw_str(not[i], strlen(not[i]));
        source.dialect = NULL;
        event_read(event, FRAMING_SSE, &source, &e);
        CHECK(source.dialect != NULL);
        shape_learn(&shape, event, &e);
        CHECK(shape.before == 0);
    }
}

int main(void) {
    RUN(test_openai);
    RUN(test_anthropic);
    RUN(test_responses);
    RUN(test_responses_end);
    RUN(test_ollama);
    RUN(test_gemini);
    RUN(test_gemini_many);
    RUN(test_gemini_end);
    RUN(test_gemini_errors);
    RUN(test_gemini_torn);
    RUN(test_same);
    RUN(test_why);
    RUN(test_usage);
    RUN(test_slices);
    RUN(test_strange);
    RUN(test_table);
    RUN(test_many_pieces);
    RUN(test_shape);
    RUN(test_no_shape);
    return unit_end();
}
