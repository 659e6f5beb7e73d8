#include "format/feature.h"

static const struct {
    const char *word, *about;
    enum feature_fate fate;
} table[FEATURES] = {
    [FEATURE_TALK] = {"talk", "a conversation", FEATURE_REJECT},
    [FEATURE_SYSTEM_LATER] = {"system_later", "a system message behind the first turn",
                              FEATURE_DROP},
    [FEATURE_IMAGE] = {"image", "images as bytes", FEATURE_REJECT},
    [FEATURE_IMAGE_URL] = {"image_url", "images by URL", FEATURE_REJECT},
    [FEATURE_AUDIO] = {"audio", "audio", FEATURE_REJECT},
    [FEATURE_FILE] = {"file", "documents as bytes", FEATURE_REJECT},
    [FEATURE_FILE_OFFICE] = {"file_office", "documents of Word or Excel as bytes", FEATURE_REJECT},
    [FEATURE_FILE_OTHER] = {"file_other", "documents of another type as bytes", FEATURE_REJECT},
    [FEATURE_FILE_URL] = {"file_url", "documents by URL", FEATURE_REJECT},
    [FEATURE_FILE_ID] = {"file_id", "documents by the id that a provider gave them",
                         FEATURE_REJECT},
    [FEATURE_TOOLS] = {"tools", "tools", FEATURE_REJECT},
    [FEATURE_PICK_NONE] = {"pick_none", "that no tool is to be called", FEATURE_WARN},
    [FEATURE_PICK_ANY] = {"pick_any", "that some tool must be called", FEATURE_WARN},
    [FEATURE_PICK_ONE] = {"pick_one", "that one tool must be called", FEATURE_WARN},
    [FEATURE_PARALLEL] = {"parallel", "whether several tools may be called at once", FEATURE_WARN},
    [FEATURE_STRICT] = {"strict", "tools with strict arguments", FEATURE_DROP},
    [FEATURE_CUSTOM] = {"custom", "tools that take a text", FEATURE_REJECT},
    [FEATURE_SERVED] = {"served", "tools of the provider's own", FEATURE_WARN},
    [FEATURE_DEFERRED] = {"deferred", "tools that are found by a search", FEATURE_DROP},
    [FEATURE_RESULT_IMAGE] = {"result_image", "results of tools that are no text", FEATURE_WARN},
    [FEATURE_RESULT_FAILED] = {"result_failed", "that a tool has failed", FEATURE_DROP},
    [FEATURE_JSON] = {"json", "an answer in JSON", FEATURE_REJECT},
    [FEATURE_SCHEMA] = {"schema", "an answer by a JSON schema", FEATURE_REJECT},
    [FEATURE_MAX_TOKENS] = {"max_tokens", "a limit of tokens", FEATURE_REJECT},
    [FEATURE_TEMPERATURE] = {"temperature", "temperature", FEATURE_WARN},
    [FEATURE_TOP_P] = {"top_p", "top_p", FEATURE_WARN},
    [FEATURE_TOP_K] = {"top_k", "top_k", FEATURE_WARN},
    [FEATURE_STOP] = {"stop", "stop sequences", FEATURE_REJECT},
    [FEATURE_SEED] = {"seed", "a seed", FEATURE_WARN},
    [FEATURE_N] = {"n", "several answers at once", FEATURE_REJECT},
    [FEATURE_PENALTIES] = {"penalties", "penalties of repetition", FEATURE_WARN},
    [FEATURE_LOGIT_BIAS] = {"logit_bias", "a bias of tokens", FEATURE_WARN},
    [FEATURE_LOGPROBS] = {"logprobs", "log probabilities", FEATURE_REJECT},
    [FEATURE_EFFORT] = {"effort", "how much is to be thought", FEATURE_WARN},
    [FEATURE_BUDGET] = {"budget", "how many tokens may be thought", FEATURE_DROP},
    [FEATURE_SIGNATURE] = {"signature", "earlier thoughts with their signatures", FEATURE_DROP},
    [FEATURE_CACHE] = {"cache", "cache marks", FEATURE_DROP},
    [FEATURE_TIER] = {"tier", "a service tier", FEATURE_DROP},
    [FEATURE_VERBOSITY] = {"verbosity", "verbosity", FEATURE_DROP},
    [FEATURE_USER] = {"user", "who the user is", FEATURE_DROP},
    [FEATURE_METADATA] = {"metadata", "metadata", FEATURE_DROP},
    [FEATURE_PREVIOUS] = {"previous", "an earlier answer by its id", FEATURE_REJECT},
    [FEATURE_SAFEGUARDS] = {"safeguards", "safeguards", FEATURE_REJECT},
    [FEATURE_KEPT] = {"kept", "content that a provider keeps, by its name", FEATURE_REJECT},
    [FEATURE_TEXTS] = {"texts", "several texts at once", FEATURE_REJECT},
    [FEATURE_TOKENS] = {"tokens", "texts as numbers of tokens", FEATURE_REJECT},
    [FEATURE_DIMENSIONS] = {"dimensions", "how many numbers a vector has", FEATURE_REJECT},
    [FEATURE_TASK] = {"task", "what the vectors are for", FEATURE_WARN},
    [FEATURE_TITLE] = {"title", "the title of a text", FEATURE_WARN},
    [FEATURE_TRUNCATE] = {"truncate", "whether long texts are cut", FEATURE_WARN},
    [FEATURE_OTHER] = {"other", "content of another kind", FEATURE_REJECT},
    [FEATURE_UNKNOWN] = {"unknown", "a member that is not known here", FEATURE_WARN},
};

struct gw_str feature_word(enum feature feature) {
    return gw_str(table[feature].word, strlen(table[feature].word));
}

enum feature feature_named(struct gw_str word) {
    uint32_t i = 0;
    while (i < FEATURES && !gw_str_eq(feature_word((enum feature)i), word))
        i++;
    return (enum feature)i;
}

const char *feature_about(enum feature feature) {
    return table[feature].about;
}

enum feature_fate feature_fate(enum feature feature) {
    return table[feature].fate;
}
