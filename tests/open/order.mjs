/**
 * In which order a stream of Open Responses comes: an answer holds items, an item holds parts, a part grows by
 * deltas. Each begins before what it holds and ends behind it, one item at a time but for calls of tools, and what is said
 * at its end is what the deltas have said.
 */
import assert from 'node:assert/strict';

/** @typedef {Record<string, any>} Body */

/** What says what a part holds: the member of its end, and of the part. @type {Record<string, string>} */
const GROWS = {
    'response.output_text': 'text', 'response.refusal': 'refusal', 'response.function_call_arguments': 'arguments',
    'response.reasoning_summary_text': 'text',
};
const BEGIN = ['response.created', 'response.in_progress'];
const ENDS = ['response.completed', 'response.incomplete', 'response.failed'];

/** Where in the answer an event speaks of. @param {Body} event */
const placeOf = ({ output_index, content_index, summary_index }) => [output_index, content_index ?? summary_index ?? '-'].join('.');

class Answer {
    constructor() {
        /** Items that have begun. @type {Map<number, {id: string, done?: Body}>} */
        this.items = new Map();
        /** Parts that have begun, and have not ended; and those that have. @type {Set<string>} */
        this.open = new Set();
        /** @type {Map<string, string>} */
        this.texts = new Map();
    }

    /** @param {Body} event */
    item({ type, output_index, item }) {
        const known = this.items.get(output_index);
        if (type.endsWith('.added')) {
            assert.equal(known, undefined, `item ${output_index} begins once`);
            assert.equal(output_index, this.items.size, 'items are counted');
            assert.ok(item.status === undefined || item.type === 'compaction' || item.status === 'in_progress', 'it has just begun');
            this.items.set(output_index, { id: item.id });
            return;
        }
        assert.ok(known !== undefined && known.done === undefined, `item ${output_index} ends once, when it has begun`);
        assert.equal(item.id, known.id);
        assert.notEqual(item.status, 'in_progress');
        assert.deepEqual([...this.open].filter((place) => place.startsWith(`${output_index}.`)), [], 'its parts have ended');
        known.done = item;
    }

    /** @param {Body} event */
    inside({ type, ...event }) {
        const known = this.items.get(event.output_index);
        assert.ok(known !== undefined && known.done === undefined, `${type} in an item that is open`);
        assert.equal(event.item_id, known.id, type);
        const place = placeOf(event);
        if (/_part\.added$/.test(type)) this.open.add(place);
        else if (/_part\.done$/.test(type)) this.partDone(place, event.part);
        else this.grow(type, place, event);
    }

    /** @param {string} place @param {Body} part */
    partDone(place, part) {
        assert.ok(this.open.delete(place), `part ${place} ends once, when it has begun`);
        assert.equal(part.text ?? part.refusal, this.texts.get(place) ?? '', `part ${place} is what its deltas have said`);
    }

    /** @param {string} type @param {string} place @param {Body} event */
    grow(type, place, event) {
        const [, what, step] = /** @type {RegExpExecArray} */ (/^(.*)\.(delta|done)$/.exec(type));
        assert.ok(place.endsWith('-') || this.open.has(place), `${type} in a part that is open`);
        const text = this.texts.get(place) ?? '';
        if (step === 'delta') this.texts.set(place, text + event.delta);
        else assert.equal(event[GROWS[what]], text, `${type} is what its deltas have said`);
    }
}

/** Checks a whole stream. @param {Body[]} events @returns {Body} the answer */
export function checkOrder(events) {
    const answer = new Answer();
    assert.deepEqual(events.slice(0, 2).map(({ type }) => type), BEGIN);
    assert.deepEqual(events.map(({ sequence_number }) => sequence_number), events.map((_, i) => i), 'events are counted');
    for (const event of events.slice(2, -1)) {
        if (event.type.startsWith('response.output_item.')) answer.item(event);
        else answer.inside(/** @type {any} */ (event));
    }
    const { type, response } = /** @type {Body} */ (events.at(-1));
    assert.ok(ENDS.includes(type), `${type} ends it`);
    assert.equal(type, `response.${response.status}`);
    assert.deepEqual(response.output, [...answer.items.values()].map(({ done }) => done), 'it holds the items as they ended');
    assert.equal(new Set(events.filter((one) => one.response !== undefined).map((one) => one.response.id)).size, 1, 'one answer');
    return response;
}
