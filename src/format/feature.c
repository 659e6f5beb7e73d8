#include "format/feature.h"

static const struct {
    const char *about;
    enum feature_fate fate;
} table[FEATURES] = {
    [FEATURE_SYSTEM_LATER] = {"a system message behind the first turn", FEATURE_DROP},
    [FEATURE_IMAGE] = {"images as bytes", FEATURE_REJECT},
    [FEATURE_IMAGE_URL] = {"images by URL", FEATURE_REJECT},
    [FEATURE_AUDIO] = {"audio", FEATURE_REJECT},
    [FEATURE_FILE] = {"documents as bytes", FEATURE_REJECT},
    [FEATURE_FILE_URL] = {"documents by URL", FEATURE_REJECT},
    [FEATURE_FILE_ID] = {"documents by the id that a provider gave them", FEATURE_REJECT},
    [FEATURE_TOOLS] = {"tools", FEATURE_REJECT},
    [FEATURE_PICK_NONE] = {"that no tool is to be called", FEATURE_WARN},
    [FEATURE_PICK_ANY] = {"that some tool must be called", FEATURE_WARN},
    [FEATURE_PICK_ONE] = {"that one tool must be called", FEATURE_WARN},
    [FEATURE_PARALLEL] = {"whether several tools may be called at once", FEATURE_WARN},
    [FEATURE_STRICT] = {"tools with strict arguments", FEATURE_DROP},
    [FEATURE_CUSTOM] = {"tools that take a text", FEATURE_REJECT},
    [FEATURE_SERVED] = {"tools of the provider's own", FEATURE_WARN},
    [FEATURE_DEFERRED] = {"tools that are found by a search", FEATURE_DROP},
    [FEATURE_RESULT_IMAGE] = {"results of tools that are no text", FEATURE_WARN},
    [FEATURE_RESULT_FAILED] = {"that a tool has failed", FEATURE_DROP},
    [FEATURE_JSON] = {"an answer in JSON", FEATURE_REJECT},
    [FEATURE_SCHEMA] = {"an answer by a JSON schema", FEATURE_REJECT},
    [FEATURE_MAX_TOKENS] = {"a limit of tokens", FEATURE_REJECT},
    [FEATURE_TEMPERATURE] = {"temperature", FEATURE_WARN},
    [FEATURE_TOP_P] = {"top_p", FEATURE_WARN},
    [FEATURE_TOP_K] = {"top_k", FEATURE_WARN},
    [FEATURE_STOP] = {"stop sequences", FEATURE_REJECT},
    [FEATURE_SEED] = {"a seed", FEATURE_WARN},
    [FEATURE_N] = {"several answers at once", FEATURE_REJECT},
    [FEATURE_PENALTIES] = {"penalties of repetition", FEATURE_WARN},
    [FEATURE_LOGIT_BIAS] = {"a bias of tokens", FEATURE_WARN},
    [FEATURE_LOGPROBS] = {"log probabilities", FEATURE_REJECT},
    [FEATURE_EFFORT] = {"how much is to be thought", FEATURE_WARN},
    [FEATURE_BUDGET] = {"how many tokens may be thought", FEATURE_DROP},
    [FEATURE_SIGNATURE] = {"earlier thoughts with their signatures", FEATURE_DROP},
    [FEATURE_CACHE] = {"cache marks", FEATURE_DROP},
    [FEATURE_TIER] = {"a service tier", FEATURE_DROP},
    [FEATURE_VERBOSITY] = {"verbosity", FEATURE_DROP},
    [FEATURE_USER] = {"who the user is", FEATURE_DROP},
    [FEATURE_METADATA] = {"metadata", FEATURE_DROP},
    [FEATURE_PREVIOUS] = {"an earlier answer by its id", FEATURE_REJECT},
    [FEATURE_SAFEGUARDS] = {"safeguards", FEATURE_REJECT},
    [FEATURE_KEPT] = {"content that a provider keeps, by its name", FEATURE_REJECT},
    [FEATURE_OTHER] = {"content of another kind", FEATURE_REJECT},
    [FEATURE_UNKNOWN] = {"a member that is not known here", FEATURE_WARN},
};

const char *feature_about(enum feature feature) {
    return table[feature].about;
}

enum feature_fate feature_fate(enum feature feature) {
    return table[feature].fate;
}
