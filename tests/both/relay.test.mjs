/** What an upstream's answer is to a client: its own bytes and dates, its paths as the gateway's, and never a page of the gateway's. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, createGzip, gunzipSync, gzipSync } from 'node:zlib';
import { ask, begin } from '../lib/client.mjs';
import { startEdge } from '../lib/edge.mjs';
import { atBoth, atHost, test } from '../lib/hosts.mjs';
import { startRack } from '../lib/rack.mjs';

const PAGE = Buffer.from('all work and no play makes a dull service\n'.repeat(5000));
const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';
const SECRET = '0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0';

/** @typedef {(req: http.IncomingMessage, res: http.ServerResponse, url: string) => void} Handler */

/** Events, packed and flushed one by one. @type {Handler} */
function packedEvents(_req, res) {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
    const gzip = createGzip();
    gzip.pipe(res);
    let n = 0;
    const timer = setInterval(() => {
        n += 1;
        gzip.write(`data: ${n}\n\n`);
        gzip.flush();
        if (n < 5) return;
        clearInterval(timer);
        gzip.end();
    }, 100);
    res.on('close', () => clearInterval(timer));
}

/** Packs its page in what the client takes first. @type {Handler} */
function page(req, res) {
    const wanted = String(req.headers['accept-encoding'] ?? '').split(/[,;]/)[0];
    const head = { 'content-type': 'text/plain', 'vary': 'accept-encoding', 'etag': '"x"' };
    const packed = wanted === 'gzip' ? gzipSync(PAGE) : wanted === 'br' ? brotliCompressSync(PAGE) : null;
    const body = packed ?? PAGE;
    const coding = packed === null ? {} : { 'content-encoding': wanted };
    res.writeHead(200, { ...head, ...coding, 'content-length': body.length });
    res.end(req.method === 'HEAD' ? undefined : body);
}

/** @type {Record<string, Handler>} */
const handlers = {
    '/page': page,
    '/events': packedEvents,
    '/dir': (_req, res, url) => res.writeHead(301, { location: `${url}/dir/` }).end(),
    '/slash': (_req, res) => res.writeHead(307, { location: '/slash/?x=1' }).end(),
    '/evil': (_req, res) => res.writeHead(302, { location: '/\\evil.example/' }).end(),
    '/dated': (_req, res) => res.writeHead(200, { 'content-type': 'text/plain', 'date': DATE, 'age': '7' }).end('old'),
    '/html': (_req, res) => {
        res.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': 'script-src *' });
        res.end('<script>alert(1)</script>');
    },
    '/asks': (_req, res) => res.writeHead(401, { 'www-authenticate': 'Basic realm="service"' }).end(),
    '/many': (_req, res) => {
        for (let i = 0; i < 120; i++) res.setHeader(`x-many-${i}`, 'x');
        res.setHeader('content-type', 'text/plain').end('many');
    },
    '/named': (req, res) => {
        res.writeHead(200, { 'content-type': 'text/plain', 'connection': 'keep-alive, etag', 'etag': '"x"' });
        res.end(String(req.headers.range));
    },
    '/lost': (req) => req.socket.destroy(),
};

/** @param {import('node:test').TestContext} t */
async function startService(t) {
    /** @type {string[]} */
    const seen = [];
    const server = http.createServer((req, res) => {
        seen.push(`${req.method} ${req.url} ${req.headers['accept-encoding']}`);
        const handler = handlers[String(req.url)];
        if (handler !== undefined) handler(req, res, service.url);
        else res.writeHead(404).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
        server.closeAllConnections();
        server.close();
    });
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    const service = { url: `http://127.0.0.1:${port}`, seen };
    return service;
}

atBoth('relayed answers', (bench) => {
    /** @param {import('node:test').TestContext} t */
    const open = async (t) => {
        const service = await startService(t);
        const env = { LOCAL_SERVICES: `svc=${service.url}`, COLAB_ENDPOINT_3: service.url, COLAB_ENDPOINT_4: '' };
        const host = await bench.open(t, { env });
        /** @param {string} path @param {Record<string, string>} [headers] */
        const get = (path, headers = {}) => ask(host.url, `/api/local/svc${path}`, { headers });
        return { service, host, get };
    };

    test('what a service packs for a client that unpacks it travels packed', async (t) => {
        const { get } = await open(t);
        const packed = await get('/page', { 'accept-encoding': 'gzip' });
        assert.equal(packed.headers['content-encoding'], 'gzip');
        assert.equal(packed.headers.vary, 'accept-encoding');
        assert.equal(packed.headers.etag, '"x"');
        assert.ok(packed.body.length < 2000, `${packed.body.length} bytes`);
        assert.deepEqual(gunzipSync(packed.body), PAGE);
        assert.equal(packed.headers['content-length'], String(packed.body.length));
        const br = await get('/page', { 'accept-encoding': 'br' });
        assert.deepEqual(br.body, brotliCompressSync(PAGE));
        assert.equal(br.headers['content-encoding'], 'br');
    });

    test('a client that unpacks nothing gets it as it is', async (t) => {
        const { get, service } = await open(t);
        /** @type {Record<string, string>[]} */
        const ways = [{}, { 'accept-encoding': 'identity' }];
        for (const headers of ways) {
            const plain = await get('/page', headers);
            assert.deepEqual(plain.body, PAGE);
            assert.equal(plain.headers['content-encoding'], undefined);
        }
        assert.deepEqual(service.seen.slice(-2), ['GET /page identity', 'GET /page identity']);
    });

    test('HEAD says what a GET would get', async (t) => {
        const { host } = await open(t);
        const headers = { 'accept-encoding': 'gzip' };
        const head = await ask(host.url, '/api/local/svc/page', { method: 'HEAD', headers });
        assert.equal(head.headers['content-encoding'], 'gzip');
        assert.equal(head.headers['content-length'], String(gzipSync(PAGE).length));
    });

    test('packed events come when they come', async (t) => {
        const { host } = await open(t);
        const headers = { 'accept-encoding': 'gzip' };
        const { req, response } = begin(host.url, '/api/local/svc/events', { headers });
        req.end();
        const res = await response;
        assert.equal(res.headers['content-encoding'], 'gzip');
        /** @type {Buffer[]} */
        const parts = [];
        for await (const part of res) {
            parts.push(part);
            await sleep(1);
        }
        assert.ok(parts.length >= 5, `in ${parts.length} pieces`);
        const text = gunzipSync(Buffer.concat(parts)).toString();
        assert.equal(text, [1, 2, 3, 4, 5].map((n) => `data: ${n}\n\n`).join(''));
    });

    test('a node whose answer may have to be read is asked for plain bytes', async (t) => {
        const { host, service } = await open(t);
        const headers = { 'accept-encoding': 'gzip' };
        assert.deepEqual((await ask(host.url, '/api/heavy/code/page', { headers })).body, PAGE);
        assert.equal(service.seen.at(-1), 'GET /page identity');
        const unseen = { headers: { ...headers, 'x-heady-stream': 'fast' } };
        assert.deepEqual(gunzipSync((await ask(host.url, '/api/heavy/code/page', unseen)).body), PAGE);
    });

    test("a redirect leads to the service's path at the gateway", async (t) => {
        const { get } = await open(t);
        assert.equal((await get('/dir')).headers.location, '/api/local/svc/dir/');
        assert.equal((await get('/slash')).headers.location, '/api/local/svc/slash/?x=1');
        const evil = await get('/evil');
        assert.equal(evil.status, 302);
        assert.equal(evil.headers.location, undefined);
    });

    test("an answer's date is its maker's", async (t) => {
        const { get } = await open(t);
        for (let i = 0; i < 3; i++) {
            const { headers, rawHeaders } = await get('/dated');
            assert.equal(headers.date, DATE);
            assert.equal(headers.age, '7');
            assert.equal(rawHeaders.filter((name) => name.toLowerCase() === 'date').length, 1);
            const now = await get('/page');
            assert.ok(Math.abs(Date.parse(String(now.headers.date)) - Date.now()) < 60_000, now.headers.date);
        }
    });

    test('no page of a service or a node runs as one of the gateway', async (t) => {
        const { get, host } = await open(t);
        const node = await ask(host.url, '/api/heavy/code/html');
        for (const answer of [await get('/html'), await get('/missing'), node]) {
            assert.equal(answer.headers['x-content-type-options'], 'nosniff');
            assert.equal(answer.headers['content-security-policy'], 'sandbox');
        }
        const text = await get('/dated');
        assert.equal(text.headers['x-content-type-options'], 'nosniff');
        assert.equal(text.headers['content-security-policy'], undefined);
    });

    test('a service may ask for credentials, a node may not', async (t) => {
        const { get, host } = await open(t);
        assert.equal((await get('/asks')).headers['www-authenticate'], 'Basic realm="service"');
        assert.equal((await ask(host.url, '/api/heavy/code/asks')).headers['www-authenticate'], undefined);
    });

    test('an answer of more than a hundred headers is an answer', async (t) => {
        const { get, host } = await open(t);
        assert.equal((await get('/many')).text, 'many');
        const node = await ask(host.url, '/api/heavy/code/many');
        assert.equal(node.headers['content-type'], 'text/plain');
        assert.equal(node.headers['x-heady-attempts'], '1');
    });

    test('a PATCH that a target has got is not sent again', async (t) => {
        const { host, service } = await open(t);
        for (const path of ['/api/local/svc/lost', '/api/heavy/code/lost']) {
            await ask(host.url, '/api/local/svc/page'); // it has a connection that is kept
            service.seen.length = 0;
            const answer = await ask(host.url, path, { method: 'PATCH', body: 'x' });
            assert.equal(answer.status, 502, answer.text);
            assert.equal(service.seen.length, 1);
        }
    });

    test('a segment of dots with parameters is refused', async (t) => {
        const { get, service } = await open(t);
        for (const path of ['/..;/x', '/a/..;x=1', '/..%3b/x', '/%2e%2e;/x', '/..%3B']) {
            assert.equal((await get(path)).status, 400, path);
        }
        assert.deepEqual(service.seen, []);
    });
});

atHost('rack', 'relayed answers: the wire [rack]', (bench) => {
    test('what a Connection names goes no further', async (t) => {
        const service = await startService(t);
        const host = await bench.open(t, { env: { LOCAL_SERVICES: `svc=${service.url}` } });
        const headers = { connection: 'close, range', range: 'bytes=0-1' };
        const answer = await ask(host.url, '/api/local/svc/named', { headers });
        assert.equal(answer.text, 'undefined');
        assert.equal(answer.headers.etag, undefined);
        const usual = await ask(host.url, '/api/local/svc/named', { headers: { range: 'bytes=0-1' } });
        assert.equal(usual.text, 'bytes=0-1');
    });

    test('two credentials are none', async (t) => {
        const host = await bench.open(t);
        const path = '/api/heavy/code/echo';
        for (const name of ['authorization', 'x-api-key', 'x-goog-api-key']) {
            const answer = await ask(host.url, path, { headers: { [name]: ['Bearer a', 'Bearer a'] } });
            assert.equal(answer.status, 400, answer.text);
        }
        const headers = { 'authorization': 'Bearer a', 'x-api-key': 'b' };
        assert.equal((await ask(host.url, path, { headers })).status, 200);
    });

    test('over HTTP/2 it is the same', async (t) => {
        const service = await startService(t);
        const host = await bench.open(t, { env: { LOCAL_SERVICES: `svc=${service.url}` } });
        const session = http2.connect(host.url);
        t.after(() => session.destroy());
        /** @param {string} path */
        const get = async (path) => {
            const stream = session.request({ ':path': path });
            const [headers] = await once(stream, 'response');
            stream.resume();
            return headers;
        };
        const dated = await get('/api/local/svc/dated');
        assert.equal(dated.date, DATE);
        assert.equal(dated['x-content-type-options'], 'nosniff');
        assert.equal((await get('/api/local/svc/dir')).location, '/api/local/svc/dir/');
        assert.ok(Math.abs(Date.parse(String((await get('/health')).date)) - Date.now()) < 60_000);
    });
});

atHost('edge', 'relayed answers: through both [edge]', (bench) => {
    test('packed, redirected and sandboxed through both twins', async (t) => {
        const service = await startService(t);
        const nodes = { ...bench.cluster.env, TWIN_SECRET: SECRET, GATEWAY_AUTH: 'off' };
        const rack = await startRack({ env: { ...nodes, LOCAL_SERVICES: `svc=${service.url}` } });
        t.after(() => rack.stop());
        const edge = await startEdge({ env: { ...nodes, LOCAL_SERVICES: '', LOCAL_ENDPOINT: rack.url } });
        t.after(() => edge.stop());
        const headers = { 'accept-encoding': 'gzip' };
        const packed = await ask(edge.url, '/api/local/svc/page', { headers });
        assert.deepEqual(gunzipSync(packed.body), PAGE);
        assert.equal((await ask(edge.url, '/api/local/svc/dir')).headers.location, '/api/local/svc/dir/');
        const html = await ask(edge.url, '/api/local/svc/html');
        assert.equal(html.headers['content-security-policy'], 'sandbox');
        assert.equal((await ask(edge.url, '/api/local/svc/dated')).headers.age, '7');
        assert.match(String((await ask(edge.url, '/api/local/svc/asks')).headers['www-authenticate']), /service/);
    });
});
