/** Other people's HTTP/2: as targets of the daemon (TLS, by ALPN), and as gateways in front of it. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT, start, until } from '../lib/proc.mjs';
import { freePort } from '../lib/rack.mjs';
import { serve } from './traffic.mjs';

/**
 * @typedef {object} Rig
 * @property {import('../lib/certs.mjs').Certs} certs   with `ca`, and `server` signed by it
 * @property {number} origin                            a port of HTTP/1.1, behind those that are gateways
 * @property {(fn: () => unknown) => void} after
 */

const HERE = dirname(fileURLToPath(import.meta.url));
const PATH = `${process.env.PATH}:/usr/sbin`;

/** A program that `make` builds. @param {string} name */
export function built(name) {
    const file = join(ROOT, 'build', name);
    if (!existsSync(file)) throw new Error(`build/${name} is missing: make build/${name}`);
    return file;
}

/** @param {number} port @returns {Promise<boolean>} */
function listens(port) {
    return new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1');
        socket.once('connect', () => { socket.destroy(); resolve(true); });
        socket.once('error', () => resolve(false));
    });
}

/** Starts a program that listens on `port`, with a configuration if it wants one as its last argument.
 * @param {Rig} rig @param {number} port @param {string[]} command
 * @param {{ text?: (dir: string) => string, env?: Record<string, string> }} [options] */
async function run(rig, port, command, { text, env } = {}) {
    const dir = mkdtempSync(join(tmpdir(), 'heady-peer-'));
    rig.after(() => rmSync(dir, { recursive: true, force: true }));
    const file = join(dir, 'conf');
    if (text !== undefined) writeFileSync(file, text(dir));
    const child = start([...command, ...(text === undefined ? [] : [file])], { cwd: dir, env: { PATH, ...env } });
    rig.after(() => child.stop('SIGKILL'));
    const there = () => {
        if (child.exit !== null) throw new Error(`${command[0]} has ended: ${child.output()}`);
        return listens(port);
    };
    await until(there, `${command[0]}: ${child.output()}`, 10_000);
    return port;
}

/** HAProxy, from one side to the other. @param {Rig} rig @param {string} bind @param {string} server */
async function haproxy(rig, bind, server) {
    const port = await freePort();
    return run(rig, port, ['haproxy', '-db', '-q', '-f'], {
        text: () => `global
    nbthread 1
defaults
    mode http
    timeout client 20s
    timeout server 20s
    timeout connect 2s
    http-reuse always
frontend front
    bind 127.0.0.1:${port} ${bind}
    default_backend back
backend back
    server one 127.0.0.1:${server}
` });
}

/** Certificate and key in one file, as HAProxy wants it. @param {Rig} rig */
function pem(rig) {
    const file = rig.certs.file('both.pem');
    writeFileSync(file, rig.certs.text('server.pem') + rig.certs.text('server.key'));
    return file;
}

/** @param {Rig} rig @param {string} front @param {string} back @param {string[]} [more] */
async function nghttpx(rig, front, back, more = []) {
    const port = await freePort();
    const options = ['--workers=1', '--errorlog-file=/dev/stderr', '--log-level=ERROR', `--frontend=127.0.0.1,${port}${front}`,
        `--backend=127.0.0.1,${back}`, '--conf=/dev/null', ...more];
    return run(rig, port, ['nghttpx', ...options]);
}

/** @param {Rig} rig */
async function nginx(rig) {
    const port = await freePort();
    return run(rig, port, ['nginx', '-c'], {
        text: (dir) => `
daemon off;
master_process off;
pid ${dir}/nginx.pid;
error_log ${dir}/nginx.err crit;
events {}
http {
    access_log off;
    client_body_temp_path ${dir}/body;
    proxy_temp_path ${dir}/proxy;
    server {
        listen 127.0.0.1:${port} ssl http2;
        ssl_certificate ${rig.certs.file('server.pem')};
        ssl_certificate_key ${rig.certs.file('server.key')};
        client_max_body_size 0;
        location / {
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_max_temp_file_size 0;
            proxy_pass http://127.0.0.1:${rig.origin};
        }
    }
}
` });
}

/** @param {Rig} rig */
async function go(rig) {
    const child = start([built('peer-go'), 'serve', rig.certs.file('server.pem'), rig.certs.file('server.key')]);
    rig.after(() => child.stop('SIGKILL'));
    const port = () => Number(/^port (\d+)$/m.exec(child.output())?.[1]);
    await until(() => child.exit !== null || port() > 0, `Go: ${child.output()}`);
    return port();
}

/** @param {Rig} rig */
async function node(rig) {
    const server = http2.createSecureServer({ key: rig.certs.text('server.key'), cert: rig.certs.text('server.pem') });
    /** @type {Set<http2.ServerHttp2Session>} */
    const sessions = new Set();
    server.on('session', (session) => sessions.add(session));
    server.on('request', (req, res) => void serve(req, res).catch(() => res.stream.destroy()));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    rig.after(() => {
        for (const session of sessions) session.destroy();
        server.close();
    });
    return /** @type {net.AddressInfo} */ (server.address()).port;
}

/** Debian's, hence its Python. @param {Rig} rig */
async function hypercorn(rig) {
    const port = await freePort();
    return run(rig, port, ['/usr/bin/python3', '-m', 'hypercorn', '--bind', `127.0.0.1:${port}`, '--certfile',
        rig.certs.file('server.pem'), '--keyfile', rig.certs.file('server.key'), 'asgi:app'],
        { env: { PYTHONPATH: HERE, PYTHONDONTWRITEBYTECODE: '1' } });
}

/** Behind the daemon: each a port that speaks HTTP/2 by ALPN. @type {Record<string, (rig: Rig) => Promise<number>>} */
export const targets = {
    haproxy: (rig) => haproxy(rig, `ssl crt ${pem(rig)} alpn h2`, `${rig.origin}`),
    nghttpx: (rig) => nghttpx(rig, '', `${rig.origin}`, [rig.certs.file('server.key'), rig.certs.file('server.pem')]),
    nginx,
    go,
    node,
    hypercorn,
};

/** In front of it: each a port of HTTP/1.1, from where requests go to the daemon's port by HTTP/2. nginx and
 * hypercorn are not here: Debian's nginx has no HTTP/2 toward upstreams, hypercorn no client.
 * @type {Record<string, (rig: Rig, daemon: { plain: number, tls: number }) => Promise<number>>} */
export const fronts = {
    'haproxy, in the clear': (rig, { plain }) => haproxy(rig, '', `${plain} proto h2`),
    'haproxy, over TLS': (rig, { tls }) => haproxy(rig, '', `${tls} ssl verify required ca-file ${rig.certs.file('ca.pem')} alpn h2`),
    nghttpx: (rig, { plain }) => nghttpx(rig, ';no-tls', `${plain};;proto=h2`),
};
