/**
 * The wire to a real node: it can be cut and taken down, and it counts what is asked through it. What is counted
 * are attempts as the node sees them, whoever sends them.
 */
import { once } from 'node:events';
import net from 'node:net';
import { freePort } from '../lib/ports.mjs';

/**
 * @typedef {object} Tally   of answers as streams
 * @property {number} asked      attempts
 * @property {number} answered   to their end
 * @property {number} refused    with another status than 200
 * @property {number} cancelled  closed by whoever had asked, before the end
 * @property {number} broken     closed by the node, or by the wire, before the end
 * @property {number} stale      closed by the node before it has answered at all: a connection that it kept no longer
 *
 * @typedef {object} Wire
 * @property {string} url
 * @property {() => Tally} tally         since it was last asked
 * @property {() => void} down           nothing answers here any more
 * @property {() => Promise<void>} up
 * @property {() => Promise<void>} close
 */

const END = 'data: [DONE]';

/** The next event on any wire is the last one on its connection. */
let armed = false;
let cuts = 0;

export function cutNext() {
    armed = true;
}

/** How often that has happened since it was last asked. */
export function cutsMade() {
    const made = cuts;
    cuts = 0;
    armed = false;
    return made;
}

/** @returns {Tally} */
const nothing = () => ({ asked: 0, answered: 0, refused: 0, cancelled: 0, broken: 0, stale: 0 });

/** Follows the questions on one connection. @param {() => Tally} tally */
function recorder(tally) {
    let open = false;
    let seen = ''; // the end of what has come of the answer
    /** @param {'answered' | 'refused' | 'cancelled' | 'broken'} how */
    const over = (how) => {
        if (open) tally()[how === 'broken' && seen === '' ? 'stale' : how]++;
        open = false;
    };
    return {
        over,
        /** @param {Buffer} bytes */
        ask: (bytes) => {
            if (open || bytes.toString('latin1', 0, 5) !== 'POST ') return; // a GET is a probe
            open = true;
            seen = '';
            tally().asked++;
        },
        /** @param {Buffer} bytes */
        tell: (bytes) => {
            if (!open) return;
            const text = seen + bytes.toString('latin1');
            if (seen === '' && !text.startsWith('HTTP/1.1 200')) over('refused');
            else if (text.includes(END)) over('answered');
            seen = text.slice(-END.length);
        },
    };
}

/** @param {number} port the node's @returns {Promise<Wire>} */
export async function startWire(port) {
    let tally = nothing();
    /** @type {Set<() => void>} */
    const ends = new Set();
    const server = net.createServer((client) => {
        const node = net.connect(port, '127.0.0.1');
        const record = recorder(() => tally);
        let left = false; // the node has closed
        const end = () => {
            record.over('broken');
            // One that is destroyed while it says its end, on the way to a reset, stays: node then turns for ever at exit.
            if (client.writableEnded) client.destroy();
            else client.resetAndDestroy();
            node.destroy();
        };
        ends.add(end);
        client.on('close', () => {
            ends.delete(end);
            // What was asked when the node had closed already came too late, and was not given up.
            record.over(left ? 'broken' : 'cancelled');
            node.destroy();
        });
        node.on('close', () => {
            left = true;
            record.over('broken');
            client.end();
        });
        client.on('error', () => {
            record.over(left ? 'broken' : 'cancelled');
            end();
        });
        node.on('error', end);
        client.on('data', (bytes) => {
            record.ask(bytes);
            node.write(bytes);
        });
        node.on('data', (bytes) => {
            record.tell(bytes);
            client.write(bytes);
            if (!armed || !bytes.includes('data: ')) return;
            armed = false;
            cuts++;
            setImmediate(end);
        });
    });
    const listen = async (/** @type {number} */ at) => {
        server.listen(at, '127.0.0.1');
        await once(server, 'listening');
        return /** @type {net.AddressInfo} */ (server.address()).port;
    };
    const at = await listen(await freePort());
    const down = () => {
        server.close();
        for (const end of ends) end();
    };
    return {
        url: `http://127.0.0.1:${at}`,
        tally: () => {
            const was = tally;
            tally = nothing();
            return was;
        },
        down,
        up: async () => { await listen(at); },
        close: async () => {
            if (!server.listening) return;
            const closed = once(server, 'close');
            down();
            await closed;
        },
    };
}
