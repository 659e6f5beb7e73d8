// What an answer told its client of its cost, read from its bytes; and the record that the gateway made of it.
import assert from 'node:assert/strict';

/** The names of each number in the dialects that report it; a path of members, or of a list's modality. */
const NAMES = {
    input: ['prompt_tokens', 'input_tokens', 'promptTokenCount', 'prompt_eval_count', 'total_input_tokens'],
    output: ['completion_tokens', 'output_tokens', 'candidatesTokenCount', 'eval_count', 'total_output_tokens'],
    cached: [
        'prompt_tokens_details.cached_tokens', 'input_tokens_details.cached_tokens', 'cache_read_input_tokens', 'cachedContentTokenCount',
        'total_cached_tokens',
    ],
    cache_write: ['cache_creation_input_tokens'],
    reasoning: [
        'completion_tokens_details.reasoning_tokens', 'output_tokens_details.reasoning_tokens', 'thoughtsTokenCount', 'total_thought_tokens',
    ],
    audio: ['prompt_tokens_details.audio_tokens', 'completion_tokens_details.audio_tokens'],
};

/** Every JSON value of an answer: the whole, or one for each event or line. @param {string} text @returns {any[]} */
function valuesOf(text) {
    const values = [];
    for (const line of [text, ...text.split(/\r?\n/)]) {
        try { values.push(JSON.parse(line.replace(/^data: ?/, ''))); } catch { /* no value of its own */ }
        if (values.length === 1 && line === text) break;
    }
    return values;
}

/** The usages in it, in their order. @param {any} value @returns {any[]} */
function usagesIn(value) {
    if (value === null || typeof value !== 'object') return [];
    if (Array.isArray(value)) return value.flatMap(usagesIn);
    const own = value.usage ?? value.usageMetadata ?? ('prompt_eval_count' in value ? value : null);
    return own !== null ? [own] : [value.message, value.response, value.interaction].flatMap(usagesIn);
}

/** @param {any} usage @param {string} path */
const at = (usage, path) => path.split('.').reduce((value, name) => value?.[name], usage);

/** What the client was told, in the record's words; null: nothing. @param {string} text the answer's body
 * @returns {Record<string, number> | null} */
export function toldUsage(text) {
    const usages = valuesOf(text).flatMap(usagesIn);
    /** @type {Record<string, number>} */
    const told = {};
    for (const [name, paths] of Object.entries(NAMES)) {
        const numbers = paths.flatMap((path) => usages.map((usage) => at(usage, path)).filter(Number.isInteger).slice(-1));
        if (numbers.length > 0) told[`${name}_tokens`] = numbers.reduce((a, b) => a + b);
    }
    const has = (/** @type {string} */ name) => usages.some((usage) => name in usage);
    if (has('cache_read_input_tokens')) told.input_tokens += told.cached_tokens + (told.cache_write_tokens ?? 0);
    if (has('thoughtsTokenCount') || has('total_thought_tokens')) told.output_tokens += told.reasoning_tokens;
    return Object.keys(told).length > 0 ? told : null;
}

/** The numbers of a request's line in the log. @param {string} log @param {string | null} id */
export function recordedUsage(log, id) {
    const line = log.split('\n').find((text) => text.includes(`"id":"${id}"`) && text.includes('"event":"request"'));
    if (line === undefined) return null;
    const record = JSON.parse(line.slice(line.indexOf('{'), line.lastIndexOf('}') + 1));
    const numbers = Object.fromEntries(Object.entries(record).filter(([name]) => name.endsWith('_tokens')));
    return { numbers, usage: record.usage, model: record.model, cut: record.cut };
}

/** Whether the record tells what the client was told; what came without a number may be estimated.
 * @param {string} log @param {string | null} id @param {string} text the answer's body @param {string} what */
export function sameUsage(log, id, text, what) {
    const told = toldUsage(text);
    const recorded = recordedUsage(log, id);
    if (recorded === null) throw new Error(`no record of ${what}`);
    const { numbers, usage, model, cut } = recorded;
    if (usage === 'estimated') {
        assert.ok(told === null || cut, what);
        assert.deepEqual({ ...numbers, output_tokens: 0 }, { ...told, output_tokens: 0 }, what);
        assert.ok(numbers.output_tokens > 0, what);
        return;
    }
    assert.deepEqual(numbers, told ?? {}, what);
    assert.equal(usage === 'reported', told !== null, what);
    if (told !== null && text.includes('"model')) assert.ok(model.length > 0, what);
}
