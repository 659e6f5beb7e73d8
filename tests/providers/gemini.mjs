/**
 * Gemini's API, `/v1` and `/v1beta` alike: generateContent and its stream in both forms (server-sent
 * events with `alt=sse`, one JSON array in pieces without), tokens, embeddings, models, interactions.
 * As the real one it takes field names in camelCase and in snake_case, says how long to wait in its
 * error's RetryInfo and in no header, and wants its signature of a thought back (Gemini 3 and later).
 */
import { dataEvent, guarded, isBase64, jsonReply, names, objectOf, refuse, streamReply } from './reply.mjs';
import { interactionsReply } from './interactions.mjs';
import { isMade, say, tokensIn, vector } from './said.mjs';

/**
 * @typedef {import('./reply.mjs').Ask} Ask
 * @typedef {import('./reply.mjs').Refusal} Refusal
 * @typedef {import('./reply.mjs').Reply} Reply
 * @typedef {import('./said.mjs').Said} Said
 * @typedef {Record<string, any>} Body
 */

const DIMENSIONS = 768;
const PATH = /^\/(v1|v1beta)\/models\/([^:]+)(?::(\w+))?$/;
const SERVICE = 'generativelanguage.googleapis.com';
const NO_KEY = 'Method doesn\'t allow unregistered callers (callers without established identity). Please use API Key or other form of ' +
    'API consumer identity to call this API.';
const MODELS = [
    'gemini-3.8-flash', 'gemini-3.7-flash', 'gemini-3.1-pro-preview', 'gemini-3.5-flash-lite', 'gemini-2.5-flash', 'gemini-embedding-001',
];
/** An embedding model that tells what it has counted, as the older ones do not. It is not in the list. */
const COUNTING = 'gemini-embedding-2';

/** @type {Record<number, [string, string]>} */
const ERRORS = {
    400: ['INVALID_ARGUMENT', 'The input token count (1214390) exceeds the maximum number of tokens allowed (1048576).'],
    401: ['UNAUTHENTICATED', 'Request had invalid authentication credentials.'],
    402: ['FAILED_PRECONDITION', 'Billing is not active for this project.'],
    403: ['PERMISSION_DENIED', 'Your API key was reported as leaked. Please use another API key.'],
    404: ['NOT_FOUND', 'Requested entity was not found.'],
    429: ['RESOURCE_EXHAUSTED', 'You exceeded your current quota, please check your plan and billing details.'],
    500: ['INTERNAL', 'An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting'],
    503: ['UNAVAILABLE', 'The model is overloaded. Please try again later.'],
    504: ['DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.'],
};

/** @type {Record<string, string>} */
const KINDS = { policy: 'The request was blocked by the safety filters.' };

/** @param {Refusal} why @returns {unknown[]} */
function detailsOf({ status, retry_after, code }) {
    if (code !== undefined) {
        const metadata = { service: SERVICE };
        return [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code, domain: 'googleapis.com', metadata }];
    }
    if (status !== 429) return [];
    const violations = [{ quotaMetric: `${SERVICE}/generate_content_requests`, quotaId: 'GenerateRequestsPerMinutePerProjectPerModel' }];
    const wait = retry_after === undefined ? [] : [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retry_after}s` }];
    return [{ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations }, ...wait];
}

/** @param {Refusal} why */
function errorOf(why) {
    const { status, kind, message } = why;
    const [name, usual] = ERRORS[status] ?? ['UNAVAILABLE', `status ${status}`];
    const details = detailsOf(why);
    const said = message ?? (status === 400 ? KINDS[kind ?? ''] : undefined) ?? usual;
    return { error: { code: status, message: said, status: name, ...details.length > 0 ? { details } : {} } };
}

/** Google indents what it writes. @param {unknown} value */
const pretty = (value) => JSON.stringify(value, null, 2);

/** @param {unknown} value @param {number} [status] @returns {Reply} */
function reply(value, status = 200) {
    return { ...jsonReply(value, status, lines()), body: `${pretty(value)}\n` };
}

const lines = () => ({
    'content-type': 'application/json; charset=UTF-8', 'vary': 'Origin', 'x-frame-options': 'SAMEORIGIN',
    'server-timing': 'gfet4t7; dur=12', 'x-gemini-service-tier': 'standard',
});

/** @param {Ask} _ask @param {Refusal} why */
function refused(_ask, why) {
    return reply(errorOf(why), why.status);
}

// ------------------------------------------------------------------ who asks

/** @param {Ask} ask */
function keyOf({ headers }) {
    return String(headers['x-goog-api-key'] ?? '') || null;
}

/** @param {Ask} ask @param {string[]} keys */
function admit(ask, keys) {
    const key = keyOf(ask);
    if (ask.headers.authorization !== undefined) return refused(ask, { status: 401, code: 'ACCESS_TOKEN_TYPE_UNSUPPORTED' });
    if (key === null) return refused(ask, { status: 403, message: NO_KEY });
    if (keys.includes(key)) return null;
    return refused(ask, { status: 400, message: 'API key not valid. Please pass a valid API key.', code: 'API_KEY_INVALID' });
}

// ------------------------------------------------------------------ what it is asked

const GENERATE = names(`
    model contents systemInstruction tools toolConfig safetySettings generationConfig cachedContent labels serviceTier store`);
const CONFIG = names(`
    candidateCount stopSequences maxOutputTokens temperature topP topK responseMimeType responseSchema responseJsonSchema
    _responseJsonSchema responseFormat presencePenalty frequencyPenalty seed responseModalities responseLogprobs logprobs
    thinkingConfig speechConfig imageConfig mediaResolution enableEnhancedCivicAnswers`);
const COUNT = names('contents generateContentRequest model');
const EMBED = names('model content taskType title outputDimensionality embedContentConfig');
const PART = names(`
    text inlineData fileData functionCall functionResponse executableCode codeExecutionResult thought thoughtSignature
    videoMetadata mediaResolution toolCall toolResponse partMetadata`);
/** Their members are the caller's, with any name. */
const OPAQUE = names('args response parameters parametersJsonSchema responseSchema responseJsonSchema _responseJsonSchema labels');

/** @param {string} name */
const camel = (name) => name.replace(/(?!^)_([a-z])/g, (_, c) => c.toUpperCase());

/** The same with each name in camelCase. @param {any} value @returns {any} */
function camelled(value) {
    if (Array.isArray(value)) return value.map(camelled);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => {
        const to = camel(name);
        return [to, OPAQUE.has(to) ? one : camelled(one)];
    }));
}

/** @param {Body} value @param {Set<string>} known @param {string} at */
function checkNames(value, known, at) {
    const unknown = Object.keys(value ?? {}).find((name) => !known.has(name));
    if (unknown === undefined) return;
    refuse(`Invalid JSON payload received. Unknown name "${unknown}"${at === '' ? '' : ` at '${at}'`}: Cannot find field.`);
}

/** @param {any} part @param {string} at */
function checkPart(part, at) {
    checkNames(part, PART, at);
    const { inlineData } = part;
    if (inlineData === undefined) return;
    if (!/^\w+\/[\w.+-]+$/.test(inlineData.mimeType ?? '')) refuse(`Unsupported MIME type: ${inlineData.mimeType}`);
    if (!isBase64(inlineData.data)) refuse(`Invalid value at '${at}.inline_data.data' (TYPE_BYTES), Base64 decoding failed`);
}

/** The first call of a model's turn must have its signature. @param {string} model @param {any[]} contents */
function checkSignatures(model, contents) {
    if (!/^gemini-[3-9]/.test(model)) return;
    contents.forEach(({ role, parts }, i) => {
        const call = role === 'model' ? parts.find((/** @type {any} */ part) => part.functionCall) : undefined;
        if (call === undefined || call.thoughtSignature) return;
        refuse(`Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly. ` +
            `Additional data, function call \`default_api:${call.functionCall.name}\`, position ${i + 1}.`);
    });
}

/** @param {any} contents @param {string} model @returns {any[]} */
function checkContents(contents, model) {
    if (!Array.isArray(contents) || contents.length === 0) refuse('* GenerateContentRequest.contents: contents is not specified');
    contents.forEach(({ role, parts }, i) => {
        if (!['user', 'model', undefined].includes(role)) refuse('Please use a valid role: user, model.');
        if (!Array.isArray(parts) || parts.length === 0) {
            refuse(`* GenerateContentRequest.contents[${i}].parts: contents.parts must not be empty.`);
        }
        parts.forEach((part, j) => checkPart(part, `contents[${i}].parts[${j}]`));
    });
    checkSignatures(model, contents);
    return contents;
}

/** @param {string} name @param {string} method @param {string} version */
function checkModel(name, method, version) {
    if ([...MODELS, COUNTING].includes(name) || isMade(name)) return;
    refuse(`models/${name} is not found for API version ${version}, or is not supported for ${method}. Call ListModels to see the list of ` +
        'available models and their supported methods.', { status: 404 });
}

/** @param {any} part */
function heardIn({ text, thought, functionResponse }) {
    if (functionResponse === undefined) return thought ? '' : text ?? '';
    const { response } = functionResponse;
    const said = response?.output ?? response?.result ?? response;
    return typeof said === 'string' ? said : JSON.stringify(said);
}

/** @param {Body} body @param {any[]} tools @returns {{tools: string[], forced: string | undefined}} */
function toolsOf({ toolConfig }, tools) {
    const all = tools.flatMap((tool) => (tool.functionDeclarations ?? []).map((/** @type {any} */ one) => one.name));
    const { mode, allowedFunctionNames: allowed } = toolConfig?.functionCallingConfig ?? {};
    if (mode === 'NONE') return { tools: [], forced: undefined };
    const some = allowed === undefined ? all : all.filter((name) => allowed.includes(name));
    return { tools: some, forced: mode === 'ANY' ? 'any' : undefined };
}

/** @param {string} model @param {Body} body @param {any[]} contents @param {number} [choice] @returns {import('./said.mjs').Asked} */
function askedOf(model, body, contents, choice = 0) {
    const { parts } = contents.findLast(({ role }) => role !== 'model') ?? contents[contents.length - 1];
    const config = body.generationConfig ?? {};
    return {
        model, choice,
        heard: parts.map(heardIn).join(''),
        answered: parts.some((/** @type {any} */ part) => part.functionResponse),
        images: parts.filter((/** @type {any} */ part) => part.inlineData?.mimeType.startsWith('image/')).length,
        ...toolsOf(body, body.tools ?? []),
        schema: config.responseSchema ?? config.responseJsonSchema ?? config._responseJsonSchema ?? (
            config.responseMimeType === 'application/json' ? {} : undefined),
        limit: config.maxOutputTokens,
        think: config.thinkingConfig?.includeThoughts === true,
    };
}

// ------------------------------------------------------------------ what it answers

/** @param {Said} said */
const signatureOf = (said) => Buffer.from(`signed ${said.id}`).toString('base64');

/** @param {Said} said @returns {any[]} the parts of a stream, one for each token */
function partsOf(said) {
    const thoughts = said.thoughts.map((text) => ({ text, thought: true }));
    const calls = said.calls.map(({ name, args }, i) => ({
        functionCall: { id: `${said.id.slice(0, 7)}${i}`, name, args },
        ...i === 0 ? { thoughtSignature: signatureOf(said) } : {},
    }));
    return [...thoughts, ...calls, ...said.pieces.map((text) => ({ text }))];
}

/** The same, with texts that follow each other in one part. @param {any[]} parts */
function joined(parts) {
    /** @type {any[]} */
    const all = [];
    for (const part of parts) {
        const last = all.at(-1);
        if (part.text !== undefined && last?.text !== undefined && last.thought === part.thought) last.text += part.text;
        else all.push({ ...part });
    }
    return all;
}

/** @param {Said} said @param {boolean} cached */
function usageOf(said, cached) {
    const thought = said.thoughts.length;
    return {
        promptTokenCount: said.prompt, candidatesTokenCount: said.count - thought, totalTokenCount: said.prompt + said.count,
        ...cached ? { cachedContentTokenCount: said.prompt >> 1 } : {},
        promptTokensDetails: [{ modality: 'TEXT', tokenCount: said.prompt }],
        ...thought > 0 ? { thoughtsTokenCount: thought } : {},
    };
}

/** @param {Said} said */
const finishOf = (said) => (said.cut ? 'MAX_TOKENS' : 'STOP');

/** @param {Said} said @param {string} model @param {Body} body */
function wholeOf(said, model, body) {
    const candidate = { content: { parts: joined(partsOf(said)), role: 'model' }, finishReason: finishOf(said), index: 0 };
    return {
        candidates: [candidate], usageMetadata: usageOf(said, body.cachedContent !== undefined),
        modelVersion: model, responseId: said.id,
    };
}

/** The chunks of a stream; the last tells why it ended. @param {Said} said @param {string} model @param {Body} body @returns {any[]} */
function chunksOf(said, model, body) {
    const usage = usageOf(said, body.cachedContent !== undefined);
    const { candidatesTokenCount, ...early } = usage;
    const tail = { modelVersion: model, responseId: said.id };
    /** @param {any[]} parts @param {string} [finishReason] */
    const chunk = (parts, finishReason) => ({
        candidates: [{ content: { parts, role: 'model' }, ...finishReason === undefined ? {} : { finishReason }, index: 0 }],
        usageMetadata: finishReason === undefined ? early : usage, ...tail,
    });
    return [...partsOf(said).map((part) => chunk([part])), chunk([{ text: '' }], finishOf(said))];
}

/** @param {any[]} chunks @returns {import('./reply.mjs').Stream} */
function sseOf(chunks) {
    const event = (/** @type {unknown} */ value) => dataEvent(value).replace(/\n\n$/, '\r\n\r\n');
    return {
        before: [], after: [],
        tokens: chunks.slice(0, -1).map(event),
        done: event(chunks.at(-1)),
        error: (why) => event(errorOf(why)),
        malformed: 'data: {"candidates":[{"content":{"parts":[{"te\r\n\r\n',
        ping: ': ping\r\n\r\n',
    };
}

/** One array, of which each element is written when it is there. @param {any[]} chunks @returns {import('./reply.mjs').Stream} */
function arrayOf(chunks) {
    let open = false;
    /** @param {unknown} value */
    const element = (value) => {
        const text = `${open ? ',\r\n' : '['}${pretty(value)}`;
        open = true;
        return text;
    };
    const tokens = chunks.slice(0, -1).map(element);
    return {
        before: [], after: [], tokens,
        done: `${element(chunks.at(-1))}\n]\n`,
        error: (why, sent) => `${sent > 0 ? ',\r\n' : '['}${pretty(errorOf(why))}\n]\n`,
        malformed: ',\r\n{"candidates": [{"content": {"parts": [{"te\n',
        ping: '\r\n',
    };
}

/** @param {Ask} ask @param {string} model @returns {{body: Body, said: Said}} */
function generation(ask, model) {
    const body = bodyOf(ask);
    checkNames(body, GENERATE, '');
    checkNames(body.generationConfig, CONFIG, 'generation_config');
    return { body, said: say(askedOf(model, body, checkContents(body.contents, model))) };
}

/** @param {Ask} ask */
function bodyOf(ask) {
    return camelled(objectOf(ask, 'Invalid JSON payload received. Unexpected token.'));
}

/** @param {any} content */
const textIn = (content) => (content?.parts ?? []).map((/** @type {any} */ part) => part.text ?? '').join('');

const TASKS = names(`
    TASK_TYPE_UNSPECIFIED RETRIEVAL_QUERY RETRIEVAL_DOCUMENT SEMANTIC_SIMILARITY CLASSIFICATION CLUSTERING QUESTION_ANSWERING
    FACT_VERIFICATION CODE_RETRIEVAL_QUERY`);
const BATCH_MOST = 100;

/** @param {string} model @param {Body[]} asked */
function countOf(model, asked) {
    const tokens = asked.reduce((sum, { content }) => sum + tokensIn(textIn(content)), 0);
    return model === COUNTING ? { usageMetadata: { promptTokenCount: tokens, totalTokenCount: tokens } } : {};
}

/** @param {Body} body @param {string} model */
function embedding(body, model) {
    checkNames(body, EMBED, '');
    if (!model.includes('embedding')) refuse(`models/${model} is not found for API version v1beta, or is not supported for embedContent.`, { status: 404 });
    if (body.content === undefined) refuse('* EmbedContentRequest.content: content is not specified');
    for (const part of body.content.parts ?? []) checkNames(part, PART, 'content.parts');
    if (textIn(body.content) === '') refuse('* EmbedContentRequest.content: contents is not specified');
    if (body.taskType !== undefined && !TASKS.has(body.taskType)) refuse(`Invalid value at 'task_type', "${body.taskType}"`);
    if (body.title !== undefined && body.taskType !== 'RETRIEVAL_DOCUMENT') refuse('The `title` is only supported for RETRIEVAL_DOCUMENT.');
    if (body.model !== undefined && body.model !== `models/${model}`) refuse('The model of a request must be that of the batch.');
    const size = body.outputDimensionality ?? body.embedContentConfig?.outputDimensionality ?? DIMENSIONS;
    return { values: vector(textIn(body.content), size) };
}

/** @type {Record<string, (ask: Ask, model: string) => Reply>} */
const METHODS = {
    generateContent: (ask, model) => {
        const { body, said } = generation(ask, model);
        return reply(wholeOf(said, model, body));
    },
    streamGenerateContent: (ask, model) => {
        const { body, said } = generation(ask, model);
        const chunks = chunksOf(said, model, body);
        if (ask.query.get('alt') === 'sse') return streamReply(sseOf(chunks), 'text/event-stream');
        return streamReply(arrayOf(chunks), 'application/json; charset=UTF-8');
    },
    countTokens: (ask, model) => {
        const body = bodyOf(ask);
        checkNames(body, COUNT, '');
        const contents = checkContents(body.contents ?? body.generateContentRequest?.contents, model);
        const totalTokens = contents.reduce((sum, content) => sum + tokensIn(textIn(content)), 0);
        return reply({ totalTokens, promptTokensDetails: [{ modality: 'TEXT', tokenCount: totalTokens }] });
    },
    embedContent: (ask, model) => {
        const body = bodyOf(ask);
        return reply({ embedding: embedding(body, model), ...countOf(model, [body]) });
    },
    batchEmbedContents: (ask, model) => {
        const { requests } = bodyOf(ask);
        const empty = !Array.isArray(requests) || requests.length === 0;
        if (empty) refuse('* BatchEmbedContentsRequest.requests: at least one request is required');
        if (requests.length > BATCH_MOST) refuse('* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch');
        return reply({ embeddings: requests.map((/** @type {Body} */ one) => embedding(one, model)), ...countOf(model, requests) });
    },
};

/** @param {string} name */
function modelOf(name) {
    const isEmbedding = name.includes('embedding');
    return {
        name: `models/${name}`, version: '001', displayName: name, description: `A fake of ${name}.`, inputTokenLimit: 1_048_576,
        outputTokenLimit: 65_536, supportedGenerationMethods: isEmbedding ? ['embedContent'] : ['generateContent', 'countTokens'],
        temperature: 1, topP: 0.95, topK: 64, maxTemperature: 2, thinking: !isEmbedding,
    };
}

/** @param {Ask} ask */
function models({ query }) {
    const size = Number(query.get('pageSize') ?? 50);
    if (!(size >= 1 && size <= 1000)) refuse('page_size must be between 1 and 1000.');
    const from = Number(query.get('pageToken') ?? 0);
    const next = from + size < MODELS.length ? { nextPageToken: String(from + size) } : {};
    return reply({ models: MODELS.slice(from, from + size).map(modelOf), ...next });
}

/** @param {Ask} ask @returns {Reply} */
function route(ask) {
    const { method, path } = ask;
    if (method === 'GET' && /^\/v1(beta)?\/models$/.test(path)) return models(ask);
    if (method === 'POST' && /^\/v1(beta)?\/interactions$/.test(path)) {
        const body = objectOf(ask, 'Invalid JSON payload received. Unexpected token.');
        checkModel(String(body.model), 'interactions', 'v1');
        return interactionsReply(body, errorOf);
    }
    const [, version, name, verb] = PATH.exec(path) ?? [];
    const isRead = method === 'GET' && verb === undefined;
    const runs = method === 'POST' && verb !== undefined && Object.hasOwn(METHODS, verb);
    if (name === undefined || (!isRead && !runs)) return refuse('Requested entity was not found.', { status: 404 });
    const model = decodeURIComponent(name);
    checkModel(model, verb ?? 'get', version);
    return isRead ? reply(modelOf(model)) : METHODS[verb](ask, model);
}

/** @type {import('./reply.mjs').Face} */
export const gemini = { keyOf, admit, answer: (ask) => guarded(ask, () => route(ask), refused), refuse: refused };
