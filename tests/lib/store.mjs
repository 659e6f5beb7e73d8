/** What a daemon keeps in its data directory, looked at from outside. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** @param {string} dir */
export const storeOf = (dir) => join(dir, 'heady.db');

/** @template T @param {string} dir @param {(db: DatabaseSync) => T} look @returns {T} */
export function within(dir, look, readOnly = true) {
    const db = new DatabaseSync(storeOf(dir), { readOnly, timeout: 2000 });
    try {
        return look(db);
    } finally {
        db.close();
    }
}

/** The lines that are committed; none before there is a table. @param {string} dir @returns {string} */
export function frames(dir) {
    if (!existsSync(storeOf(dir))) return '';
    return within(dir, (db) => {
        if (db.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get('frames') === undefined) return '';
        return db.prepare('SELECT line FROM frames').all().map(({ line }) => `${line}\n`).join('');
    });
}
