/**
 * Ollama: chat, generate and embed in its own form, where a stream of lines is what is given to whoever
 * does not ask, and its OpenAI face. It knows no keys.
 */
import { chatReply, completionsReply, embeddingsReply } from './openai.mjs';
import { errorOf } from './openai-error.mjs';
import { guarded, isBase64, jsonReply, objectOf, refuse, streamReply } from './reply.mjs';
import { isMade, say, tokensIn, vector } from './said.mjs';

/**
 * @typedef {import('./reply.mjs').Ask} Ask
 * @typedef {import('./reply.mjs').Refusal} Refusal
 * @typedef {import('./reply.mjs').Reply} Reply
 * @typedef {import('./said.mjs').Asked} Asked
 * @typedef {import('./said.mjs').Said} Said
 * @typedef {Record<string, any>} Body
 */

const CREATED_AT = '2026-11-27T20:00:00.123456789Z';
const DIMENSIONS = 768;
const MS = 1_000_000;
const MODELS = [
    'llama3.2:3b', 'qwen3:8b', 'llava:7b', 'codellama:13b', 'deepseek-coder:33b', 'mixtral:8x7b', 'nomic-embed-text:latest',
];

/** @type {Record<number, string>} */
const ERRORS = {
    400: 'the request exceeds the available context size, try increasing it',
    401: 'unauthorized',
    403: 'this model requires a subscription, upgrade for access: https://ollama.com/upgrade',
    429: 'too many concurrent requests',
    500: 'llama runner process has terminated: CUDA error',
    503: 'server busy, please try again.  maximum pending requests exceeded',
};

/** @param {Refusal} why */
function messageOf({ status, message, kind }) {
    if (status === 400 && kind === 'policy') return message ?? 'the model refused';
    return message ?? ERRORS[status] ?? `status ${status}`;
}

/** @param {Ask} ask @param {Refusal} why @returns {Reply} */
function refused({ path }, why) {
    /** @type {Record<string, number>} */
    const headers = why.retry_after === undefined ? {} : { 'retry-after': why.retry_after };
    if (!path.startsWith('/v1/')) return jsonReply({ error: messageOf(why) }, why.status, headers);
    const { error } = errorOf({ ...why, message: messageOf(why) });
    return jsonReply({ error }, why.status, headers);
}

/** `mixtral` is `mixtral:latest`, or the only one of that name. @param {unknown} name */
function checkModel(name) {
    if (typeof name !== 'string' || name === '') refuse('model is required');
    if (isMade(name) || MODELS.some((one) => one === name || one.split(':')[0] === name)) return;
    refuse(`model '${name}' not found`, { status: 404 });
}

// ------------------------------------------------------------------ what may be said

/** @typedef {Record<string, (value: any) => boolean>} Members   what a value of each may be; null it may be always */

const isText = (/** @type {any} */ value) => typeof value === 'string';
const isFlag = (/** @type {any} */ value) => typeof value === 'boolean';
const isNumber = (/** @type {any} */ value) => typeof value === 'number';
const isWhole = (/** @type {any} */ value) => Number.isInteger(value);
const isObject = (/** @type {any} */ value) => typeof value === 'object' && !Array.isArray(value);
const isList = (/** @type {(value: any) => boolean} */ of) => (/** @type {any} */ value) => Array.isArray(value) && value.every(of);

/** Go's decoder is strict with types. It passes over members that it does not know: this one does not.
 * @param {any} value @param {Members} members @param {string} where */
function checkMembers(value, members, where) {
    if (!isObject(value ?? '')) refuse(`json: cannot unmarshal ${typeof value} into Go value of type api.${where}`);
    for (const [name, one] of Object.entries(value)) {
        if (!Object.hasOwn(members, name)) refuse(`json: unknown field "${name}" of ${where}`);
        if (one !== null && !members[name](one)) refuse(`json: cannot unmarshal ${typeof one} into Go struct field ${where}.${name}`);
    }
}

/** A check of an object as one of a member. @param {Members} members @param {string} where */
function has(members, where) {
    return (/** @type {any} */ value) => (checkMembers(value, members, where), true);
}

/** @type {Members} */
const OPTIONS = {
    ...Object.fromEntries(['num_keep', 'seed', 'num_predict', 'top_k', 'repeat_last_n', 'num_ctx', 'num_batch', 'num_gpu', 'main_gpu',
        'num_thread', 'draft_num_predict'].map((name) => [name, isWhole])),
    ...Object.fromEntries(['top_p', 'min_p', 'typical_p', 'temperature', 'repeat_penalty', 'presence_penalty', 'frequency_penalty']
        .map((name) => [name, isNumber])),
    use_mmap: isFlag,
    stop: isList(isText),
};

/** @type {Members} */
const COMMON = {
    model: isText, stream: isFlag, keep_alive: (value) => isText(value) || isNumber(value), truncate: isFlag, shift: isFlag,
    format: (value) => value === 'json' || value === '' || isObject(value),
    options: has(OPTIONS, 'Options'),
    think: (value) => isFlag(value) || ['low', 'medium', 'high', 'max'].includes(value),
    logprobs: isFlag, top_logprobs: (value) => isWhole(value) && value >= 0 && value <= 20,
};

/** @type {Members} */
const GENERATE = {
    ...COMMON, prompt: isText, suffix: isText, system: isText, template: isText, context: isList(isWhole), raw: isFlag, images: isList(isText),
};

const CALL = has({ id: isText, function: has({ index: isWhole, name: isText, arguments: isObject }, 'ToolCallFunction') }, 'ToolCall');

const MESSAGE = has({
    role: isText, content: isText, thinking: isText, images: isList(isText), tool_calls: isList(CALL), tool_name: isText, tool_call_id: isText,
}, 'Message');

/** Of a schema only what Ollama reads has a type. @param {any} value */
function isSchema({ type, properties, required }) {
    return (type === undefined || isText(type)) && isObject(properties ?? {}) && isList(isText)(required ?? []);
}

const TOOL = has({
    type: (value) => value === 'function',
    function: has({ name: isText, description: isText, parameters: (value) => isObject(value) && isSchema(value) }, 'ToolFunction'),
}, 'Tool');

/** @type {Members} */
const CHAT = { ...COMMON, messages: isList(MESSAGE), tools: isList(TOOL) };

/** @param {any[] | null} [images] */
function checkImages(images) {
    if (!(images ?? []).every(isBase64)) refuse('illegal base64 data at input byte 0');
}

// ------------------------------------------------------------------ chat and generate

/** @param {Said} said */
function countsOf(said) {
    return {
        total_duration: (40 + said.count * 2) * MS, load_duration: 20 * MS,
        prompt_eval_count: said.prompt, prompt_eval_duration: 10 * MS,
        eval_count: said.count, eval_duration: said.count * 2 * MS,
    };
}

/** @param {Body} body @param {Said} said */
function lastOf(body, said) {
    const head = { model: body.model, created_at: CREATED_AT };
    return { head, end: { done: true, done_reason: said.cut ? 'length' : 'stop', ...countsOf(said) } };
}

/** @param {unknown} value */
const line = (value) => `${JSON.stringify(value)}\n`;

/** Lines of one kind of answer. @param {Body} body @param {Said} said @param {Record<string, unknown>[]} tokens
 *  @param {Record<string, unknown>} empty @returns {Reply} */
function lines(body, said, tokens, empty) {
    const { head, end } = lastOf(body, said);
    return streamReply({
        before: [],
        tokens: tokens.map((token) => line({ ...head, ...token, done: false })),
        after: [],
        done: line({ ...head, ...empty, ...end }),
        error: (why) => line({ error: messageOf(why) }),
        malformed: '{"model":"llama3.2:3b","created_at":"2026-\n',
        ping: '\n',
    }, 'application/x-ndjson');
}

/** @param {Said} said @returns {Record<string, unknown>[]} the messages of a stream, one for each token */
function chatTokens(said) {
    const thoughts = said.thoughts.map((thinking) => ({ message: { role: 'assistant', content: '', thinking } }));
    const calls = said.calls.map((_, i) => ({ message: { role: 'assistant', content: '', tool_calls: callsIn(said).slice(i, i + 1) } }));
    return [...thoughts, ...calls, ...said.pieces.map((content) => ({ message: { role: 'assistant', content } }))];
}

/** @param {Said} said */
function callsIn(said) {
    return said.calls.map(({ name, args }, index) => (
        { id: `call_${said.id.slice(0, 7)}${index}`, function: { index, name, arguments: args } }));
}

/** @param {Body} body @param {Body} message @returns {Asked} */
function chatAsked(body, message) {
    return {
        model: body.model,
        heard: message.content ?? '',
        answered: message.role === 'tool',
        images: message.images?.length ?? 0,
        tools: (body.tools ?? []).map((/** @type {any} */ tool) => tool.function.name),
        ...commonOf(body),
    };
}

/** @param {Body} body */
function commonOf(body) {
    const { format, options } = body;
    const schema = format === 'json' ? {} : format || undefined;
    return { schema, limit: options?.num_predict > 0 ? options.num_predict : undefined, think: Boolean(body.think) };
}

/** @param {Body} body */
function checkRoles(body) {
    for (const { role, images, content, tool_calls } of body.messages ?? []) {
        if (!['system', 'user', 'assistant', 'tool'].includes(String(role).toLowerCase())) refuse('invalid role');
        if (content === undefined && tool_calls === undefined) refuse('a message has no content');
        checkImages(images);
    }
}

/** @param {Body} body @returns {Reply} */
function chat(body) {
    checkMembers(body, CHAT, 'ChatRequest');
    checkRoles(body);
    const asks = (/** @type {Body} */ one) => one.role === 'user' || one.role === 'tool';
    const message = body.messages?.findLast(asks) ?? body.messages?.at(-1);
    const head = { model: body.model, created_at: CREATED_AT };
    if (message === undefined) return jsonReply({ ...head, message: { role: 'assistant', content: '' }, done: true, done_reason: 'load' });
    const said = say(chatAsked(body, message));
    if (body.stream !== false) return lines(body, said, chatTokens(said), { message: { role: 'assistant', content: '' } });
    const thinking = said.thoughts.length > 0 ? { thinking: said.thoughts.join('') } : {};
    const tool_calls = said.calls.length > 0 ? { tool_calls: callsIn(said) } : {};
    const whole = { role: 'assistant', content: said.pieces.join(''), ...thinking, ...tool_calls };
    return jsonReply({ ...head, message: whole, ...lastOf(body, said).end });
}

/** @param {Body} body @returns {Reply} */
function generate(body) {
    checkMembers(body, GENERATE, 'GenerateRequest');
    checkImages(body.images);
    const head = { model: body.model, created_at: CREATED_AT };
    if (!body.prompt) return jsonReply({ ...head, response: '', done: true, done_reason: 'load' });
    const said = say({ model: body.model, heard: body.prompt, images: body.images?.length ?? 0, ...commonOf(body) });
    const context = [128006, 9125, 128007];
    const tokens = [...said.thoughts.map((thinking) => ({ response: '', thinking })), ...said.pieces.map((response) => ({ response }))];
    if (body.stream !== false) return lines(body, said, tokens, { response: '', context });
    const thinking = said.thoughts.length > 0 ? { thinking: said.thoughts.join('') } : {};
    return jsonReply({ ...head, response: said.pieces.join(''), ...thinking, context, ...lastOf(body, said).end });
}

// ------------------------------------------------------------------ the rest

/** @type {Members} */
const EMBED = { model: isText, input: () => true, truncate: isFlag, dimensions: isWhole, keep_alive: () => true, options: has(OPTIONS, 'Options') };
/** @type {Members} */
const EMBEDDINGS = { model: isText, prompt: isText, keep_alive: () => true, options: has(OPTIONS, 'Options') };

/** @param {Body} body */
function embed(body) {
    checkMembers(body, EMBED, 'EmbedRequest');
    if (![body.input].flat().every(isText)) refuse('invalid input type');
    const texts = [body.input].flat();
    const embeddings = texts.map((text) => vector(String(text), body.dimensions ?? DIMENSIONS));
    const prompt_eval_count = texts.reduce((sum, text) => sum + tokensIn(String(text)), 0);
    return jsonReply({ model: body.model, embeddings, total_duration: 14 * MS, load_duration: MS, prompt_eval_count });
}

/** The older form: one text, and no counts. @param {Body} body */
function embeddings(body) {
    checkMembers(body, EMBEDDINGS, 'EmbeddingRequest');
    return jsonReply({ embedding: vector(String(body.prompt ?? ''), DIMENSIONS) });
}

function tags() {
    const size = { parameter_size: '3.2B', quantization_level: 'Q4_K_M' };
    const details = { parent_model: '', format: 'gguf', family: 'llama', families: ['llama'], ...size };
    return jsonReply({ models: MODELS.map((name, i) => (
        { name, model: name, modified_at: CREATED_AT, size: 2_019_393_189 + i, digest: String(i).repeat(64), details })) });
}

function models() {
    return jsonReply({ object: 'list', data: MODELS.map((id) => ({ id, object: 'model', created: 1_796_000_000, owned_by: 'library' })) });
}

/** @param {string} text @param {number} [status] @returns {Reply} */
function plain(text, status = 200) {
    return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: text };
}

/** @type {Record<string, () => Reply>} */
const PAGES = {
    '/': () => plain('Ollama is running'),
    '/api/tags': tags,
    '/api/version': () => jsonReply({ version: '0.14.2' }),
    '/v1/models': models,
};

/** @type {Record<string, (body: Body) => Reply>} */
const BODIES = {
    '/api/chat': chat,
    '/api/generate': generate,
    '/api/embed': embed,
    '/api/embeddings': embeddings,
    '/v1/chat/completions': chatReply,
    '/v1/completions': completionsReply,
    '/v1/embeddings': embeddingsReply,
};

/** @param {Ask} ask @returns {Reply} */
function route(ask) {
    const { method, path } = ask;
    if (['GET', 'HEAD'].includes(method) && Object.hasOwn(PAGES, path)) return PAGES[path]();
    if (method !== 'POST' || !Object.hasOwn(BODIES, path)) return plain('404 page not found', 404);
    if (ask.body.length === 0) return refuse('missing request body');
    const body = objectOf(ask, 'invalid character after top-level value');
    checkModel(body.model);
    return BODIES[path](body);
}

/** @type {import('./reply.mjs').Face} */
export const ollama = {
    keyOf: () => null,
    admit: () => null,
    answer: (ask) => guarded(ask, () => route(ask), refused),
    refuse: refused,
};
