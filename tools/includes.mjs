// Includes go downwards only: node tools/includes.mjs FILE... fails on any other arrow. A folder may
// include itself and what its line names; core/gw.h, the contract, is a place of its own.
import { readFileSync } from 'node:fs';

const ALLOWED = new Map(Object.entries({
    'src/base': '',
    'src/http': 'base gw.h',
    'src/format': 'base',
    'src/core/gw.h': 'base',
    'src/core/config': 'gw.h format base',
    'src/core/cluster': 'gw.h core/config format base',
    'src/core/policy': 'gw.h core/config format base',
    'src/core/call': 'gw.h core/cluster core/policy core/config format base',
    'src/core/show': 'gw.h core/call core/cluster core/policy core/config format base',
    'src/native/loop': 'gw.h base',
    'src/native/net': 'gw.h native/loop http base',
    'src/native/up': 'gw.h native/net native/loop http base',
    'src/native/store': 'gw.h native/net native/loop base',
    'src/native/drive': 'gw.h native/up native/store native/net native/loop http base',
    'src/native/front': 'gw.h native/drive native/up native/store native/net native/loop http base',
    'src/native/process': 'gw.h native/front native/drive native/up native/store native/net native/loop http base',
    wasm: 'gw.h base',
}));

/** @param {string} file @returns {string} its place: a folder, or the contract */
const placeOf = (file) => (file === 'src/core/gw.h' ? file : file.replace(/\/[^/]*$/, ''));

const wrong = process.argv.slice(2).flatMap((file) => {
    const place = placeOf(file);
    const allowed = ALLOWED.get(place)?.split(' ').map((p) => (p === 'gw.h' ? 'src/core/gw.h' : `src/${p}`));
    const included = [...readFileSync(file, 'utf8').matchAll(/^#include "([^"]+)"/gm)].map(([, to]) => to);
    return included.map((to) => (to.includes('/') ? `src/${to}` : `${place}/${to}`))
        .filter((to) => placeOf(to) !== place && !allowed?.includes(placeOf(to)))
        .map((to) => `${file} includes ${to}`);
});
if (wrong.length) {
    console.log(`${wrong.join('\n')}\nincludes go downwards only; what each place may include:`);
    for (const [place, may] of ALLOWED) console.log(`  ${place}: ${may || 'nothing'}`);
    process.exitCode = 1;
}
