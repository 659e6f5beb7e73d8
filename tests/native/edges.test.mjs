/**
 * Connections that are watched by edges (src/native/net/conn.h): what comes while the daemon stands still is
 * one event to it, and must not be forgotten for that. Each case first makes both connections calm.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../lib/proc.mjs';
import { startRack } from '../lib/rack.mjs';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n\r\n'; // its end is the body's
const ASK = 'POST /api/heavy/code/x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n';
const PIECES = 10; // more than CONN_CALM
const BURST = 'z'.repeat(1 << 20);
const SOON_MS = 5000; // far below any deadline that would end a forgotten connection

/** One side of the conversation: what it has received, and whether that has ended.
 * @typedef {{socket: net.Socket, text: string, ended: boolean}} Side
 * @param {net.Socket} socket @returns {Side} */
function side(socket) {
    /** @type {Side} */
    const it = { socket, text: '', ended: false };
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('data', (part) => (it.text += part));
    socket.on('error', () => {});
    for (const end of ['end', 'close']) socket.on(end, () => (it.ended = true));
    return it;
}

/** A daemon between a client and a node that are both ours. @param {import('node:test').TestContext} t */
async function between(t) {
    /** @type {Side[]} */
    const nodes = [];
    const server = net.createServer({ allowHalfOpen: true }, (socket) => nodes.push(side(socket)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = /** @type {net.AddressInfo} */ (server.address());
    const env = { GATEWAY_AUTH: 'off', COLAB_ENDPOINT_3: `http://127.0.0.1:${port}` };
    // What is held is whole before a node is asked: here it is to pass through as it comes.
    const config = { limits: { replay_bytes_max: 0 } };
    const rack = await startRack({ env, config, args: ['--threads', '1'] });
    const client = side(net.connect({ port: rack.port, host: '127.0.0.1', allowHalfOpen: true }));
    t.after(async () => {
        client.socket.destroy();
        for (const { socket } of nodes) socket.destroy();
        server.close();
        await rack.stop();
    });
    /** @param {() => void} act what happens while the daemon stands still */
    const behindItsBack = async (act) => {
        process.kill(rack.pid, 'SIGSTOP');
        act();
        await sleep(100);
        process.kill(rack.pid, 'SIGCONT');
    };
    /** @param {string} framing */
    const request = async (framing) => {
        client.socket.write(`${ASK}${framing}\r\n\r\n`);
        await until(() => nodes.at(-1)?.text.includes('\r\n\r\n') ?? false, 'the head');
        return /** @type {Side} */ (nodes.at(-1));
    };
    return { client, request, behindItsBack };
}

/** Sends pieces, each when the one before has come. @param {(n: number) => string} piece
 * @param {Side} from @param {Side} to */
async function calm(piece, from, to) {
    for (let n = 0; n < PIECES; n++) {
        from.socket.write(piece(n));
        await until(() => to.text.includes(`piece ${n};`), `piece ${n}`);
    }
}

/** @param {string} s */
const chunk = (s) => `${s.length.toString(16)}\r\n${s}\r\n`;
/** @param {number} n */
const piece = (n) => `piece ${n};`;

/** @param {(side: Side) => boolean} is @param {Side} of @param {string} what */
const soon = (is, of, what) => until(() => is(of), what, SOON_MS);

/** An answer that is calm, and then goes on in one of these ways. */
const ANSWERS = [
    {
        name: 'its last bytes and its end',
        /** @param {net.Socket} node */
        act: (node) => node.end('last'),
        /** @param {Side} client */
        good: (client) => client.text.includes('last') && client.text.endsWith('0\r\n\r\n'),
    },
    {
        name: 'more than one read takes, and its end',
        /** @param {net.Socket} node */
        act: (node) => node.end(BURST),
        /** @param {Side} client */
        good: (client) => client.text.split('z').length > BURST.length && client.text.endsWith('0\r\n\r\n'),
    },
    {
        name: 'more than one read takes, and no end',
        /** @param {net.Socket} node */
        act: (node) => node.write(BURST),
        /** @param {Side} client */
        good: (client) => client.text.split('z').length > BURST.length && !client.ended,
    },
    {
        name: 'a reset',
        /** @param {net.Socket} node */
        act: (node) => node.resetAndDestroy(),
        /** @param {Side} client */
        good: (client) => client.ended && !client.text.endsWith('0\r\n\r\n'),
    },
];

for (const { name, act, good } of ANSWERS) {
    test(`a calm answer: ${name}`, { timeout: 60_000 }, async (t) => {
        const { client, request, behindItsBack } = await between(t);
        const node = await request('content-length: 0');
        node.socket.write(HEAD);
        await calm(piece, node, client);
        await behindItsBack(() => act(node.socket));
        await soon(good, client, name);
    });
}

test('a calm answer goes on when its client has stopped reading for a while', { timeout: 60_000 }, async (t) => {
    const { client, request } = await between(t);
    const node = await request('content-length: 0');
    node.socket.write(HEAD);
    await calm(piece, node, client);
    client.socket.pause();
    for (let i = 0; i < 16; i++) node.socket.write(BURST);
    await sleep(300);
    client.socket.resume();
    node.socket.end('last');
    await soon(({ text }) => text.includes('last') && text.endsWith('0\r\n\r\n'), client, 'all of it');
    assert.equal(client.text.replaceAll(/[^z]/g, '').length, 16 * BURST.length);
});

for (const [name, last] of /** @type {[string, string][]} */ ([
    ['its last chunk', chunk('last')],
    ['more than one read takes', chunk(`${BURST}last`)],
])) {
    test(`a calm request: ${name}`, { timeout: 60_000 }, async (t) => {
        const { client, request, behindItsBack } = await between(t);
        const node = await request('transfer-encoding: chunked');
        await calm((n) => chunk(piece(n)), client, node);
        await behindItsBack(() => client.socket.write(`${last}0\r\n\r\n`));
        await soon(({ text }) => text.includes('last') && text.endsWith('0\r\n\r\n'), node, 'the whole request');
        node.socket.end('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood');
        await soon(({ text }) => text.endsWith('good'), client, 'the answer');
    });
}
