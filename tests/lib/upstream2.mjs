/**
 * Upstreams that speak HTTP/2 over TLS: node's, and one whose frames are written by hand.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';

/** @typedef {{key: Buffer, cert: Buffer, file: string}} Certificate */

/** A certificate for 127.0.0.1; `file` is what to trust. @param {(fn: () => void) => void} after @returns {Certificate} */
export function certificate(after) {
    const dir = mkdtempSync(join(tmpdir(), 'heady-cert-'));
    const [key, file] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
        '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
        '-keyout', key, '-out', file], { stdio: 'ignore' });
    after(() => rmSync(dir, { recursive: true, force: true }));
    return { key: readFileSync(key), cert: readFileSync(file), file };
}

/** @param {import('node:net').Server | tls.Server | http2.Http2SecureServer} server */
async function listening(server) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    return `https://127.0.0.1:${port}`;
}

/**
 * A node:http2 server.
 * @param {import('node:test').TestContext} t @param {Certificate} cert
 * @param {(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, n: number) => void} serve  n: counts from 1
 * @param {http2.SecureServerOptions} [options]
 */
export async function server2(t, cert, serve, options = {}) {
    /** @type {Set<http2.ServerHttp2Session>} */
    const sessions = new Set();
    const server = http2.createSecureServer({ key: cert.key, cert: cert.cert, ...options });
    const seen = { url: '', connections: 0, streams: 0, sessions, server };
    server.on('session', (session) => {
        seen.connections++;
        sessions.add(session);
        session.on('error', () => {});
        session.on('close', () => sessions.delete(session));
    });
    server.on('stream', (stream, headers) => {
        stream.on('error', () => {});
        serve(stream, headers, ++seen.streams);
    });
    seen.url = await listening(server);
    t.after(() => {
        for (const session of sessions) session.destroy();
        server.close();
    });
    return seen;
}

/**
 * A TLS server that chooses h2; what it does with a connection is the caller's.
 * @param {import('node:test').TestContext} t @param {Certificate} cert
 * @param {(socket: tls.TLSSocket) => void} talk
 */
export async function frames2(t, cert, talk) {
    /** @type {Set<tls.TLSSocket>} */
    const sockets = new Set();
    const server = tls.createServer({ key: cert.key, cert: cert.cert, ALPNProtocols: ['h2'] }, (socket) => {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => sockets.delete(socket));
        talk(socket);
    });
    const url = await listening(server);
    t.after(() => {
        for (const socket of sockets) socket.destroy();
        server.close();
    });
    return { url, sockets };
}
