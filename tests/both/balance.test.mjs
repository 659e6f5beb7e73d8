/** Who gets a request: a conversation stays with its node, as long as that is no worse off for it. */
import assert from 'node:assert/strict';
import { ask, json } from '../lib/client.mjs';
import { atBoth, test } from '../lib/hosts.mjs';

const CHAT = '/api/heavy/code/v1/chat/completions';

/** The nth turn of a conversation. @param {string} about @param {number} turn */
function turnOf(about, turn) {
    const messages = [{ role: 'system', content: 'be brief' }, { role: 'user', content: `tell me about ${about}` }];
    for (let i = 1; i < turn; i++) {
        messages.push({ role: 'assistant', content: `answer ${i}` }, { role: 'user', content: `and then, ${i}?` });
    }
    return JSON.stringify({ model: 'heady-colab', messages });
}

atBoth('balance', (bench) => {
    const headers = { 'content-type': 'application/json' };

    test('the turns of a conversation meet the same node, and conversations are spread', async (t) => {
        const host = await bench.open(t);
        const homes = new Map();
        for (let turn = 1; turn <= 4; turn++) {
            for (let talk = 0; talk < 12; talk++) {
                const answer = await ask(host.url, CHAT, { headers, body: turnOf(`thing ${talk}`, turn) });
                const { node } = json(answer);
                if (turn === 1) homes.set(talk, node);
                assert.equal(node, homes.get(talk), `conversation ${talk}, turn ${turn}`);
            }
        }
        assert.deepEqual([...new Set(homes.values())].sort(), [3, 4]);
    });

    test('a node carries no more than 1.25 times its share for it', async (t) => {
        const host = await bench.open(t);
        const first = json(await ask(host.url, CHAT, { headers, body: turnOf('crowds', 1) })).node;
        await bench.cluster.node(3).control({ mode: 'slow', head_ms: 300 });
        await bench.cluster.node(4).control({ mode: 'slow', head_ms: 300 });
        const answers = await Promise.all(
            Array.from({ length: 12 }, () => ask(host.url, CHAT, { headers, body: turnOf('crowds', 2) })),
        );
        const home = answers.filter((answer) => json(answer).node === first).length;
        assert.ok(home >= 6 && home <= 8, `${home} of 12 at its own node`);
    });

    test('a home that is down is left at once', async (t) => {
        const host = await bench.open(t);
        const first = json(await ask(host.url, CHAT, { headers, body: turnOf('homes', 1) })).node;
        await bench.cluster.node(first).stop();
        const answer = await ask(host.url, CHAT, { headers, body: turnOf('homes', 2) });
        assert.equal(json(answer).node, first === 3 ? 4 : 3);
    });
});
