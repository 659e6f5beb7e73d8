/*
 * responses.js: what the core keeps by owner and name (GW_ASK_STORE, RECALL, FORGET; the limits stand in
 * src/core/gw.h): answers of clients. One Durable Object for each owner. The twin of
 * src/native/store/kept.c. Only the core asks it (ask.js).
 *
 * A row of SQLite holds 2 MB at most, so what is kept stands in pieces. What is over is not there; the
 * alarm deletes it.
 */
import { DurableObject } from 'cloudflare:workers';
import {
    GW_ANSWER_DONE, GW_ANSWER_FAILED, GW_ANSWER_NONE, GW_ASK_FORGET, GW_ASK_STORE, GW_STORED_MAX,
    GW_STORED_OF_OWNER, GW_STORED_OWNER_MAX,
} from '../build/offsets.js';

const TABLES = `CREATE TABLE IF NOT EXISTS kept
        (name TEXT PRIMARY KEY, until INTEGER NOT NULL, size INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS kept_until ON kept (until, size);
    CREATE TABLE IF NOT EXISTS pieces
        (name TEXT NOT NULL, nth INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (name, nth));`;

const PIECE = 1 << 20;
const NEWLINE = 10;

/** @typedef {import('./ask.js').Answer} Answer */

/** @type {Answer} */
const NONE = { status: GW_ANSWER_NONE, bytes: '' };
/** @type {Answer} */
const DONE = { status: GW_ANSWER_DONE, bytes: '' };

export class Responses extends DurableObject {
    /** @param {DurableObjectState} ctx @param {Record<string, unknown>} env */
    constructor(ctx, env) {
        super(ctx, env);
        this.sql = ctx.storage.sql;
        this.sql.exec(TABLES);
    }

    /** @param {number} what enum gw_ask_what @param {string} name @param {Uint8Array} bytes
     * @returns {Promise<Answer>} */
    async ask(what, name, bytes) {
        if (what === GW_ASK_STORE) return this.put(name, bytes);
        return what === GW_ASK_FORGET ? this.drop(name) : this.get(name);
    }

    /** @param {string} name @param {Uint8Array} bytes a line that says until when, and what is kept */
    async put(name, bytes) {
        const end = bytes.indexOf(NEWLINE);
        const until = Number(new TextDecoder().decode(bytes.subarray(0, Math.max(end, 0))));
        const kept = bytes.subarray(end + 1);
        if (end < 1 || !Number.isSafeInteger(until) || kept.length > GW_STORED_MAX) {
            return { status: GW_ANSWER_FAILED, bytes: 'it is none that can be kept' };
        }
        this.ctx.storage.transactionSync(() => {
            this.remove(name);
            this.makePlace(kept.length);
            this.sql.exec('INSERT INTO kept VALUES (?, ?, ?)', name, until, kept.length);
            for (let at = 0; at < kept.length; at += PIECE) {
                const piece = kept.slice(at, at + PIECE).buffer;
                this.sql.exec('INSERT INTO pieces VALUES (?, ?, ?)', name, at / PIECE, piece);
            }
        });
        if (await this.ctx.storage.getAlarm() === null) await this.ctx.storage.setAlarm(until);
        return DONE;
    }

    /** @param {string} name @returns {Answer} */
    get(name) {
        const found = this.sql.exec('SELECT size FROM kept WHERE name = ? AND until > ?', name, Date.now());
        const [row] = found.toArray();
        if (row === undefined) return NONE;
        const bytes = new Uint8Array(Number(row.size));
        for (const piece of this.sql.exec('SELECT nth, bytes FROM pieces WHERE name = ?', name)) {
            bytes.set(new Uint8Array(/** @type {ArrayBuffer} */ (piece.bytes)), Number(piece.nth) * PIECE);
        }
        return { status: GW_ANSWER_DONE, bytes };
    }

    /** @param {string} name @returns {Answer} */
    drop(name) {
        return this.remove(name) ? DONE : NONE;
    }

    /** Whether it was there. @param {string} name */
    remove(name) {
        this.sql.exec('DELETE FROM pieces WHERE name = ?', name);
        return this.sql.exec('DELETE FROM kept WHERE name = ? RETURNING name', name).toArray().length > 0;
    }

    /** What ends soonest gives place. @param {number} more bytes */
    makePlace(more) {
        for (;;) {
            const { n, size } = this.sql.exec('SELECT count(*) AS n, total(size) AS size FROM kept').one();
            const fits = Number(n) < GW_STORED_OF_OWNER && Number(size) + more <= GW_STORED_OWNER_MAX;
            if (fits || n === 0) return;
            this.remove(String(this.sql.exec('SELECT name FROM kept ORDER BY until LIMIT 1').one().name));
        }
    }

    /** Deletes what is over, and comes again when the next one is. */
    async alarm() {
        const over = this.sql.exec('SELECT name FROM kept WHERE until <= ?', Date.now()).toArray();
        for (const { name } of over) this.remove(String(name));
        const { next } = this.sql.exec('SELECT min(until) AS next FROM kept').one();
        if (next !== null) await this.ctx.storage.setAlarm(Number(next));
    }
}
