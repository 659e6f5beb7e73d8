/** docs/matrix.md: what came of each cell. */

/** What a cell's result is kept under. @param {string} client @param {string} provider @param {string} feature @param {boolean} stream */
export const placeOf = (client, provider, feature, stream) => [client, provider, feature, stream].join('\n');

/** @param {Map<string, string>} results @returns {[string, number][]} how many of each */
export function countsOf(results) {
    const words = ['yes', 'refused', 'told', 'left out', 'no words', 'none', 'open'];
    return words.map((word) => /** @type {[string, number]} */ ([word, [...results.values()].filter((one) => one === word).length]))
        .filter(([, n]) => n > 0);
}

/** Both, whole and streamed. @param {string} whole @param {string} streamed */
const both = (whole, streamed) => (whole === streamed ? whole : `${whole} / ${streamed}`);

/** @param {Map<string, string>} results @param {string[]} clients @param {string[]} providers @param {string} feature */
function tableOf(results, clients, providers, feature) {
    const rows = clients.map((client) => {
        const cells = providers.map((provider) => {
            const at = (/** @type {boolean} */ stream) => results.get(placeOf(client, provider, feature, stream)) ?? '';
            return both(at(false), at(true));
        });
        return `| ${client} | ${cells.join(' | ')} |`;
    });
    return [`## ${feature}`, '', `| asked in | ${providers.join(' | ')} |`, `|---|${providers.map(() => '---|').join('')}`, ...rows, ''].join('\n');
}

/** @param {Map<string, string>} results @param {string[]} clients @param {string[]} providers @param {{name: string}[]} features */
export function pageOf(results, clients, providers, features) {
    const counts = countsOf(results).map(([word, n]) => `${n} ${word}`).join(', ');
    return `# The matrix

\`make matrix\` writes this page from what came of each cell when it was played (\`tests/matrix\`): a
client of each dialect asks each provider for each feature, streaming or not, at both hosts. It is
the same at both. \`lmstudio\` stands for any server that is like OpenAI's.

| what came of it | is |
|---|---|
| yes | the provider received it, and the client its answer; or its own bytes, where both speak one dialect |
| refused | 400 \`unsupported_parameter\`, which names the client's field; nobody was asked |
| told | left out, and \`x-heady-warnings\` names the field |
| left out | without a word, because the answer is as good without it: [dialects.md](dialects.md) |
| no words | the client's dialect cannot say it, or cannot be told it |
| none | the provider has none to tell |
| open | a known fault: \`tests/matrix/open.mjs\` |

Where a stream differs, it stands behind a stroke.
Cells: ${counts}.

${features.map(({ name }) => tableOf(results, clients, providers, name)).join('\n')}`;
}
