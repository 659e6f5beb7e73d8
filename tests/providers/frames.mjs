/** Frames of application/vnd.amazon.eventstream, written and read: an encoding of our own, with zlib's CRC. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';

const STRING = 7;
const PRELUDE = 12;

/** @param {number} value */
function u32(value) {
    const out = Buffer.alloc(4);
    out.writeUInt32BE(value >>> 0);
    return out;
}

/** @param {string} name @param {string} value */
function header(name, value) {
    const bytes = Buffer.from(value);
    const size = Buffer.alloc(2);
    size.writeUInt16BE(bytes.length);
    return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from([STRING]), size, bytes]);
}

/** @param {Record<string, string>} headers @param {string | Buffer} payload */
export function frame(headers, payload) {
    const head = Buffer.concat(Object.entries(headers).map(([name, value]) => header(name, value)));
    const body = Buffer.from(payload);
    const lengths = Buffer.concat([u32(PRELUDE + head.length + body.length + 4), u32(head.length)]);
    const all = Buffer.concat([lengths, u32(crc32(lengths)), head, body]);
    return Buffer.concat([all, u32(crc32(all))]);
}

/** @param {string} type @param {unknown} value */
export const eventFrame = (type, value) => textFrame(type, JSON.stringify(value));

/** An event whose payload is this text, JSON or not. @param {string} type @param {string} payload */
export function textFrame(type, payload) {
    return frame({ ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }, payload);
}

/** @param {string} type @param {string} message */
export function exceptionFrame(type, message) {
    const headers = { ':exception-type': type, ':content-type': 'application/json', ':message-type': 'exception' };
    return frame(headers, JSON.stringify({ message }));
}

/** What every frame of a stream says; both CRCs must be right. @param {Buffer} bytes
 *  @returns {{headers: Record<string, string>, payload: any}[]} */
export function framesIn(bytes) {
    const found = [];
    for (let at = 0; at < bytes.length;) {
        const length = bytes.readUInt32BE(at), head = bytes.readUInt32BE(at + 4);
        assert.equal(bytes.readUInt32BE(at + 8), crc32(bytes.subarray(at, at + 8)), `the prelude at ${at}`);
        assert.equal(bytes.readUInt32BE(at + length - 4), crc32(bytes.subarray(at, at + length - 4)), `the frame at ${at}`);
        /** @type {Record<string, string>} */
        const headers = {};
        for (let h = at + PRELUDE; h < at + PRELUDE + head;) {
            const name = bytes.toString('latin1', h + 1, h + 1 + bytes[h]);
            h += 1 + name.length;
            assert.equal(bytes[h], STRING);
            const size = bytes.readUInt16BE(h + 1);
            headers[name] = bytes.toString('utf8', h + 3, h + 3 + size);
            h += 3 + size;
        }
        found.push({ headers, payload: JSON.parse(bytes.toString('utf8', at + PRELUDE + head, at + length - 4)) });
        at += length;
    }
    return found;
}
