/**
 * Anthropic's API as of November 2026: messages, count_tokens, models. Two versions of it are taken,
 * which differ in where the key may be and in what a body may hold.
 *
 * | anthropic-version | key in                       | refused in the body                             |
 * |-------------------|------------------------------|-------------------------------------------------|
 * | 2023-06-01        | x-api-key                    |                                                 |
 * | 2026-10-21        | authorization, or x-api-key  | temperature, top_p, top_k; a document in an     |
 * |                   |                              | assistant's turn; citations in a user's text    |
 */
import {
    bearerOf, guarded, isBase64, jsonReply, namedEvent, names, objectOf, refuse, streamReply, unknownField,
} from './reply.mjs';
import { isMade, say, split, tokensIn } from './said.mjs';

/**
 * @typedef {import('./reply.mjs').Ask} Ask
 * @typedef {import('./reply.mjs').Refusal} Refusal
 * @typedef {import('./said.mjs').Said} Said
 * @typedef {Record<string, any>} Body
 */

const OLD = '2023-06-01';
const NEW = '2026-10-21';
const CONTEXT = 'prompt is too long: 214390 tokens > 200000 maximum';

/** @type {Record<number, [string, string]>} */
const ERRORS = {
    400: ['invalid_request_error', 'Invalid request'],
    401: ['authentication_error', 'invalid x-api-key'],
    402: ['billing_error', 'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.'],
    403: ['permission_error', 'Your API key does not have permission to use the specified resource.'],
    404: ['not_found_error', 'Not found'],
    413: ['request_too_large', 'Request exceeds the maximum size'],
    429: ['rate_limit_error', 'This request would exceed your organization’s rate limit of 50 requests per minute.'],
    500: ['api_error', 'Internal server error'],
    503: ['api_error', 'Service temporarily unavailable'],
    529: ['overloaded_error', 'Overloaded'],
};

/** @type {Record<string, string>} */
const KINDS = {
    context: CONTEXT,
    policy: 'Output blocked by content filtering policy',
};

const FIELDS = names(`
    model messages max_tokens system metadata stop_sequences stream temperature top_p top_k tools tool_choice thinking
    service_tier container context_management output_config mcp_servers cache_control inference_geo speed fallbacks
    compaction thread safeguards betas`);

const MODELS = [
    ['claude-opus-5', 'Claude Opus 5'],
    ['claude-sonnet-5', 'Claude Sonnet 5'],
    ['claude-opus-4-6', 'Claude Opus 4.6'],
    ['claude-haiku-4-5', 'Claude Haiku 4.5'],
    ['claude-haiku-4-5-20251001', 'Claude Haiku 4.5'],
].map(([id, display_name], i) => ({ type: 'model', id, display_name, created_at: `2026-0${9 - i}-01T00:00:00Z` }));

let requests = 0;

const requestId = () => `req_011Cfake${String(++requests).padStart(16, '0')}`;

/** What every answer carries. @param {string} id @returns {Record<string, string>} */
function lines(id) {
    const reset = '2026-11-27T20:00:00Z';
    const limits = ['requests', 'tokens', 'input-tokens', 'output-tokens'].flatMap((what, i) => [
        [`anthropic-ratelimit-${what}-limit`, String(50 * 1000 ** Math.min(i, 1))],
        [`anthropic-ratelimit-${what}-remaining`, String(49 * 1000 ** Math.min(i, 1))],
        [`anthropic-ratelimit-${what}-reset`, reset],
    ]);
    return { 'request-id': id, 'anthropic-organization-id': 'a0000000-0000-4000-8000-00000000fa4e', ...Object.fromEntries(limits) };
}

/** @param {Refusal} why */
function errorOf({ status, kind, message, code }) {
    const [type, usual] = ERRORS[status] ?? ['api_error', `status ${status}`];
    const kinds = status === 400 ? KINDS[kind ?? 'context'] : undefined;
    const details = code === undefined ? {} : { details: { error_code: code } };
    return { type: 'error', error: { type, message: message ?? kinds ?? usual, ...details } };
}

/** @param {Ask} _ask @param {Refusal} why */
function refused(_ask, why) {
    const id = requestId();
    const again = why.status === 429 || why.status >= 500;
    return jsonReply({ ...errorOf(why), request_id: id }, why.status, {
        ...lines(id),
        'x-should-retry': String(again),
        ...why.retry_after === undefined ? {} : { 'retry-after': why.retry_after },
    });
}

// ------------------------------------------------------------------ who asks

/** @param {Ask} ask */
function keyOf({ headers }) {
    return String(headers['x-api-key'] ?? '') || bearerOf(headers);
}

/** @param {Ask} ask @param {string[]} keys @returns {Partial<Refusal> & {status: number} | null} */
function whyNot({ headers }, keys) {
    const version = headers['anthropic-version'];
    const [own, bearer] = [headers['x-api-key'], headers.authorization];
    const denied = (/** @type {string} */ message) => ({ status: 401, message });
    if (own !== undefined && bearer !== undefined) return denied('only one of x-api-key and authorization may be given');
    if (own === undefined && bearer === undefined) return denied('x-api-key header is required');
    if (own !== undefined && !keys.includes(String(own))) return denied('invalid x-api-key');
    const good = version === NEW && keys.includes(bearerOf(headers) ?? '');
    if (own === undefined && !good) return denied('Invalid bearer token');
    if (version === undefined) return { status: 400, kind: 'invalid', message: 'anthropic-version: header is required' };
    if (version === OLD || version === NEW) return null;
    return { status: 400, kind: 'invalid', message: `anthropic-version: "${version}" is not a valid version` };
}

/** @param {Ask} ask @param {string[]} keys */
function admit(ask, keys) {
    const why = whyNot(ask, keys);
    return why === null ? null : refused(ask, why);
}

// ------------------------------------------------------------------ what it is asked

/** @param {any} source @param {string} at */
function checkSource(source, at) {
    if (source?.type === 'url' && /^https?:\/\//.test(source.url ?? '')) return;
    if (source?.type === 'file') return;
    if (source?.type !== 'base64') refuse(`${at}.source.type: Input should be 'base64', 'url' or 'file'`);
    if (!/^(image\/(png|jpeg|gif|webp)|application\/pdf)$/.test(source.media_type ?? '')) {
        refuse(`${at}.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'`);
    }
    if (!isBase64(source.data)) refuse(`${at}.source.base64.data: invalid base64 data`);
}

/** @param {any} block @param {string} at @param {string} role @param {boolean} isNew */
function checkBlock(block, at, role, isNew) {
    if (typeof block?.type !== 'string') refuse(`${at}.type: Field required`);
    if (block.type === 'text' && (typeof block.text !== 'string' || block.text === '')) {
        refuse(`${at}: text content blocks must be non-empty`);
    }
    if (block.type === 'image' || (block.type === 'document' && block.source?.type === 'base64')) checkSource(block.source, at);
    if (!isNew) return;
    if (block.type === 'document' && role === 'assistant') refuse(`${at}: document blocks are not permitted in assistant messages`);
    if (block.type === 'text' && role === 'user' && block.citations) refuse(`${at}.citations: Extra inputs are not permitted`);
}

/** @param {Body} message @returns {any[]} */
function blocksOf(message) {
    return typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content;
}

/** Each result answers a call of the turn before, and each call has its result.
 * @param {any[]} blocks @param {Body | undefined} before @param {string} at */
function checkResults(blocks, before, at) {
    const calls = before?.role === 'assistant' ? blocksOf(before).filter((b) => b.type === 'tool_use').map((b) => b.id) : [];
    const results = blocks.filter((b) => b.type === 'tool_result').map((b) => b.tool_use_id);
    const stray = results.find((id) => !calls.includes(id));
    if (stray !== undefined) {
        refuse(`${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. Each \`tool_result\` block must have a ` +
            'corresponding `tool_use` block in the previous message.');
    }
    const missing = calls.find((id) => !results.includes(id));
    if (missing !== undefined) refuse(`${at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing}.`);
}

/** @param {any[]} messages @param {boolean} isNew */
function checkMessages(messages, isNew) {
    if (!Array.isArray(messages)) refuse('messages: Field required');
    if (messages.length === 0) refuse('messages: at least one message is required');
    messages.forEach((message, i) => {
        const at = `messages.${i}`;
        if (!['user', 'assistant', 'system'].includes(message?.role)) refuse(`${at}.role: Input should be 'user' or 'assistant'`);
        if (typeof message.content === 'string' ? message.content === '' : !Array.isArray(message.content)) {
            refuse(`${at}: user messages must have non-empty content`);
        }
        blocksOf(message).forEach((block, j) => checkBlock(block, `${at}.content.${j}`, message.role, isNew));
        if (message.role !== 'user') return;
        const before = messages.slice(0, i).findLast(({ role }) => role !== 'system');
        checkResults(blocksOf(message), before, at);
    });
}

/** @param {Body} body @param {boolean} isNew */
function check(body, isNew) {
    const unknown = unknownField(body, FIELDS);
    if (unknown !== undefined) refuse(`${unknown}: Extra inputs are not permitted`);
    if (typeof body.model !== 'string') refuse('model: Field required');
    checkMessages(body.messages, isNew);
    const sampling = ['temperature', 'top_p', 'top_k'].find((name) => body[name] !== undefined);
    if (isNew && sampling !== undefined) refuse(`${sampling}: Extra inputs are not permitted`);
    (body.tools ?? []).forEach((/** @type {any} */ tool, /** @type {number} */ i) => {
        if (typeof tool.name !== 'string') refuse(`tools.${i}.name: Field required`);
        const own = tool.type === undefined || tool.type === 'custom';
        if (own && tool.input_schema === undefined && !tool.defer_loading) refuse(`tools.${i}.custom.input_schema: Field required`);
    });
    if (!body.model.startsWith('claude-') && !isMade(body.model)) refuse(`model: ${body.model}`, { status: 404 });
}

/** @param {any[]} blocks of a message @returns {string} */
function textIn(blocks) {
    return blocks.map((b) => {
        if (b.type === 'text') return b.text;
        if (b.type !== 'tool_result') return '';
        return typeof b.content === 'string' ? b.content : textIn(b.content ?? []);
    }).join('');
}

/** @param {any} choice */
function forcedBy(choice) {
    if (choice?.type === 'any') return 'any';
    return choice?.type === 'tool' ? choice.name : undefined;
}

/** @param {Body} body @returns {import('./said.mjs').Asked} */
function askedOf(body) {
    const last = body.messages.findLast((/** @type {any} */ m) => m.role === 'user') ?? body.messages.at(-1);
    const blocks = blocksOf(last);
    const none = body.tool_choice?.type === 'none';
    return {
        model: body.model,
        heard: textIn(blocks),
        answered: blocks.some((b) => b.type === 'tool_result'),
        images: blocks.filter((b) => b.type === 'image').length,
        tools: none ? [] : (body.tools ?? []).map((/** @type {any} */ tool) => tool.name),
        forced: forcedBy(body.tool_choice),
        single: body.tool_choice?.disable_parallel_tool_use === true,
        schema: body.output_config?.format?.schema,
        limit: body.max_tokens,
        think: ['enabled', 'adaptive', 'between_tools'].includes(body.thinking?.type),
    };
}

// ------------------------------------------------------------------ what it answers

/** @param {Said} said */
function thinkingBlock(said) {
    return { type: 'thinking', thinking: said.thoughts.join(''), signature: Buffer.from(`signed ${said.id}`).toString('base64') };
}

/** @param {Said} said @returns {any[]} */
function contentOf(said) {
    const thought = said.thoughts.length > 0 ? [thinkingBlock(said)] : [];
    const text = said.pieces.length > 0 ? [{ type: 'text', text: said.pieces.join('') }] : [];
    const calls = said.calls.map(({ name, args }, i) => ({ type: 'tool_use', id: `toolu_01${said.id}${i}`, name, input: args }));
    return [...thought, ...text, ...calls];
}

/** Numbers of cached tokens only where a part of the body is marked for it. @param {Said} said @param {Body} body */
function usageOf(said, body) {
    const cached = JSON.stringify(body).includes('"cache_control"');
    const hour = JSON.stringify(body).includes('"ttl":"1h"');
    const written = cached ? 40 : 0;
    return {
        input_tokens: said.prompt,
        cache_creation_input_tokens: written,
        cache_read_input_tokens: cached ? 160 : 0,
        cache_creation: { ephemeral_5m_input_tokens: hour ? 0 : written, ephemeral_1h_input_tokens: hour ? written : 0 },
        output_tokens: said.count,
        service_tier: 'standard',
    };
}

/** @param {Said} said */
function stopOf(said) {
    if (said.calls.length > 0) return 'tool_use';
    return said.cut ? 'max_tokens' : 'end_turn';
}

/** @param {Said} said @param {Body} body */
function messageOf(said, body) {
    return {
        model: body.model, id: `msg_01${said.id}`, type: 'message', role: 'assistant', content: contentOf(said),
        stop_reason: stopOf(said), stop_sequence: null, usage: usageOf(said, body),
    };
}

/** @param {number} index @param {any} block @param {any[]} deltas @returns {string[]} */
function blockEvents(index, block, deltas) {
    const events = deltas.map((delta) => namedEvent({ type: 'content_block_delta', index, delta }));
    const start = namedEvent({ type: 'content_block_start', index, content_block: block });
    const stop = namedEvent({ type: 'content_block_stop', index });
    events[0] = start + (index === 0 ? namedEvent({ type: 'ping' }) : '') + (events[0] ?? '');
    events[events.length - 1] += stop;
    return events;
}

/** @param {any} block @param {Said} said @param {number} index @returns {string[]} */
function eventsOf(block, said, index) {
    if (block.type === 'thinking') {
        const deltas = said.thoughts.map((thinking) => ({ type: 'thinking_delta', thinking }));
        const signed = { type: 'signature_delta', signature: block.signature };
        return blockEvents(index, { type: 'thinking', thinking: '', signature: '' }, [...deltas, signed]);
    }
    if (block.type === 'text') {
        return blockEvents(index, { type: 'text', text: '' }, said.pieces.map((text) => ({ type: 'text_delta', text })));
    }
    const pieces = ['', ...split(JSON.stringify(block.input), 7)];
    return blockEvents(index, { ...block, input: {} }, pieces.map((partial_json) => ({ type: 'input_json_delta', partial_json })));
}

/** @param {Said} said @param {Body} body @returns {import('./reply.mjs').Stream} */
function streamOf(said, body) {
    const message = messageOf(said, body);
    const start = { ...message, content: [], stop_reason: null, usage: { ...message.usage, output_tokens: 1 } };
    const { stop_reason, stop_sequence } = message;
    const { cache_creation, service_tier, ...usage } = message.usage;
    return {
        before: [namedEvent({ type: 'message_start', message: start })],
        tokens: message.content.flatMap((block, i) => eventsOf(block, said, i)),
        after: [namedEvent({ type: 'message_delta', delta: { stop_reason, stop_sequence }, usage })],
        done: namedEvent({ type: 'message_stop' }),
        error: (why) => namedEvent({ ...errorOf(why), request_id: requestId() }),
        ping: namedEvent({ type: 'ping' }),
        malformed: 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"typ\n\n',
    };
}

/** @param {Ask} ask @returns {{body: Body, isNew: boolean}} */
function bodyOf(ask) {
    const body = objectOf(ask, 'The request body is not valid JSON');
    return { body, isNew: ask.headers['anthropic-version'] === NEW };
}

/** Conversations that are held here, by the id of their last answer. @type {Map<string, {body: Body, continued: boolean}>} */
const threads = new Map();
const THREADS_MAX = 100;

/** A turn with the turns before it. @param {Body} body */
function threaded(body) {
    if (body.thread?.type !== 'continue') return body;
    const held = threads.get(body.thread.previous_message_id);
    if (held === undefined) refuse('thread.previous_message_id: no such thread', { code: 'thread_not_found' });
    if (held.continued) refuse('thread.previous_message_id: already continued', { code: 'thread_already_continued' });
    held.continued = true;
    return { ...held.body, ...body, messages: [...held.body.messages, ...body.messages] };
}

/** @param {Said} said @param {Body} body */
function hold(said, body) {
    if (body.thread === undefined) return;
    const { id, content } = messageOf(said, body);
    if (threads.size >= THREADS_MAX) threads.clear();
    threads.set(id, { body: { ...body, messages: [...body.messages, { role: 'assistant', content }] }, continued: false });
}

/** @param {Ask} ask */
function messages(ask) {
    const { body: turn, isNew } = bodyOf(ask);
    const body = threaded(turn);
    if (body.max_tokens === undefined) refuse('max_tokens: Field required');
    if (!Number.isInteger(body.max_tokens) || body.max_tokens < 1) refuse('max_tokens: Input should be greater than or equal to 1');
    check(body, isNew);
    const said = say(askedOf(body));
    hold(said, body);
    if (body.stream !== true) return jsonReply(messageOf(said, body));
    return streamReply(streamOf(said, body));
}

/** @param {Ask} ask */
function countTokens(ask) {
    const { body, isNew } = bodyOf(ask);
    if (body.max_tokens !== undefined) refuse('max_tokens: Extra inputs are not permitted');
    check(body, isNew);
    return jsonReply({ input_tokens: body.messages.reduce((/** @type {number} */ sum, /** @type {any} */ m) =>
        sum + tokensIn(textIn(blocksOf(m))), 0) });
}

/** @param {Ask} ask */
function models({ query }) {
    const limit = Number(query.get('limit') ?? 20);
    if (!(limit >= 1 && limit <= 1000)) refuse('limit: Input should be between 1 and 1000');
    const after = MODELS.findIndex(({ id }) => id === query.get('after_id')) + 1;
    const data = MODELS.slice(after, after + limit);
    const [first_id, last_id] = [data[0]?.id ?? null, data.at(-1)?.id ?? null];
    return jsonReply({ data, has_more: after + limit < MODELS.length, first_id, last_id });
}

/** @param {Ask} ask */
function model({ path }) {
    const id = decodeURIComponent(path.slice('/v1/models/'.length));
    const found = MODELS.find((one) => one.id === id);
    return found === undefined ? refuse(`model: ${id}`, { status: 404 }) : jsonReply(found);
}

/** @param {Ask} ask @returns {import('./reply.mjs').Reply} */
function route(ask) {
    const what = `${ask.method} ${ask.path}`;
    if (what === 'POST /v1/messages') return messages(ask);
    if (what === 'POST /v1/messages/count_tokens') return countTokens(ask);
    if (what === 'GET /v1/models') return models(ask);
    if (/^GET \/v1\/models\/[^/]+$/.test(what)) return model(ask);
    return refuse('Not found', { status: 404 });
}

/** @param {Ask} ask */
function answer(ask) {
    const reply = guarded(ask, () => route(ask), refused);
    return { ...reply, headers: { ...lines(requestId()), ...reply.headers } };
}

/** @type {import('./reply.mjs').Face} */
export const anthropic = { keyOf, admit, answer, refuse: refused };
