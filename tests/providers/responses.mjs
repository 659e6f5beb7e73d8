/**
 * OpenAI's Responses: the whole resource, and the whole set of events of a stream, without the tools
 * that OpenAI itself runs. Nothing is stored: a `previous_response_id` is never found.
 */
import { errorOf } from './openai-error.mjs';
import { jsonReply, namedEvent, names, refuse, streamReply, unknownField } from './reply.mjs';
import { say, split, tokensIn } from './said.mjs';

/**
 * @typedef {import('./said.mjs').Said} Said
 * @typedef {Record<string, any>} Body
 *
 * @typedef {object} Tool             that the client runs
 * @property {'function' | 'custom'} type
 * @property {string} [namespace]
 *
 * @typedef {object} Part             an item, its deltas, and the events around them
 * @property {Body} item              as it is when it is done
 * @property {Body} opened            as it is when it is added
 * @property {Body[]} begin
 * @property {Body[]} deltas
 * @property {Body[]} end
 */

const CREATED = 1_796_000_000;
const FIELDS = names(`
    background client_metadata context_management conversation include input instructions max_output_tokens max_tool_calls
    metadata model moderation parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_options
    prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options temperature text tool_choice
    tools top_logprobs top_p truncation user`);
const COMPACT_FIELDS = names('input instructions model previous_response_id prompt_cache_key prompt_cache_retention');
const COUNT_FIELDS = names(`conversation input instructions model parallel_tool_calls previous_response_id reasoning text tool_choice
    tools truncation`);
const TYPES = names(`
    message function_call function_call_output custom_tool_call custom_tool_call_output reasoning item_reference
    additional_tools tool_search_call tool_search_output compaction compaction_trigger web_search_call`);
const PIECE = 7;

// ------------------------------------------------------------------ what it is asked

/** @param {any[]} input @param {number} i */
function checkItem(input, i) {
    const item = input[i];
    const type = item?.type ?? 'message';
    const param = `input[${i}]`;
    if (!TYPES.has(type)) refuse(`Invalid value: '${type}'.`, { param, code: 'invalid_value' });
    if (type === 'message') {
        const { role, content } = item ?? {};
        if (!['user', 'assistant', 'system', 'developer'].includes(role)) refuse(`Invalid value: '${role}'.`, { param, code: 'invalid_value' });
        if (Array.isArray(content)) content.forEach((part) => checkPart(part, role, param));
    }
    if (typeof item?.call_id === 'string' && item.call_id.length > ID_MAX) {
        refuse(`Invalid '${param}.call_id': string too long. Expected a string with maximum length ${ID_MAX}, but got a string with length ${item.call_id.length} instead.`,
            { param: `${param}.call_id`, code: 'string_above_max_length' });
    }
    if (type === 'reasoning' && item.encrypted_content && !isOurs(item.encrypted_content)) {
        refuse(`The encrypted content for item ${item.id} could not be verified. Reason: Encrypted content could not be decrypted or parsed.`,
            { param, code: 'invalid_encrypted_content' });
    }
    if (!type.endsWith('_call_output')) return;
    const called = input.slice(0, i).some((one) => one.call_id === item.call_id);
    if (!called) refuse(`No tool call found for function call output with call_id ${item.call_id}.`, { param: 'input' });
}

const ID_MAX = 64;

/** Whether it may be what the server has encrypted: what the gateway has sealed is not. @param {string} content */
const isOurs = (content) => !content.startsWith('hg1');

/** @param {any} part @param {string} role @param {string} param */
function checkPart(part, role, param) {
    const known = role === 'assistant' ? ['output_text', 'refusal'] : ['input_text', 'input_image', 'input_file', 'input_audio'];
    if (!known.includes(part?.type)) {
        const list = known.map((name) => `'${name}'`).join(', ');
        refuse(`Invalid value: '${part?.type}'. Supported values are: ${list}.`, { param: `${param}.content`, code: 'invalid_value' });
    }
    if (part.type !== 'input_image' || part.file_id !== undefined) return;
    if (!/^(https?:\/\/|data:image\/\w+;base64,[A-Za-z0-9+/]+=*$)/.test(part.image_url ?? '')) {
        refuse('Invalid image data.', { param: `${param}.content`, code: 'invalid_base64' });
    }
}

/** @param {Body} body @param {Set<string>} [fields] @returns {any[]} its input, as items */
function check(body, fields = FIELDS) {
    const unknown = unknownField(body, fields);
    if (unknown !== undefined) refuse(`Unknown parameter: '${unknown}'.`, { param: unknown, code: 'unknown_parameter' });
    if (body.previous_response_id) {
        refuse(`Previous response with id '${body.previous_response_id}' not found.`,
            { param: 'previous_response_id', code: 'previous_response_not_found' });
    }
    if (body.input === undefined) refuse('Missing required parameter: \'input\'.', { param: 'input', code: 'missing_required_parameter' });
    const input = typeof body.input === 'string' ? [{ type: 'message', role: 'user', content: body.input }] : body.input;
    if (!Array.isArray(input)) refuse('Invalid type for \'input\'.', { param: 'input', code: 'invalid_type' });
    input.forEach((_, i) => checkItem(input, i));
    (body.tools ?? []).forEach((/** @type {any} */ tool, /** @type {number} */ i) => {
        if (tool.type !== 'function' || typeof tool.name === 'string') return;
        refuse(`Missing required parameter: 'tools[${i}].name'.`, { param: `tools[${i}].name`, code: 'missing_required_parameter' });
    });
    return input;
}

/** The tools of a request, by name; those of a namespace too. @param {any[]} list @param {string} [namespace]
 *  @returns {Map<string, Tool>} */
function toolsOf(list, namespace) {
    /** @type {Map<string, Tool>} */
    const all = new Map();
    for (const tool of list) {
        if (tool.type === 'function' || tool.type === 'custom') all.set(tool.name, { type: tool.type, namespace });
        if (tool.type === 'namespace') for (const [name, one] of toolsOf(tool.tools ?? [], tool.name)) all.set(name, one);
    }
    return all;
}

/** @param {unknown} content of a message, or of a call's output */
function textIn(content) {
    if (!Array.isArray(content)) return typeof content === 'string' ? content : '';
    return content.map((part) => part.text ?? '').join('');
}

/** @param {any} choice */
function forcedBy(choice) {
    if (choice === 'required') return 'any';
    return typeof choice === 'object' ? choice?.name : undefined;
}

/** @param {Body} body @param {any[]} input @param {Map<string, Tool>} tools @returns {import('./said.mjs').Asked} */
function askedOf(body, input, tools) {
    const last = input.findLast((item) => item.role === 'user' || item.type?.endsWith('_output')) ?? input.at(-1);
    const answered = last?.role === undefined;
    const parts = Array.isArray(last?.content) ? last.content : [];
    return {
        model: body.model, answered,
        heard: textIn(answered ? last?.output : last?.content),
        images: parts.filter((/** @type {any} */ part) => part.type === 'input_image').length,
        tools: body.tool_choice === 'none' ? [] : [...tools.keys()],
        forced: forcedBy(body.tool_choice),
        single: body.parallel_tool_calls === false,
        schema: body.text?.format?.type === 'json_schema' ? body.text.format.schema : undefined,
        limit: body.max_output_tokens ?? undefined,
        think: body.reasoning?.effort !== undefined && body.reasoning.effort !== 'none',
    };
}

// ------------------------------------------------------------------ what it answers

/** @param {Said} said @param {Body} body @returns {Part} */
function reasoning(said, body) {
    const id = `rs_${said.id}`;
    const sealed = (body.include ?? []).includes('reasoning.encrypted_content');
    const encrypted = sealed ? { encrypted_content: Buffer.from(`sealed ${said.id}`).toString('base64') } : {};
    const text = said.thoughts.join('');
    const at = { item_id: id, summary_index: 0 };
    return {
        item: { id, type: 'reasoning', summary: [{ type: 'summary_text', text }], ...encrypted },
        opened: { id, type: 'reasoning', summary: [], ...encrypted },
        begin: [{ type: 'response.reasoning_summary_part.added', ...at, part: { type: 'summary_text', text: '' } }],
        deltas: said.thoughts.map((delta) => ({ type: 'response.reasoning_summary_text.delta', ...at, delta })),
        end: [
            { type: 'response.reasoning_summary_text.done', ...at, text },
            { type: 'response.reasoning_summary_part.done', ...at, part: { type: 'summary_text', text } },
        ],
    };
}

/** @param {Said} said @returns {Part} */
function message(said) {
    const id = `msg_${said.id}`;
    const text = said.pieces.join('');
    const at = { item_id: id, content_index: 0 };
    /** @param {string} text */
    const part = (text) => ({ type: 'output_text', annotations: [], logprobs: [], text });
    const item = { id, type: 'message', role: 'assistant', phase: 'final_answer' };
    return {
        item: { ...item, status: said.cut ? 'incomplete' : 'completed', content: [part(text)] },
        opened: { ...item, status: 'in_progress', content: [] },
        begin: [{ type: 'response.content_part.added', ...at, part: part('') }],
        deltas: said.pieces.map((delta) => ({ type: 'response.output_text.delta', ...at, delta, logprobs: [], obfuscation: 'aK3f' })),
        end: [
            { type: 'response.output_text.done', ...at, text, logprobs: [] },
            { type: 'response.content_part.done', ...at, part: part(text) },
        ],
    };
}

/** A call of a function, or of a tool whose input is text.
 * @param {Said} said @param {number} i @param {Tool | undefined} tool @returns {Part} */
function call(said, i, tool) {
    const { name, args } = said.calls[i];
    const custom = tool?.type === 'custom';
    const input = custom ? String(args.input ?? JSON.stringify(args)) : JSON.stringify(args);
    const id = `${custom ? 'ctc' : 'fc'}_${said.id}${i}`;
    const field = custom ? 'input' : 'arguments';
    const event = custom ? 'response.custom_tool_call_input' : 'response.function_call_arguments';
    const space = tool?.namespace === undefined ? {} : { namespace: tool.namespace };
    const item = { id, type: custom ? 'custom_tool_call' : 'function_call', call_id: `call_${said.id}${i}`, ...space, name };
    return {
        item: { ...item, status: 'completed', [field]: input },
        opened: { ...item, status: 'in_progress', [field]: '' },
        begin: [],
        deltas: split(input, PIECE).map((delta) => ({ type: `${event}.delta`, item_id: id, delta, obfuscation: 'aK3f' })),
        end: [{ type: `${event}.done`, item_id: id, name, [field]: input }],
    };
}

/** What a compaction is answered with: one item, and nothing to read. @param {Said} said @returns {Part[]} */
function compaction(said) {
    const item = { id: `cmp_${said.id}`, type: 'compaction', encrypted_content: Buffer.from(said.id).toString('base64') };
    return [{ item, opened: item, begin: [], deltas: [], end: [] }];
}

/** @param {Said} said @param {Body} body @param {Map<string, Tool>} tools @returns {Part[]} */
function partsOf(said, body, tools) {
    const thought = said.thoughts.length > 0 ? [reasoning(said, body)] : [];
    const calls = said.calls.map(({ name }, i) => call(said, i, tools.get(name)));
    return [...thought, ...calls.length > 0 ? calls : [message(said)]];
}

/** @param {Said} said */
function usageOf(said) {
    return {
        input_tokens: said.prompt, input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
        output_tokens: said.count, output_tokens_details: { reasoning_tokens: said.thoughts.length },
        total_tokens: said.prompt + said.count,
    };
}

/** As it is told again: a function's with all its members. @param {Body} tool */
function toldAgain(tool) {
    return tool.type === 'function' ? { ...tool, description: tool.description ?? null, parameters: tool.parameters ?? null, strict: tool.strict ?? true } : tool;
}

/** The resource, as it is in one of its states. @param {Said} said @param {Body} body @param {string} status @param {Body} more */
function resource(said, body, status, more) {
    return {
        id: `resp_${said.id}`, object: 'response', created_at: CREATED, completed_at: null, status, background: body.background ?? false,
        error: null, frequency_penalty: 0, incomplete_details: null, instructions: body.instructions ?? null,
        max_output_tokens: body.max_output_tokens ?? null, max_tool_calls: body.max_tool_calls ?? null, metadata: body.metadata ?? {},
        model: body.model, output: [], parallel_tool_calls: body.parallel_tool_calls ?? true, presence_penalty: 0,
        previous_response_id: null, prompt_cache_key: body.prompt_cache_key ?? null,
        prompt_cache_retention: body.prompt_cache_retention ?? null,
        reasoning: { effort: body.reasoning?.effort ?? null, summary: body.reasoning?.summary ?? null },
        safety_identifier: body.safety_identifier ?? null, service_tier: 'default', store: body.store ?? true,
        temperature: body.temperature ?? 1, text: { format: { type: 'text' }, verbosity: 'medium', ...body.text },
        tool_choice: body.tool_choice ?? 'auto', tools: (body.tools ?? []).map(toldAgain), top_logprobs: body.top_logprobs ?? 0, top_p: body.top_p ?? 1,
        truncation: body.truncation ?? 'disabled', usage: null, user: body.user ?? null, ...more,
    };
}

/** @param {Said} said @param {Body} body @param {Part[]} parts */
function finished(said, body, parts) {
    const output = parts.map(({ item }) => item);
    const usage = usageOf(said);
    if (said.cut) return resource(said, body, 'incomplete', { output, usage, incomplete_details: { reason: 'max_output_tokens' } });
    return resource(said, body, 'completed', { output, usage, completed_at: CREATED + 1 });
}

/** The events of an item, a group for each token; the groups at the ends hold what is around it.
 * @param {Part} part @param {number} output_index @returns {Body[][]} */
function groups({ item, opened, begin, deltas, end }, output_index) {
    const placed = (/** @type {Body} */ event) => ({ ...event, output_index });
    const first = [{ type: 'response.output_item.added', output_index, item: opened }, ...begin.map(placed)];
    const last = [...end.map(placed), { type: 'response.output_item.done', output_index, item }];
    const all = deltas.length > 0 ? deltas.map((delta) => [placed(delta)]) : [[]];
    all[0].unshift(...first);
    all[all.length - 1].push(...last);
    return all;
}

/** @param {Said} said @param {Body} body @param {Part[]} parts @returns {import('./reply.mjs').Stream} */
function streamOf(said, body, parts) {
    let sequence_number = 0;
    const event = (/** @type {Body} */ one) => namedEvent({ type: one.type, ...one, sequence_number: sequence_number++ });
    const begun = resource(said, body, 'in_progress', {});
    const before = ['response.created', 'response.in_progress'].map((type) => event({ type, response: begun }));
    const tokens = parts.flatMap(groups).map((group) => group.map(event).join(''));
    const whole = finished(said, body, parts);
    return {
        before, tokens, after: [],
        done: event({ type: `response.${whole.status}`, response: whole }),
        error: (why) => {
            const { code, message, param } = errorOf(why).error;
            const name = code ?? 'server_error';
            const failed = resource(said, body, 'failed', { error: { code: name, message } });
            return event({ type: 'error', code: name, message, param }) + event({ type: 'response.failed', response: failed });
        },
        ping: ': ping\n\n',
        malformed: 'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","del\n\n',
    };
}

/** @param {Body} body */
export function responsesReply(body) {
    const input = check(body);
    const tools = toolsOf([...body.tools ?? [], ...input.flatMap((item) => (item.type === 'additional_tools' ? item.tools ?? [] : []))]);
    const said = say(askedOf(body, input, tools));
    const parts = input.at(-1)?.type === 'compaction_trigger' ? compaction(said) : partsOf(said, body, tools);
    if (body.stream !== true) return jsonReply(finished(said, body, parts));
    return streamReply(streamOf(said, body, parts));
}

/** How many tokens it would be. @param {Body} body */
export function countReply(body) {
    const input = check(body, COUNT_FIELDS);
    return jsonReply({ object: 'response.input_tokens', input_tokens: tokensIn(JSON.stringify(input)) });
}

/** A conversation in short: what its user has said, and one item that stands for all else. @param {Body} body */
export function compactReply(body) {
    const input = check(body, COMPACT_FIELDS);
    const said = say(askedOf(body, input, new Map()));
    const kept = input.filter(({ role }) => role === 'user').map(({ content }, i) => ({
        id: `msg_${said.id}${i}`, type: 'message', status: 'completed', role: 'user',
        content: typeof content === 'string' ? [{ type: 'input_text', text: content }] : content,
    }));
    const output = [...kept, ...compaction(said).map(({ item }) => item)];
    return jsonReply({ id: `resp_${said.id}`, object: 'response.compaction', created_at: CREATED, output, usage: usageOf(said) });
}
