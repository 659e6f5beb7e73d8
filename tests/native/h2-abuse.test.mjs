/**
 * HTTP/2 against the daemon: each family of attacks by its name, with frames written by hand. What is
 * asked of each: the connection that does it ends, a client on another connection does not notice,
 * memory stays, and the targets never see more than was rightly asked.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { E, F, PREFACE, T, ask2, block, connect2, frame, indexed, literal, raw2, remembered, setting, u32 } from '../lib/h2.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { busyMs, until } from '../lib/proc.mjs';
import { startRack } from '../lib/rack.mjs';

const HANG = '/api/heavy/code/hang';
const END = F.END_HEADERS | F.END_STREAM;

/** @param {number} n @param {(i: number) => Buffer} make */
function many(n, make) {
    return Buffer.concat(Array.from({ length: n }, (_, i) => make(i)));
}

atHost('rack', 'h2 abuse', (bench) => {
    /** A daemon whose memory is measured. @param {import('node:test').TestContext} t @param {unknown} [config] */
    const plain = async (t, config = {}) => {
        const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off' };
        const host = await startRack({ plain: true, config, env });
        t.after(() => host.stop());
        return host;
    };

    /** A well-behaved client beside the attack. @param {import('node:test').TestContext} t @param {string} url
     * @returns {Promise<() => Promise<number>>} ends it; the longest that a request took, in ms */
    const bystander = async (t, url) => {
        const session = await connect2(t, url);
        let on = true;
        let worst = 0;
        const done = (async () => {
            while (on) {
                const began = performance.now();
                const answer = await ask2(session, '/api/heavy/batch/echo', { body: 'hello' });
                assert.equal(answer.status, 200, answer.text);
                worst = Math.max(worst, performance.now() - began);
                await sleep(5);
            }
        })();
        return async () => {
            on = false;
            await done;
            session.destroy();
            return worst;
        };
    };

    /** Sends `bytes` again and again until the connection ends or `times` are over.
     * @param {import('../lib/h2.mjs').Raw} raw @param {(turn: number) => Buffer} bytes @param {number} times */
    const flood = async (raw, bytes, times) => {
        let turn = 0;
        for (; turn < times && !raw.closed; turn++) {
            await raw.push(bytes(turn));
            await sleep(0);
        }
        return turn;
    };

    /** The connection must be ended for being a nuisance, early, while a bystander is served.
     * @param {import('node:test').TestContext} t @param {(turn: number) => Buffer} bytes @param {Buffer[]} first */
    const nuisance = async (t, bytes, ...first) => {
        const host = await bench.open(t);
        const end = await bystander(t, host.url);
        const raw = await raw2(t, host.url);
        raw.send(...first);
        const turns = await flood(raw, bytes, 3000);
        assert.equal(await raw.goaway(2000), E.ENHANCE_YOUR_CALM);
        assert.ok(await raw.ends(4000), 'the connection is closed');
        assert.ok(turns < 3000, 'it was stopped while it went on');
        const worst = await end();
        assert.ok(worst < 2000, `the bystander waited ${worst} ms`);
    };

    // ------------------------------------------------------------ floods

    test('rapid reset (CVE-2023-44487): the connection ends, and no target hears of it', async (t) => {
        const path = block([], { ':path': HANG });
        await nuisance(t, (turn) => many(20, (i) => {
            const id = 1 + 2 * (turn * 20 + i);
            return Buffer.concat([frame(T.HEADERS, END, id, path), frame(T.RST_STREAM, 0, id, u32(E.CANCEL))]);
        }));
        const hung = bench.cluster.nodes.reduce((sum, n) => sum + (n.stats().paths['/hang'] ?? 0), 0);
        assert.ok(hung <= 20, `${hung} requests reached a node`);
    });

    test('rapid reset, each after its request has begun: attempts stay few, and none stays', async (t) => {
        for (const n of [3, 4, 1]) await bench.cluster.node(n).control({ mode: 'hang' });
        const path = block([], { ':path': '/api/heavy/code/echo' });
        const host = await bench.open(t);
        const raw = await raw2(t, host.url);
        for (let id = 1; id < 2000 && !raw.closed; id += 2) {
            await raw.push(frame(T.HEADERS, END, id, path));
            await sleep(2);
            await raw.push(frame(T.RST_STREAM, 0, id, u32(E.CANCEL)));
        }
        assert.equal(await raw.goaway(), E.ENHANCE_YOUR_CALM);
        const idle = () => bench.cluster.nodes.every((n) => n.stats().in_flight === 0);
        await until(idle, 'the nodes to be let go', 2000);
        assert.ok(bench.cluster.requests() <= 300, `${bench.cluster.requests()} attempts`);
    });

    test('rapid reset costs the attacker more than us', async (t) => {
        const host = await plain(t);
        const end = await bystander(t, host.url);
        const path = block([], { ':path': HANG });
        const bytes = many(5000, (i) => {
            const id = 1 + 2 * i;
            return Buffer.concat([frame(T.HEADERS, END, id, path), frame(T.RST_STREAM, 0, id, u32(E.CANCEL))]);
        });
        const before = busyMs(host.pid);
        const memory = host.residentKib();
        const began = performance.now();
        let connections = 0;
        for (; performance.now() - began < 1500; connections++) {
            const socket = net.connect(host.port, '127.0.0.1');
            socket.on('error', () => {});
            socket.resume();
            socket.write(Buffer.concat([PREFACE, frame(T.SETTINGS, 0, 0), bytes]));
            await Promise.race([once(socket, 'close'), once(socket, 'end'), sleep(500)]).catch(() => {});
            socket.destroy();
        }
        const each = (busyMs(host.pid) - before) / connections;
        const worst = await end();
        t.diagnostic(`${connections} connections of 5,000 resets: ${each.toFixed(2)} ms of CPU each, ` +
            `${host.residentKib() - memory} KiB more; the bystander waited ${worst.toFixed(0)} ms at most`);
        assert.ok(each < 5, `${each} ms of CPU for a connection`);
        assert.ok(host.residentKib() - memory < 8192);
        assert.ok(worst < 1000, `the bystander waited ${worst} ms`);
    });

    test('rapid reset behind frames that are of use', async (t) => {
        const pseudo = { ':method': 'POST', ':path': '/api/heavy/code/echo' };
        const path = block([], { ':path': HANG });
        await nuisance(t, (turn) => turn === 0 ? frame(T.HEADERS, F.END_HEADERS, 1, block([], pseudo)) : many(10, (i) => {
            const id = 3 + 2 * (turn * 10 + i);
            return Buffer.concat([frame(T.DATA, 0, 1, Buffer.from('x')), frame(T.DATA, 0, 1, Buffer.from('y')),
                frame(T.HEADERS, END, id, path), frame(T.RST_STREAM, 0, id, u32(E.CANCEL))]);
        }));
    });

    test('made you reset (CVE-2025-8671): streams that our resets end count as well', async (t) => {
        const path = block([], { ':path': '/api/heavy/code/echo' });
        await nuisance(t, (turn) => {
            const id = 1 + 2 * turn;
            return Buffer.concat([frame(T.HEADERS, END, id, path), frame(T.WINDOW_UPDATE, 0, id, u32(0x7fffffff))]);
        });
    });

    test('CONTINUATION flood (CVE-2024-28182 and its kin), empty and full', async (t) => {
        for (const payload of [Buffer.alloc(0), literal('x-a', 'b'.repeat(1000))]) {
            const host = await plain(t);
            const raw = await raw2(t, host.url);
            const memory = host.residentKib();
            raw.send(frame(T.HEADERS, F.END_STREAM, 1, block()));
            await flood(raw, () => many(100, () => frame(T.CONTINUATION, 0, 1, payload)), 200);
            assert.notEqual(await raw.goaway(2000), undefined);
            assert.ok(await raw.ends(4000));
            assert.ok(host.residentKib() - memory < 1024, `${host.residentKib() - memory} KiB`);
        }
    });

    test('HPACK bomb: one entry named again and again', async (t) => {
        const host = await plain(t);
        const end = await bystander(t, host.url);
        const raw = await raw2(t, host.url);
        raw.get(1, Buffer.concat([block(), remembered('x-bomb', 'b'.repeat(3900))]));
        assert.equal(await raw.ending(1), 'end');
        const memory = host.residentKib();
        const busy = busyMs(host.pid);
        const bomb = Buffer.concat([block(), ...Array(15_000).fill(indexed(62))]);
        raw.get(3, bomb);
        assert.equal(await raw.goaway(), E.ENHANCE_YOUR_CALM);
        assert.ok(await raw.ends(4000));
        assert.ok(host.residentKib() - memory < 1024, `${host.residentKib() - memory} KiB`);
        assert.ok(busyMs(host.pid) - busy < 200, 'it was not read to the end');
        assert.ok(await end() < 1000);
    });

    test('HPACK bombs in many streams: each is a 431, and memory stays', async (t) => {
        const host = await plain(t);
        const raw = await raw2(t, host.url);
        raw.get(1, Buffer.concat([block(), remembered('x-bomb', 'b'.repeat(3900))]));
        assert.equal(await raw.ending(1), 'end');
        const memory = host.residentKib();
        const bomb = Buffer.concat([block(), ...Array(40).fill(indexed(62))]);
        for (let id = 3; id < 203; id += 2) raw.get(id, bomb);
        for (let id = 3; id < 203; id += 2) assert.equal(await raw.ending(id), 'end');
        assert.equal(raw.closed, false);
        assert.ok(host.residentKib() - memory < 2048, `${host.residentKib() - memory} KiB`);
        assert.equal(bench.cluster.requests(), 0);
    });

    test('SETTINGS flood', (t) => nuisance(t, () => many(10, () => frame(T.SETTINGS, 0, 0, setting(3, 100)))));

    test('PING flood', (t) => nuisance(t, () => many(10, () => frame(T.PING, 0, 0, Buffer.alloc(8)))));

    test('PRIORITY flood', (t) => nuisance(t, (turn) =>
        many(10, (i) => frame(T.PRIORITY, 0, 1 + 2 * (turn * 10 + i), Buffer.from([0, 0, 0, 0, 16])))));

    test('WINDOW_UPDATE flood', (t) => nuisance(t, () => many(10, () => frame(T.WINDOW_UPDATE, 0, 0, u32(1)))));

    test('frames of unknown types, flood', (t) => nuisance(t, () => many(10, () => frame(0xbb, 0, 0, Buffer.alloc(500)))));

    test('empty frames flood: DATA without data (CVE-2019-9518)', (t) =>
        nuisance(t, () => many(10, () => frame(T.DATA, 0, 1)),
            frame(T.HEADERS, F.END_HEADERS, 1, block([], { ':method': 'POST', ':path': '/api/heavy/code/echo' }))));

    test('heads for streams that are over, flood', (t) =>
        nuisance(t, (turn) => turn === 0
            ? Buffer.concat([frame(T.HEADERS, F.END_HEADERS, 7, block()), frame(T.RST_STREAM, 0, 7, u32(E.CANCEL))])
            : many(turn < 20 ? 1 : 10, () => frame(T.HEADERS, F.END_HEADERS, 7, block()))));

    test('windows that open byte by byte do not pay for themselves (CVE-2019-9511)', (t) =>
        nuisance(t, () => frame(T.WINDOW_UPDATE, 0, 1, u32(1)), frame(T.SETTINGS, 0, 0, setting(4, 0)),
            frame(T.HEADERS, END, 1, block([], { ':path': '/api/heavy/code/bytes?n=50000000' }))));

    test('a client that takes nothing back cannot pile answers up: PING flood unread', async (t) => {
        const host = await plain(t);
        const raw = await raw2(t, host.url);
        const memory = host.residentKib();
        raw.socket.pause();
        const pings = many(1000, () => frame(T.PING, 0, 0, Buffer.alloc(8)));
        for (let i = 0; i < 20; i++) raw.send(pings);
        await sleep(300);
        assert.ok(host.residentKib() - memory < 1024, `${host.residentKib() - memory} KiB`);
        raw.socket.resume();
        assert.ok(await raw.ends(5000));
    });

    test('many frames that are of use are no nuisance', async (t) => {
        const host = await bench.open(t);
        const raw = await raw2(t, host.url);
        const size = 3_000_000;
        raw.get(1, block([], { ':path': `/api/heavy/code/bytes?n=${size}` }));
        let told = 0;
        const got = () => raw.frames.filter((f) => f.type === T.DATA).reduce((sum, f) => sum + f.payload.length, 0);
        while (got() < size && !raw.closed) {
            const n = got() - told;
            told += n;
            if (n > 0) raw.send(frame(T.WINDOW_UPDATE, 0, 0, u32(n)), frame(T.WINDOW_UPDATE, 0, 1, u32(n)));
            await sleep(1);
        }
        assert.equal(await raw.ending(1), 'end');
        const fields = block([], { ':method': 'POST', ':path': '/api/heavy/code/echo' });
        raw.send(frame(T.HEADERS, F.END_HEADERS, 3, fields));
        for (let i = 0; i < 5000; i++) raw.send(frame(T.DATA, 0, 3, Buffer.from('abc')));
        raw.send(frame(T.DATA, F.END_STREAM, 3));
        assert.equal(await raw.ending(3), 'end');
    });

    // ------------------------------------------------------------ the state of streams and windows

    /** @param {import('node:test').TestContext} t @param {(raw: import('../lib/h2.mjs').Raw) => void} send */
    const goawayOf = async (t, send) => {
        const host = await bench.open(t);
        const raw = await raw2(t, host.url);
        send(raw);
        const code = await raw.goaway();
        assert.ok(await raw.ends(4000), 'and then it ends');
        return code;
    };

    test('WINDOW_UPDATE overflow and zero, of the connection', async (t) => {
        const over = await goawayOf(t, (raw) =>
            raw.send(frame(T.WINDOW_UPDATE, 0, 0, u32(0x7fffffff)), frame(T.WINDOW_UPDATE, 0, 0, u32(0x7fffffff))));
        assert.equal(over, E.FLOW_CONTROL_ERROR);
        const zero = await goawayOf(t, (raw) => raw.send(frame(T.WINDOW_UPDATE, 0, 0, u32(0))));
        assert.equal(zero, E.PROTOCOL_ERROR);
    });

    test('WINDOW_UPDATE overflow and zero, of a stream', async (t) => {
        const host = await bench.open(t);
        const raw = await raw2(t, host.url, { settings: setting(4, 0) });
        const path = block([], { ':path': '/api/heavy/code/bytes?n=100000' });
        raw.get(1, path);
        raw.send(frame(T.WINDOW_UPDATE, 0, 1, u32(0x7fffffff)), frame(T.WINDOW_UPDATE, 0, 1, u32(0x7fffffff)));
        assert.equal(await raw.ending(1), E.FLOW_CONTROL_ERROR);
        raw.get(3);
        raw.send(frame(T.WINDOW_UPDATE, 0, 3, u32(100)));
        assert.equal(await raw.ending(3), 'end', 'the connection lives on');
        raw.get(5, path);
        raw.send(frame(T.WINDOW_UPDATE, 0, 5, u32(0)));
        assert.equal(await raw.goaway(), E.PROTOCOL_ERROR);
    });

    test('more than the windows allow', async (t) => {
        const deaf = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
        await once(deaf, 'listening');
        t.after(() => deaf.close());
        const { port } = /** @type {net.AddressInfo} */ (deaf.address());
        const env = { COLAB_ENDPOINT_3: `http://127.0.0.1:${port}` };
        const host = await bench.open(t, { env, config: { limits: { replay_bytes_max: 10_000, probe_ms: 0 } } });
        for (const n of [4, 1]) await bench.cluster.node(n).control('refuse');
        const raw = await raw2(t, host.url);
        raw.send(frame(T.HEADERS, F.END_HEADERS, 1, block([], { ':method': 'POST', ':path': '/api/heavy/code/echo' })));
        for (let i = 0; i < 1000 && !raw.frames.some((f) => f.type === T.RST_STREAM); i++) {
            await raw.push(frame(T.DATA, 0, 1, Buffer.alloc(16384)));
            await sleep(1);
        }
        assert.equal(await raw.ending(1), E.FLOW_CONTROL_ERROR);
        raw.get(3);
        assert.equal(await raw.ending(3), 'end', 'the connection lives on');
    });

    test('zero-window stall: a stream that is never read is reset in time, its node let go', async (t) => {
        const host = await bench.open(t, { config: { limits: { client_write_ms: 400 } } });
        const raw = await raw2(t, host.url, { settings: setting(4, 0) });
        for (const id of [1, 3, 5]) raw.get(id, block([], { ':path': '/api/heavy/code/bytes?n=50000000' }));
        for (const id of [1, 3, 5]) assert.equal(await raw.ending(id, 3000), E.INTERNAL_ERROR);
        const idle = () => bench.cluster.nodes.every((n) => n.stats().in_flight === 0);
        await until(idle, 'the node to be let go', 1000);
        assert.ok(!raw.closed);
    });

    test('slow read: a window that opens byte by byte holds no more than its stream', async (t) => {
        const host = await plain(t, { limits: { drain_ms: 100 } });
        const raw = await raw2(t, host.url, { settings: setting(4, 0) });
        const memory = host.residentKib();
        for (let id = 1; id < 17; id += 2) raw.get(id, block([], { ':path': '/api/heavy/code/bytes?n=50000000' }));
        for (let i = 0; i < 50; i++) {
            for (let id = 1; id < 17; id += 2) raw.send(frame(T.WINDOW_UPDATE, 0, id, u32(1)));
            await sleep(5);
        }
        assert.ok(host.residentKib() - memory <= 4096, `${host.residentKib() - memory} KiB`);
        raw.socket.destroy();
    });

    test('slow head: HEADERS without their end', async (t) => {
        const host = await bench.open(t, { config: { limits: { client_head_ms: 300 } } });
        const raw = await raw2(t, host.url);
        raw.send(frame(T.HEADERS, F.END_STREAM, 1, block()));
        assert.notEqual(await raw.goaway(2000), undefined);
        assert.ok(await raw.ends(4000));
        const silent = net.connect(Number(new URL(host.url).port), '127.0.0.1');
        t.after(() => silent.destroy());
        silent.resume();
        silent.write(PREFACE);
        const closed = await Promise.race([once(silent, 'end').then(() => true), sleep(3000, false)]);
        assert.ok(closed, 'nor does a preface without SETTINGS hold a connection');
    });

    test('stream ids: used again, going back, even', async (t) => {
        const host = await bench.open(t);
        const raw = await raw2(t, host.url);
        raw.get(5);
        assert.equal(await raw.ending(5), 'end');
        raw.get(5);
        raw.get(7);
        assert.equal(await raw.goaway(), E.STREAM_CLOSED);
        assert.ok(!raw.frames.some((f) => f.stream === 7));
        assert.equal(raw.frames.filter((f) => f.stream === 5 && f.type === T.HEADERS).length, 1);
        assert.equal(await goawayOf(t, (other) => other.send(frame(T.HEADERS, END, 7, block()), frame(T.HEADERS, END, 3, block()))),
            E.PROTOCOL_ERROR);
        assert.equal(await goawayOf(t, (other) => other.get(2)), E.PROTOCOL_ERROR);
        assert.equal(await goawayOf(t, (other) => other.send(frame(T.HEADERS, END, 0, block()))), E.PROTOCOL_ERROR);
    });

    test('DATA after END_STREAM, and for a stream that never was', async (t) => {
        const host = await bench.open(t);
        for (const n of [3, 4, 1]) await bench.cluster.node(n).control({ mode: 'hang' });
        const raw = await raw2(t, host.url);
        raw.get(1, block([], { ':path': '/api/heavy/code/echo' }));
        raw.send(frame(T.DATA, 0, 1, Buffer.from('x')));
        assert.equal(await raw.goaway(), E.STREAM_CLOSED);
        const idle = () => bench.cluster.nodes.every((n) => n.stats().in_flight === 0);
        await until(idle, 'the node to be let go', 1000);
        assert.equal(await goawayOf(t, (other) => other.send(frame(T.DATA, 0, 9, Buffer.from('x')))), E.PROTOCOL_ERROR);
    });

    test('too many streams at once: those above are refused, the others go on', async (t) => {
        const host = await bench.open(t, { config: { limits: { drain_ms: 100 } } });
        const fields = block([], { ':method': 'POST', ':path': '/api/heavy/code/echo' });
        const heads = many(130, (i) => frame(T.HEADERS, F.END_HEADERS, 1 + 2 * i, fields));
        const raw = await raw2(t, host.url, { quiet: true }); // it has not agreed to the limit yet
        raw.send(heads);
        assert.equal(await raw.ending(257), E.REFUSED_STREAM);
        assert.equal(await raw.ending(259), E.REFUSED_STREAM);
        raw.send(frame(T.DATA, F.END_STREAM, 1, Buffer.from('x')));
        assert.equal(await raw.ending(1), 'end');
        raw.socket.destroy();
        const knows = await raw2(t, host.url);
        await sleep(50);
        knows.send(heads);
        assert.equal(await knows.goaway(), E.PROTOCOL_ERROR);
    });

    test('frames that no client may send', async (t) => {
        const big = await goawayOf(t, (raw) => raw.send(frame(T.DATA, 0, 1, Buffer.alloc(20_000))));
        assert.equal(big, 6); // FRAME_SIZE_ERROR
        const push = await goawayOf(t, (raw) => raw.send(frame(T.PUSH_PROMISE, F.END_HEADERS, 1, Buffer.alloc(4))));
        assert.equal(push, E.PROTOCOL_ERROR);
        const table = await goawayOf(t, (raw) => raw.get(1, indexed(100)));
        assert.equal(table, E.COMPRESSION_ERROR);
        const alone = await goawayOf(t, (raw) => raw.send(frame(T.CONTINUATION, F.END_HEADERS, 1, block())));
        assert.equal(alone, E.PROTOCOL_ERROR);
    });

    // ------------------------------------------------------------ from HTTP/2 to HTTP/1

    /** A node that keeps what it is sent, and answers each request it can read.
     * @param {import('node:test').TestContext} t */
    const recorder = async (t) => {
        /** @type {{text: string, ended: boolean}[]} */
        const seen = [];
        const server = net.createServer((socket) => {
            const one = { text: '', ended: false };
            seen.push(one);
            socket.on('data', (part) => {
                one.text += part.toString('latin1');
                if (/\r\n\r\n(mark)?$/.test(one.text)) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
            });
            socket.on('close', () => (one.ended = true));
            socket.on('error', () => {});
        });
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        t.after(() => server.close());
        const { port } = /** @type {net.AddressInfo} */ (server.address());
        const url = `http://127.0.0.1:${port}`;
        const env = { COLAB_ENDPOINT_3: url, GATEWAY_AUTH: 'off' };
        const host = await startRack({ env, config: { limits: { drain_ms: 100, probe_ms: 0 } } });
        t.after(() => host.stop());
        return { host, seen };
    };

    test('h2-to-h1 desync: what would write a second request is refused before any node', async (t) => {
        const { host, seen } = await recorder(t);
        const sentSo = () => seen.map((one) => one.text).join('\n--\n');
        const path = '/api/heavy/code/x';
        const raw = await raw2(t, host.url);
        /** @type {Record<string, Buffer>} */
        const bad = {
            'CR LF in :path': block([], { ':path': `${path} HTTP/1.1\r\nhost: x\r\n\r\nGET /evil` }),
            'a space in :path': block([], { ':path': `${path} HTTP/1.1` }),
            'NUL in :path': block([], { ':path': `${path}\0` }),
            'an absolute :path': block([], { ':path': `http://a@b${path}` }),
            'CR LF in :method': block([], { ':path': path, ':method': 'GET /evil HTTP/1.1\r\nx: y' }),
            'CR LF in :authority': block([], { ':path': path, ':authority': 'localhost\r\nx: y' }),
            'CR LF in :scheme': block([], { ':path': path, ':scheme': 'http\r\nx: y' }),
            'CR LF in a value': block([['user-agent', 'a\r\ntransfer-encoding: chunked']], { ':path': path }),
            'LF in a value': block([['user-agent', 'a\nx: y']], { ':path': path }),
            'NUL in a value': block([['user-agent', 'a\0']], { ':path': path }),
            'a colon in a name': block([['x:y', 'z']], { ':path': path }),
            'a space in a name': block([['transfer-encoding ', 'chunked']], { ':path': path }),
            'CR LF in a name': block([['a: b\r\ntransfer-encoding', 'chunked']], { ':path': path }),
            'an empty name': block([['', 'chunked']], { ':path': path }),
            'transfer-encoding': block([['transfer-encoding', 'chunked']], { ':path': path }),
            'a second :path': Buffer.concat([block([], { ':path': path }), literal(':path', '/evil')]),
            'a Host that is another': block([['host', 'evil']], { ':path': path }),
        };
        let id = 1;
        for (const [what, fields] of Object.entries(bad)) {
            raw.get(id, fields);
            const end = await raw.ending(id);
            assert.ok(end === E.PROTOCOL_ERROR || end === 'end', `${what}: ${end}`);
            id += 2;
        }
        assert.equal(sentSo(), '', 'nothing was sent');
        raw.get(id, block([], { ':path': path }));
        assert.equal(await raw.ending(id), 'end', 'the good one is served');
        assert.match(sentSo(), /^GET \/x HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\n[^\r]*\r\n/);
    });

    test('h2-to-h1 desync: a content-length that the DATA belies never makes a whole request', async (t) => {
        const { host, seen } = await recorder(t);
        const pseudo = { ':path': '/api/heavy/code/x', ':method': 'POST' };
        /** @type {Record<string, [number, [number, string][]]>} */
        const cases = {
            'too short': [9, [[0, 'wrong'], [F.END_STREAM, 'ok']]],
            'too long, in one': [4, [[F.END_STREAM, 'wrongmark']]],
            'exact, and then more': [4, [[0, 'mark'], [F.END_STREAM, 'wrong']]],
            'exact, later more': [4, [[0, 'mark'], [-1, ''], [F.END_STREAM, 'wrong']]],
            'exact, byte by byte, and then more': [4, [[0, 'm'], [-1, ''], [0, 'ark'], [-1, ''], [0, 'x']]],
        };
        for (const [what, [length, parts]] of Object.entries(cases)) {
            seen.length = 0;
            const raw = await raw2(t, host.url);
            raw.send(frame(T.HEADERS, F.END_HEADERS, 1, block([['content-length', String(length)]], pseudo)));
            for (const [flags, text] of parts) {
                if (flags < 0) await sleep(60);
                else raw.send(frame(T.DATA, flags, 1, Buffer.from(text)));
            }
            assert.equal(await raw.ending(1), E.PROTOCOL_ERROR, what);
            await until(() => seen.every((one) => one.ended), 'the attempt to be cut');
            for (const { text } of seen) {
                const body = text.slice(text.indexOf('\r\n\r\n') + 4);
                assert.ok(body.length < length, `${what}: the node has ${body.length} of ${length} bytes`);
            }
            raw.socket.destroy();
        }
        const raw = await raw2(t, host.url);
        raw.send(frame(T.HEADERS, F.END_HEADERS, 1, block([['content-length', '4']], pseudo)));
        raw.send(frame(T.DATA, 0, 1, Buffer.from('mark')));
        await sleep(60);
        raw.send(frame(T.DATA, F.END_STREAM, 1));
        assert.equal(await raw.ending(1), 'end', 'the good one is served');
    });

    test('a length without a body, and END_STREAM that comes with the head', async (t) => {
        const host = await bench.open(t);
        const raw = await raw2(t, host.url);
        const pseudo = { ':path': '/api/heavy/code/echo', ':method': 'POST' };
        raw.get(1, block([['content-length', '5']], pseudo));
        assert.equal(await raw.ending(1), E.PROTOCOL_ERROR);
        assert.equal(bench.cluster.requests(), 0);
        raw.get(3, block([['content-length', '0']], pseudo));
        assert.equal(await raw.ending(3), 'end');
    });
});
