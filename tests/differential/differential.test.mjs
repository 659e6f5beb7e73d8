/**
 * The same requests for the daemon, node, nginx and HAProxy: what any of them refuses, the daemon
 * refuses; what it takes reaches its node as exactly one request, in canonical form. Where the RFCs
 * let a sender spell a thing in two ways and a peer knows one of them, all peers must take the same
 * request in plain spelling, and the daemon's node must see no difference. LONG=1 tries
 * every byte in every place, else a sample whose seed is printed (SEED=n repeats one).
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { handMade, inPlainSpelling, mutated } from './cases.mjs';
import { send, startPeers, startSubject } from './peers.mjs';

/** @typedef {import('./cases.mjs').Case} Case */

const SAMPLE = 250;
const LANES = 4;

/** @param {number} seed @returns {() => number} */
function random(seed) {
    let x = seed >>> 0 || 1;
    return () => {
        x ^= x << 13; x >>>= 0;
        x ^= x >>> 17;
        x ^= x << 5; x >>>= 0;
        return x;
    };
}

/** @param {Case[]} all @param {number} n @param {number} seed */
function sample(all, n, seed) {
    const next = random(seed);
    const left = [...all];
    return Array.from({ length: Math.min(n, left.length) }, () => left.splice(next() % left.length, 1)[0]);
}

describe('differential', { timeout: 900_000 }, () => {
    /** @type {Awaited<ReturnType<typeof startPeers>>} */
    let others;
    /** @type {Awaited<ReturnType<typeof startSubject>>[]} */
    let lanes;

    before(async () => {
        others = await startPeers();
        lanes = await Promise.all(Array.from({ length: LANES }, startSubject));
    });
    after(async () => {
        for (const lane of lanes) await lane.stop();
        await others.stop();
    });

    /** @param {string} _ @param {unknown} value */
    const withoutId = (_, value) => (typeof value === 'string' ? value.replace(/x-request-id: .*/, '') : value);

    /** What is wrong with how the daemon treats a case; '' if nothing.
     * @param {Awaited<ReturnType<typeof startSubject>>} lane @param {Case} one */
    const judge = async (lane, one) => {
        const { port, recorder } = lane;
        recorder.forget();
        const [own, ...peers] = await Promise.all([
            send(port, one.bytes), ...others.peers.map((peer) => send(peer.port, one.bytes)),
        ]);
        if (recorder.junk.length > 0) return `its node got ${JSON.stringify(recorder.junk[0].slice(0, 200))}`;
        if (own.verdict !== 'taken') {
            return recorder.seen.length === 0 ? '' : `${own.verdict}, and yet its node saw a request`;
        }
        if (one.bytes.startsWith('OPTIONS * ')) {
            return recorder.seen.length === 0 ? '' : 'what is asked of the gateway itself went to a node';
        }
        if (recorder.seen.length !== 1 || own.taken !== 1 || recorder.seen[0].trailers !== '') {
            return `${own.taken} taken, its node saw ${JSON.stringify(recorder.seen)}`;
        }
        const strict = others.peers.filter((_, i) => peers[i].verdict === 'refused').map(({ name }) => name);
        // Bytes too many behind a good request: whether the peer says 200 before its 400 is its affair.
        if (strict.length === 0 || own.rest) return '';
        const plain = inPlainSpelling(one.bytes);
        if (plain !== one.bytes && await isTakenByAll(lane, plain)) return '';
        return `taken, but ${strict.join(' and ')} would refuse it`;
    };

    /** Whether the same request in plain spelling is good everywhere, and the same to the daemon's node.
     * @param {Awaited<ReturnType<typeof startSubject>>} lane @param {string} plain */
    const isTakenByAll = async ({ port, recorder }, plain) => {
        const before = JSON.stringify(recorder.seen, withoutId);
        recorder.forget();
        const all = await Promise.all([port, ...others.peers.map((peer) => peer.port)].map((to) => send(to, plain)));
        return all.every(({ verdict }) => verdict === 'taken') && JSON.stringify(recorder.seen, withoutId) === before;
    };

    /** @param {Case[]} cases */
    const judgeAll = async (cases) => {
        /** @type {string[]} */
        const wrong = [];
        const left = [...cases];
        await Promise.all(lanes.map(async (lane) => {
            for (let one = left.shift(); one !== undefined; one = left.shift()) {
                const what = await judge(lane, one);
                if (what !== '') wrong.push(`${one.family}: ${one.name}: ${what}`);
            }
        }));
        return wrong;
    };

    test('the peers take a plain request, and so does the daemon', async () => {
        const bytes = 'POST /api/heavy/code/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello';
        for (const { name, port } of [...others.peers, lanes[0]]) {
            assert.equal((await send(port, bytes)).verdict, 'taken', name);
        }
        assert.deepEqual(lanes[0].recorder.seen.map(({ body }) => body), ['hello']);
    });

    const families = Map.groupBy(handMade(), ({ family }) => family);
    for (const [family, cases] of families) {
        test(`${family}: ${cases.length} requests`, async () => {
            assert.deepEqual(await judgeAll(cases), []);
        });
    }

    test('a byte more, anywhere', async () => {
        const all = mutated();
        const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
        const cases = process.env.LONG ? all : sample(all, SAMPLE, seed);
        assert.deepEqual(await judgeAll(cases), [], `SEED=${seed}`);
    });
});
