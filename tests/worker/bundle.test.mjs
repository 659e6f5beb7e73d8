/** What a deployment would upload, and what it would take with it. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { bundleInto, buildWorker } from '../lib/edge.mjs';
import { ROOT } from '../lib/proc.mjs';

const BUNDLE = join(ROOT, 'build/worker');

describe('bundle', { timeout: 120_000 }, () => {
    test('a dry deployment to production succeeds and says how large it is', async () => {
        const out = mkdtempSync(join(tmpdir(), 'heady-bundle-'));
        try {
            const log = await bundleInto(out);
            assert.match(log, /Total Upload: [0-9.]+ KiB/);
            assert.ok(existsSync(join(out, 'index.js')));
        } finally {
            rmSync(out, { recursive: true, force: true });
        }
    });

    test('the module has no imports', async () => {
        await buildWorker();
        const name = readdirSync(BUNDLE).find((file) => file.endsWith('.wasm')) ?? '';
        const bytes = readFileSync(join(BUNDLE, name));
        assert.deepEqual(WebAssembly.Module.imports(new WebAssembly.Module(bytes)), []);
    });

    test('nothing of node and no package is in it', async () => {
        await buildWorker();
        const text = readFileSync(join(BUNDLE, 'index.js'), 'utf8');
        assert.doesNotMatch(text, /node:|node_modules|require\(/);
    });

    test('production is pinned and strict', () => {
        const text = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');
        assert.match(text, /^compatibility_date\s*=\s*"20[0-9]{2}-[0-9]{2}-[0-9]{2}"/m);
        for (const flag of ['no_nodejs_compat', 'no_nodejs_compat_v2', 'global_fetch_strictly_public']) {
            assert.ok(text.includes(`"${flag}"`), flag);
        }
        assert.match(text, /api\.headysystems\.com/);
        assert.match(text, /crons/);
        assert.match(text, /kv_namespaces/);
        for (const [binding, name] of [['REGISTRY', 'Registry'], ['RESPONSES', 'Responses']]) {
            assert.match(text, new RegExp(`^new_sqlite_classes = \\["${name}"\\]`, 'm'));
            const bound = text.match(new RegExp(`^ *\\{ name = "${binding}", class_name = "${name}" \\}`, 'gm'));
            assert.equal(bound?.length, text.match(/^kv_namespaces = /gm)?.length, 'in each environment');
        }
    });
});
