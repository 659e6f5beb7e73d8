/** Kept connections to a node that all go stale at once, as when it restarts behind a balancer. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { test } from 'node:test';
import { ask } from '../lib/client.mjs';
import { until } from '../lib/proc.mjs';
import { startRack } from '../lib/rack.mjs';

const PATH = '/api/heavy/code/echo';
const KEPT = 4;

test('a repeat does not meet the next stale connection', { timeout: 30_000 }, async (t) => {
    /** @type {http.ServerResponse[]} */
    const held = [];
    /** @type {Set<net.Socket>} */
    const stale = new Set();
    let met = 0;
    const node = http.createServer((req, res) => {
        if (stale.has(req.socket)) {
            met += 1;
            req.socket.destroy();
        } else if (stale.size > 0) {
            res.end('fresh');
        } else {
            held.push(res);
        }
    });
    node.keepAliveTimeout = 60_000;
    node.listen(0, '127.0.0.1');
    await once(node, 'listening');
    const { port } = /** @type {net.AddressInfo} */ (node.address());
    const env = { GATEWAY_AUTH: 'off', COLAB_ENDPOINT_3: `http://127.0.0.1:${port}` };
    const rack = await startRack({ env, args: ['--threads', '1'] });
    t.after(async () => {
        await rack.stop();
        node.closeAllConnections();
        node.close();
    });

    const asked = Array.from({ length: KEPT }, () => ask(rack.url, PATH));
    await until(() => held.length === KEPT, 'a connection for each request');
    const sockets = held.map(({ req }) => req.socket);
    for (const res of held) res.end('kept');
    assert.deepEqual((await Promise.all(asked)).map(({ text }) => text), Array(KEPT).fill('kept'));

    for (const socket of sockets) stale.add(socket);
    const answer = await ask(rack.url, PATH);
    assert.deepEqual({ status: answer.status, text: answer.text, met }, { status: 200, text: 'fresh', met: 1 });
});
