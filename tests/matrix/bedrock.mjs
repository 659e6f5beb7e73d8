/** Bedrock's Converse, as the matrix speaks it. */
import { eventFrame, framesIn } from '../providers/frames.mjs';
import { halves, joined, may } from './meaning.mjs';
import assert from 'node:assert/strict';

/**
 * @typedef {import('./meaning.mjs').Body} Body
 * @typedef {import('./meaning.mjs').Part} Part
 * @typedef {import('./meaning.mjs').Turn} Turn
 * @typedef {import('./meaning.mjs').Said} Said
 * @typedef {import('./meaning.mjs').Choice} Choice
 */

const FINISH = { stop: 'end_turn', sequence: 'stop_sequence', length: 'max_tokens', tool: 'tool_use', filter: 'content_filtered' };

/** What stands where there is nothing, as nothing is refused. */
const FILLERS = ['...', '(no content)'];

// ------------------------------------------------------------------ requests

/** Bedrock's word for a document's type. @type {Record<string, string>} */
const FORMATS = {
    'application/pdf': 'pdf', 'text/plain': 'txt', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
};

/** @param {any} file @returns {Body} */
function documentOf({ name = 'document', media, data, id }) {
    if (id !== undefined) return { document: { format: 'pdf', name, source: { s3Location: { uri: `s3://bucket/${id}` } } } };
    return { document: { format: FORMATS[media] ?? 'txt', name: name.replace(/\W/g, ' '), source: { bytes: data } } };
}

/** @param {Part} part @returns {Body[]} */
function blocksOf(part) {
    const { text, thought, seal, image, audio, file, call, result, other, cache } = part;
    if (thought !== undefined) return [{ reasoningContent: { reasoningText: { text: thought, ...may('signature', seal) } } }];
    if (image !== undefined) return [{ image: { format: image.media?.slice(6), source: { bytes: image.data } } }];
    if (audio !== undefined) return [{ audio: { format: audio.media.slice(6), source: { bytes: audio.data } } }];
    if (file !== undefined) return [documentOf(file)];
    if (call !== undefined) return [{ toolUse: { toolUseId: call.id, name: call.name, input: call.args } }];
    if (other !== undefined) return [other.bedrock];
    if (result === undefined) return [{ text: text ?? part.refusal }, ...cache ? [{ cachePoint: { type: 'default' } }] : []];
    return [{ toolResult: { toolUseId: result.id, content: result.parts.flatMap(blocksOf), ...result.failed ? { status: 'error' } : {} } }];
}

/** @param {Turn[]} turns @returns {Body} */
function request(turns) {
    const system = turns.filter(({ role }) => role === 'system').flatMap(({ parts }) => parts.flatMap(blocksOf));
    const messages = turns.filter(({ role }) => role !== 'system').map(({ role, parts }) => ({ role, content: parts.flatMap(blocksOf) }));
    return { ...system.length ? { system } : {}, messages };
}

/** @param {Body} document */
function readDocument({ format, name, source: { bytes, text } }) {
    return { name, media: Object.keys(FORMATS).find((media) => FORMATS[media] === format), data: text === undefined ? bytes : Buffer.from(text).toString('base64') };
}

/** @param {Body} block @returns {Part} */
function readBlock({ text, reasoningContent: thought, image, audio, document, toolUse: call, toolResult: result }) {
    if (audio !== undefined) return { audio: { media: `audio/${audio.format}`, data: audio.source.bytes } };
    if (thought !== undefined) return { thought: thought.reasoningText.text, ...may('seal', thought.reasoningText.signature) };
    if (image !== undefined) return { image: { media: `image/${image.format}`, data: image.source.bytes } };
    if (document !== undefined) return { file: readDocument(document) };
    if (call !== undefined) return { call: { id: call.toolUseId, name: call.name, args: call.input } };
    if (result === undefined) return { text: FILLERS.includes(text) ? '' : text };
    return { result: { id: result.toolUseId, parts: readBlocks(result.content), ...result.status === 'error' ? { failed: true } : {} } };
}

/** A mark belongs to what stands before it. @param {Body[]} blocks @returns {Part[]} */
function readBlocks(blocks) {
    /** @type {Part[]} */
    const all = [];
    for (const block of blocks) {
        if (block.cachePoint === undefined) all.push(readBlock(block));
        else Object.assign(all.at(-1) ?? {}, { cache: true });
    }
    return all;
}

// ------------------------------------------------------------------ answers

/** @param {Said} said */
function usageOf({ usage: { input, output, cached = 0, written = 0 } }) {
    return {
        inputTokens: input - cached - written, outputTokens: output, totalTokens: input + output,
        cacheReadInputTokens: cached, cacheWriteInputTokens: written,
    };
}

/** @param {Said} said @returns {Body} */
function answer(said) {
    const { parts, finish, sequence } = said.choices[0];
    return {
        metrics: { latencyMs: 321 }, output: { message: { role: 'assistant', content: parts.flatMap(blocksOf) } }, stopReason: FINISH[finish],
        ...sequence ? { additionalModelResponseFields: { stop_sequence: sequence } } : {}, usage: usageOf(said),
    };
}

/** @param {Body} block @param {number} contentBlockIndex @returns {[string, Body][]} */
function framesOf({ text, reasoningContent: thought, toolUse: call }, contentBlockIndex) {
    const delta = (/** @type {Body} */ one) => /** @type {[string, Body]} */ (['contentBlockDelta', { contentBlockIndex, delta: one }]);
    /** @type {[string, Body][]} */
    const frames = [];
    if (thought !== undefined) {
        const { text: words, signature } = thought.reasoningText;
        frames.push(...halves(words).map((piece) => delta({ reasoningContent: { text: piece } })));
        if (signature) frames.push(delta({ reasoningContent: { signature } }));
    } else if (call !== undefined) {
        const { toolUseId, name, input } = call;
        frames.push(['contentBlockStart', { contentBlockIndex, start: { toolUse: { toolUseId, name } } }]);
        frames.push(...halves(JSON.stringify(input)).map((piece) => delta({ toolUse: { input: piece } })));
    } else {
        frames.push(...halves(text).map((piece) => delta({ text: piece })));
    }
    return [...frames, ['contentBlockStop', { contentBlockIndex }]];
}

/** @param {Body} body @returns {Said} */
function heard({ output, stopReason, usage, additionalModelResponseFields: more }) {
    assert.equal(output.message.role, 'assistant');
    const finish = /** @type {any} */ (stopReason === 'guardrail_intervened' ? 'filter' : Object.entries(FINISH).find(([, one]) => one === stopReason)?.[0]);
    const { cacheReadInputTokens: cached = 0, cacheWriteInputTokens: written = 0 } = usage;
    assert.equal(usage.totalTokens, usage.inputTokens + cached + written + usage.outputTokens);
    return {
        choices: [{ parts: joined(readBlocks(output.message.content)), finish, ...may('sequence', more?.stop_sequence) }],
        usage: { input: usage.inputTokens + cached + written, output: usage.outputTokens, cached, written },
    };
}

/** @param {Body} block @param {Body} delta */
function take(block, { text, reasoningContent: thought, toolUse: call }) {
    if (call !== undefined) block.json = (block.json ?? '') + call.input;
    else if (thought !== undefined) {
        block.reasoningContent ??= { reasoningText: { text: '' } };
        const { reasoningText: known } = block.reasoningContent;
        known.text += thought.text ?? '';
        Object.assign(known, may('signature', thought.signature));
    } else block.text = (block.text ?? '') + text;
}

/** @param {Buffer} bytes @returns {Said} */
function heardStream(bytes) {
    const frames = framesIn(bytes);
    const error = frames.find(({ headers }) => headers[':message-type'] === 'exception');
    /** @type {Body[]} */
    const blocks = [];
    /** @type {Body} */
    const body = { output: { message: { role: 'assistant', content: blocks } } };
    for (const { headers, payload } of frames) {
        const type = headers[':event-type'], at = payload.contentBlockIndex;
        if (type === 'contentBlockStart') blocks[at] = { toolUse: { ...payload.start.toolUse } };
        if (type === 'contentBlockDelta') take(blocks[at] ??= {}, payload.delta);
        if (type === 'messageStop') Object.assign(body, payload);
        if (type === 'metadata') body.usage = payload.usage;
    }
    for (const block of blocks) if (block.toolUse !== undefined) block.toolUse.input = JSON.parse(block.json || '{}');
    if (error !== undefined) return { choices: [], usage: { input: 0, output: 0 }, error: error.payload.message };
    assert.equal(frames[0]?.headers[':event-type'], 'messageStart');
    assert.equal(frames.at(-1)?.headers[':event-type'], 'metadata');
    return heard(body);
}

/** @type {import('./meaning.mjs').Dialect} */
export const bedrock = {
    name: 'bedrock',
    path: (model, stream) => `/model/${encodeURIComponent(model)}/converse${stream ? '-stream' : ''}`,
    head: {},
    has: ['thought', 'seal', 'filter', 'sequence', 'cached', 'written', 'parallel'],
    request,
    asked: ({ system, messages }) => [
        ...system ? [{ role: /** @type {const} */ ('system'), parts: readBlocks(system) }] : [],
        ...messages.map((/** @type {Body} */ { role, content }) => ({ role, parts: readBlocks(content) })),
    ],
    answer: (said) => answer(said),
    stream: (said) => {
        const { output, stopReason, usage, metrics } = answer(said);
        /** @type {[string, Body][]} */
        const frames = [['messageStart', { role: 'assistant' }], ...output.message.content.flatMap(framesOf),
            ['messageStop', { stopReason }], ['metadata', { usage, metrics }]];
        return frames.map(([type, value]) => eventFrame(type, { ...value, p: 'abcdef' }));
    },
    type: 'application/vnd.amazon.eventstream',
    heard, heardStream,
    fault: ({ message }) => message,
};
