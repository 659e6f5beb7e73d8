// The node behind every Worker of the benchmark: answers a POST with 1 KB of JSON, or, when the
// path ends in /stream or the body asks for "stream":true, with an event every EVENT_MS. Prints its
// port. Written on bare sockets' terms: few allocations, since it shares a CPU with the load.
import { createServer } from 'node:http';

const EVENT_MS = Number(process.env.EVENT_MS ?? 5);
const EVENTS = Number(process.env.EVENTS ?? 200);
const answer = Buffer.from(JSON.stringify({ id: 'bench', text: 'x'.repeat(990) }));
const event = Buffer.from(`data: ${JSON.stringify({ choices: [{ delta: { content: 'y'.repeat(110) } }] })}\n\n`);

/** @param {import('node:http').ServerResponse} response */
function stream(response) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let left = EVENTS;
    const timer = setInterval(() => {
        response.write(event);
        left -= 1;
        if (left > 0) return;
        clearInterval(timer);
        response.end();
    }, EVENT_MS);
    response.once('close', () => clearInterval(timer));
}

const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('latin1');
    request.on('data', (data) => { body += data; });
    request.on('end', () => {
        if (body.includes('"stream":true')) return stream(response);
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
        response.end(answer);
    });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    console.log(port);
});
