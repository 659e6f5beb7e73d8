/** Authorities and certificates for tests, made by openssl(1) when they are needed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** A directory of certificates; `remove` it in the end. */
export class Certs {
    constructor() {
        this.dir = mkdtempSync(join(tmpdir(), 'heady-certs-'));
    }

    /** @param {string} name */
    file(name) {
        return join(this.dir, name);
    }

    /** @param {string} name */
    text(name) {
        return readFileSync(this.file(name), 'utf8');
    }

    /** NAME.pem and NAME.key of an authority. @param {string} name */
    authority(name) {
        this.#openssl('req', '-x509', ...KEY, '-keyout', this.file(`${name}.key`), '-out',
            this.file(`${name}.pem`), '-days', '2', '-subj', `/CN=${name}`);
        return this;
    }

    /** NAME.pem and NAME.key, signed by the authority `by`.
     * @param {string} name @param {string} by @param {{ cn?: string, san?: string, days?: number,
     *   file?: string }} [more] file: what the files are called instead */
    issue(name, by, { cn = name, san = `DNS:${name},DNS:localhost,IP:127.0.0.1`, days = 2, file = name } = {}) {
        const request = this.file(`${file}.csr`);
        const extensions = this.file(`${file}.ext`);
        writeFileSync(extensions, san === '' ? '' : `subjectAltName=${san}\n`);
        this.#openssl('req', ...KEY, '-keyout', this.file(`${file}.key`), '-out', request, '-subj', `/CN=${cn}`);
        this.#openssl('x509', '-req', '-in', request, '-CA', this.file(`${by}.pem`), '-CAkey',
            this.file(`${by}.key`), '-CAcreateserial', '-days', String(days), '-extfile', extensions,
            '-out', this.file(`${file}.pem`));
        return this;
    }

    remove() {
        rmSync(this.dir, { recursive: true, force: true });
    }

    /** @param {...string} args */
    #openssl(...args) {
        execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    }
}
