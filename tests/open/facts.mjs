/**
 * What the specification of Open Responses (2026-04-24) demands of what a server says, as far as a model's answer, a
 * conversation's summary and their streams go: which members there are, and of which kind. What more there is, is free.
 *
 *     shape(value, at)   what is wrong with the value, as "path: what"; empty: nothing
 */

/** @typedef {(value: any, at: string) => string[]} Shape */

/** @param {string} what @param {(value: any) => boolean} is @returns {Shape} */
const kind = (what, is) => (value, at) => (is(value) ? [] : [`${at}: ${JSON.stringify(value)?.slice(0, 80)} is no ${what}`]);
const string = kind('string', (value) => typeof value === 'string');
const number = kind('number', (value) => typeof value === 'number');
const integer = kind('integer', Number.isInteger);
const boolean = kind('boolean', (value) => typeof value === 'boolean');
const object = kind('object', (value) => typeof value === 'object' && value !== null && !Array.isArray(value));
const anything = kind('value', (value) => value !== undefined);
/** @param {string[]} words */
const word = (...words) => kind(`one of ${words.join(', ')}`, (value) => words.includes(value));
/** @param {Shape} shape @returns {Shape} */
const orNull = (shape) => (value, at) => (value === null ? [] : shape(value, at));
/** @param {Shape} shape @returns {Shape} */
const list = (shape) => (value, at) => (Array.isArray(value)
    ? value.flatMap((one, i) => shape(one, `${at}[${i}]`)) : [`${at}: it is no list`]);

/** An object with these members, and those that it may have. @param {Record<string, Shape>} must
 *  @param {Record<string, Shape>} [may] @returns {Shape} */
const has = (must, may = {}) => (value, at) => {
    const wrong = object(value, at);
    if (wrong.length > 0) return wrong;
    const own = Object.entries(must).flatMap(([name, shape]) => shape(value[name], `${at}.${name}`));
    return own.concat(Object.entries(may).flatMap(([name, shape]) => (value[name] === undefined ? [] : shape(value[name], `${at}.${name}`))));
};

/** One of several, by what its "type" says. @param {Record<string, Shape>} shapes @returns {Shape} */
const byType = (shapes) => (value, at) => {
    const shape = Object.hasOwn(shapes, value?.type) ? shapes[value.type] : undefined;
    return shape === undefined ? [`${at}: its type is ${JSON.stringify(value?.type)}`] : shape(value, at);
};

// ------------------------------------------------------------------ items

const chance = { token: string, logprob: number, bytes: list(integer) };
const logprobs = list(has({ ...chance, top_logprobs: list(has(chance)) }));
const note = byType({ url_citation: has({ url: string, title: string, start_index: integer, end_index: integer }) });

const part = byType({
    output_text: has({ text: string, annotations: list(note) }, { logprobs }),
    input_text: has({ text: string }),
    refusal: has({ refusal: string }),
    summary_text: has({ text: string }),
    reasoning_text: has({ text: string }),
    input_image: has({ image_url: orNull(string), detail: word('low', 'high', 'auto') }),
});

const state = word('in_progress', 'completed', 'incomplete');
const role = word('user', 'assistant', 'system', 'developer');

/** Each has an id, a type and a status; but what is a summary, or was thought, need not tell its status. */
const item = byType({
    message: has({ id: string, status: state, role, content: list(part) }, { phase: word('commentary', 'final_answer') }),
    function_call: has({ id: string, status: state, call_id: string, name: string, arguments: string }),
    reasoning: has({ id: string, summary: list(part) }, { content: list(part), encrypted_content: string, status: state }),
    compaction: has({ id: string, encrypted_content: string }),
});

const usage = has({
    input_tokens: integer, input_tokens_details: has({ cached_tokens: integer }),
    output_tokens: integer, output_tokens_details: has({ reasoning_tokens: integer }),
    total_tokens: integer,
});

// ------------------------------------------------------------------ the resources

const format = byType({
    text: has({}), json_object: has({}),
    json_schema: has({ name: string, schema: orNull(object), strict: boolean }, { description: orNull(string) }),
});
const choosable = has({ type: word('function') }, { name: string });
/** @type {Shape} */
const choice = (value, at) => (typeof value === 'string' ? word('none', 'auto', 'required')(value, at) : byType({
    function: choosable, allowed_tools: has({ tools: list(choosable), mode: word('none', 'auto', 'required') }),
})(value, at));
const tool = byType({ function: has({ name: string, description: orNull(string), parameters: orNull(object), strict: orNull(boolean) }) });

/** An answer, in any of its states. */
export const response = has({
    id: string, object: word('response'), created_at: integer, completed_at: orNull(integer), status: string, model: string,
    error: orNull(has({ code: string, message: string })), incomplete_details: orNull(has({ reason: string })),
    output: list(item), usage: orNull(usage), previous_response_id: orNull(string), instructions: orNull(string),
    tools: list(tool), tool_choice: choice, parallel_tool_calls: boolean, max_tool_calls: orNull(integer),
    text: has({ format }, { verbosity: word('low', 'medium', 'high') }),
    reasoning: orNull(has({
        effort: orNull(word('none', 'low', 'medium', 'high', 'xhigh')), summary: orNull(word('concise', 'detailed', 'auto')),
    })),
    temperature: number, top_p: number, presence_penalty: number, frequency_penalty: number, top_logprobs: integer,
    max_output_tokens: orNull(integer), truncation: word('auto', 'disabled'), store: boolean, background: boolean,
    service_tier: string, metadata: anything, safety_identifier: orNull(string), prompt_cache_key: orNull(string),
});

/** A conversation's summary. */
export const compaction = has({
    id: string, object: word('response.compaction'), created_at: integer, output: list(item), usage,
});

// ------------------------------------------------------------------ a stream's events

const ofResponse = { response };
const ofItem = { output_index: integer, item };
const inItem = { item_id: string, output_index: integer };
const inPart = { ...inItem, content_index: integer };
const inSummary = { ...inItem, summary_index: integer };
const hidden = { obfuscation: string };

/** What each has beside its type and its number in the order. @type {Record<string, Shape>} */
const EVENTS = {
    'response.created': has(ofResponse), 'response.queued': has(ofResponse), 'response.in_progress': has(ofResponse),
    'response.completed': has(ofResponse), 'response.incomplete': has(ofResponse), 'response.failed': has(ofResponse),
    'response.output_item.added': has(ofItem), 'response.output_item.done': has(ofItem),
    'response.content_part.added': has({ ...inPart, part }), 'response.content_part.done': has({ ...inPart, part }),
    'response.output_text.delta': has({ ...inPart, delta: string }, { logprobs, ...hidden }),
    'response.output_text.done': has({ ...inPart, text: string }, { logprobs }),
    'response.refusal.delta': has({ ...inPart, delta: string }), 'response.refusal.done': has({ ...inPart, refusal: string }),
    'response.function_call_arguments.delta': has({ ...inItem, delta: string }, hidden),
    'response.function_call_arguments.done': has({ ...inItem, arguments: string }),
    'response.reasoning_summary_part.added': has({ ...inSummary, part }), 'response.reasoning_summary_part.done': has({ ...inSummary, part }),
    'response.reasoning_summary_text.delta': has({ ...inSummary, delta: string }, hidden),
    'response.reasoning_summary_text.done': has({ ...inSummary, text: string }),
};

/** @type {Shape} */
export const event = (value, at) => [...has({ type: string, sequence_number: integer })(value, at), ...byType(EVENTS)(value, at)];
