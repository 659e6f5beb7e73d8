/** Google's generateContent, as the matrix speaks it. */
import { eventsIn, halves, joined, may, wordsOf } from './meaning.mjs';
import assert from 'node:assert/strict';

/**
 * @typedef {import('./meaning.mjs').Body} Body
 * @typedef {import('./meaning.mjs').Part} Part
 * @typedef {import('./meaning.mjs').Turn} Turn
 * @typedef {import('./meaning.mjs').Said} Said
 * @typedef {import('./meaning.mjs').Choice} Choice
 */

const FINISH = { stop: 'STOP', sequence: 'STOP', length: 'MAX_TOKENS', tool: 'STOP', filter: 'SAFETY' };

// ------------------------------------------------------------------ requests

/** @param {any} place */
function mediaOf({ url, media, data }) {
    if (url === undefined) return { inlineData: { mimeType: media, data } };
    return { fileData: { mimeType: url.endsWith('.png') ? 'image/png' : 'application/pdf', fileUri: url } };
}

/** @param {Part} part @returns {Body} */
function partOf(part) {
    const { text, thought, seal, image, audio, file, call, result, other } = part;
    const sign = may('thoughtSignature', seal);
    if (thought !== undefined) return { text: thought, thought: true, ...sign };
    if (image ?? audio ?? file) return mediaOf(image ?? audio ?? file);
    if (call !== undefined) return { functionCall: { id: call.id, name: call.name, args: call.args }, ...sign };
    if (other !== undefined) return other.gemini;
    if (result === undefined) return { text: text ?? part.refusal, ...sign };
    const response = { [result.failed ? 'error' : 'output']: wordsOf(result.parts, 'text') };
    const media = result.parts.filter(({ image: one }) => one).map(partOf);
    return { functionResponse: { id: result.id, name: result.name, response, ...media.length ? { parts: media } : {} } };
}

/** @param {Turn[]} turns @returns {Body} */
function request(turns) {
    const system = turns.filter(({ role }) => role === 'system').flatMap(({ parts }) => parts.map(partOf));
    const contents = turns.filter(({ role }) => role !== 'system')
        .map(({ role, parts }) => ({ role: role === 'assistant' ? 'model' : 'user', parts: parts.map(partOf) }));
    return { ...system.length ? { systemInstruction: { parts: system } } : {}, contents };
}

/** @param {Body} part @returns {Part} */
function readMedia({ inlineData: inside, fileData: outside }) {
    const { mimeType: media } = inside ?? outside;
    const kind = /^(image|audio)/.exec(media)?.[1] ?? 'file';
    return { [kind]: inside ? { media, data: inside.data } : { url: outside.fileUri } };
}

/** @param {Body} part @returns {Part} */
function readPart(part) {
    const { text = '', thought, thoughtSignature: seal, functionCall: call, functionResponse: result } = part;
    const sign = may('seal', seal);
    if (part.inlineData ?? part.fileData) return readMedia(part);
    if (call !== undefined) return { call: { id: call.id, name: call.name, args: call.args ?? {} }, ...sign };
    if (result === undefined) return thought ? { thought: text, ...sign } : { text, ...sign };
    const { error, output, result: said } = result.response, failed = error !== undefined;
    const words = error ?? output ?? said;
    const parts = [{ text: typeof words === 'string' ? words : JSON.stringify(result.response) }, ...(result.parts ?? []).map(readPart)];
    return { result: { id: result.id, name: result.name, parts, ...failed ? { failed } : {} } };
}

// ------------------------------------------------------------------ answers

/** @param {Said} said */
function usageOf({ usage: { input, output, cached = 0, reasoning = 0 } }) {
    return {
        promptTokenCount: input, candidatesTokenCount: output - reasoning, totalTokenCount: input + output,
        ...cached ? { cachedContentTokenCount: cached } : {}, ...reasoning ? { thoughtsTokenCount: reasoning } : {},
    };
}

/** @param {Choice} choice */
function logprobsOf({ logprobs }) {
    if (logprobs === undefined) return {};
    const chosenCandidates = logprobs.map(({ token, logprob }) => ({ token, tokenId: 1, logProbability: logprob }));
    return { logprobsResult: { topCandidates: chosenCandidates.map((one) => ({ candidates: [one] })), chosenCandidates } };
}

/** @param {Choice} choice @param {number} index @returns {Body} */
function candidateOf(choice, index) {
    return { content: { role: 'model', parts: choice.parts.map(partOf) }, finishReason: FINISH[choice.finish], index, ...logprobsOf(choice) };
}

/** @param {Body[]} candidates @param {Said} said @param {string} model @returns {Body} */
const chunkOf = (candidates, said, model) => ({ candidates, usageMetadata: usageOf(said), modelVersion: model, responseId: 'r1' });

/** @param {Part} part @returns {Part[]} */
function piecesOf(part) {
    const kind = part.text !== undefined ? 'text' : part.thought !== undefined ? 'thought' : null;
    if (kind === null || part.seal !== undefined) return [part];
    return halves(/** @type {string} */ (part[kind])).map((piece) => ({ [kind]: piece }));
}

/** Those of each choice; log probabilities stand with the first piece. @param {Said} said @returns {Body[]} */
function candidatesOf(said) {
    return said.choices.flatMap((choice, index) => {
        const pieces = choice.parts.flatMap(piecesOf).map((part, i) =>
            ({ content: { role: 'model', parts: [partOf(part)] }, index, ...i === 0 ? logprobsOf(choice) : {} }));
        return [...pieces, { content: { role: 'model', parts: [{ text: '' }] }, finishReason: FINISH[choice.finish], index }];
    });
}

/** @param {Body} usage */
function readUsage({ promptTokenCount: input, candidatesTokenCount: rest = 0, thoughtsTokenCount: reasoning = 0, cachedContentTokenCount: cached = 0, totalTokenCount: all }) {
    assert.equal(all, input + rest + reasoning);
    return { input, output: rest + reasoning, cached, reasoning };
}

/** @param {Part} part */
const says = (part) => part.text !== '' || part.seal !== undefined;

/** @param {Body} candidate @returns {Choice} */
function choiceOf({ content, finishReason, logprobsResult: logs }) {
    const parts = joined((content?.parts ?? []).map(readPart)).filter(says);
    const why = Object.entries(FINISH).find(([, one]) => one === finishReason)?.[0];
    const finish = /** @type {any} */ (why === 'stop' && parts.some(({ call }) => call) ? 'tool' : why);
    const logprobs = logs?.chosenCandidates.map((/** @type {Body} */ one) => ({ token: one.token, logprob: one.logProbability }));
    return { parts, finish, ...may('logprobs', logprobs) };
}

/** @param {Body} body @returns {Said} */
function heard({ candidates, usageMetadata }) {
    return { choices: candidates.map(choiceOf), usage: usageMetadata && readUsage(usageMetadata) };
}

/** The chunks as one answer. @param {Body[]} chunks @returns {Body} */
function together(chunks) {
    /** @type {Body[]} */
    const candidates = [];
    for (const { index = 0, content, finishReason, logprobsResult: logs } of chunks.flatMap((chunk) => chunk.candidates ?? [])) {
        const one = candidates[index] ??= { content: { parts: [] }, index };
        assert.equal(one.finishReason, undefined, 'nothing comes behind the end');
        one.content.parts.push(...content?.parts ?? []);
        Object.assign(one, may('finishReason', finishReason));
        if (logs === undefined) continue;
        one.logprobsResult ??= { chosenCandidates: [] };
        one.logprobsResult.chosenCandidates.push(...logs.chosenCandidates);
    }
    return { candidates, usageMetadata: chunks.findLast((chunk) => chunk.usageMetadata)?.usageMetadata };
}

/** @param {Buffer} bytes @returns {Said} */
function heardStream(bytes) {
    const chunks = eventsIn(bytes).map((data) => JSON.parse(data));
    const error = chunks.find((chunk) => chunk.error)?.error;
    const said = heard(together(chunks));
    if (error !== undefined) return { ...said, error: error.message };
    assert.ok(said.choices.every(({ finish }) => finish), 'each is ended');
    return said;
}

/** @type {import('./meaning.mjs').Dialect} */
export const gemini = {
    name: 'gemini',
    path: (model, stream) => `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    head: {},
    has: ['thought', 'seal', 'filter', 'cached', 'reasoning', 'logprobs', 'several', 'parallel'],
    request,
    asked: ({ systemInstruction: system, contents }) => [
        ...system ? [{ role: /** @type {const} */ ('system'), parts: system.parts.map(readPart) }] : [],
        ...contents.map((/** @type {Body} */ { role, parts }) => ({ role: role === 'model' ? 'assistant' : 'user', parts: parts.map(readPart) })),
    ],
    answer: (said, model) => chunkOf(said.choices.map(candidateOf), said, model),
    stream: (said, model) => candidatesOf(said).map((one) => `data: ${JSON.stringify(chunkOf([one], said, model))}\r\n\r\n`),
    type: 'text/event-stream',
    heard, heardStream,
    fault: ({ error }) => error.message,
};
