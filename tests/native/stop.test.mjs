/** The end of the daemon: what runs is finished, what is new is refused. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, begin, events } from '../lib/client.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { runRack, startRack } from '../lib/rack.mjs';
import { until, within } from '../lib/proc.mjs';

const CHAT = '/api/heavy/code/v1/chat/completions';

/** @param {string} url */
function refuses(url) {
    return new Promise((resolve) => {
        const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
        socket.on('connect', () => socket.destroy());
        socket.on('close', (failed) => resolve(failed));
        socket.on('error', () => {});
    });
}

atHost('rack', 'stop', (bench) => {
    /** @param {import('node:test').TestContext} t @param {unknown} [config] */
    const open = async (t, config = {}) => {
        const host = await startRack({ config, env: { ...bench.cluster.env, GATEWAY_AUTH: 'off' } });
        t.after(() => host.child.stop('SIGKILL'));
        return host;
    };

    /** @param {string} url @param {number} tokens @param {number} ms */
    const stream = async (url, tokens, ms) => {
        const { req, response } = begin(url, CHAT, { method: 'POST' });
        req.on('error', () => {});
        req.end(JSON.stringify({ stream: true, messages: [], max_tokens: tokens, ms_per_token: ms }));
        return { req, res: await response };
    };

    test('SIGTERM: a running stream finishes, new connections are refused, the exit is 0', async (t) => {
        const host = await open(t);
        const { res } = await stream(host.url, 40, 20);
        let seen = 0;
        let last = '';
        for await (const data of events(res)) {
            last = data;
            if (++seen !== 5) continue;
            host.child.process.kill('SIGTERM');
            await until(() => refuses(host.url), 'new connections to be refused', 2000);
        }
        assert.equal(last, '[DONE]');
        const exit = await within(host.child.exited, 2000);
        assert.deepEqual(exit, { code: 0, signal: null }, host.log());
    });

    test('SIGINT ends it as well, and an idle daemon ends at once', async (t) => {
        for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) {
            const host = await open(t);
            await ask(host.url, '/api/heavy/code/echo');
            host.child.process.kill(signal);
            const exit = await within(host.child.exited, 2000);
            assert.deepEqual(exit, { code: 0, signal: null }, host.log());
        }
    });

    test('an idle kept connection does not hold it up', async (t) => {
        const host = await open(t);
        const socket = net.connect(host.port, '127.0.0.1');
        socket.on('error', () => {});
        socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
        await new Promise((resolve) => socket.once('data', resolve));
        host.child.process.kill('SIGTERM');
        assert.deepEqual(await within(host.child.exited, 2000), { code: 0, signal: null });
        socket.destroy();
    });

    test('what does not finish in drain_ms is cut', async (t) => {
        const host = await open(t, { limits: { drain_ms: 500 } });
        const { res } = await stream(host.url, 1000, 50);
        res.on('error', () => {});
        res.resume();
        await sleep(100);
        host.child.process.kill('SIGTERM');
        const exit = await within(host.child.exited, 3000);
        assert.equal(exit?.code, 0, host.log());
        await until(() => res.closed, 'the client to see the end');
        assert.ok(!res.complete, 'a cut is not a clean end');
    });

    test('a taken port is a clear message and exit 1', async (t) => {
        const host = await open(t);
        const listen = ['--listen', `127.0.0.1:${host.port}`];
        const second = await runRack(listen, { env: bench.cluster.env, config: '{}' });
        assert.equal(second.code, 1);
        assert.match(second.stderr, new RegExp(`${host.port}.*in use`));
    });
});
