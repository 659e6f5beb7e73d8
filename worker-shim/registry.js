/*
 * registry.js: the registry of nodes that all isolates share: one Durable Object that holds the
 * newest lease of each node as the line that the core wrote (src/core/cluster/registry.h). The core asks it
 * by GW_ASK (ask.js); nobody else can.
 *
 * A statement is atomic and no two requests are between its read and its write, so of two
 * registrations that reach two isolates at once the newer one stays, whichever comes first.
 */
import { DurableObject } from 'cloudflare:workers';
import {
    GW_ANSWER_DONE, GW_ANSWER_FAILED, GW_ANSWER_OLDER, GW_ASK_KEEP,
} from '../build/offsets.js';

/** The line's node and its time. */
const LEASE = /^lease (node-[1-8]) ([0-9]{1,15}) [0-9]{1,15} [0-9]{1,10} [!-~]{1,512}(?: [!-~]{1,16})?(?: models=[!-~]{1,512})?\n$/;

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

    /** @param {number} what enum gw_ask_what @param {string} _key @param {string} bytes
     * @returns {import('./ask.js').Answer} */
    ask(what, _key, bytes) {
        if (what === GW_ASK_KEEP) return { status: this.keep(bytes), bytes: '' };
        const rows = this.sql.exec('SELECT line FROM leases ORDER BY node').toArray();
        return { status: GW_ANSWER_DONE, bytes: rows.map(({ line }) => line).join('') };
    }

    /** Keeps a line if none of its node is as new. @param {string} line @returns enum gw_answer_status */
    keep(line) {
        const lease = LEASE.exec(line);
        if (lease === null) return GW_ANSWER_FAILED;
        const kept = this.sql.exec(KEEP, lease[1], Number(lease[2]), line).toArray();
        return kept.length > 0 ? GW_ANSWER_DONE : GW_ANSWER_OLDER;
    }
}
