/**
 * Bedrock's runtime: Converse and InvokeModel, whole and in frames, for whoever signs his requests or has one of
 * Bedrock's own keys. A key to take is "ID:SECRET" or "ID:SECRET:TOKEN"; without a colon it is a bearer.
 *
 * By InvokeModel a model is asked in its maker's dialect: here that is Anthropic's, which answers itself, or that of an
 * embedding model.
 */
import { anthropic } from './anthropic.mjs';
import { checkConverse } from './converse.mjs';
import { eventFrame, exceptionFrame } from './frames.mjs';
import { EMBEDDERS, embedReply } from './invoke-embed.mjs';
import { bearerOf, guarded, jsonReply, objectOf, refuse, streamReply } from './reply.mjs';
import { isMade, say, split } from './said.mjs';
import { signerOf, whyNotSigned } from './sigv4.mjs';

/**
 * @typedef {import('./reply.mjs').Ask} Ask
 * @typedef {import('./reply.mjs').Refusal} Refusal
 * @typedef {import('./reply.mjs').Reply} Reply
 * @typedef {import('./reply.mjs').Stream} Stream
 * @typedef {import('./said.mjs').Asked} Asked
 * @typedef {import('./said.mjs').Said} Said
 * @typedef {Record<string, any>} Body
 */

const REGION = 'us-east-1';
const FRAMES = 'application/vnd.amazon.eventstream';
export const SONNET = 'anthropic.claude-sonnet-5-20260514-v1:0';
/** What its maker calls it. */
export const MAKERS = 'claude-sonnet-5';
/** An application's own name for a model. */
export const PROFILE = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456';
/** One that still takes sampling and budgets, and ones of other makers. */
export const OLDER = 'anthropic.claude-sonnet-4-20250514-v1:0', NOVA = 'amazon.nova-pro-v1:0', LLAMA = 'meta.llama4-70b-instruct-v1:0';
export { COHERE, COHERE_OLDER, TITAN } from './invoke-embed.mjs';
const MODELS = [...EMBEDDERS, SONNET, PROFILE, `us.${SONNET}`, OLDER, NOVA, LLAMA, 'openai.gpt-oss-120b-1:0'];

/** @type {Record<number, [string, string]>} */
const ERRORS = {
    400: ['ValidationException', 'Input is too long for requested model.'],
    403: ['AccessDeniedException', 'You don\'t have access to the model with the specified model ID.'],
    404: ['ResourceNotFoundException', 'Could not resolve the foundation model from the provided model identifier.'],
    408: ['ModelTimeoutException', 'Model has timed out in processing the request. Try your request again.'],
    424: ['ModelErrorException', 'The system encountered an unexpected error during processing. Try your request again.'],
    429: ['ThrottlingException', 'Too many requests, please wait before trying again.'],
    500: ['InternalServerException', 'The system encountered an unexpected error during processing. Try your request again.'],
    503: ['ServiceUnavailableException', 'Bedrock is unable to process your request.'],
};
const NOT_READY = ['ModelNotReadyException', 'Model is not ready for inference. Wait and try your request again.'];
const POLICY = 'The model returned the following errors: Output blocked by content filtering policy';
let requests = 0;

// ------------------------------------------------------------------ errors, and who may come in

/** @param {Refusal} why @returns {[string, string]} */
function errorOf({ status, kind, code, message }) {
    const [type, words] = kind === 'not_ready' ? NOT_READY : ERRORS[status] ?? ERRORS[status < 500 ? 400 : 500];
    return [code ?? type, message ?? (kind === 'policy' ? POLICY : words)];
}

/** @param {Ask} _ask @param {Refusal} why @returns {Reply} */
function refused(_ask, why) {
    const [type, message] = errorOf(why);
    /** @type {Record<string, string | number>} */
    const headers = { 'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/com.amazon.bedrock/` };
    if (why.retry_after !== undefined) headers['retry-after'] = why.retry_after;
    return jsonReply({ message }, why.status, headers);
}

/** @param {Ask} ask */
function keyOf({ headers }) {
    return bearerOf(headers) ?? signerOf(headers);
}

/** @param {Ask} ask @param {string[]} keys */
function whyNot(ask, keys) {
    if (ask.headers.authorization === undefined) return { type: 'MissingAuthenticationTokenException', message: 'Missing Authentication Token' };
    const bearer = bearerOf(ask.headers);
    if (bearer !== null && keys.includes(bearer)) return null;
    if (bearer !== null) return { type: 'AccessDeniedException', message: 'Authentication failed: Please make sure your API Key is valid.' };
    const signing = keys.filter((key) => key.includes(':')).map((key) => key.split(':'));
    const secrets = new Map(signing.map(([id, secret, token]) => [id, { secret, token }]));
    return whyNotSigned(/** @type {any} */ (ask), secrets, REGION, 'bedrock');
}

/** @param {Ask} ask @param {string[]} keys */
function admit(ask, keys) {
    const why = whyNot(ask, keys);
    if (why === null) return null;
    return refused(ask, { status: /** @type {any} */ (why).status ?? 403, code: why.type, message: why.message });
}

// ------------------------------------------------------------------ what is asked

/** @param {Ask} ask @param {string} model @returns {Body} */
function bodyOf(ask, model) {
    if (ask.headers['content-type'] !== 'application/json') refuse('Content type is not supported', { status: 400, code: 'UnknownOperationException' });
    const body = objectOf(ask, 'The request body is not valid JSON.');
    checkConverse(body, model);
    return body;
}

/** @param {any[]} blocks @returns {string} */
function textIn(blocks) {
    return blocks.map((b) => b.text ?? (b.toolResult !== undefined ? textIn(b.toolResult.content) : '')).join('');
}

/** @param {Body | undefined} choice */
function forcedBy(choice) {
    if (choice?.any !== undefined) return 'any';
    return choice?.tool?.name;
}

/** @param {Body} body */
function schemaOf({ outputConfig }) {
    const text = outputConfig?.textFormat?.structure.jsonSchema.schema;
    return text === undefined ? undefined : JSON.parse(text);
}

/** @param {string} model @param {Body} body @returns {Asked} */
function askedOf(model, body) {
    const { content } = body.messages.at(-1);
    return {
        model,
        heard: textIn(content),
        answered: content.some((/** @type {Body} */ b) => b.toolResult),
        images: content.filter((/** @type {Body} */ b) => b.image).length,
        tools: (body.toolConfig?.tools ?? []).filter((/** @type {Body} */ t) => t.toolSpec).map((/** @type {Body} */ t) => t.toolSpec.name),
        forced: forcedBy(body.toolConfig?.toolChoice),
        limit: body.inferenceConfig?.maxTokens,
        schema: schemaOf(body),
        think: ['enabled', 'adaptive', 'between_tools'].includes(body.additionalModelRequestFields?.thinking?.type),
    };
}

// ------------------------------------------------------------------ Converse

const SIGNED = 'EqQBCkYIARgCKkBzaWduZWQ=';

/** @param {Said} said @param {number} i */
const idOf = (said, i) => `tooluse_${said.id.slice(0, 20)}${i}`;

/** @param {Said} said @returns {Body[]} */
function contentOf(said) {
    const thought = { reasoningContent: { reasoningText: { text: said.thoughts.join(''), signature: SIGNED } } };
    const calls = said.calls.map(({ name, args }, i) => ({ toolUse: { toolUseId: idOf(said, i), name, input: args } }));
    return [...said.thoughts.length ? [thought] : [], ...calls.length ? calls : [{ text: said.pieces.join('') }]];
}

/** @param {Said} said */
function usageOf(said) {
    return { inputTokens: said.prompt, outputTokens: said.count, totalTokens: said.prompt + said.count, cacheReadInputTokens: 0, cacheWriteInputTokens: 0 };
}

/** @param {Said} said */
function stopOf(said) {
    return said.calls.length > 0 ? 'tool_use' : said.cut ? 'max_tokens' : 'end_turn';
}

/** @param {Said} said */
function message(said) {
    return {
        metrics: { latencyMs: 321 },
        output: { message: { content: contentOf(said), role: 'assistant' } },
        stopReason: stopOf(said),
        usage: usageOf(said),
    };
}

/** Padding hides how long the words are. @param {number} n */
const padding = (n) => 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'.slice(0, 4 + n * 7 % 40);

/** @param {string} type @param {Body} value @param {number} n */
const event = (type, value, n) => eventFrame(type, { ...value, p: padding(n) });

/** The deltas of a block, and its start if it has one. @param {Body} block @param {Said} said @param {number} index */
function blockFrames(block, said, index) {
    /** @type {Body[]} */
    let deltas = said.pieces.map((text) => ({ text }));
    const frames = [];
    if (block.toolUse !== undefined) {
        const { toolUseId, name, input } = block.toolUse;
        frames.push(event('contentBlockStart', { contentBlockIndex: index, start: { toolUse: { toolUseId, name } } }, index));
        deltas = split(JSON.stringify(input), 5).map((piece) => ({ toolUse: { input: piece } }));
    } else if (block.reasoningContent !== undefined) {
        deltas = [...said.thoughts.map((text) => ({ reasoningContent: { text } })), { reasoningContent: { signature: SIGNED } }];
    }
    for (const [i, delta] of deltas.entries()) frames.push(event('contentBlockDelta', { contentBlockIndex: index, delta }, i));
    return [...frames, event('contentBlockStop', { contentBlockIndex: index }, index)];
}

/** @param {Refusal} why */
function exception(why) {
    const [type, words] = errorOf(why);
    return exceptionFrame(type[0].toLowerCase() + type.slice(1), words);
}

/** A frame whose last byte is another one. @param {Buffer} good */
function broken(good) {
    const bad = Buffer.from(good);
    bad[bad.length - 1] ^= 1;
    return bad;
}

/** @param {Said} said @returns {Stream} */
function streamOf(said) {
    return {
        before: [event('messageStart', { role: 'assistant' }, 0)],
        tokens: contentOf(said).flatMap((block, i) => blockFrames(block, said, i)),
        after: [event('messageStop', { stopReason: stopOf(said) }, 1)],
        done: event('metadata', { usage: usageOf(said), metrics: { latencyMs: 321 } }, 2),
        error: (why) => exception({ ...why, status: why.status === 529 ? 503 : why.status }),
        malformed: broken(event('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'never' } }, 0)),
    };
}

// ------------------------------------------------------------------ InvokeModel

/** What the model's maker makes of it. @param {Ask} ask @param {boolean} stream */
function invoked(ask, stream) {
    const { anthropic_version: version, ...body } = objectOf(ask, 'Malformed input request, please reformat your input and try again.');
    if (version !== 'bedrock-2023-05-31') refuse('anthropic_version: Field required');
    const headers = { 'anthropic-version': '2023-06-01' };
    return anthropic.answer({ ...ask, path: '/v1/messages', headers, body: Buffer.from(JSON.stringify({ ...body, model: MAKERS, stream })) });
}

/** @param {string | Buffer} text server-sent events @returns {string[]} their data */
const dataIn = (text) => text.toString().split('\n').filter((line) => line.startsWith('data: ')).map((line) => line.slice(6));

/** @param {string} data @param {number} n */
const chunk = (data, n) => event('chunk', { bytes: Buffer.from(data).toString('base64') }, n);

/** The last one has what the call has cost. @param {string} data */
function withMetrics(data) {
    const metrics = { inputTokenCount: 9, outputTokenCount: 9, invocationLatency: 321, firstByteLatency: 12 };
    return JSON.stringify({ ...JSON.parse(data), 'amazon-bedrock-invocationMetrics': metrics });
}

/** @param {Ask} ask @returns {Reply} */
function invokeStream(ask) {
    const { status, body = '', stream } = invoked(ask, true);
    if (stream === undefined) return refuse(JSON.parse(body.toString()).error.message, { status });
    const chunks = (/** @type {(string | Buffer)[]} */ events) => events.flatMap(dataIn).map(chunk);
    return streamReply({
        ...streamOf(say({ model: MAKERS, heard: '' })),
        before: [], tokens: chunks([...stream.before, ...stream.tokens]), after: chunks(stream.after),
        done: chunk(withMetrics(dataIn(stream.done)[0]), 0),
    }, FRAMES);
}

/** @param {Ask} ask @returns {Reply} */
function invoke(ask) {
    const { status, body = '' } = invoked(ask, false);
    const said = JSON.parse(body.toString());
    if (status !== 200) return refuse(said.error.message, { status });
    return jsonReply(said, 200, { 'x-amzn-bedrock-input-token-count': said.usage.input_tokens, 'x-amzn-bedrock-output-token-count': said.usage.output_tokens });
}

// ------------------------------------------------------------------ routes

/** @param {Ask} ask @returns {Reply} */
function route(ask) {
    const [, model, what] = /^\/model\/([^/]+)\/(converse|converse-stream|invoke|invoke-with-response-stream)$/.exec(ask.path) ?? [];
    if (model === undefined || ask.method !== 'POST') return refuse('', { status: 404, code: 'UnknownOperationException' });
    const id = decodeURIComponent(model);
    if (!MODELS.includes(id) && !isMade(id)) refuse('The provided model identifier is invalid.');
    if (EMBEDDERS.includes(id) && what !== 'invoke') refuse(`The model doesn't support the ${what} operation.`);
    if (EMBEDDERS.includes(id)) return embedReply(id, objectOf(ask, 'Malformed input request, please reformat your input and try again.'));
    if (what === 'invoke') return invoke(ask);
    if (what === 'invoke-with-response-stream') return invokeStream(ask);
    const said = say(askedOf(id, bodyOf(ask, id)));
    return what === 'converse' ? jsonReply(message(said)) : streamReply(streamOf(said), FRAMES);
}

/** @param {Ask} ask */
function answer(ask) {
    const reply = guarded(ask, () => route(ask), refused);
    const id = `00000000-0000-4000-8000-${String(++requests).padStart(12, '0')}`;
    return { ...reply, headers: { 'x-amzn-requestid': id, ...reply.headers } };
}

/** @type {import('./reply.mjs').Face} */
export const bedrock = { keyOf, admit, answer, refuse: refused };
