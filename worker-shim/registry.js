/*
 * registry.js: the registry of nodes that all isolates share: one Durable Object that holds the
 * newest lease of each node as the line that the core wrote (src/core/cluster/registry.h). The core reaches
 * it by SEND to "binding://REGISTRY/api/nodes"; nobody else can.
 *
 *     GET     200: all lines
 *     POST    a line: 200 kept; 409 there is one of the same or a newer time: a replay, or outrun
 *
 * A statement is atomic and no two requests are between its read and its write, so of two
 * registrations that reach two isolates at once the newer one stays, whichever comes first.
 */
import { DurableObject } from 'cloudflare:workers';

/** The line's node and its time. */
const LEASE = /^lease (node-[1-8]) ([0-9]{1,15}) [0-9]{1,15} [0-9]{1,10} [!-~]{1,512}\n$/;

const TABLE = `CREATE TABLE IF NOT EXISTS leases
    (node TEXT PRIMARY KEY, stamp INTEGER NOT NULL, line TEXT NOT NULL)`;

const KEEP = `INSERT INTO leases (node, stamp, line) VALUES (?, ?, ?)
    ON CONFLICT (node) DO UPDATE SET stamp = excluded.stamp, line = excluded.line
    WHERE excluded.stamp > leases.stamp RETURNING node`;

export class Registry extends DurableObject {
    /** @param {DurableObjectState} ctx @param {Record<string, unknown>} env */
    constructor(ctx, env) {
        super(ctx, env);
        this.sql = ctx.storage.sql;
        this.sql.exec(TABLE);
    }

    /** @param {Request} request */
    async fetch(request) {
        if (request.method === 'POST') {
            return new Response(null, { status: this.keep(await request.text()) });
        }
        const rows = this.sql.exec('SELECT line FROM leases ORDER BY node').toArray();
        return new Response(rows.map(({ line }) => line).join(''));
    }

    /** Keeps a line if none of its node is newer. Returns a status. @param {string} line */
    keep(line) {
        const lease = LEASE.exec(line);
        if (lease === null) return 400;
        const kept = this.sql.exec(KEEP, lease[1], Number(lease[2]), line).toArray();
        return kept.length > 0 ? 200 : 409;
    }
}
