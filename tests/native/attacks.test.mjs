/**
 * Attacks by their family. Those by requests that parsers read in different ways are listed in
 * tests/differential; here every one that is refused must end its connection. Those by answers come
 * from a node that lies: it may spoil its own answer, but no other.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { handMade } from '../differential/cases.mjs';
import { Recorder } from '../differential/recorder.mjs';
import { exchange } from '../lib/client.mjs';
import { until } from '../lib/proc.mjs';
import { startRack } from '../lib/rack.mjs';

const PATH = '/api/heavy/code';
const EVIL = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nEVIL';

/** What the node says when it is asked to lie. `late` comes when the answer is long over.
 * @typedef {{ bytes: string, late?: string, close?: boolean }} Lie */

/** A node that lies when the path says so, and else names the path. */
class Liar {
    /** @type {Lie} */
    lie = { bytes: '' };
    connections = 0;
    /** On which connections the honest requests came. @type {number[]} */
    honest = [];
    port = 0;
    server = net.createServer((socket) => this.#serve(socket, (this.connections += 1)));

    async start() {
        this.server.listen(0, '127.0.0.1');
        await once(this.server, 'listening');
        this.port = /** @type {net.AddressInfo} */ (this.server.address()).port;
        return this;
    }

    /** @param {net.Socket} socket @param {number} number */
    #serve(socket, number) {
        let rest = '';
        socket.on('error', () => {});
        socket.on('data', (data) => {
            rest += data.toString('latin1');
            for (let end = rest.indexOf('\r\n\r\n'); end >= 0; end = rest.indexOf('\r\n\r\n')) {
                const path = rest.split(' ')[1];
                rest = rest.slice(end + 4);
                if (path.includes('/lie')) void this.#lie(socket);
                else this.#tell(socket, number, path);
            }
        });
    }

    /** @param {net.Socket} socket */
    async #lie(socket) {
        const { bytes, late, close } = this.lie;
        socket.write(bytes, 'latin1');
        if (close) socket.end();
        if (late === undefined) return;
        await sleep(30);
        if (!socket.destroyed) socket.write(late, 'latin1');
    }

    /** @param {net.Socket} socket @param {number} number @param {string} path */
    #tell(socket, number, path) {
        if (path.includes('/honest')) this.honest.push(number);
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${path.length}\r\n\r\n${path}`);
    }
}

const OK = 'HTTP/1.1 200 OK\r\n';
/** @param {string[]} headers @param {string} [body] @returns {Lie} */
const answer = (headers, body = 'EVIL') => ({ bytes: `${OK}${headers.join('\r\n')}\r\n\r\n${body}` });
/** @param {string} line @returns {Lie} */
const status = (line) => ({ bytes: `${line}\r\ncontent-length: 4\r\n\r\nEVIL` });
/** @param {string} header @returns {Lie} */
const header = (header) => answer([header, 'content-length: 4']);
/** @param {string} body @returns {Lie} */
const chunks = (body) => answer(['transfer-encoding: chunked'], body);
const CHUNKED = 'transfer-encoding: chunked';

/** Heads that are none: the client gets an error of ours. @type {Record<string, Record<string, Lie>>} */
const NO_HEAD = {
    'status lines': {
        'HTTP/2.0': status('HTTP/2.0 200 OK'), 'small letters': status('http/1.1 200 OK'),
        'two digits': status('HTTP/1.1 20 OK'), 'four digits': status('HTTP/1.1 2000 OK'),
        'letters': status('HTTP/1.1 2xx OK'), 'two spaces': status('HTTP/1.1  200 OK'),
        'another protocol': status('ICY 200 OK'), 'a space before': status(' HTTP/1.1 200 OK'),
        'NUL in the reason': status('HTTP/1.1 200 O\0K'), 'CR in the reason': status('HTTP/1.1 200 O\rK'),
        'below 100': status('HTTP/1.1 099 OK'), 'HTTP/0.9': { bytes: '<html>EVIL</html>\r\n\r\n', close: true },
    },
    'response splitting by two lengths': {
        'that differ': answer(['content-length: 4', 'content-length: 0']),
        'in a list': answer(['content-length: 4, 0']),
        'plus': answer(['content-length: +4']), 'minus': answer(['content-length: -4']),
        'hex': answer(['content-length: 0x4']), 'empty': answer(['content-length:']),
        'too large': answer(['content-length: 18446744073709551620']),
    },
    'CL.TE and TE.TE in answers': {
        'both': answer(['content-length: 4', CHUNKED], '4\r\nEVIL\r\n0\r\n\r\n'),
        'twice': answer([CHUNKED, CHUNKED], '4\r\nEVIL\r\n0\r\n\r\n'),
        'another word': answer(['transfer-encoding: xchunked'], '4\r\nEVIL\r\n0\r\n\r\n'),
        'chunked not last': answer(['transfer-encoding: chunked, identity'], '4\r\nEVIL\r\n0\r\n\r\n'),
        'vertical tab': answer(['transfer-encoding: \x0bchunked'], '4\r\nEVIL\r\n0\r\n\r\n'),
    },
    'header lines': {
        'obs-fold': header('x-a: b\r\n content-length: 0'), 'a fold first': header(' x-a: b'),
        'space before the colon': header('content-length : 0'), 'no colon': header('EVIL'),
        'no name': header(': EVIL'), 'NUL in a value': header('x-a: b\0c'),
        'CR in a value': header('x-a: b\rset-cookie: EVIL=1'), 'NUL in a name': header('x\0a: b'),
        'a space in a name': header('x a: b'),
        'LF alone ends lines': { bytes: 'HTTP/1.1 200 OK\ncontent-length: 4\n\nEVIL', close: true },
    },
    'heads without end': {
        'one line': header(`x-a: ${'b'.repeat(200_000)}`),
        'many lines': answer(Array.from({ length: 2000 }, (_, i) => `x-${i}: b`)),
        '1xx without end': { bytes: 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1000) + EVIL },
        '103 without end': { bytes: 'HTTP/1.1 103 Early Hints\r\nlink: <EVIL>\r\n\r\n'.repeat(1000) },
        '101 unasked': { bytes: `HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n${EVIL}` },
    },
};

/** Chunks that are none: what the client gets must not look whole. @type {Record<string, Lie>} */
const CUT = {
    'letters': chunks('2\r\nok\r\nzz\r\nEVIL'), '0x': chunks('2\r\nok\r\n0x4\r\nEVIL\r\n0\r\n\r\n'),
    'minus': chunks('2\r\nok\r\n-4\r\nEVIL\r\n0\r\n\r\n'),
    'an overflow': chunks('2\r\nok\r\nfffffffffffffffff\r\nEVIL'),
    'an overflow to 4': chunks('2\r\nok\r\n10000000000000004\r\nEVIL\r\n0\r\n\r\n'),
    'no CRLF behind data': chunks('2\r\nokEVIL\r\n0\r\n\r\n'),
    'LF alone': chunks('2\nok\n4\nEVIL\n0\n\n'), 'CR alone': chunks('2\r\nok\r4\r\nEVIL\r\n0\r\n\r\n'),
    'an empty size': chunks('2\r\nok\r\n\r\nEVIL'), 'a space before': chunks('2\r\nok\r\n 4\r\nEVIL\r\n0\r\n\r\n'),
    'an extension without end': chunks(`2\r\nok\r\n4;${'a'.repeat(200_000)}\r\nEVIL\r\n0\r\n\r\n`),
    'cut in a chunk': { ...chunks('2\r\nok\r\n400\r\nEVIL'), close: true },
    'no last chunk': { ...chunks('2\r\nok\r\n'), close: true },
    'a length not kept': { ...answer(['content-length: 400'], 'ok'), close: true },
};

/** Answers that are whole, and then too much: nobody may get that. @type {Record<string, Lie>} */
const TOO_MUCH = {
    'behind a length': answer(['content-length: 2'], `ok${EVIL}`),
    'behind the last chunk': chunks(`2\r\nok\r\n0\r\n\r\n${EVIL}`),
    'behind a 204': { bytes: `HTTP/1.1 204 No Content\r\n\r\n${EVIL}` },
    'behind a 304': { bytes: `HTTP/1.1 304 Not Modified\r\n\r\n${EVIL}` },
    'late': { ...answer(['content-length: 2'], 'ok'), late: EVIL },
    'one byte, late': { ...answer(['content-length: 2'], 'ok'), late: 'E' },
    'late, behind a chunk': { ...chunks('2\r\nok\r\n0\r\n\r\n'), late: EVIL },
};

/** @param {string} text @returns {number[]} */
const statuses = (text) => [...text.matchAll(/HTTP\/1\.1 ([2-5][0-9][0-9])/g)].map((m) => Number(m[1]));

/** A fresh daemon before a liar: what a lie does to its health is not asked here.
 * @param {import('node:test').TestContext} t @param {Lie} lie */
async function open(t, lie) {
    const liar = await new Liar().start();
    /** @type {Record<string, string>} */
    const env = { GATEWAY_AUTH: 'off' };
    for (let i = 1; i <= 8; i += 1) env[`COLAB_ENDPOINT_${i}`] = `http://127.0.0.1:${liar.port}`;
    const rack = await startRack({ env, config: { heavy: { queue_ms: 200 } } });
    liar.lie = lie;
    t.after(async () => {
        await rack.stop();
        liar.server.close();
    });
    /** @param {string} path */
    const get = (path) =>
        exchange(rack.url, `GET ${PATH}${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    /** Another client gets its own answer, as soon as there is a node for it. */
    const another = async () => {
        await until(async () => {
            const { text } = await get('/honest');
            assert.doesNotMatch(text, /EVIL/);
            return text.startsWith('HTTP/1.1 200 ') && text.endsWith('/honest');
        }, 'an honest answer', 10_000);
    };
    return { get, another, liar };
}

describe('attacks by answers', { timeout: 120_000 }, () => {
    for (const [family, lies] of Object.entries(NO_HEAD)) {
        test(`${family}: an error of ours, and nothing of it reaches a client`, { concurrency: 2 }, async (t) => {
            await Promise.all(Object.entries(lies).map(([name, lie]) => t.test(name, async (t) => {
                const { get, another } = await open(t, lie);
                const { text, closed } = await get('/lie');
                assert.ok(closed);
                assert.deepEqual(statuses(text), [502], text.slice(0, 500));
                assert.match(text, /\{"error":\{"message":".+\}\}\n$/);
                assert.doesNotMatch(text, /EVIL/);
                await another();
            })));
        });
    }

    test('bodies that lie about their length are cut', { concurrency: 2 }, async (t) => {
        await Promise.all(Object.entries(CUT).map(([name, lie]) => t.test(name, async (t) => {
            const { get, another } = await open(t, lie);
            const { text, closed } = await get('/lie');
            assert.ok(closed);
            assert.doesNotMatch(text, /\r\n0\r\n\r\n$/, 'it must not look whole');
            if (name !== 'cut in a chunk') assert.doesNotMatch(text, /EVIL/);
            await another();
        })));
    });

    test('response queue poisoning: more than one answer', { concurrency: 2 }, async (t) => {
        await Promise.all(Object.entries(TOO_MUCH).map(([name, lie]) => t.test(name, async (t) => {
            const { get, another, liar } = await open(t, lie);
            const { text } = await get('/lie');
            assert.deepEqual(statuses(text), [Number(lie.bytes.split(' ')[1])]);
            assert.doesNotMatch(text, /EVIL/);
            if (lie.late !== undefined) await sleep(100);
            const before = liar.connections;
            await another();
            assert.equal(liar.honest[0], before + 1, 'a connection with too much on it is not used again');
        })));
    });
});

describe('attacks by requests', { timeout: 120_000 }, () => {
    /** @type {Recorder} */
    let recorder;
    /** @type {import('../lib/rack.mjs').Rack} */
    let rack;
    before(async () => {
        recorder = await new Recorder().start();
        /** @type {Record<string, string>} */
        const env = { GATEWAY_AUTH: 'off', COLAB_ENDPOINT_3: `http://127.0.0.1:${recorder.port}` };
        rack = await startRack({ env, config: { limits: { client_head_ms: 500, client_body_ms: 500 } } });
    });
    after(async () => {
        await rack.stop();
        recorder.stop();
    });

    const canary = `GET ${PATH}/honest/canary HTTP/1.1\r\nhost: localhost\r\n\r\n`;

    for (const [family, cases] of Map.groupBy(handMade(), ({ family }) => family)) {
        test(`${family}: who is refused is not listened to any more`, async () => {
            await Promise.all(cases.map(async ({ name, bytes }) => {
                // what has a route, or none to its path, was understood
                const enough = (/** @type {string} */ text) => /^HTTP\/1\.1 [23]|\r\nx-heady-route:/.test(text);
                const { text, closed } = await exchange(rack.url, Buffer.from(bytes + canary, 'latin1'), { enough });
                if (enough(text)) return;
                assert.ok(closed, `${name}: ${text}`);
                assert.equal(statuses(text).length, 1, `${name}: ${text}`);
                assert.match(text, /\r\nconnection: close\r\n/i, name);
                assert.match(text, /\r\nx-request-id: [!-~]+\r\n/, name);
                assert.match(text, /\r\ncache-control: no-store\r\n/, name);
                assert.match(text, /\{"error":\{"message":".+\}\}\n$/, name);
            }));
            assert.deepEqual(recorder.junk, []);
        });
    }

    test('chunks of one byte with long extensions are not worth their reading', async () => {
        const extension = `;a=${'b'.repeat(100)}`;
        const body = `1${extension}\r\nx\r\n`.repeat(20_000);
        const head = `POST ${PATH}/honest HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n`;
        const { text, closed } = await exchange(rack.url, head + body);
        assert.ok(closed);
        assert.match(text, /^HTTP\/1\.1 400 /);
    });
});
