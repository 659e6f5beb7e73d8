/** Heads as Headers: what is kept is found again whatever its varying values are, and never wrong. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { headersOf } from '../../worker-shim/heads.js';

/** @typedef {[string, string][]} Lines */

/** @param {Lines} lines */
const blockOf = (lines) => lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');

/** What the lines say, made anew. @param {Lines} lines */
function entriesOf(lines) {
    const headers = new Headers();
    for (const [name, value] of lines) headers.append(name, value);
    return [...headers];
}

/** An answer of a target; `i` is in all that varies. @param {number} i @returns {Lines} */
const answer = (i) => [
    ['date', `Fri, 27 Nov 2026 08:00:${10 + (i >> 2)} GMT`],
    ['content-type', 'application/json'],
    ['x-ratelimit-limit-requests', '1000'],
    ['x-ratelimit-remaining-requests', `${1000 - i}`],
    ['x-ratelimit-reset-tokens', `${i}ms`],
    ['retry-after', `${i % 3}`],
    ['x-heady-route', 'heavy/code'],
    ['x-heady-cost-usd', `0.00${i}`],
    ['x-request-id', `id-${i}`],
];

/** A request on its way to the twin. @param {number} i @returns {Lines} */
const hop = (i) => [
    ['accept', '*/*'],
    ['x-request-id', `id-${i}`],
    ['accept-encoding', 'identity'],
    ['x-heady-timeout-ms', `${9000 - i}`],
    ['x-heady-hop', `${1.8e12 + i}.alice.mac${i}.id-${i}`],
];

describe('heads', () => {
    for (const [name, linesOf] of Object.entries({ answer, hop })) {
        test(`of every ${name} the same object stands for all values`, () => {
            const first = headersOf(blockOf(linesOf(0)));
            for (let i = 0; i < 40; i++) {
                const headers = headersOf(blockOf(linesOf(i)));
                assert.equal(headers, first);
                assert.deepEqual([...headers], entriesOf(linesOf(i)));
            }
        });
    }

    test('what varies and is not named makes another head', () => {
        /** @param {string} value @returns {Lines} */
        const lines = (value) => [...answer(1), ['x-heady-reason', value]];
        for (const value of ['best', 'failed', 'best']) {
            assert.deepEqual([...headersOf(blockOf(lines(value)))], entriesOf(lines(value)));
        }
        assert.notEqual(headersOf(blockOf(lines('best'))), headersOf(blockOf(lines('failed'))));
    });

    test('a header that is only like one of them is none of them', () => {
        /** @param {string} value @returns {Lines} */
        const lines = (value) => [['expires-date', value], ['x-request-id-2', value], ['a', `x\tdate: ${value}`]];
        for (const value of ['1', '2']) {
            assert.deepEqual([...headersOf(blockOf(lines(value)))], entriesOf(lines(value)));
        }
    });

    test('one that comes twice, or with an empty value, loses nothing', () => {
        for (const i of [1, 2, 3]) {
            /** @type {Lines} */
            const twice = [...answer(i), ['x-ratelimit-limit-requests', `${i}`], ['x-request-id', '']];
            assert.deepEqual([...headersOf(blockOf(twice))], entriesOf(twice));
            /** @type {Lines} */
            const empty = [['a', 'b'], ['x-request-id', i === 2 ? '' : `${i}`]];
            assert.deepEqual([...headersOf(blockOf(empty))], entriesOf(empty));
        }
    });

    test('none, none that varies, and a long one', () => {
        assert.deepEqual([...headersOf('')], []);
        assert.deepEqual([...headersOf('a: b\r\n')], [['a', 'b']]);
        const long = 'x'.repeat(3000);
        assert.deepEqual([...headersOf(`a: ${long}\r\nx-request-id: 1\r\n`)], [['a', long], ['x-request-id', '1']]);
    });
});
