// Ports that stay free while nobody listens on them: what stops and starts again finds its own still there, though
// other tests run beside it and connect to wherever they like.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';

const LOWEST = 10_000;
/** The kernel takes the ports of outgoing connections, and those that are asked for as 0, from here on. */
const TAKEN_FROM = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/)[0]);
const TRIES = 100;

/** @param {number} port @returns {Promise<number>} the same, or 0 if somebody has it */
async function tryPort(port) {
    const server = net.createServer();
    const free = once(server, 'listening').then(() => true, () => false);
    server.listen(port, '127.0.0.1');
    if (!await free) return 0;
    const { port: got } = /** @type {net.AddressInfo} */ (server.address());
    server.close();
    await once(server, 'close');
    return got;
}

/** @returns {Promise<number>} a port that was free a moment ago */
export async function freePort() {
    for (let i = 0; i < TRIES && TAKEN_FROM > LOWEST; i++) {
        const port = await tryPort(LOWEST + Math.floor(Math.random() * (TAKEN_FROM - LOWEST)));
        if (port > 0) return port;
    }
    return tryPort(0);
}
