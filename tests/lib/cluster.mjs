/**
 * Eight nodes and two local services, in this process: real sockets, and every counter at hand.
 */
import { startNode } from '../node/node.mjs';

/**
 * @typedef {import('../node/node.mjs').Node} Node
 *
 * @typedef {object} Cluster
 * @property {Node[]} nodes             nodes[0] is node 1; see node()
 * @property {(n: number) => Node} node by its number, 1 to 8
 * @property {Node} brain
 * @property {Node} battle
 * @property {Record<string, string>} env  what connects a gateway to all of it
 * @property {() => Promise<void>} heal    every node up, well, and its counters at zero
 * @property {() => number} requests       that reached any node
 * @property {() => Promise<void>} close
 */

/** @returns {Promise<Cluster>} */
export async function startCluster() {
    const ids = [1, 2, 3, 4, 5, 6, 7, 8];
    const nodes = await Promise.all(ids.map((id) => startNode({ id })));
    const brain = await startNode({ id: 'brain' });
    const battle = await startNode({ id: 'battle' });
    const all = [...nodes, brain, battle];
    const env = Object.fromEntries(nodes.map((node, i) => [`COLAB_ENDPOINT_${i + 1}`, node.url]));
    return {
        nodes,
        node: (n) => nodes[n - 1],
        brain,
        battle,
        env: { ...env, LOCAL_SERVICES: `brain=${brain.url},battle=${battle.url}` },
        heal: async () => {
            for (const node of all) {
                await node.control('ok');
                node.forget();
            }
        },
        requests: () => nodes.reduce((sum, node) => sum + node.stats().requests, 0),
        close: async () => {
            await Promise.all(all.map((node) => node.close()));
        },
    };
}
