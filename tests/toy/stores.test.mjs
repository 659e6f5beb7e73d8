/*
 * The stores that answer a question at the edge, by the toy: Workers KV and the Cache API under workerd itself,
 * and what their faults come to. Whatever they do, the call goes on, and knows why.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Cache } from '../lib/cache.mjs';
import { ask } from '../lib/client.mjs';
import { startEdge } from '../lib/edge.mjs';
import { Kv } from '../lib/kv.mjs';
import { until } from '../lib/proc.mjs';

const PATH = '/api/heavy/code/kept';
const MOST = 16_384;
const DONE = 200, NONE = 404, FAILED = 502, LATE = 504;
const TOLD_MS = 1000; // how long the toy waits

/** The Worker with the toy's question. @param {import('node:test').TestContext} t
 * @param {import('../lib/edge.mjs').EdgeOptions & { at: string, node?: number }} options */
async function open(t, { at, node = 9, ...options }) {
  const host = await startEdge({
    main: 'tests/toy/toy_worker.js', wasm: fileURLToPath(new URL('../../build/toy/core.wasm', import.meta.url)),
    env: { GATEWAY_AUTH: 'off', COLAB_ENDPOINT_3: `http://127.0.0.1:${node}`, TOY_STORE: at }, ...options,
  });
  t.after(() => host.stop());
  return host;
}

/** What came of a question. @param {string} url @param {string} query */
async function told(url, query) {
  const { status, body, ms } = await ask(url, `${PATH}?${query}`);
  return { status, body, ms };
}

const stores = {
  kv: {
    start: () => new Kv().start(),
    bind: (/** @type {any} */ { port }) => ({ kvs: { TOY: port } }),
    key: () => PATH,
  },
  cache: {
    start: () => new Cache().start(),
    bind: (/** @type {any} */ { port }) => ({ cache: port }),
    key: (/** @type {string} */ url) => `toy ${new URL(url).host}/kept=${encodeURIComponent(PATH)}`,
  },
};

for (const [at, { start, bind, key }] of Object.entries(stores)) {
  /** @param {import('node:test').TestContext} t @param {number} [node] its port */
  const both = async (t, node) => {
    /** @type {any} */
    const store = await start();
    t.after(() => store.stop());
    const host = await open(t, { at, node, ...bind(store) });
    return { store, host, url: host.url };
  };

  test(`${at}: absent, kept, found`, async (t) => {
    const { store, url } = await both(t);
    assert.equal((await told(url, 'get')).status, NONE);
    assert.equal((await told(url, 'put=a%20value')).status, DONE);
    assert.deepEqual([...store.values.keys()], [key(url)]);
    const found = await told(url, 'get');
    assert.deepEqual([found.status, String(found.body)], [DONE, 'a%20value']);
    if (at === 'kv') assert.match(store.said, /expiration_ttl=60\b/);
  });

  test(`${at}: bytes are bytes, up to ${MOST} of them and no more`, async (t) => {
    const { store, url } = await both(t);
    const value = Buffer.from(Array.from({ length: MOST }, (_, i) => (i * 7919) & 0xff));
    store.values.set(key(url), value);
    const response = await fetch(`${url}${PATH}?get`);
    assert.equal(response.status, DONE);
    assert.ok(value.equals(Buffer.from(await response.arrayBuffer())));
    store.values.set(key(url), Buffer.concat([value, value.subarray(0, 1)]));
    const long = await told(url, 'get');
    assert.deepEqual([long.status, String(long.body)], [FAILED, 'it is too long']);
    const put = await told(url, `put=${'a'.repeat(MOST + 1)}`);
    assert.deepEqual([put.status, String(put.body)], [FAILED, 'it is too long']);
    assert.equal(store.values.get(key(url)).length, MOST + 1, 'it was not put there');
  });

  test(`${at}: without it nothing is there, and nothing is kept`, async (t) => {
    const { url } = await open(t, { at });
    assert.equal((await told(url, 'get')).status, at === 'kv' ? NONE : FAILED);
    assert.equal((await told(url, 'put=x')).status, FAILED);
    assert.equal((await told(url, 'get')).status, at === 'kv' ? NONE : FAILED, 'it lives');
  });

  for (const fault of /** @type {const} */ (['500', 'reset'])) {
    test(`${at}: ${fault} is an answer`, async (t) => {
      const { store, url } = await both(t);
      store.values.set(key(url), 'here');
      store.fault = fault;
      // The Cache API takes a refusal for an empty cache, and never says that it has kept nothing.
      assert.equal((await told(url, 'get')).status, at === 'cache' && fault === '500' ? NONE : FAILED);
      assert.equal((await told(url, 'put=x')).status, at === 'cache' ? DONE : FAILED);
      store.fault = 'none';
      assert.equal((await told(url, 'get')).status, DONE);
    });
  }

  test(`${at}: one that hangs is given up in time, at its head as in its value`, async (t) => {
    const { store, url } = await both(t);
    store.values.set(key(url), 'here');
    for (const [fault, query] of [['hang', 'get'], ['hang', 'put=x'], ['half', 'get']]) {
      store.fault = fault;
      const { status, ms } = await told(url, query);
      assert.equal(status, LATE, `${fault} ${query}`);
      assert.ok(ms >= TOLD_MS - 50 && ms < TOLD_MS + 1500, `${ms} ms`);
    }
    store.fault = 'none';
    assert.equal((await told(url, 'get')).status, DONE);
  });

  for (const [what, fault, size] of /** @type {const} */ ([['late', 'half', 5], ['too long', 'none', 20_000_000]])) {
    test(`${at}: a value that is ${what} is let go while its request goes on`, async (t) => {
      const node = createServer(() => {}).listen(0, '127.0.0.1');
      await once(node, 'listening');
      t.after(() => (node.closeAllConnections(), node.close()));
      const { store, url } = await both(t, /** @type {import('node:net').AddressInfo} */ (node.address()).port);
      const client = new AbortController();
      store.values.set(key(url), Buffer.alloc(size));
      store.fault = fault;
      const response = fetch(`${url}${PATH}?ask`, { signal: client.signal });
      await once(node, 'request');
      await until(() => store.given_up > 0, 'it to be let go', 2000);
      client.abort();
      await assert.rejects(response);
    });
  }

  test(`${at}: what nobody waits for is kept after its request is over`, async (t) => {
    const { store, url } = await both(t);
    store.slow_put_ms = 400;
    store.values.set(key(url), 'kept');
    const { status, body } = await told(url, 'ask');
    assert.deepEqual([status, String(body)], [DONE, 'kept']);
    await until(() => store.values.size === 2, 'what goes along to be kept');
  });
}

test('kv: too many writes are a failure that says why', async (t) => {
  const store = await new Kv().start();
  t.after(() => store.stop());
  const { url } = await open(t, { at: 'kv', kvs: { TOY: store.port } });
  store.fault = '429';
  const { status, body } = await told(url, 'put=x');
  assert.equal(status, FAILED);
  assert.match(String(body), /429/);
});
