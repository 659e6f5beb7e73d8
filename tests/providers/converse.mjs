/**
 * What Converse takes: members, types, unions of one member, limits, and what the models behind it refuse. Written
 * from AWS's reference of the API and from what its service says of requests that are none.
 */
import { isBase64, refuse } from './reply.mjs';

/** @typedef {Record<string, any>} Body @typedef {(value: any, at: string) => void} Check */

const NAME = /^[a-zA-Z0-9_-]{1,64}$/;
/** Letters, digits, single spaces, hyphens, parentheses and brackets. */
const DOCUMENT = /^(?!.* {2})[a-zA-Z0-9 ()[\]-]{1,200}$/;
const METADATA = /^[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}$/;
/** Models that take sampling, by their names: newer Claudes refuse it. */
const SAMPLES = /claude-(3|(opus|sonnet|haiku)-4)|^(?!.*claude)/;
const NO_SAMPLES = /claude-[a-z]+-4-[7-9]/;
const STRICT = /claude-(?!3|[a-z]+-4-(0|1|2))|qwen|gpt-oss|mistral/;

/** @param {boolean} good @param {string} message */
const must = (good, message) => void (good || refuse(message));
/** @param {string} at @param {string} what */
const bad = (at, what) => `Value at '${at}' failed to satisfy constraint: ${what}`;

/** @type {Check} */
const text = (value, at) => must(typeof value === 'string', bad(at, 'Member must be a string'));
/** @type {Check} */
const words = (value, at) => must(typeof value === 'string' && value.trim() !== '', `The text field in the ContentBlock object at ${at} is blank. Add text to the text field, and try again.`);
/** @type {Check} */
const flag = (value, at) => must(typeof value === 'boolean', bad(at, 'Member must be a boolean'));
/** @type {Check} */
const object = (value, at) => must(typeof value === 'object' && value !== null && !Array.isArray(value), bad(at, 'Member must be an object'));
/** @type {Check} */
const bytes = (value) => must(isBase64(value), 'STRING_VALUE cannot be converted to ByteBuffer');
/** @param {RegExp} form @returns {Check} */
const like = (form) => (value, at) => must(typeof value === 'string' && form.test(value), bad(at, `Member must satisfy regular expression pattern: ${form}`));
/** @param {string} list @returns {Check} */
const one = (list) => (value, at) => must(list.split(' ').includes(value), bad(at, `Member must satisfy enum value set: [${list}]`));
/** @param {number} least @param {number} most @returns {Check} */
const number = (least, most = Infinity) => (value, at) => must(typeof value === 'number' && value >= least && value <= most, bad(at, `Member must be between ${least} and ${most}`));

/** @param {Record<string, Check>} known @param {string[]} [needed] @returns {Check} */
const members = (known, needed = []) => (value, at) => {
    object(value, at);
    const lacks = needed.find((name) => value[name] === undefined);
    must(lacks === undefined, bad(`${at}.${lacks}`, 'Member must not be null'));
    for (const [name, member] of Object.entries(value)) {
        must(known[name] !== undefined, `#: extraneous key [${name}] is not permitted at ${at}`);
        known[name](member, `${at}.${name}`);
    }
};

/** An object with one of these members. @param {Record<string, Check>} known @returns {Check} */
const union = (known) => (value, at) => {
    members(known)(value, at);
    must(Object.keys(value).length === 1, `Malformed union at ${at}: one member must be set`);
};

/** @param {Check} check @param {number} [least] @param {number} [most] @returns {Check} */
const list = (check, least = 0, most = Infinity) => (value, at) => {
    must(Array.isArray(value) && value.length >= least && value.length <= most, `The ${at} field is empty, too long or no list.`);
    value.forEach((/** @type {any} */ item, /** @type {number} */ i) => check(item, `${at}.${i}`));
};

const location = members({ uri: like(/^s3:\/\//), bucketOwner: text }, ['uri']);
const marks = members({ type: one('default'), ttl: one('5m 1h') }, ['type']);
const image = members({ format: one('png jpeg gif webp'), source: union({ bytes, s3Location: location }) }, ['format', 'source']);
const audio = members({ format: one('mp3 opus wav aac flac mp4 ogg mkv mka x-aac m4a mpeg mpga pcm webm'), source: union({ bytes, s3Location: location }) }, ['format', 'source']);
const document = members({
    format: one('pdf csv doc docx xls xlsx html txt md'), name: like(DOCUMENT), context: text, citations: members({ enabled: flag }, ['enabled']),
    source: union({ bytes, text: words, content: list(union({ text: words }), 1), s3Location: location }),
}, ['name', 'source']);
const call = members({ toolUseId: like(NAME), name: like(NAME), input: object }, ['toolUseId', 'name', 'input']);
const result = members({
    toolUseId: like(NAME), status: one('success error'), content: list(union({ text: words, json: object, image, document }), 1),
}, ['toolUseId', 'content']);
const thought = union({ reasoningText: members({ text, signature: words }, ['text', 'signature']), redactedContent: bytes });
const guard = union({ text: members({ text: words, qualifiers: list(one('grounding_source query guard_content')) }, ['text']), image });

const users = union({ text: words, image, document, audio, video: object, toolResult: result, guardContent: guard, searchResult: object, cachePoint: marks });
const assistants = union({ text: words, toolUse: call, reasoningContent: thought, citationsContent: object, cachePoint: marks });
const tool = union({
    toolSpec: members({ name: like(NAME), description: words, inputSchema: union({ json: object }), strict: flag }, ['name', 'inputSchema']),
    cachePoint: marks, systemTool: object,
});

const request = members({
    messages: list(members({ role: one('user assistant'), content: list(object, 1) }, ['role', 'content']), 1),
    system: list(union({ text: words, guardContent: guard, cachePoint: marks }), 1),
    inferenceConfig: members({ maxTokens: number(1), temperature: number(0, 1), topP: number(0, 1), stopSequences: list(words, 0, 2500) }),
    toolConfig: members({ tools: list(tool, 1), toolChoice: union({ auto: members({}), any: members({}), tool: members({ name: like(NAME) }, ['name']) }) }, ['tools']),
    guardrailConfig: object, additionalModelRequestFields: object, additionalModelResponseFieldPaths: list(text, 0, 10), promptVariables: object,
    requestMetadata: object, performanceConfig: members({ latency: one('standard optimized') }), serviceTier: members({ type: one('default flex priority reserved') }, ['type']),
    outputConfig: members({
        effort: one('low medium high xhigh max'),
        textFormat: members({
            type: one('json_schema'), structure: union({ jsonSchema: members({ schema: text, name: text, description: text }, ['schema']) }),
        }, ['type', 'structure']),
    }),
}, ['messages']);

/** What Claude takes beside. */
const claudes = members({
    thinking: members({ type: one('enabled adaptive disabled between_tools'), budget_tokens: number(1024), display: one('summarized omitted') }, ['type']),
    output_config: members({ effort: one('low medium high xhigh max') }), top_k: number(0), anthropic_beta: list(text),
});
const novas = members({
    inferenceConfig: members({ topK: number(1, 128) }), reasoningConfig: members({ type: one('enabled disabled'), maxReasoningEffort: one('low medium high') }),
});

/** @param {Body[]} messages */
function checkMessages(messages) {
    for (const [i, { role, content }] of messages.entries()) {
        if (role !== (i % 2 === 0 ? 'user' : 'assistant')) {
            refuse(i === 0 ? 'A conversation must start with a user message. Try again with a conversation that starts with a user message.'
                : 'A conversation must alternate between user and assistant roles.');
        }
        list(role === 'user' ? users : assistants)(content, `messages.${i}.content`);
        must(content[0].cachePoint === undefined, 'A cachePoint must follow the content that it marks');
        const has = (/** @type {string} */ name) => content.some((/** @type {Body} */ block) => block[name] !== undefined);
        must(!has('document') || has('text'), 'A text block is required when a message has a document.');
    }
    const documents = messages.flatMap(({ content }) => content).flatMap((b) => [b, ...b.toolResult?.content ?? []]).filter((b) => b.document);
    const names = documents.map((b) => b.document.name);
    must(new Set(names).size === names.length, 'The messages hold documents of the same name.');
}

/** @param {Body[]} messages @param {string} kind @param {number} i @returns {string[]} */
const idsIn = (messages, kind, i) => (messages[i]?.content ?? []).filter((/** @type {Body} */ b) => b[kind]).map((/** @type {Body} */ b) => b[kind].toolUseId);

/** Each call of a turn has its result in the next one, before anything else. @param {Body[]} messages */
function checkResults(messages) {
    for (const [i] of messages.entries()) {
        const asked = idsIn(messages, 'toolUse', i - 1), got = idsIn(messages, 'toolResult', i);
        if (asked.sort().join() === got.sort().join()) continue;
        refuse(`Expected toolResult blocks at messages.${i}.content for the following Ids: ${asked}, but found: ${got}`);
    }
}

/** @param {Body} body @param {string} model */
function checkTools({ messages, toolConfig }, model) {
    const uses = messages.some((/** @type {Body} */ _, /** @type {number} */ i) => idsIn(messages, 'toolUse', i).length > 0);
    if (uses && toolConfig === undefined) refuse('The toolConfig field must be defined when using toolUse and toolResult content blocks.');
    const specs = (toolConfig?.tools ?? []).flatMap((/** @type {Body} */ t) => t.toolSpec ?? []);
    for (const { inputSchema, strict } of specs) {
        if (inputSchema.json.type !== 'object') refuse('The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the following: object.');
        must(strict === undefined || STRICT.test(model), `This model doesn't support strict tools: ${model}`);
    }
    must(new Set(specs.map((/** @type {Body} */ s) => s.name)).size === specs.length, 'Tool names must be unique.');
    const named = toolConfig?.toolChoice?.tool?.name;
    must(named === undefined || specs.some((/** @type {Body} */ s) => s.name === named), `The tool ${named} is not among the tools.`);
}

/** @param {Body} body @param {string} model */
function checkModel(body, model) {
    const { inferenceConfig = {}, additionalModelRequestFields: more = {}, outputConfig } = body;
    const claude = model.includes('claude'), nova = model.includes('nova-');
    const sampling = ['temperature', 'topP'].filter((name) => inferenceConfig[name] !== undefined);
    if (claude) claudes(more, 'additionalModelRequestFields');
    else if (nova) novas(more, 'additionalModelRequestFields');
    else must(Object.keys(more).every((name) => name === 'reasoning_effort'), 'Malformed input request: extraneous key is not permitted');
    const takes = SAMPLES.test(model) && !NO_SAMPLES.test(model);
    must(takes || (sampling.length === 0 && more.top_k === undefined), `${sampling[0]}: Extra inputs are not permitted`);
    must(!claude || sampling.length < 2, '`temperature` and `top_p` cannot both be specified for this model.');
    if (more.thinking?.type === 'enabled') {
        must(sampling.length === 0 && more.top_k === undefined, '`temperature` may only be set to 1 when thinking is enabled.');
        must(more.thinking.budget_tokens < (inferenceConfig.maxTokens ?? Infinity), '`max_tokens` must be greater than `thinking.budget_tokens`.');
        must(body.toolConfig?.toolChoice?.any === undefined && body.toolConfig?.toolChoice?.tool === undefined, 'Thinking may not be enabled when tool_choice forces tool use.');
    }
    must(claude || nova || !JSON.stringify(body).includes('"status":"error"'), 'This model doesn\'t support the toolResult.status field.');
    must(claude || nova || body.toolConfig?.toolChoice?.auto === undefined, 'This model doesn\'t support the toolConfig.toolChoice.auto field.');
    must(claude || nova || !JSON.stringify(body).includes('"cachePoint"'), 'You invoked an unsupported model or your request did not allow prompt caching.');
    const schema = outputConfig?.textFormat?.structure.jsonSchema.schema;
    if (schema === undefined) return;
    must(/^\{/.test(schema) && JSON.parse(schema) !== null, 'The schema is not valid JSON.');
    if (claude) must(!/"(minimum|maxLength|minLength|maximum)":\d/.test(schema), 'output_config.format.schema: properties are not supported');
}

/** @param {Body} body @param {string} model */
export function checkConverse(body, model) {
    request(body, 'request');
    checkMessages(body.messages);
    checkResults(body.messages);
    checkTools(body, model);
    checkModel(body, model);
    for (const [name, value] of Object.entries(body.requestMetadata ?? {})) {
        must(METADATA.test(name) && typeof value === 'string' && METADATA.test(value), 'requestMetadata has a value that is not taken');
    }
}
