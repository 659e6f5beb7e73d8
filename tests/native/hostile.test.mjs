/**
 * Requests that are meant to be read in two ways: what each of them gets, and that no node sees
 * anything of one that is refused, nor more than one request of one that is taken. A canary rides
 * behind each: who is refused is not listened to any more.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Recorder } from '../differential/recorder.mjs';
import { exchange } from '../lib/client.mjs';
import { startRack } from '../lib/rack.mjs';

const PATH = '/api/heavy/code/x';
const CANARY = 'GET /api/heavy/code/canary HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n';
const HOST = 'host: localhost\r\n';
const TE = 'transfer-encoding: chunked\r\n';
const CHUNKS = '5\r\nhello\r\n0\r\n\r\n';
/** A request that somebody who stops too early would see. */
const HIDDEN = 'GET /api/heavy/code/hidden HTTP/1.1\r\nhost: localhost\r\n\r\n';

/** @param {string} headers @param {string} [body] */
const post = (headers, body = 'hello') => `POST ${PATH} HTTP/1.1\r\n${HOST}${headers}\r\n${body}`;
/** @param {string} body */
const chunked = (body) => post(TE, body);
/** @param {string} line @param {string} [headers] */
const line = (line, headers = HOST) => `${line}\r\n${headers}\r\n`;
/** @param {string} text */
const hex = (text) => text.length.toString(16);

/** @type {Record<number, Record<string, string>>} */
const REFUSED = {
    400: {
        'CL.TE': post(`content-length: 5\r\n${TE}`, `0\r\n\r\n${HIDDEN}`),
        'TE.CL': post(`${TE}content-length: 4\r\n`, `${hex(HIDDEN)}\r\n${HIDDEN}\r\n0\r\n\r\n`),
        'CL.TE by a tab': post('content-length: 5\r\ntransfer-encoding:\tchunked\r\n', `0\r\n\r\n${HIDDEN}`),
        'CL.TE, TE unknown': post('content-length: 5\r\ntransfer-encoding: x\r\n'),
        'CL.0': line(`GET ${PATH} HTTP/1.1`, `${HOST}content-length: -1\r\n`) + HIDDEN,
        'CL twice, the same': post('content-length: 5\r\ncontent-length: 5\r\n'),
        'CL twice, different': post('content-length: 5\r\ncontent-length: 0\r\n'),
        'CL twice, by case': post('content-length: 5\r\nCONTENT-LENGTH: 0\r\n'),
        'CL twice, one by a tab': post('content-length: 5\r\ncontent-length:\t0\r\n'),
        'CL a list': post('content-length: 5, 5\r\n'), 'CL plus': post('content-length: +5\r\n'), 'CL hex': post('content-length: 0x5\r\n'),
        'CL empty': post('content-length:\r\n'), 'CL overflow': post('content-length: 18446744073709551621\r\n'),
        'CL octal look': post('content-length: 5_0\r\n'), 'CL inner tab': post('content-length: 5\t5\r\n'),
        'CL vertical tab': post('content-length:\x0b5\r\n'), 'CL no-break space': post('content-length:\xa05\r\n'),
        'TE twice': post(TE + TE, CHUNKS), 'TE twice, one unknown': post(`${TE}transfer-encoding: x\r\n`, CHUNKS),
        'TE chunked, gzip': post('transfer-encoding: chunked, gzip\r\n', CHUNKS), 'TE gzip': post('transfer-encoding: gzip\r\n', CHUNKS),
        'TE identity': post('transfer-encoding: identity\r\n', HIDDEN), 'TE xchunked': post('transfer-encoding: xchunked\r\n', CHUNKS),
        'TE chunked twice in a list': post('transfer-encoding: chunked, chunked\r\n', CHUNKS), 'TE empty': post('transfer-encoding:\r\n', CHUNKS),
        'TE list with an empty member': post('transfer-encoding: ,chunked\r\n', CHUNKS), 'TE quoted': post('transfer-encoding: "chunked"\r\n', CHUNKS),
        'TE with a parameter': post('transfer-encoding: chunked;a=b\r\n', CHUNKS), 'TE vertical tab': post('transfer-encoding: \x0bchunked\r\n', CHUNKS),
        'TE in HTTP/1.0': `POST ${PATH} HTTP/1.0\r\n${HOST}${TE}\r\n${CHUNKS}`, 'TE folded': post('transfer-encoding:\r\n chunked\r\n', CHUNKS),
        'TE behind CR': post('x: y\rtransfer-encoding: chunked\r\ncontent-length: 5\r\n'), 'TE behind NUL': post('x: y\0transfer-encoding: chunked\r\n', CHUNKS),
        'space before a colon': post('content-length : 5\r\n'), 'tab before a colon': post('transfer-encoding\t: chunked\r\n', CHUNKS),
        'obs-fold': post('x: y\r\n z\r\ncontent-length: 5\r\n'), 'a fold first': line(`GET ${PATH} HTTP/1.1`, ` ${HOST}`),
        'bare LF ends lines': post('content-length: 5\r\n').replaceAll('\r\n', '\n'), 'bare LF ends the head': `POST ${PATH} HTTP/1.1\r\n${HOST}content-length: 5\r\n\nhello`,
        'bare CR ends a line': post('x: y\rcontent-length: 5\r\n'), 'CR CR LF': post('x: y\r\r\n'), 'NUL in a name': post('x\0: y\r\n'),
        'a header without a colon': post('x\r\n'), 'a header without a name': post(': y\r\n'), 'a control in a value': post('x: \x01\r\n'),
        'two empty lines before': `\r\n\r\n${line(`GET ${PATH} HTTP/1.1`)}`, 'LF before': `\n${line(`GET ${PATH} HTTP/1.1`)}`, 'CR before': `\r${line(`GET ${PATH} HTTP/1.1`)}`,
        'a space before': ` ${line(`GET ${PATH} HTTP/1.1`)}`, 'HTTP/0.9': `GET ${PATH}\r\n\r\n`, 'no target': line('GET  HTTP/1.1'), 'two spaces': line(`GET  ${PATH} HTTP/1.1`),
        'tabs in the line': line(`GET\t${PATH}\tHTTP/1.1`), 'a space behind the line': line(`GET ${PATH} HTTP/1.1 `), 'a space in the target': line(`GET ${PATH} x HTTP/1.1`),
        'small letters': line(`get ${PATH} HTTP/1.1`), 'HTTP small': line(`GET ${PATH} http/1.1`), 'HTTP/1.10': line(`GET ${PATH} HTTP/1.10`), 'HTTP/1': line(`GET ${PATH} HTTP/1`),
        'a fragment': line(`GET ${PATH}#x HTTP/1.1`), 'high bytes in the target': line(`GET ${PATH}\xff HTTP/1.1`), 'asterisk of GET': line('GET * HTTP/1.1'),
        'an authority': line('GET a:80 HTTP/1.1'), 'absolute, another host': line(`GET http://b${PATH} HTTP/1.1`), 'absolute, with a user': line(`GET http://u@a${PATH} HTTP/1.1`),
        'absolute, another scheme': line(`GET ftp://a${PATH} HTTP/1.1`), 'absolute, no path': line('GET http://a HTTP/1.1'), 'absolute, no host': line(`GET http://${PATH} HTTP/1.1`),
        'no host': line(`GET ${PATH} HTTP/1.1`, ''), 'two hosts': line(`GET ${PATH} HTTP/1.1`, HOST + HOST), 'two hosts, different': line(`GET ${PATH} HTTP/1.1`, `${HOST}host: b\r\n`),
        'an empty host': line(`GET ${PATH} HTTP/1.1`, 'host:\r\n'), 'a host with a path': line(`GET ${PATH} HTTP/1.1`, 'host: a/x\r\n'), 'a host with a user': line(`GET ${PATH} HTTP/1.1`, 'host: u@a\r\n'),
        'a host with a comma': line(`GET ${PATH} HTTP/1.1`, 'host: a, b\r\n'), 'a host with a bad port': line(`GET ${PATH} HTTP/1.1`, 'host: a:b\r\n'), 'a host folded': line(`GET ${PATH} HTTP/1.1`, 'host:\r\n a\r\n'),
        'dots that climb': line('GET /api/heavy/code/../../local/x HTTP/1.1'), 'encoded dots': line('GET /api/heavy/code/%2e%2e/x HTTP/1.1'), 'a backslash': line('GET /api/heavy/code\\x HTTP/1.1'),
        'chunk size 0x': chunked('0x5\r\nhello\r\n0\r\n\r\n'), 'chunk size minus': chunked('-5\r\nhello\r\n0\r\n\r\n'), 'chunk size plus': chunked('+5\r\nhello\r\n0\r\n\r\n'),
        'chunk size overflow': chunked('10000000000000005\r\nhello\r\n0\r\n\r\n'), 'chunk size of 64 bits': chunked('ffffffffffffffff\r\nhello\r\n0\r\n\r\n'), 'chunk size of 17 digits': chunked('00000000000000005\r\nhello\r\n0\r\n\r\n'),
        'chunk size empty': chunked('\r\nhello\r\n0\r\n\r\n'), 'chunk size, space before': chunked(' 5\r\nhello\r\n0\r\n\r\n'), 'chunk size, space behind': chunked('5 \r\nhello\r\n0\r\n\r\n'),
        'chunk size, tab behind': chunked('5\t\r\nhello\r\n0\r\n\r\n'), 'chunk size, LF': chunked('5\nhello\r\n0\r\n\r\n'), 'chunk size, CR': chunked('5\rhello\r\n0\r\n\r\n'), 'chunk size, NUL': chunked('5\0\r\nhello\r\n0\r\n\r\n'),
        'chunk too long': chunked('5\r\nhello!\r\n0\r\n\r\n'), 'chunk without end': chunked('5\r\nhello0\r\n\r\n'), 'chunk ended by LF': chunked('5\r\nhello\n0\r\n\r\n'), 'chunk ended by two bytes': chunked('5\r\nhelloXX0\r\n\r\n'),
        'extension with LF': chunked(`2;\nxx\r\n${hex(HIDDEN)}\r\n0\r\n\r\n${HIDDEN}`), 'extension with a quoted line end': chunked('5;a="\r\n"\r\nhello\r\n0\r\n\r\n'), 'extension with an escaped LF': chunked('5;a="\\\n"\r\nhello\r\n0\r\n\r\n'),
        'extension without a name': chunked('5;=b\r\nhello\r\n0\r\n\r\n'), 'extension, space at its end': chunked('5;a \r\nhello\r\n0\r\n\r\n'), 'extension too long': chunked(`5;${'a'.repeat(600)}\r\nhello\r\n0\r\n\r\n`),
        'extension of white space, too long': chunked(`5${' '.repeat(600)};a\r\nhello\r\n0\r\n\r\n`),
        'trailer that speaks of length': chunked('5\r\nhello\r\n0\r\ncontent-length: 9\r\n\r\n'), 'trailer that speaks of coding': chunked('5\r\nhello\r\n0\r\nTransfer-Encoding: x\r\n\r\n'),
        'trailer folded': chunked('5\r\nhello\r\n0\r\nx: y\r\n z\r\n\r\n'), 'trailer, space before the colon': chunked('5\r\nhello\r\n0\r\nx : y\r\n\r\n'), 'trailer ended by LF': chunked('5\r\nhello\r\n0\r\nx: y\n\r\n'),
        'trailers without end': chunked(`5\r\nhello\r\n0\r\n${'x: y\r\n'.repeat(5000)}\r\n`), 'a TLS hello': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    },
    414: { 'a target of 17 KB': line(`GET ${PATH}${'x'.repeat(17_000)} HTTP/1.1`), 'a line of 70 KB': `GET ${PATH}${'x'.repeat(70_000)}` },
    417: { 'another Expect': post('expect: 200-ok\r\ncontent-length: 5\r\n') },
    431: { '101 headers': post('x: y\r\n'.repeat(100)), 'a head of 70 KB': post(`x: ${'y'.repeat(70_000)}\r\n`) },
    501: {
        'TE gzip, chunked': post('transfer-encoding: gzip, chunked\r\n', CHUNKS), 'TE identity, chunked': post('transfer-encoding: identity,\tchunked\r\n', CHUNKS),
        'CONNECT': line('CONNECT a:443 HTTP/1.1', 'host: a:443\r\n'), 'a method of 5 KB': line(`${'G'.repeat(5000)} ${PATH} HTTP/1.1`),
    },
    505: { 'HTTP/2.0': line(`GET ${PATH} HTTP/2.0`), 'HTTP/1.2': line(`GET ${PATH} HTTP/1.2`), 'HTTP/0.9 by name': line(`GET ${PATH} HTTP/0.9`), 'the preface behind an empty line': '\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
};

/** What is good, and what its node sees of it: the body. @type {Record<string, [string, string]>} */
const TAKEN = {
    'an empty line before': [`\r\n${post('content-length: 5\r\n')}`, 'hello'],
    'tabs around values': [`POST ${PATH} HTTP/1.1\r\nhost:\tlocalhost\t\r\nx-a:\tb\t\r\ncontent-length:\t5\t\r\n\r\nhello`, 'hello'],
    'tabs around chunked': [post('transfer-encoding:\tChunked\t\r\n', CHUNKS), 'hello'],
    'extensions with white space': [chunked('5 ;\ta = b\t; c\r\nhello\r\n0 ; d\r\n\r\n'), 'hello'],
    'extensions with quoted pairs': [chunked('5;a="\\";\\\\";b\r\nhello\r\n0\r\n\r\n'), 'hello'],
    'a request in a body': [post(`content-length: ${HIDDEN.length}\r\n`, HIDDEN), HIDDEN],
    'a request in a chunk': [chunked(`${hex(HIDDEN)}\r\n${HIDDEN}\r\n0\r\n\r\n`), HIDDEN],
    'a request behind a last chunk in a body': [post('content-length: 5\r\n', '0\r\n\r\n'), '0\r\n\r\n'],
    'trailers': [chunked('5\r\nhello\r\n0\r\nx: y\r\n\r\n'), 'hello'],
    'absolute, the same host': [line(`GET http://LOCALHOST${PATH} HTTP/1.1`), ''],
    'Connection names what matters': [post('connection: content-length, host\r\ncontent-length: 5\r\n'), 'hello'],
    'names that only look like those': [post('content_length: 9\r\ntransfer_encoding: chunked\r\nx-content-length: 9\r\ncontent-length: 5\r\n'), 'hello'],
};

/** @param {string} text */
const statuses = (text) => [...text.matchAll(/HTTP\/1\.1 ([2-5][0-9][0-9]) /g)].map((m) => Number(m[1]));

describe('hostile requests', { timeout: 120_000 }, () => {
    /** @type {Recorder} */
    let recorder;
    /** @type {import('../lib/rack.mjs').Rack} */
    let rack;
    before(async () => {
        recorder = await new Recorder().start();
        const env = { GATEWAY_AUTH: 'off', COLAB_ENDPOINT_3: `http://127.0.0.1:${recorder.port}` };
        rack = await startRack({ env, config: { limits: { client_head_ms: 2000, client_body_ms: 2000, probe_ms: 0 } } });
    });
    after(async () => {
        await rack.stop();
        recorder.stop();
    });

    for (const [status, cases] of Object.entries(REFUSED)) {
        test(`${Object.keys(cases).length} get ${status}, and their nodes see nothing`, async () => {
            for (const [name, bytes] of Object.entries(cases)) {
                recorder.forget();
                const { text, closed } = await exchange(rack.url, Buffer.from(bytes + CANARY, 'latin1'));
                // what has a route was read to its end, and is refused for what it asks: the canary is another
                const all = /\r\nx-heady-route: /.test(text) ? statuses(text).slice(0, 1) : statuses(text);
                assert.deepEqual([all, closed], [[Number(status)], true], `${name}: ${text.slice(0, 500)}`);
                const seen = recorder.seen.filter(({ head }) => !head.startsWith('GET /canary '));
                assert.deepEqual([seen, recorder.junk], [[], []], name);
            }
        });
    }

    for (const [name, [bytes, body]] of Object.entries(TAKEN)) {
        test(`${name}: exactly one request`, async () => {
            recorder.forget();
            const { text, closed } = await exchange(rack.url, Buffer.from(bytes + CANARY, 'latin1'));
            assert.deepEqual([statuses(text), closed, recorder.junk], [[200, 200], true, []], text);
            assert.deepEqual(recorder.seen.map((one) => [one.head.split(' ')[1], one.body, one.trailers]), [['/x', body, ''], ['/canary', '', '']]);
            assert.doesNotMatch(recorder.seen[0].head, /\t|x-a|;/);
        });
    }

    test('cut at every byte, they come to the same', async () => {
        for (const bytes of [post(`content-length: 5\r\n${TE}`, '0\r\n\r\n'), `\r\n${chunked('5 ;\ta="\\""\r\nhello\r\n0\r\n\r\n')}`]) {
            const whole = statuses((await exchange(rack.url, bytes + CANARY)).text);
            for (let at = 1; at < bytes.length; at += 7) {
                recorder.forget();
                const { text } = await exchange(rack.url, bytes.slice(0, at), { then: bytes.slice(at) + CANARY });
                assert.deepEqual([statuses(text), recorder.junk], [whole, []], `at ${at}`);
            }
        }
    });

    test('what is asked of the whole server goes no further', async () => {
        recorder.forget();
        const { text } = await exchange(rack.url, line('OPTIONS * HTTP/1.1', `${HOST}connection: close\r\n`));
        assert.equal(statuses(text).length, 1, text);
        assert.deepEqual([recorder.seen, recorder.junk], [[], []]);
    });
});
