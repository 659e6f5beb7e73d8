/** Gemini's interactions: a turn, whole or as named events, of which each tells its type in its data too. */
import { jsonReply, refuse, streamReply, unknownField, names } from './reply.mjs';
import { say } from './said.mjs';

/**
 * @typedef {import('./said.mjs').Said} Said
 * @typedef {Record<string, any>} Body
 */

const WHEN = '2026-11-27T20:00:00Z';
const FIELDS = names(`
    model agent input system_instruction tools response_format response_mime_type stream store background generation_config
    agent_config previous_interaction_id response_modalities service_tier labels environment webhook_config`);

/** @param {any} input @returns {string} the text of its last step */
function heardIn(input) {
    if (typeof input === 'string') return input;
    const last = Array.isArray(input) ? input.at(-1) : input;
    if (last?.type === 'function_result') return typeof last.result === 'string' ? last.result : JSON.stringify(last.result);
    if (last?.type === 'text') return last.text;
    return [last?.content ?? []].flat().map((part) => (typeof part === 'string' ? part : part.text ?? '')).join('');
}

/** @param {Body} body @returns {import('./said.mjs').Asked} */
function askedOf(body) {
    const last = Array.isArray(body.input) ? body.input.at(-1) : body.input;
    return {
        model: body.model, heard: heardIn(body.input), answered: last?.type === 'function_result',
        tools: (body.tools ?? []).filter((/** @type {any} */ tool) => tool.type === 'function').map((/** @type {any} */ tool) => tool.name),
        limit: body.generation_config?.max_output_tokens,
    };
}

/** @param {Said} said */
function usageOf(said) {
    return {
        total_tokens: said.prompt + said.count, total_input_tokens: said.prompt, total_output_tokens: said.count,
        total_cached_tokens: 0, total_tool_use_tokens: 0, total_thought_tokens: 0,
        input_tokens_by_modality: [{ modality: 'text', tokens: said.prompt }],
    };
}

/** @param {Said} said @returns {any[]} */
function stepsOf(said) {
    if (said.calls.length === 0) return [{ type: 'model_output', content: [{ type: 'text', text: said.pieces.join('') }] }];
    return said.calls.map(({ name, args }, i) => ({ type: 'function_call', id: `${said.id.slice(0, 7)}${i}`, name, arguments: args }));
}

/** @param {Said} said @param {any} step @returns {any[]} */
function deltasOf(said, step) {
    if (step.type === 'model_output') return said.pieces.map((text) => ({ type: 'text', text }));
    return [{ type: 'arguments_delta', arguments: JSON.stringify(step.arguments) }];
}

/** @param {any} step as it is when it starts */
function opened(step) {
    return step.type === 'model_output' ? { type: 'model_output' } : { ...step, arguments: {} };
}

/** @param {Body & {event_type: string}} data */
const event = (data) => `event: ${data.event_type}\ndata: ${JSON.stringify(data)}\n\n`;

/** @param {any} step @param {number} index @param {Said} said @returns {string[]} */
function stepEvents(step, index, said) {
    const events = deltasOf(said, step).map((delta) => event({ event_type: 'step.delta', index, delta }));
    if (events.length === 0) events.push('');
    events[0] = event({ event_type: 'step.start', index, step: opened(step) }) + events[0];
    events[events.length - 1] += event({ event_type: 'step.stop', index });
    return events;
}

/** @param {Body} body @param {(why: import('./reply.mjs').Refusal) => any} errorOf */
export function interactionsReply(body, errorOf) {
    const unknown = unknownField(body, FIELDS);
    if (unknown !== undefined) refuse(`Unknown parameter '${unknown}'.`);
    if (body.input === undefined) refuse('The field \'input\' is required.');
    const said = say(askedOf(body));
    const steps = stepsOf(said);
    const status = said.calls.length > 0 ? 'requires_action' : 'completed';
    const head = { id: `v1_${said.id}`, object: 'interaction', model: body.model, created: WHEN, updated: WHEN };
    const whole = { ...head, status, role: 'model', steps, usage: usageOf(said) };
    if (body.stream !== true) return jsonReply(whole);
    const interaction = { ...head, status: 'in_progress' };
    return streamReply({
        before: [
            event({ event_type: 'interaction.created', interaction }),
            event({ event_type: 'interaction.status_update', interaction_id: head.id, status: 'in_progress' }),
        ],
        tokens: steps.flatMap((step, i) => stepEvents(step, i, said)),
        after: [event({ event_type: 'interaction.completed', interaction: { ...head, status, usage: usageOf(said) } })],
        done: 'event: done\ndata: [DONE]\n\n',
        error: (why) => event({ event_type: 'error', error: errorOf(why).error }),
        ping: ': ping\n\n',
        malformed: 'event: step.delta\ndata: {"index":0,"del\n\n',
    }, 'text/event-stream');
}
