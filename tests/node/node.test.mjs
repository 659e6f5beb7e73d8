/** The node of the tests is itself tested: a fault that does not happen proves nothing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, beforeEach, describe, test } from 'node:test';
import { ask, begin, exchange, json, postJson } from '../lib/client.mjs';
import { sha256 } from '../lib/keys.mjs';
import { ROOT, until } from '../lib/proc.mjs';
import { bytesDigest } from './answers.mjs';
import { startNode } from './node.mjs';

/** @type {import('./node.mjs').Node} */
let node;

/** @param {string} body */
function post(body, path = '/echo') {
    return `POST ${path} HTTP/1.1\r\nhost: n\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

describe('node', { timeout: 60_000 }, () => {
    before(async () => {
        node = await startNode({ id: 3 });
    });
    beforeEach(async () => {
        await node.control('ok');
        node.forget();
    });
    after(() => node.close());

    test("the notebook's answers, by type", async () => {
        /** @param {Record<string, unknown>} body */
        const process = async (body) => json(await postJson(node.url, '/api/cloud-process', body));
        const code = await process({ type: 'code_generation', prompt: 'p' });
        assert.equal(code.type, 'code_generation');
        assert.equal(code.processing_location, 'colab_gpu');
        assert.equal(code.performance.model, 'codegen-350M');
        assert.equal(code.node, 3);
        assert.equal((await process({ type: 'complex_reasoning' })).performance.device, 'cuda');
        assert.deepEqual((await process({ type: 'multimodal' })).capabilities, ['vision', 'text', 'audio']);
        assert.equal((await process({ prompt: 'p' })).type, 'general_processing');
        assert.equal((await ask(node.url, '/api/cloud-process', { body: 'x' })).status, 500);
    });

    test('what it echoes and sends is what it says', async () => {
        const echo = json(await ask(node.url, '/echo', { body: 'hello' }));
        assert.deepEqual([echo.length, echo.sha256, echo.method], [5, sha256('hello'), 'POST']);
        const sent = await ask(node.url, '/bytes?n=300000&chunked=1');
        assert.equal(sha256(sent.body), bytesDigest(300_000));
        assert.equal(sent.headers['content-length'], undefined);
        assert.equal((await ask(node.url, '/fast', { body: 'x' })).headers['content-length'], '492');
    });

    test('faults before the answer', async () => {
        await node.control('reset');
        assert.equal((await exchange(node.url, post('x'))).error, 'ECONNRESET');
        await node.control('close');
        const closed = await exchange(node.url, post('x'));
        assert.deepEqual([closed.text, closed.closed, closed.error], ['', true, null]);
        await node.control('hang');
        assert.equal((await exchange(node.url, post('x'), { timeout: 300 })).closed, false);
        await node.control('junk');
        assert.doesNotMatch((await exchange(node.url, post('x'))).text, /^HTTP/);
        await node.control('refuse');
        assert.equal((await exchange(node.url, post('x'))).error, 'ECONNREFUSED');
    });

    test('a reset inside the request comes when that much has come, and not before', async () => {
        await node.control({ mode: 'reset_body', after: 200_000 });
        const { req, response } = begin(node.url, '/sha', { method: 'POST', headers: { 'content-length': '400000' } });
        req.write(Buffer.alloc(150_000));
        await until(() => node.stats().open === 1, 'the connection');
        req.write(Buffer.alloc(100_000));
        await assert.rejects(response, /ECONNRESET|EPIPE/);
    });

    test('faults inside the answer', async () => {
        await node.control({ mode: 'reset_answer', after: 1000 });
        const reset = await exchange(node.url, post('x', '/bytes?n=5000'));
        assert.equal(reset.error, 'ECONNRESET');
        assert.equal(reset.text.split('\r\n\r\n')[1].length, 1000);
        await node.control({ mode: 'truncate', after: 1000 });
        const cut = await exchange(node.url, post('x', '/bytes?n=5000'));
        assert.deepEqual([cut.error, cut.closed], [null, true]);
        assert.match(cut.text, /content-length: 5000/);
        await node.control({ mode: 'truncate', after: 1000, framing: 'chunked' });
        const open = await exchange(node.url, post('x', '/bytes?n=5000'));
        assert.match(open.text, /transfer-encoding: chunked/i);
        assert.ok(open.closed && !open.text.endsWith('0\r\n\r\n'));
        await node.control({ mode: 'stall', after: 1000 });
        assert.equal((await exchange(node.url, post('x', '/bytes?n=5000'), { timeout: 300 })).closed, false);
    });

    test('pages and statuses', async () => {
        /** @param {import('./faults.mjs').Fault} fault */
        const under = async (fault) => {
            await node.control(fault);
            return await ask(node.url, '/echo', { body: 'x' });
        };
        const busy = await under({ mode: '429', retry_after: 7 });
        assert.deepEqual([busy.status, busy.headers['retry-after']], [429, '7']);
        assert.equal((await under({ mode: 'status', status: 529 })).status, 529);
        const ngrok = await under({ mode: 'ngrok' });
        assert.deepEqual([ngrok.status, ngrok.headers['ngrok-error-code']], [404, 'ERR_NGROK_3200']);
        const cloudflare = await under({ mode: 'cloudflare' });
        assert.equal(cloudflare.status, 530);
        assert.match(cloudflare.text, /error code: 1033/);
        await assert.rejects(node.control('no such mode'));
    });

    test('a counted fault is over after its count, and probes do not use it up', async () => {
        await node.control({ mode: '503', count: 2 });
        const statuses = [];
        for (const path of ['/health', '/echo', '/health', '/echo', '/echo']) {
            statuses.push((await ask(node.url, path)).status);
        }
        assert.deepEqual(statuses, [200, 503, 200, 503, 200]);
        assert.deepEqual([node.stats().requests, node.stats().probes], [3, 2]);
    });

    test('it is held back by a client that does not read, and sees it leave', async () => {
        const { req, response } = begin(node.url, '/bytes?n=100000000');
        req.on('error', () => {});
        req.end();
        (await response).pause().on('error', () => {});
        let sent = -1;
        const still = () => sent === (sent = node.stats().bytes_out);
        await until(async () => {
            await new Promise((resolve) => setTimeout(resolve, 100));
            return still();
        }, 'the node to stand still');
        assert.ok(sent < 50_000_000, `${sent}`);
        req.destroy();
        await until(() => node.stats().aborted === 1, 'the node to see the end', 1000);
    });

    test('as a program: one line, a control port, and it ends with whoever started it', async () => {
        const child = spawn(process.execPath, [`${ROOT}tests/node/node.mjs`, '--id', '9', '--tied']);
        const [line] = await once(child.stdout, 'data');
        const { port, control } = JSON.parse(String(line));
        const url = `http://127.0.0.1:${control}`;
        const mode = await ask(url, '/mode', { body: '{"mode":"503","count":1}' });
        assert.equal(mode.status, 200);
        assert.equal((await ask(`http://127.0.0.1:${port}`, '/echo')).status, 503);
        assert.equal(json(await ask(url, '/stats')).requests, 1);
        assert.equal((await ask(url, '/mode', { body: '{"mode":"odd"}' })).status, 400);
        child.stdin.end();
        const [code] = await once(child, 'close');
        assert.equal(code, 0);
    });
});
