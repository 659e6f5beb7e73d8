// The node behind every Worker of the benchmark: answers a POST with 1 KB of JSON or, when the
// body asks for "stream":true, with EVENTS events, one every EVENT_MS. Prints its port.
import { createServer } from 'node:http';

const EVENT_MS = Number(process.env.EVENT_MS ?? 5);
const EVENTS = Number(process.env.EVENTS ?? 200);
const answer = Buffer.from(JSON.stringify({ id: 'bench', text: 'x'.repeat(990) }));
const delta = { choices: [{ delta: { content: 'y'.repeat(110) } }] };
const event = Buffer.from(`data: ${JSON.stringify(delta)}\n\n`);
const HEAD = { 'content-type': 'application/json', 'content-length': answer.length };

/** @param {import('node:http').ServerResponse} response */
function stream(response) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let left = EVENTS;
    const timer = setInterval(() => {
        left -= 1;
        if (left > 0) {
            response.write(event);
            return;
        }
        clearInterval(timer);
        response.end('data: [DONE]\n\n');
    }, EVENT_MS);
    response.once('close', () => clearInterval(timer));
}

const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('latin1');
    request.on('data', (data) => { body += data; });
    request.on('end', () => {
        if (body.includes('"stream":true')) return stream(response);
        response.writeHead(200, HEAD);
        response.end(answer);
    });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    console.log(port);
});
