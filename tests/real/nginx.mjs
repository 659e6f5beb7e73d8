/** nginx before the real nodes, to compare times with. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, ready, start } from '../lib/proc.mjs';
import { freePort } from '../lib/rack.mjs';

/** @param {{ url: string }[]} nodes two of them */
export async function startNginx([first, second]) {
    const dir = mkdtempSync(join(tmpdir(), 'heady-nginx-'));
    const port = await freePort();
    /** @type {Record<string, string>} */
    const values = {
        DIR: dir, PORT: String(port), FIRST: new URL(first.url).host, SECOND: new URL(second.url).host,
    };
    const text = readFileSync(join(ROOT, 'tests/real/nginx.conf'), 'utf8');
    const file = join(dir, 'nginx.conf');
    writeFileSync(file, text.replaceAll(/\$\{([A-Z]+)\}/g, (_, key) => values[key]));
    const child = start(['nginx', '-c', file], { env: { PATH: `${process.env.PATH}:/usr/sbin` } });
    await ready(child, `http://127.0.0.1:${port}/health`);
    return {
        url: `http://127.0.0.1:${port}`,
        stop: async () => {
            await child.stop('SIGKILL');
            rmSync(dir, { recursive: true, force: true });
        },
    };
}
