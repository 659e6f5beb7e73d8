/**
 * What a model says, and how each dialect writes it down.
 *
 * The words come from the request alone: two nodes give the same answer to the same request, as a
 * model at temperature 0 does, so that a cut stream can go on at another node. Without a `seed` they
 * are "w0 w1 …"; with one they are drawn from the messages and the seed, and hold what is awkward:
 * characters of two, three and four bytes, quotes, line ends, backslashes. `tools` makes the answer a
 * tool call, `reasoning_effort` puts reasoning before it, `n` gives several choices.
 */
import { createHash } from 'node:crypto';

/**
 * @typedef {Record<string, any>} Body    a request's
 *
 * @typedef {object} Delta                one token
 * @property {number} choice
 * @property {'text' | 'reasoning' | 'arguments'} kind
 * @property {string} piece
 * @property {boolean} opens              the first of its kind in its choice
 *
 * @typedef {object} Said
 * @property {string} id
 * @property {number | string} node
 * @property {string} model
 * @property {number} created
 * @property {Delta[]} deltas
 * @property {number} prompt              tokens of the prompt
 * @property {number} count               tokens of the answer
 *
 * @typedef {object} Script               a stream, event by event
 * @property {string} type
 * @property {string[]} before            preamble
 * @property {string[]} tokens            one for each delta
 * @property {string[]} after             finish and usage
 * @property {string} done                the last line, if the dialect has one
 *
 * @typedef {object} Dialect
 * @property {string} input               the field that a request must have
 * @property {boolean} streams            without being asked
 * @property {(said: Said, body: Body) => Script} stream
 * @property {(said: Said) => unknown} whole
 * @property {(message: string, code: string | null, type: string) => unknown} error
 * @property {(value: unknown) => string} event   one event of its own, as for an error
 * @property {Record<string, string>} malformed  events that nobody can read, by kind
 */

const PARTS = [
    'the ', 'model ', 'größer ', '東京', '🙂 ', 'line\n', '"so" ', 'naïve ', 'a', 'back\\slash ', 'кот ',
    'x = 1; ', '{"k": [', 'of ', '\t', 'data: ',
];
const TOKENS_MAX = 100_000;
const TOOL = 'look_up';
const PER_DIGEST = 32;

/** @param {Body} body @param {number} count @param {string} salt @returns {string[]} */
export function words(body, count, salt) {
    if (body.seed === undefined && salt === '') return Array.from({ length: count }, (_, i) => `w${i} `);
    const about = JSON.stringify([body.messages ?? body.prompt ?? body.input, body.seed, salt]);
    /** @type {string[]} */
    const all = [];
    for (let block = 0; all.length < count; block++) {
        const digest = createHash('sha256').update(`${block} ${about}`).digest();
        const n = Math.min(PER_DIGEST, count - all.length);
        for (const byte of digest.subarray(0, n)) all.push(PARTS[byte % PARTS.length]);
    }
    return all;
}

/** @param {Body} body @param {number} choice @param {string} own @returns {Delta[]} */
function choiceOf(body, choice, own) {
    const asked = Number(body.max_tokens ?? body.max_completion_tokens ?? body.options?.num_predict ?? 8);
    const count = Math.min(asked, TOKENS_MAX);
    const pieces = words(body, count, own + (choice > 0 ? `choice ${choice}` : ''));
    const thought = body.reasoning_effort === undefined ? 0 : Math.floor(count / 3);
    const rest = pieces.slice(thought);
    const last = body.tools === undefined ? 'text' : 'arguments';
    const shown = last === 'text' ? rest : rest.map((piece, i) =>
        `${i === 0 ? '{"text":"' : ''}${JSON.stringify(piece).slice(1, -1)}${i === rest.length - 1 ? '"}' : ''}`);
    /** @param {'text' | 'reasoning' | 'arguments'} kind @returns {(piece: string, i: number) => Delta} */
    const as = (kind) => (piece, i) => ({ choice, kind, piece, opens: i === 0 });
    return [...pieces.slice(0, thought).map(as('reasoning')), ...shown.map(as(last))];
}

/**
 * What any node answers to this request, token by token, its choices in turn.
 * @param {Body} body
 * @param {{differs?: number, node?: number | string}} [self]  from token `differs` on a node has its own words
 * @returns {Delta[]}
 */
export function deltasOf(body, { differs, node } = {}) {
    const n = Number(body.n ?? 1);
    const all = Array.from({ length: n }, (_, choice) => {
        const same = choiceOf(body, choice, '');
        if (differs === undefined) return same;
        return [...same.slice(0, differs), ...choiceOf(body, choice, `node ${node} `).slice(differs)];
    });
    return all[0].flatMap((_, i) => all.map((one) => one[i]));
}

/** @param {Delta[]} deltas @param {number} choice @param {string} [kind] */
function join(deltas, choice, kind = 'text') {
    return deltas.filter((d) => d.choice === choice && d.kind === kind).map((d) => d.piece).join('');
}

/** @param {Delta[]} deltas @returns {number[]} */
function choices(deltas) {
    return [...new Set(deltas.map((d) => d.choice))];
}

/** @param {unknown} value */
function dataEvent(value) {
    return `data: ${JSON.stringify(value)}\n\n`;
}

/** @param {string} message @param {string | null} code @param {string} type */
function openaiError(message, code, type) {
    return { error: { message, type, param: code === null ? null : 'messages', code } };
}

/** @param {Said} said */
function openaiUsage(said) {
    return { prompt_tokens: said.prompt, completion_tokens: said.count, total_tokens: said.prompt + said.count };
}

/** @param {Said} said @param {Delta} delta */
function toolDelta(said, { piece, opens, choice }) {
    const named = opens ? { id: `call_${said.node}_${choice}`, type: 'function' } : {};
    const fn = opens ? { name: TOOL, arguments: piece } : { arguments: piece };
    return { tool_calls: [{ index: 0, ...named, function: fn }] };
}

/** @param {Said} said @param {Delta} delta */
function chatDelta(said, delta) {
    if (delta.kind === 'arguments') return toolDelta(said, delta);
    return delta.kind === 'text' ? { content: delta.piece } : { reasoning_content: delta.piece };
}

/** @param {Said} said @param {number} choice */
function finishOf(said, choice) {
    return said.deltas.some((d) => d.choice === choice && d.kind === 'arguments') ? 'tool_calls' : 'stop';
}

/** @param {Said} said */
function openaiHead(said) {
    return { id: said.id, created: said.created, model: said.model, system_fingerprint: `node-${said.node}` };
}

/** @type {Dialect} */
const chat = {
    input: 'messages',
    streams: false,
    stream: (said, body) => {
        const withUsage = body.stream_options?.include_usage === true;
        const extra = withUsage ? { usage: null } : {};
        const head = { ...openaiHead(said), object: 'chat.completion.chunk' };
        /** @param {number} index @param {unknown} delta @param {string | null} finish_reason */
        const event = (index, delta, finish_reason) =>
            dataEvent({ ...head, choices: [{ index, delta, logprobs: null, finish_reason }], ...extra });
        const all = choices(said.deltas);
        const usage = withUsage ? [dataEvent({ ...head, choices: [], usage: openaiUsage(said) })] : [];
        return {
            type: 'text/event-stream; charset=utf-8',
            before: all.map((i) => event(i, { role: 'assistant', content: '' }, null)),
            tokens: said.deltas.map((d) => event(d.choice, chatDelta(said, d), null)),
            after: [...all.map((i) => event(i, {}, finishOf(said, i))), ...usage],
            done: 'data: [DONE]\n\n',
        };
    },
    whole: (said) => ({
        ...openaiHead(said),
        object: 'chat.completion',
        choices: choices(said.deltas).map((index) => ({
            index,
            message: { role: 'assistant', content: join(said.deltas, index).trimEnd() },
            logprobs: null,
            finish_reason: finishOf(said, index),
        })),
        usage: openaiUsage(said),
        node: said.node,
    }),
    error: openaiError,
    event: dataEvent,
    malformed: {
        half: 'data: {"id":"chatcmpl-broken","choices":[{"index":0,"delta":{"content":"lo\n\n',
        text: 'data: upstream hiccup\n\n',
    },
};

/** @type {Dialect} */
const completions = {
    input: 'prompt',
    streams: false,
    stream: (said, body) => {
        const head = { ...openaiHead(said), object: 'text_completion' };
        /** @param {string} text @param {string | null} finish_reason */
        const event = (text, finish_reason) =>
            dataEvent({ ...head, choices: [{ index: 0, text, logprobs: null, finish_reason }] });
        const withUsage = body.stream_options?.include_usage === true;
        const usage = withUsage ? [dataEvent({ ...head, choices: [], usage: openaiUsage(said) })] : [];
        return {
            type: 'text/event-stream; charset=utf-8',
            before: [],
            tokens: said.deltas.map((d) => event(d.piece, null)),
            after: [event('', 'stop'), ...usage],
            done: 'data: [DONE]\n\n',
        };
    },
    whole: (said) => ({
        ...openaiHead(said),
        object: 'text_completion',
        choices: [{ index: 0, text: join(said.deltas, 0).trimEnd(), logprobs: null, finish_reason: 'stop' }],
        usage: openaiUsage(said),
        node: said.node,
    }),
    error: openaiError,
    event: dataEvent,
    malformed: {
        half: 'data: {"id":"cmpl-broken","choices":[{"index":0,"text":"lo\n\n',
        text: 'data: upstream hiccup\n\n',
    },
};

// ------------------------------------------------------------------ Anthropic's messages

/** @param {Record<string, unknown> & {type: string}} value */
function namedEvent(value) {
    return `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;
}

/** @type {Record<string, (said: Said, piece: string) => {block: unknown, delta: unknown}>} */
const BLOCKS = {
    text: (_, text) => ({ block: { type: 'text', text: '' }, delta: { type: 'text_delta', text } }),
    reasoning: (_, thinking) => ({
        block: { type: 'thinking', thinking: '' },
        delta: { type: 'thinking_delta', thinking },
    }),
    arguments: (said, partial_json) => ({
        block: { type: 'tool_use', id: `toolu_${said.node}`, name: TOOL, input: {} },
        delta: { type: 'input_json_delta', partial_json },
    }),
};

/** One token; a block is opened, and the one before it closed, where its kind begins.
 * @param {Said} said @param {{index: number}} at @param {Delta} delta */
function blockEvents(said, at, { kind, piece, opens }) {
    const { block, delta } = BLOCKS[kind](said, piece);
    let text = '';
    if (opens) {
        if (at.index >= 0) text += namedEvent({ type: 'content_block_stop', index: at.index });
        text += namedEvent({ type: 'content_block_start', index: ++at.index, content_block: block });
    }
    return text + namedEvent({ type: 'content_block_delta', index: at.index, delta });
}

/** @type {Dialect} */
const messages = {
    input: 'messages',
    streams: false,
    stream: (said) => {
        const at = { index: -1 };
        const tokens = said.deltas.map((d) => blockEvents(said, at, d));
        const message = {
            id: said.id, type: 'message', role: 'assistant', model: said.model, content: [],
            stop_reason: null, stop_sequence: null, usage: { input_tokens: said.prompt, output_tokens: 1 },
        };
        const stop_reason = finishOf(said, 0) === 'stop' ? 'end_turn' : 'tool_use';
        return {
            type: 'text/event-stream; charset=utf-8',
            before: [namedEvent({ type: 'message_start', message }), namedEvent({ type: 'ping' })],
            tokens,
            after: [
                namedEvent({ type: 'content_block_stop', index: at.index }),
                namedEvent({
                    type: 'message_delta',
                    delta: { stop_reason, stop_sequence: null },
                    usage: { output_tokens: said.count },
                }),
            ],
            done: namedEvent({ type: 'message_stop' }),
        };
    },
    whole: (said) => ({
        id: said.id, type: 'message', role: 'assistant', model: said.model,
        content: [{ type: 'text', text: join(said.deltas, 0) }],
        stop_reason: 'end_turn', stop_sequence: null,
        usage: { input_tokens: said.prompt, output_tokens: said.count },
    }),
    error: (message, _code, type) => ({
        type: 'error',
        error: { type: type === 'server_error' ? 'overloaded_error' : type, message },
    }),
    event: (value) => `event: error\ndata: ${JSON.stringify(value)}\n\n`,
    malformed: {
        half: 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"typ\n\n',
        text: 'event: content_block_delta\ndata: upstream hiccup\n\n',
    },
};

// ------------------------------------------------------------------ OpenAI's Responses

/** The items of an answer, as they are when they are done. @param {Said} said */
function items(said) {
    /** @type {Record<string, (text: string) => Record<string, unknown> & {id: string}>} */
    const kinds = {
        text: (text) => ({
            id: `msg_${said.id}`, type: 'message', status: 'completed', role: 'assistant',
            content: [{ type: 'output_text', text, annotations: [] }],
        }),
        reasoning: (text) => ({ id: `rs_${said.id}`, type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text }] }),
        arguments: (text) => ({
            id: `fc_${said.id}`, type: 'function_call', status: 'completed', call_id: `call_${said.node}`, name: TOOL, arguments: text,
        }),
    };
    return said.deltas.filter((d) => d.opens).map(({ kind }) => {
        const text = said.deltas.filter((d) => d.kind === kind).map((d) => d.piece).join('');
        return { kind, text, item: kinds[kind](text) };
    });
}

/** @param {Said} said @param {string} status @param {boolean} over */
function responseOf(said, status, over) {
    return {
        id: `resp_${said.id}`, object: 'response', created_at: said.created, model: said.model, status, error: null,
        incomplete_details: null, output: over ? items(said).map(({ item }) => item) : [],
        ...over ? { usage: { input_tokens: said.prompt, output_tokens: said.count, total_tokens: said.prompt + said.count } } : {},
    };
}

/** @type {Dialect} */
const responses = {
    input: 'input',
    streams: false,
    stream: (said) => {
        let sequence_number = 0;
        /** @param {string} type @param {Record<string, unknown>} value */
        const event = (type, value) => namedEvent({ type: `response.${type}`, ...value, sequence_number: sequence_number++ });
        const all = items(said);
        const PART = { text: 'output_text', reasoning: 'reasoning_text', arguments: 'function_call_arguments' };
        /** @param {number} output_index */
        const begin = (output_index) => {
            const { kind, item } = all[output_index];
            const empty = kind === 'arguments' ? { arguments: '' } : { content: [] };
            const part = { type: PART[kind], text: '', annotations: [] };
            return event('output_item.added', { output_index, item: { ...item, status: 'in_progress', ...empty } })
                + (kind === 'arguments' ? '' : event('content_part.added', { item_id: item.id, output_index, content_index: 0, part }));
        };
        /** @param {number} output_index */
        const end = (output_index) => {
            const { kind, text, item } = all[output_index];
            const of = { item_id: item.id, output_index };
            if (kind === 'arguments')
                return event('function_call_arguments.done', { ...of, arguments: text }) + event('output_item.done', { output_index, item });
            return event(`${PART[kind]}.done`, { ...of, content_index: 0, text })
                + event('content_part.done', { ...of, content_index: 0, part: { type: PART[kind], text, annotations: [] } })
                + event('output_item.done', { output_index, item });
        };
        const before = [
            event('created', { response: responseOf(said, 'in_progress', false) }),
            event('in_progress', { response: responseOf(said, 'in_progress', false) }),
        ];
        let at = -1;
        const tokens = said.deltas.map((d) => {
            let text = '';
            if (d.opens) {
                if (at >= 0) text += end(at);
                text += begin(++at);
            }
            const place = { item_id: all[at].item.id, output_index: at, ...d.kind === 'arguments' ? {} : { content_index: 0 } };
            return text + event(`${PART[d.kind]}.delta`, { ...place, delta: d.piece, obfuscation: 'x'.repeat(sequence_number % 7) });
        });
        return {
            type: 'text/event-stream; charset=utf-8',
            before,
            tokens,
            after: [at < 0 ? '' : end(at)],
            done: event('completed', { response: responseOf(said, 'completed', true) }),
        };
    },
    whole: (said) => responseOf(said, 'completed', true),
    error: openaiError,
    event: (value) => `event: error\ndata: ${JSON.stringify({ type: 'error', .../** @type {any} */ (value).error, sequence_number: 9 })}\n\n`
        .replace('"type":"server_error"', '"type":"error"'),
    malformed: {
        half: 'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item_id":"m\n\n',
        text: 'event: response.output_text.delta\ndata: upstream hiccup\n\n',
    },
};

// ------------------------------------------------------------------ Ollama's chat

/** @param {unknown} value */
function line(value) {
    return `${JSON.stringify(value)}\n`;
}

/** @param {Said} said @param {string} content @param {Record<string, unknown>} more */
function ollamaLine(said, content, more) {
    const created_at = new Date(said.created * 1000).toISOString();
    return { model: said.model, created_at, message: { role: 'assistant', content }, ...more };
}

/** @param {Said} said */
function ollamaEnd(said) {
    return {
        done: true, done_reason: 'stop', total_duration: 5_000_000, load_duration: 1_000_000,
        prompt_eval_count: said.prompt, eval_count: said.count, eval_duration: 3_000_000,
    };
}

/** @type {Dialect} */
const ollama = {
    input: 'messages',
    streams: true,
    stream: (said) => ({
        type: 'application/x-ndjson',
        before: [],
        tokens: said.deltas.map((d) => line(ollamaLine(said, d.piece, { done: false }))),
        after: [],
        done: line(ollamaLine(said, '', ollamaEnd(said))),
    }),
    whole: (said) => ollamaLine(said, join(said.deltas, 0), ollamaEnd(said)),
    error: (message) => ({ error: message }),
    event: line,
    malformed: { half: '{"model":"heady-colab","message":{"role":"assist\n', text: 'upstream hiccup\n' },
};

/** @type {Record<string, Dialect>} */
export const DIALECTS = {
    '/v1/chat/completions': chat,
    '/v1/completions': completions,
    '/v1/messages': messages,
    '/v1/responses': responses,
    '/api/chat': ollama,
};
