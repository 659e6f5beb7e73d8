/**
 * OpenAI's API: chat, completions and what is not text. The Responses API is in responses.mjs. Ollama
 * has parts of it as a face of its own (`chatReply`, `completionsReply`, `embeddingsReply`).
 */
import { errorOf } from './openai-error.mjs';
import { bearerOf, dataEvent, guarded, jsonReply, names, objectOf, refuse, streamReply, unknownField } from './reply.mjs';
import { compactReply, countReply, responsesReply } from './responses.mjs';
import { isMade, noise, png, say, split, tokensIn, vector, vectorBase64 } from './said.mjs';

/**
 * @typedef {import('./reply.mjs').Ask} Ask
 * @typedef {import('./reply.mjs').Refusal} Refusal
 * @typedef {import('./reply.mjs').Reply} Reply
 * @typedef {import('./said.mjs').Said} Said
 * @typedef {Record<string, any>} Body
 */

const CREATED = 1_796_000_000;
const FINGERPRINT = 'fp_0fa4e';
const MODELS = [
    'gpt-5.6-sol', 'gpt-5.6-terra', 'gpt-5.6-luna', 'gpt-5.5', 'gpt-4.1', 'gpt-4o', 'gpt-4o-mini', 'gpt-4-turbo',
    'gpt-3.5-turbo-instruct', 'gpt-image-1', 'gpt-4o-mini-tts', 'tts-1', 'whisper-1', 'text-embedding-3-small',
    'text-embedding-3-large', 'text-embedding-ada-002', 'omni-moderation-latest',
];
const NAMES = /^(gpt-|chatgpt-|codex-|o\d|text-embedding-|dall-e-|tts-|whisper-|omni-moderation)/;
/** These think, and have another name for the limit. */
const REASONS = /^(gpt-5|gpt-6|o\d)/;
const DIMENSIONS = 1536;

let requests = 0;

/** @returns {Record<string, string>} */
function lines() {
    return {
        'x-request-id': `req_fa4e${String(++requests).padStart(28, '0')}`,
        'openai-processing-ms': '12',
        'openai-version': '2020-10-01',
        'openai-organization': 'fake-org',
        'x-ratelimit-limit-requests': '500',
        'x-ratelimit-limit-tokens': '30000',
        'x-ratelimit-remaining-requests': '499',
        'x-ratelimit-remaining-tokens': '29990',
        'x-ratelimit-reset-requests': '120ms',
        'x-ratelimit-reset-tokens': '2ms',
        'access-control-expose-headers': 'X-Request-ID',
    };
}

/** @param {Ask} _ask @param {Refusal} why */
function refused(_ask, why) {
    const { retry_after } = why;
    const { status } = why;
    if (retry_after === undefined) return jsonReply(errorOf(why), status, lines());
    const wait = { 'retry-after': Math.ceil(retry_after), 'retry-after-ms': Math.round(retry_after * 1000) };
    return jsonReply(errorOf(why), status, { ...lines(), ...wait });
}

// ------------------------------------------------------------------ who asks

/** @param {Ask} ask */
function keyOf({ headers }) {
    return bearerOf(headers);
}

/** The real one shows the ends of a wrong key. @param {string} key */
const masked = (key) => `${key.slice(0, 3)}${'*'.repeat(8)}${key.slice(-2)}`;

/** @param {Ask} ask @param {string[]} keys */
function admit(ask, keys) {
    const key = keyOf(ask);
    if (key !== null && keys.includes(key)) return null;
    const missing = 'You didn\'t provide an API key. You need to provide your API key in an Authorization header using Bearer auth ' +
        '(i.e. Authorization: Bearer YOUR_KEY).';
    const wrong = `Incorrect API key provided: ${masked(key ?? '')}. You can find your API key at ` +
        'https://platform.openai.com/account/api-keys.';
    const message = key === null ? missing : wrong;
    const reply = refused(ask, { status: 401, message });
    if (key !== null) return reply;
    return { ...reply, body: JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code: null } }) };
}

// ------------------------------------------------------------------ chat

const CHAT_FIELDS = names(`
    messages model audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens metadata
    modalities moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options
    prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store stream stream_options
    temperature tool_choice tools top_logprobs top_p user verbosity web_search_options`);
const ROLES = ['developer', 'system', 'user', 'assistant', 'tool', 'function'];

/** @param {string} param @returns {never} */
function missing(param) {
    return refuse(`Missing required parameter: '${param}'.`, { param, code: 'missing_required_parameter' });
}

/** @param {any} part @param {string} param */
function checkPart(part, param) {
    if (part?.type === 'text' && typeof part.text === 'string') return;
    if (part?.type === 'refusal' || part?.type === 'file') return;
    if (part?.type === 'input_audio' && typeof part.input_audio?.data === 'string') return;
    if (part?.type !== 'image_url') refuse(`Invalid value: '${part?.type}'.`, { param: `${param}.type`, code: 'invalid_value' });
    const url = part.image_url?.url;
    if (typeof url !== 'string') missing(`${param}.image_url.url`);
    if (/^https?:\/\//.test(url) || /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+=*$/.test(url)) return;
    refuse('Invalid image data.', { param, code: 'invalid_base64' });
}

const ID_MAX = 40;

/** @param {unknown} id @param {string} param */
function checkId(id, param) {
    if (typeof id !== 'string' || id.length <= ID_MAX) return;
    refuse(`Invalid '${param}': string too long. Expected a string with maximum length ${ID_MAX}, but got a string with length ${id.length} instead.`,
        { param, code: 'string_above_max_length' });
}

/** @param {any[]} messages @param {number} i */
function checkMessage(messages, i) {
    const message = messages[i];
    const param = `messages[${i}]`;
    if (!ROLES.includes(message?.role)) {
        const list = ROLES.map((role) => `'${role}'`).join(', ');
        refuse(`Invalid value: '${message?.role}'. Supported values are: ${list}.`, { param: `${param}.role`, code: 'invalid_value' });
    }
    const { content } = message;
    if (Array.isArray(content)) content.forEach((part, j) => checkPart(part, `${param}.content[${j}]`));
    else if (typeof content !== 'string' && message.role !== 'assistant') {
        refuse(`Invalid value for 'content': expected a string, got null.`, { param: `${param}.content` });
    }
    (message.tool_calls ?? []).forEach((/** @type {any} */ call, /** @type {number} */ j) => checkId(call.id, `${param}.tool_calls[${j}].id`));
    if (message.role !== 'tool') return;
    checkId(message.tool_call_id, `${param}.tool_call_id`);
    const before = messages.slice(0, i).findLast((one) => one.role !== 'tool');
    const called = (before?.tool_calls ?? []).some((/** @type {any} */ call) => call.id === message.tool_call_id);
    if (called) return;
    refuse('Invalid parameter: messages with role \'tool\' must be a response to a preceeding message with \'tool_calls\'.',
        { param: `${param}.role` });
}

/** @param {Body} body */
function checkModel(body) {
    if (typeof body.model !== 'string' || body.model === '') refuse('you must provide a model parameter');
    if (NAMES.test(body.model) || isMade(body.model)) return;
    refuse(`The model \`${body.model}\` does not exist or you do not have access to it.`, { status: 404, code: 'model_not_found' });
}

/** @param {Body} body @param {Set<string>} fields */
function checkFields(body, fields) {
    const unknown = unknownField(body, fields);
    if (unknown !== undefined) refuse(`Unrecognized request argument supplied: ${unknown}`);
    if (body.stream_options !== undefined && body.stream_options !== null && body.stream !== true) {
        refuse('The \'stream_options\' parameter is only allowed when \'stream\' is enabled.', { param: 'stream_options' });
    }
}

/** @param {Body} body */
function checkChat(body) {
    checkFields(body, CHAT_FIELDS);
    const { messages } = body;
    if (!Array.isArray(messages)) missing('messages');
    if (messages.length === 0) {
        refuse('Invalid \'messages\': empty array. Expected an array with minimum length 1.', { param: 'messages', code: 'empty_array' });
    }
    messages.forEach((_, i) => checkMessage(messages, i));
    if (!REASONS.test(body.model) || body.max_tokens === undefined) return;
    refuse('Unsupported parameter: \'max_tokens\' is not supported with this model. Use \'max_completion_tokens\' instead.',
        { param: 'max_tokens', code: 'unsupported_parameter' });
}

/** @param {Body} message */
function textIn({ content }) {
    if (!Array.isArray(content)) return content ?? '';
    return content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** @param {any} choice */
function forcedBy(choice) {
    if (choice === 'required') return 'any';
    return typeof choice === 'object' ? choice?.function?.name ?? choice?.name : undefined;
}

/** @param {Body} body @param {number} choice @returns {import('./said.mjs').Asked} */
function askedOf(body, choice) {
    const last = body.messages.findLast((/** @type {any} */ m) => m.role === 'user' || m.role === 'tool') ?? body.messages.at(-1);
    const images = Array.isArray(last.content) ? last.content.filter((/** @type {any} */ p) => p.type === 'image_url').length : 0;
    const format = body.response_format;
    return {
        model: body.model, choice, images,
        heard: textIn(last),
        answered: last.role === 'tool',
        tools: body.tool_choice === 'none' ? [] : (body.tools ?? []).map((/** @type {any} */ t) => t.function?.name ?? t.custom?.name),
        forced: forcedBy(body.tool_choice),
        single: body.parallel_tool_calls === false,
        schema: format?.type === 'json_schema' ? format.json_schema.schema : format?.type === 'json_object' ? {} : undefined,
        limit: body.max_completion_tokens ?? body.max_tokens ?? undefined,
        think: body.reasoning_effort !== undefined && body.reasoning_effort !== 'none',
    };
}

/** @param {Said[]} all @param {Body} body */
function usageOf(all, body) {
    const sum = (/** @type {(said: Said) => number} */ of) => all.reduce((n, said) => n + of(said), 0);
    const [prompt, completion] = [all[0].prompt, sum((said) => said.count)];
    const cached = body.prompt_cache_key === undefined ? 0 : prompt >> 1;
    return {
        prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion,
        prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
        completion_tokens_details: {
            reasoning_tokens: sum((said) => said.thoughts.length), audio_tokens: 0,
            accepted_prediction_tokens: 0, rejected_prediction_tokens: 0,
        },
    };
}

/** @param {Said} said */
function finishOf(said) {
    if (said.calls.length > 0) return 'tool_calls';
    return said.cut ? 'length' : 'stop';
}

/** @param {Said} said @param {number} i of a call */
const callId = (said, i) => `call_${said.id.slice(0, 23)}${i}`;

/** @param {Said} said */
function chatMessage(said) {
    const tool_calls = said.calls.map(({ name, args }, i) =>
        ({ id: callId(said, i), type: 'function', function: { name, arguments: JSON.stringify(args) } }));
    const called = tool_calls.length > 0;
    const content = called ? null : said.pieces.join('');
    return { role: 'assistant', content, ...called ? { tool_calls } : {}, refusal: null, annotations: [] };
}

/** @param {Said} said @param {Body} body @param {string} object */
function headOf(said, body, object) {
    return { id: `chatcmpl-${said.id}`, object, created: CREATED, model: body.model };
}

/** @param {Said} said @returns {Record<string, unknown>[]} one for each token */
function chatDeltas(said) {
    if (said.calls.length === 0) return said.pieces.map((content) => ({ content }));
    return said.calls.flatMap(({ name, args }, index) => [
        { tool_calls: [{ index, id: callId(said, index), type: 'function', function: { name, arguments: '' } }] },
        ...split(JSON.stringify(args), 7).map((piece) => ({ tool_calls: [{ index, function: { arguments: piece } }] })),
    ]);
}

/** Events of each choice, in turn. @param {string[][]} each @returns {string[]} */
function inTurn(each) {
    const longest = Math.max(...each.map((one) => one.length));
    return Array.from({ length: longest }, (_, i) => each.flatMap((one) => one.slice(i, i + 1))).flat();
}

/** @param {Refusal} why */
const errorEvent = (why) => dataEvent(errorOf(why));

/** @param {Said[]} all @param {Body} body @returns {import('./reply.mjs').Stream} */
function chatStream(all, body) {
    const counted = body.stream_options?.include_usage === true;
    const head = { ...headOf(all[0], body, 'chat.completion.chunk'), service_tier: 'default', system_fingerprint: FINGERPRINT };
    /** @param {number} index @param {unknown} delta @param {string | null} finish_reason */
    const event = (index, delta, finish_reason) => dataEvent({
        ...head, choices: [{ index, delta, logprobs: null, finish_reason }], ...counted ? { usage: null } : {}, obfuscation: 'aK3f',
    });
    const usage = counted ? [dataEvent({ ...head, choices: [], usage: usageOf(all, body), obfuscation: '' })] : [];
    return {
        before: all.map((said, i) =>
            event(i, { role: 'assistant', content: said.calls.length > 0 ? null : '', refusal: null }, null)),
        tokens: inTurn(all.map((said, i) => chatDeltas(said).map((delta) => event(i, delta, null)))),
        after: [...all.map((said, i) => event(i, {}, finishOf(said))), ...usage],
        done: 'data: [DONE]\n\n',
        error: errorEvent,
        ping: ': ping\n\n',
        malformed: 'data: {"id":"chatcmpl-broken","choices":[{"index":0,"delta":{"content":"lo\n\n',
    };
}

/** What is answered to a good chat. @param {Body} body */
export function chatReply(body) {
    checkChat(body);
    const all = Array.from({ length: body.n ?? 1 }, (_, i) => say(askedOf(body, i)));
    if (body.stream === true) return streamReply(chatStream(all, body));
    const choices = all.map((said, index) => ({ index, message: chatMessage(said), logprobs: null, finish_reason: finishOf(said) }));
    const usage = usageOf(all, body);
    const head = headOf(all[0], body, 'chat.completion');
    return jsonReply({ ...head, choices, usage, service_tier: 'default', system_fingerprint: FINGERPRINT });
}

// ------------------------------------------------------------------ completions

const COMPLETION_FIELDS = names(`
    model prompt best_of echo frequency_penalty logit_bias logprobs max_tokens n presence_penalty seed stop stream stream_options
    suffix temperature top_p user`);
const COMPLETION_TOKENS = 16;

/** @param {Body} body */
export function completionsReply(body) {
    checkFields(body, COMPLETION_FIELDS);
    const heard = [body.prompt].flat()[0];
    if (typeof heard !== 'string') missing('prompt');
    const said = say({ model: body.model, heard, limit: body.max_tokens ?? COMPLETION_TOKENS });
    const head = { id: `cmpl-${said.id}`, object: 'text_completion', created: CREATED, model: body.model };
    const { prompt_tokens, completion_tokens, total_tokens } = usageOf([said], body);
    const usage = { prompt_tokens, completion_tokens, total_tokens };
    /** @param {string} text @param {string | null} finish_reason */
    const choices = (text, finish_reason) => [{ text, index: 0, logprobs: null, finish_reason }];
    if (body.stream !== true) return jsonReply({ ...head, choices: choices(said.pieces.join(''), finishOf(said)), usage });
    const counted = body.stream_options?.include_usage === true;
    /** @param {string} text @param {string | null} finish_reason */
    const event = (text, finish_reason) => dataEvent({ ...head, choices: choices(text, finish_reason), ...counted ? { usage: null } : {} });
    return streamReply({
        before: [],
        tokens: said.pieces.map((piece) => event(piece, null)),
        after: [event('', finishOf(said)), ...counted ? [dataEvent({ ...head, choices: [], usage })] : []],
        done: 'data: [DONE]\n\n',
        error: errorEvent,
        ping: ': ping\n\n',
        malformed: 'data: {"id":"cmpl-broken","choices":[{"index":0,"text":"lo\n\n',
    });
}

// ------------------------------------------------------------------ what is not text

const EMBEDDING_FIELDS = names('input model encoding_format dimensions user');

const INPUTS_MOST = 2048;

/** One text or list of tokens, or several. @param {any} input */
function checkInput(input) {
    const isOne = (/** @type {any} */ one) => (typeof one === 'string' && one !== '') || (Array.isArray(one) && one.length > 0 && one.every(Number.isInteger));
    const several = Array.isArray(input) && !isOne(input);
    if (several && input.length > INPUTS_MOST) refuse(`Invalid 'input': array too long. Expected an array with maximum length ${INPUTS_MOST}, but got an array with length ${input.length} instead.`);
    if (several ? input.length === 0 || !input.every(isOne) : !isOne(input)) refuse("'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.");
}

/** @param {Body} body */
export function embeddingsReply(body) {
    checkFields(body, EMBEDDING_FIELDS);
    const { input, encoding_format: format = 'float' } = body;
    if (input === undefined) missing('input');
    checkInput(input);
    if (body.dimensions !== undefined && body.model === 'text-embedding-ada-002') refuse('This model does not support specifying dimensions.');
    if (body.dimensions !== undefined && !(body.dimensions >= 1)) refuse(`Invalid value for 'dimensions' = ${body.dimensions}. Must be greater than or equal to 1.`, { param: 'dimensions' });
    if (!['float', 'base64'].includes(format)) refuse(`Invalid value: '${format}'.`, { param: 'encoding_format', code: 'invalid_value' });
    const tokens = Array.isArray(input) && typeof input[0] === 'number';
    const texts = (tokens || !Array.isArray(input) ? [input] : input).map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
    const data = texts.map((text, index) => {
        const values = vector(text, body.dimensions ?? DIMENSIONS);
        return { object: 'embedding', index, embedding: format === 'base64' ? vectorBase64(values) : values };
    });
    const prompt_tokens = texts.reduce((sum, text) => sum + tokensIn(text), 0);
    return jsonReply({ object: 'list', data, model: body.model, usage: { prompt_tokens, total_tokens: prompt_tokens } });
}

/** @param {Body} body */
function moderationsReply(body) {
    if (body.input === undefined) missing('input');
    const results = [body.input].flat().map((one) => {
        const flagged = String(one).includes('violence');
        return {
            flagged, categories: { violence: flagged, hate: false }, category_scores: { violence: flagged ? 0.98 : 0.001, hate: 0.0001 },
            category_applied_input_types: { violence: ['text'], hate: ['text'] },
        };
    });
    return jsonReply({ id: 'modr-fa4e', model: body.model ?? 'omni-moderation-latest', results });
}

/** @param {Body} body */
function imagesReply(body) {
    if (typeof body.prompt !== 'string') missing('prompt');
    const data = Array.from({ length: body.n ?? 1 }, (_, i) => ({ b64_json: png(i).toString('base64') }));
    const input = tokensIn(body.prompt);
    const input_tokens_details = { text_tokens: input, image_tokens: 0 };
    const usage = { input_tokens: input, output_tokens: 272, total_tokens: input + 272, input_tokens_details };
    return jsonReply({ created: CREATED, data, usage });
}

/** @param {Body} body @returns {Reply} */
function speechReply(body) {
    if (typeof body.input !== 'string') missing('input');
    if (body.voice === undefined) missing('voice');
    return { status: 200, headers: { 'content-type': 'audio/mpeg' }, body: noise(body.input, 4096) };
}

/** A form with a file. @param {Ask} ask */
function formReply({ headers, body, path }) {
    if (!/^multipart\/form-data; *boundary=/.test(headers['content-type'] ?? '')) refuse('Invalid body: expected multipart/form-data');
    const text = body.toString('latin1');
    if (!text.includes('name="model"')) refuse('you must provide a model parameter');
    if (path.startsWith('/v1/images')) return imagesReply({ prompt: 'a form' });
    if (!text.includes('name="file"')) missing('file');
    return jsonReply({ text: `heard ${body.length} bytes`, usage: { type: 'duration', seconds: 2 } });
}

/** @param {Ask} ask */
function models({ path }) {
    const list = MODELS.map((id) => ({ id, object: 'model', created: CREATED, owned_by: 'openai' }));
    if (path === '/v1/models') return jsonReply({ object: 'list', data: list });
    const id = decodeURIComponent(path.slice('/v1/models/'.length));
    const found = list.find((one) => one.id === id);
    return found === undefined
        ? refuse(`The model '${id}' does not exist`, { status: 404, param: 'model', code: 'model_not_found' })
        : jsonReply(found);
}

/** @type {Record<string, (body: Body) => Reply>} */
const BODIES = {
    '/v1/chat/completions': chatReply,
    '/v1/completions': completionsReply,
    '/v1/responses': responsesReply,
    '/v1/responses/compact': compactReply,
    '/v1/responses/input_tokens': countReply,
    '/v1/embeddings': embeddingsReply,
    '/v1/images/generations': imagesReply,
    '/v1/audio/speech': speechReply,
};

const FORMS = names(`
    /v1/images/edits /v1/images/variations /v1/audio/transcriptions /v1/audio/translations`);

/** @param {Ask} ask @returns {Reply} */
function route(ask) {
    const { method, path } = ask;
    if (method === 'GET' && /^\/v1\/models(\/[^/]+)?$/.test(path)) return models(ask);
    if (method === 'POST' && FORMS.has(path)) return formReply(ask);
    if (method === 'POST' && path === '/v1/moderations') return moderationsReply(bodyOf(ask));
    if (method !== 'POST' || !Object.hasOwn(BODIES, path)) return refuse(`Invalid URL (${method} ${path})`, { status: 404 });
    const body = bodyOf(ask);
    checkModel(body);
    return BODIES[path](body);
}

/** @param {Ask} ask */
function bodyOf(ask) {
    return objectOf(ask, 'We could not parse the JSON body of your request. (HINT: This likely means you aren\'t using your HTTP library ' +
        'correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)');
}

/** @param {Ask} ask */
function answer(ask) {
    const reply = guarded(ask, () => route(ask), refused);
    return { ...reply, headers: { ...lines(), ...reply.headers } };
}

/** @type {import('./reply.mjs').Face} */
export const openai = { keyOf, admit, answer, refuse: refused };

/** A server that has OpenAI's chats and nothing else of it, for whoever comes: as a node is. @type {import('./reply.mjs').Face} */
export const chat = {
    ...openai, admit: () => null,
    answer: (ask) => (ask.path === '/v1/chat/completions' ? answer(ask) : refused(ask, { status: 404, message: 'not found' })),
};
