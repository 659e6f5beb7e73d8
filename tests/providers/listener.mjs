/** A server that speaks HTTP/1.1, and HTTP/2 with whoever begins with its preface. */
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';

/** @param {http.ServerOptions} options @param {(req: http.IncomingMessage, res: http.ServerResponse) => void} handler */
export function both(options, handler) {
    const one = http.createServer(options, handler);
    const two = http2.createServer({}, /** @type {any} */ (handler));
    two.on('session', (session) => session.on('error', () => {}));
    return net.createServer({ noDelay: true }, (socket) => { // as a server of node:http does
        socket.once('readable', () => {
            const first = socket.read();
            if (first === null) return void socket.destroy();
            socket.unshift(first);
            (first.toString('latin1', 0, 3) === 'PRI' ? two : one).emit('connection', socket);
        });
    });
}
