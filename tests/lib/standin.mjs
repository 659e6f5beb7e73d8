/** What stands in for a service of Cloudflare's: a server on loopback that a subclass serves. */
import http from 'node:http';
import { once } from 'node:events';

export class StandIn {
    constructor() {
        this.server = http.createServer((req, res) => this.serve(req, res));
    }

    /** @param {http.IncomingMessage} req @param {http.ServerResponse} res @returns {unknown} */
    serve(req, res) {
        throw new Error(`nobody serves ${req.url}, ${res.statusCode}`);
    }

    async start() {
        this.server.listen(0, '127.0.0.1');
        await once(this.server, 'listening');
        return this;
    }

    get port() {
        return /** @type {import('node:net').AddressInfo} */ (this.server.address()).port;
    }

    stop() {
        this.server.closeAllConnections();
        this.server.close();
    }
}
