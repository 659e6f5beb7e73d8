/**
 * What is said, in no dialect: the matrix's own form of a conversation and of an answer, which each dialect's file
 * writes and reads. It shares nothing with the gateway's.
 *
 * @typedef {Record<string, any>} Body
 *
 * @typedef {object} Part             one of these, and what goes with it
 * @property {string} [text]
 * @property {string} [refusal]
 * @property {string} [thought]       with its signature as `seal`
 * @property {{media?: string, data?: string, url?: string}} [image]
 * @property {{media: string, data: string}} [audio]
 * @property {{media?: string, data?: string, url?: string, id?: string, name?: string}} [file]
 * @property {{id: string, name: string, args?: Body, input?: string}} [call]    input: of a tool that takes a text
 * @property {{id: string, name?: string, parts: Part[], failed?: boolean, custom?: boolean}} [result]
 * @property {Record<string, Body>} [other]    as each dialect has it, by its name
 * @property {string} [seal]
 * @property {boolean} [cache]        it is marked for the cache
 * @property {string} [item]          Responses: the id of the item that it was
 *
 * @typedef {object} Turn
 * @property {'system' | 'user' | 'assistant'} role
 * @property {Part[]} parts
 *
 * @typedef {object} Choice
 * @property {Part[]} parts
 * @property {'stop' | 'length' | 'tool' | 'filter' | 'sequence'} finish
 * @property {string} [sequence]      which one stopped it
 * @property {{token: string, logprob: number}[]} [logprobs]
 *
 * @typedef {{input: number, output: number, cached?: number, written?: number, reasoning?: number}} Usage
 *           input: all of it; output: thoughts too
 *
 * @typedef {object} Said             an answer
 * @property {Choice[]} choices
 * @property {Usage} usage
 * @property {string} [error]         a stream ended in it: its words
 *
 * @typedef {'thought' | 'seal' | 'refusal' | 'filter' | 'sequence' | 'cached' | 'written' | 'reasoning' | 'logprobs' |
 *           'several' | 'custom' | 'parallel'} Aspect
 *           of an answer, which not every dialect has words for
 *
 * @typedef {object} Dialect
 * @property {string} name
 * @property {(model: string, stream: boolean) => string} path
 * @property {Record<string, string>} head
 * @property {Aspect[]} has           what its answers may tell
 * @property {(turns: Turn[], asked: {model: string, stream: boolean}) => Body} request
 * @property {(body: Body) => Turn[]} asked
 * @property {(said: Said, model: string) => Body} answer
 * @property {(said: Said, model: string) => (string | Buffer)[]} stream
 * @property {string} type            of a stream
 * @property {(body: Body) => Said} heard
 * @property {(bytes: Buffer) => Said} heardStream
 * @property {(body: Body) => string} fault    the words of an error
 */
import assert from 'node:assert/strict';

/** @param {any} image */
export const dataUrl = ({ media, data }) => `data:${media};base64,${data}`;

/** "data:image/png;base64,…" or a place. @param {string} url @returns {{media?: string, data?: string, url?: string}} */
export function ofUrl(url) {
    const [, media, data] = /^data:([^;]*);base64,(.*)$/.exec(url) ?? [];
    return data === undefined ? { url } : { media, data };
}

/** Content that is a string is one text. @param {any} content @returns {any[]} */
export const listOf = (content) => (typeof content === 'string' ? [{ type: 'text', text: content }] : content ?? []);

/** Not there where it says nothing. @param {string} name @param {any} value @returns {Body} */
export const may = (name, value) => (value === undefined ? {} : { [name]: value });

/** @param {Part[]} parts @param {keyof Part} kind @returns {string} */
export const wordsOf = (parts, kind) => parts.map((part) => part[kind] ?? '').join('');

/** Texts of one kind that follow each other are one. @param {Part[]} parts @returns {Part[]} */
export function joined(parts) {
    /** @type {any[]} */
    const all = [];
    for (const part of parts) {
        const last = all.at(-1);
        const kind = /** @type {const} */ (['text', 'thought', 'refusal']).find((one) => part[one] !== undefined);
        if (kind !== undefined && last?.[kind] !== undefined && last.seal === undefined) Object.assign(last, part, { [kind]: last[kind] + part[kind] });
        else all.push({ ...part });
    }
    return all;
}

/** The data of server-sent events. @param {Buffer} bytes @returns {string[]} */
export function eventsIn(bytes) {
    const text = bytes.toString('utf8').replaceAll('\r\n', '\n');
    assert.match(text, /^$|\n\n(:[^\n]*)?$/, `the last event is whole: ${text.slice(-200)}`);
    return text.split('\n\n').flatMap((event) => {
        const lines = event.split('\n').filter((line) => line.startsWith('data:'));
        return lines.length === 0 ? [] : [lines.map((line) => line.slice(5).trimStart()).join('\n')];
    });
}

/** A text in two pieces. @param {string} text */
export const halves = (text) => [text.slice(0, text.length >> 1), text.slice(text.length >> 1)];

/** Two of one, the members of the second over the first's; lists are replaced. @param {any} a @param {any} b @returns {any} */
export function merged(a, b) {
    const objects = [a, b].every((one) => typeof one === 'object' && one !== null && !Array.isArray(one));
    if (!objects) return b === undefined ? a : b;
    return Object.fromEntries([...new Set([...Object.keys(a), ...Object.keys(b)])].map((name) => [name, merged(a[name], b[name])]));
}

/** Whether all of `wanted` is in it: of objects each member, of lists each item in its place.
 * @param {any} it @param {any} wanted @returns {boolean} */
export function holds(it, wanted) {
    if (Array.isArray(wanted)) return Array.isArray(it) && it.length === wanted.length && wanted.every((one, i) => holds(it[i], one));
    if (typeof wanted !== 'object' || wanted === null) return it === wanted;
    return typeof it === 'object' && it !== null && Object.keys(wanted).every((name) => holds(it[name], wanted[name]));
}
