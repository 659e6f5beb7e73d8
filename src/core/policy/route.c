#include "core/policy/route.h"

#include "format/responses_kept.h"

static const struct gw_str class_routes[GW_CLASSES] = {
    GW_STR_INIT("heavy/reasoning"), GW_STR_INIT("heavy/code"), GW_STR_INIT("heavy/vision"),
    GW_STR_INIT("heavy/batch")};

/* Paths of features that are planned and not built yet. They must not fall through to a local service,
 * which would then answer for them until they come. */
static const struct gw_str reserved[] = {GW_STR_INIT("stats")};

enum {
    READ = ROUTE_GET | ROUTE_HEAD,
    COME_AND_GO = ROUTE_POST | ROUTE_DELETE,
    IDEMPOTENT = ROUTE_ALL & ~(ROUTE_POST | ROUTE_PATCH),
    MODEL = IDEMPOTENT | ROUTE_POST,
};

/* clang-format off */
const struct route_rule route_rules[GW_ROUTE_KINDS] = {
    /*                         methods       who           body            judged repeats */
    [GW_ROUTE_NONE]          = {ROUTE_ALL,   ROUTE_KEY,    ROUTE_NO_BODY,  false, 0},
    [GW_ROUTE_HEALTH]        = {READ,        ROUTE_PUBLIC, ROUTE_NO_BODY,  false, 0},
    [GW_ROUTE_API_HEALTH]    = {READ,        ROUTE_KEY,    ROUTE_NO_BODY,  false, 0},
    [GW_ROUTE_HEAVY]         = {ROUTE_ALL,   ROUTE_KEY,    ROUTE_HELD,     true,  MODEL},
    [GW_ROUTE_PROCESS]       = {ROUTE_POST,  ROUTE_KEY,    ROUTE_WHOLE,    true,  MODEL}, /* then HEAVY */
    [GW_ROUTE_HEAVY_UNKNOWN] = {ROUTE_ALL,   ROUTE_KEY,    ROUTE_NO_BODY,  false, 0},
    [GW_ROUTE_LOCAL]         = {ROUTE_ALL,   ROUTE_KEY,    ROUTE_STREAMED, false, IDEMPOTENT},
    [GW_ROUTE_LOCAL_UNKNOWN] = {ROUTE_ALL,   ROUTE_KEY,    ROUTE_NO_BODY,  false, 0},
    [GW_ROUTE_NODES]         = {READ,        ROUTE_TWIN,   ROUTE_NO_BODY,  false, 0},
    [GW_ROUTE_NODE]          = {COME_AND_GO, ROUTE_SIGNED, ROUTE_WHOLE,    false, 0},
    [GW_ROUTE_AI]            = {ROUTE_ALL,   ROUTE_KEY,    ROUTE_HELD,     true,  MODEL},
    [GW_ROUTE_MODEL]         = {ROUTE_POST,  ROUTE_KEY,    ROUTE_WHOLE,    true,  MODEL},
    [GW_ROUTE_GENERATE]      = {ROUTE_POST,  ROUTE_KEY,    ROUTE_WHOLE,    true,  MODEL},
    [GW_ROUTE_MODELS]        = {READ,        ROUTE_KEY,    ROUTE_NO_BODY,  false, 0},
    [GW_ROUTE_RESPONSE]      = {READ | ROUTE_DELETE, ROUTE_KEY, ROUTE_NO_BODY, false, 0},
    [GW_ROUTE_AI_UNKNOWN]    = {ROUTE_ALL,   ROUTE_KEY,    ROUTE_NO_BODY,  false, 0},
    [GW_ROUTE_HELLO]         = {READ,        ROUTE_PUBLIC, ROUTE_NO_BODY,  false, 0},
    [GW_ROUTE_TWIN]          = {ROUTE_ALL,   ROUTE_KEY,    ROUTE_STREAMED, false, IDEMPOTENT},
};
/* clang-format on */

/* In the order of their bits. */
static const struct gw_str methods[] = {
    GW_STR_INIT("GET"),   GW_STR_INIT("HEAD"),   GW_STR_INIT("POST"),   GW_STR_INIT("PUT"),
    GW_STR_INIT("PATCH"), GW_STR_INIT("DELETE"), GW_STR_INIT("OPTIONS")};

uint32_t route_method(struct gw_str name) {
    for (uint32_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (gw_str_eq(name, methods[i]))
            return 1u << i;
    return 0;
}

void route_put_methods(uint32_t allowed, struct gw_buf *out) {
    for (uint32_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (!(allowed & 1u << i))
            continue;
        if (out->n > 0)
            gw_buf_put(out, GW_STR(", "));
        gw_buf_put(out, methods[i]);
    }
}

struct gw_str route_class_name(uint32_t class) {
    return class_routes[class];
}

/* Takes "segment" off "/segment/rest"; what stays begins with a slash or is empty. */
static struct gw_str cut_segment(struct gw_str *path) {
    struct gw_str tail = gw_str_sub(*path, 1, path->n);
    ptrdiff_t slash = gw_str_chr(tail, '/');
    struct gw_str segment = slash < 0 ? tail : gw_str_sub(tail, 0, (size_t)slash);
    *path = gw_str_sub(*path, 1 + segment.n, path->n);
    return segment;
}

static struct route heavy(struct gw_str path) {
    struct route r = {.kind = GW_ROUTE_HEAVY_UNKNOWN, .name = GW_STR("heavy")};
    struct gw_str class = cut_segment(&path);
    if (gw_str_eq(class, GW_STR("process")) && path.n == 0) {
        r.kind = GW_ROUTE_PROCESS;
        r.rest = GW_STR("/api/cloud-process");
        return r;
    }
    for (uint32_t i = 0; i < GW_CLASSES; i++) {
        if (!gw_str_eq(class, config_class_names[i]))
            continue;
        r.kind = GW_ROUTE_HEAVY;
        r.class = i;
        r.name = class_routes[i];
        r.rest = path.n > 1 ? path : GW_STR("/api/cloud-process");
    }
    return r;
}

static struct route provider(const struct config *conf, struct gw_str name, struct gw_str rest) {
    uint32_t i = config_provider_index(conf, name);
    if (i == GW_PROVIDERS)
        return (struct route){.kind = GW_ROUTE_AI_UNKNOWN, .name = GW_STR("ai")};
    bool generate = gw_str_eq(rest, GW_STR("/generate"));
    return (struct route){.kind = generate ? GW_ROUTE_GENERATE : GW_ROUTE_AI,
                          .provider = i,
                          .name = conf->providers[i].route,
                          .rest = rest.n > 0 ? rest : GW_STR("/")};
}

/* "/api/ai/<provider>/rest", and the three that have a path of their own. */
static bool is_of_provider(const struct config *conf, struct gw_str segment, struct gw_str path,
                           struct route *out) {
    static const struct gw_str own[][2] = {
        {GW_STR_INIT("claude"), GW_STR_INIT("claude")},
        {GW_STR_INIT("gemini"), GW_STR_INIT("gemini")},
        {GW_STR_INIT("codex"), GW_STR_INIT("openai")},
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (gw_str_eq(segment, own[i][0])) {
            *out = provider(conf, own[i][1], path);
            return true;
        }
    if (!gw_str_eq(segment, GW_STR("ai")))
        return false;
    struct gw_str name = path.n > 0 ? cut_segment(&path) : GW_STR("");
    *out = provider(conf, name, path);
    return true;
}

/* The edge has services of its own only if they are configured there; all else is the daemon's. */
static struct route twin_or(const struct config *conf, struct gw_str whole,
                            struct route otherwise) {
    if (conf->host == GW_EDGE && conf->twin.set)
        return (struct route){.kind = GW_ROUTE_TWIN, .name = GW_STR("local"), .rest = whole};
    return otherwise;
}

static struct route local(const struct config *conf, struct gw_str path, struct gw_str whole) {
    struct gw_str name = cut_segment(&path);
    uint32_t service = config_service_index(conf, name);
    if (service < conf->services_n && conf->services[service].set)
        return (struct route){.kind = GW_ROUTE_LOCAL,
                              .service = service,
                              .name = conf->services[service].target.name,
                              .rest = path.n > 0 ? path : GW_STR("/")};
    return twin_or(conf, whole,
                   (struct route){.kind = GW_ROUTE_LOCAL_UNKNOWN, .name = GW_STR("local")});
}

static struct route nodes(struct gw_str path) {
    struct route r = {.kind = GW_ROUTE_NODES, .name = GW_STR("nodes")};
    if (path.n == 0)
        return r;
    bool one = path.n == 2 && path.p[1] >= '1' && path.p[1] < '1' + GW_NODES;
    r.kind = one ? GW_ROUTE_NODE : GW_ROUTE_NONE;
    r.node = one ? (uint32_t)(path.p[1] - '1') : 0;
    return r;
}

/* Everything else under /api/ keeps its whole path on the way to the default local service. */
static struct route other(const struct config *conf, struct gw_str segment, struct gw_str whole) {
    struct route none = {.kind = GW_ROUTE_NONE, .name = GW_STR("none")};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (gw_str_eq(segment, reserved[i]))
            return none;
    uint32_t service = conf->service_default;
    if (service < conf->services_n && conf->services[service].set)
        none = (struct route){.kind = GW_ROUTE_LOCAL,
                              .service = service,
                              .name = conf->services[service].target.name,
                              .rest = whole};
    return twin_or(conf, whole, none);
}

/* Paths that one dialect alone has. Where the body is JSON that names a model, the model decides who is
 * asked; everything else means the dialect's own provider. Each stands for what is below it, too; of that,
 * the provider's own list says what may be asked. */
static const struct base {
    struct gw_str path, provider;
    bool unified;
} bases[] = {
    {GW_STR_INIT("/v1/messages/count_tokens"), GW_STR_INIT("claude"), true},
    {GW_STR_INIT("/v1/messages"), GW_STR_INIT("claude"), true},
    {GW_STR_INIT("/v1/chat/completions"), GW_STR_INIT("openai"), true},
    {GW_STR_INIT("/v1/completions"), GW_STR_INIT("openai"), true},
    {GW_STR_INIT("/v1/responses/compact"), GW_STR_INIT("openai"), true},
    {GW_STR_INIT("/v1/responses/input_tokens"), GW_STR_INIT("openai"), true},
    {GW_STR_INIT("/v1/responses"), GW_STR_INIT("openai"), true},
    {GW_STR_INIT("/v1/embeddings"), GW_STR_INIT("openai"), true},
    {GW_STR_INIT("/v1/moderations"), GW_STR_INIT("openai"), true},
    {GW_STR_INIT("/v1/images/generations"), GW_STR_INIT("openai"), true},
    {GW_STR_INIT("/v1/images"), GW_STR_INIT("openai"), false},
    {GW_STR_INIT("/v1/audio/speech"), GW_STR_INIT("openai"), true},
    {GW_STR_INIT("/v1/audio"), GW_STR_INIT("openai"), false},
    {GW_STR_INIT("/v1/interactions"), GW_STR_INIT("gemini"), true},
    {GW_STR_INIT("/v1beta/interactions"), GW_STR_INIT("gemini"), true},
    {GW_STR_INIT("/v1beta"), GW_STR_INIT("gemini"), false},
    {GW_STR_INIT("/api/chat"), GW_STR_INIT("ollama"), true},
    {GW_STR_INIT("/api/generate"), GW_STR_INIT("ollama"), true},
    {GW_STR_INIT("/api/embed"), GW_STR_INIT("ollama"), true},
    {GW_STR_INIT("/api/embeddings"), GW_STR_INIT("ollama"), true},
    {GW_STR_INIT("/model"), GW_STR_INIT("bedrock"), false},
};

static bool is_under(struct gw_str path, struct gw_str base) {
    return gw_str_starts(path, base) && (path.n == base.n || path.p[base.n] == '/');
}

/* What stands between a head and a tail of the path; n == 0: it has not both. */
static struct gw_str between(struct gw_str path, struct gw_str head, const struct gw_str *tails,
                             size_t n) {
    for (size_t i = 0; i < n && gw_str_starts(path, head); i++)
        if (gw_str_ends(path, tails[i]) && path.n > head.n + tails[i].n)
            return gw_str_sub(path, head.n, path.n - tails[i].n - head.n);
    return GW_STR("");
}

/* Gemini has it there: "/v1/models/<model>:generateContent", or with /v1beta; and Bedrock. */
struct gw_str route_model(struct gw_str path) {
    static const struct gw_str verbs[] = {GW_STR_INIT(":generateContent"),
                                          GW_STR_INIT(":streamGenerateContent"),
                                          GW_STR_INIT(":countTokens"), GW_STR_INIT(":embedContent"),
                                          GW_STR_INIT(":batchEmbedContents")};
    static const struct gw_str calls[] = {GW_STR_INIT("/converse"), GW_STR_INIT("/converse-stream"),
                                          GW_STR_INIT("/invoke"),
                                          GW_STR_INIT("/invoke-with-response-stream")};
    const size_t verbs_n = sizeof verbs / sizeof *verbs;
    if (gw_str_starts(path, GW_STR("/model/")))
        return between(path, GW_STR("/model/"), calls, sizeof calls / sizeof *calls);
    if (gw_str_starts(path, GW_STR("/v1beta/")))
        return between(path, GW_STR("/v1beta/models/"), verbs, verbs_n);
    return between(path, GW_STR("/v1/models/"), verbs, verbs_n);
}

static const struct base *base_of(struct gw_str path) {
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
        if (is_under(path, bases[i].path))
            return &bases[i];
    return NULL;
}

/* Whether a provider's dialect has this path. */
static bool is_of_dialect(const struct config *conf, struct gw_str path, struct route *out) {
    bool named = route_model(path).n > 0;
    const struct base *base = base_of(path);
    if (!named && base == NULL)
        return false;
    *out = provider(conf, base != NULL ? base->provider : GW_STR("gemini"), path);
    if (named || (base->unified && base->path.n == path.n))
        out->kind = GW_ROUTE_MODEL;
    return true;
}

static bool is_models(struct gw_str path, struct route *out) {
    const struct gw_str base = GW_STR("/v1/models");
    *out = (struct route){.kind = GW_ROUTE_MODELS, .name = GW_STR("v1/models")};
    out->rest = gw_str_sub(path, base.n, path.n);
    return is_under(path, base);
}

/* What the gateway keeps itself; other ids are their provider's. */
static bool is_kept(struct gw_str path, struct route *out) {
    const struct gw_str base = GW_STR("/v1/responses/");
    struct gw_str id = gw_str_sub(path, base.n, path.n);
    if (!gw_str_starts(path, base) || !responses_kept_is_own(id))
        return false;
    *out = (struct route){.kind = GW_ROUTE_RESPONSE, .name = GW_STR("v1/responses"), .rest = id};
    return true;
}

bool route_is_listing(struct gw_str path) {
    return gw_str_starts(path, GW_STR("/v1/models/")) && route_model(path).n == 0;
}

struct route route_of(const struct config *conf, struct gw_str path) {
    struct gw_str whole = path;
    struct route none = {.kind = GW_ROUTE_NONE, .name = GW_STR("none")};
    struct route ai;
    struct gw_str first = cut_segment(&path);
    if (gw_str_eq(first, GW_STR("health")) && path.n == 0)
        return (struct route){.kind = GW_ROUTE_HEALTH, .name = GW_STR("health")};
    if (!gw_str_eq(first, GW_STR("api")) || path.n == 0)
        return is_kept(whole, &ai) || is_of_dialect(conf, whole, &ai) || is_models(whole, &ai)
                   ? ai
                   : none;
    struct gw_str second = cut_segment(&path);
    if (gw_str_eq(second, GW_STR("health")) && path.n == 0)
        return (struct route){.kind = GW_ROUTE_API_HEALTH, .name = GW_STR("health")};
    if (gw_str_eq(second, GW_STR("heavy")))
        return path.n > 0 ? heavy(path)
                          : (struct route){.kind = GW_ROUTE_HEAVY_UNKNOWN, .name = GW_STR("heavy")};
    if (gw_str_eq(second, GW_STR("nodes")))
        return nodes(path);
    if (gw_str_eq(second, GW_STR("local")) && path.n > 0)
        return local(conf, path, whole);
    if (gw_str_eq(second, GW_STR("hello")) && path.n == 0)
        return (struct route){.kind = GW_ROUTE_HELLO, .name = GW_STR("hello")};
    if (is_of_provider(conf, second, path, &ai))
        return ai;
    /* What Ollama's client asks for may also be a local service's, or the twin's; and without Ollama itself, other
     * providers can be asked. */
    bool talks = is_of_dialect(conf, whole, &ai);
    if (talks && conf->providers[ai.provider].backend.set)
        return ai;
    none = other(conf, second, whole);
    return talks && none.kind == GW_ROUTE_NONE ? ai : none;
}

uint32_t route_class_of_type(struct gw_str type) {
    static const struct {
        struct gw_str type;
        uint32_t class;
    } types[] = {
        {GW_STR_INIT("code_generation"), GW_CODE},
        {GW_STR_INIT("complex_reasoning"), GW_REASONING},
        {GW_STR_INIT("multimodal"), GW_VISION},
        {GW_STR_INIT("batch"), GW_BATCH},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (gw_str_eq(type, types[i].type))
            return types[i].class;
    return GW_REASONING;
}
