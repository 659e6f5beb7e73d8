/**
 * The SDKs of five dialects under one interface: each says the same conversation to a model in its own way, whole or as
 * a stream, and tells what it got in the same words.
 */
import Anthropic from '@anthropic-ai/sdk';
import { ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { FunctionCallingConfigMode, GoogleGenAI } from '@google/genai';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { bedrockClient } from '../providers/bedrock-cases.mjs';

/**
 * @typedef {{user: string} | {says: string} | {call: string, id: string} | {found: string, id: string}} Turn
 *           call: of the tool, with that word; found: what came of it
 *
 * @typedef {object} Talk
 * @property {Turn[]} turns
 * @property {number} most          tokens of the answer
 * @property {boolean} [tool]       it may be called
 * @property {object} [schema]      of the answer
 *
 * @typedef {object} Told
 * @property {string} text
 * @property {{word: string, id: string} | undefined} call
 * @property {'over' | 'cut' | 'call' | undefined} why
 * @property {number | undefined} input   tokens
 * @property {number | undefined} output
 *
 * @typedef {(talk: Talk, streamed: boolean) => Promise<Told>} Speaker
 * @typedef {Record<string, any>} Body
 */

export const MODEL = 'small';
/** The gateway keeps none. */
const KEY = 'none';
const TOOL = 'look_up', ABOUT = 'Looks a word up.';
const TAKES = { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] };

/** @param {string | undefined | null} word @returns {Told['why']} */
function whyOf(word) {
    if (/^(length|max_tokens|max_output_tokens|MAX_TOKENS)$/.test(word ?? '')) return 'cut';
    return word ? 'over' : undefined;
}

/** @param {string} text @param {{name?: string, args: any, id?: string} | undefined} call @param {string | undefined | null} why
 *  @param {number | undefined} input @param {number | undefined} output @returns {Told} */
function told(text, call, why, input, output) {
    if (call !== undefined && call.name !== TOOL) throw new Error(`it called ${call.name}`);
    return { text, call: call && { word: call.args.word, id: call.id ?? 'c' }, why: call ? 'call' : whyOf(why), input, output };
}

// ------------------------------------------------------------------ OpenAI's chats, which pass: what the others are compared with

/** @param {Turn} turn @returns {Body} */
function chatOf(turn) {
    if ('user' in turn) return { role: 'user', content: turn.user };
    if ('says' in turn) return { role: 'assistant', content: turn.says };
    if ('found' in turn) return { role: 'tool', tool_call_id: turn.id, content: turn.found };
    const call = { id: turn.id, type: 'function', function: { name: TOOL, arguments: JSON.stringify({ word: turn.call }) } };
    return { role: 'assistant', content: null, tool_calls: [call] };
}

/** @param {string} url @returns {Speaker} */
export const chat = (url) => async ({ turns, most, tool, schema }, streamed) => {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: KEY, maxRetries: 0 });
    const body = /** @type {any} */ ({
        model: MODEL, messages: turns.map(chatOf), max_completion_tokens: most, temperature: 0,
        ...tool ? { tools: [{ type: 'function', function: { name: TOOL, description: ABOUT, parameters: TAKES } }] } : {},
        ...schema ? { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } } } : {},
    });
    const { choices: [{ message, finish_reason }], usage } = streamed
        ? await client.chat.completions.stream({ ...body, stream_options: { include_usage: true } }).finalChatCompletion()
        : await client.chat.completions.create(body);
    const call = /** @type {any} */ (message.tool_calls?.[0]);
    const made = call && { name: call.function.name, args: JSON.parse(call.function.arguments), id: call.id };
    return told(message.content ?? '', made, finish_reason, usage?.prompt_tokens, usage?.completion_tokens);
};

// ------------------------------------------------------------------ Responses

/** @param {Turn} turn @returns {Body} */
function itemOf(turn) {
    if ('user' in turn) return { role: 'user', content: turn.user };
    if ('says' in turn) return { role: 'assistant', content: turn.says };
    if ('found' in turn) return { type: 'function_call_output', call_id: turn.id, output: turn.found };
    return { type: 'function_call', call_id: turn.id, name: TOOL, arguments: JSON.stringify({ word: turn.call }) };
}

/** @param {string} url @returns {Speaker} */
const responses = (url) => async ({ turns, most, tool, schema }, streamed) => {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: KEY, maxRetries: 0 });
    const body = /** @type {any} */ ({
        model: MODEL, input: turns.map(itemOf), max_output_tokens: most, temperature: 0,
        ...tool ? { tools: [{ type: 'function', name: TOOL, description: ABOUT, parameters: TAKES, strict: false }] } : {},
        ...schema ? { text: { format: { type: 'json_schema', name: 'answer', schema, strict: false } } } : {},
    });
    const response = streamed ? await client.responses.stream(body).finalResponse() : await client.responses.create(body);
    const call = /** @type {any} */ (response.output.find(({ type }) => type === 'function_call'));
    const made = call && { name: call.name, args: JSON.parse(call.arguments), id: call.call_id };
    const why = response.incomplete_details?.reason ?? response.status;
    return told(response.output_text, made, why, response.usage?.input_tokens, response.usage?.output_tokens);
};

// ------------------------------------------------------------------ Anthropic

/** @param {Turn} turn @returns {Body} */
function messageOf(turn) {
    if ('user' in turn) return { role: 'user', content: turn.user };
    if ('says' in turn) return { role: 'assistant', content: turn.says };
    if ('found' in turn) return { role: 'user', content: [{ type: 'tool_result', tool_use_id: turn.id, content: turn.found }] };
    return { role: 'assistant', content: [{ type: 'tool_use', id: turn.id, name: TOOL, input: { word: turn.call } }] };
}

/** @param {string} url @returns {Speaker} */
const anthropic = (url) => async ({ turns, most, tool, schema }, streamed) => {
    const client = new Anthropic({ baseURL: url, apiKey: KEY, maxRetries: 0 });
    const body = /** @type {any} */ ({
        model: MODEL, messages: turns.map(messageOf), max_tokens: most, temperature: 0,
        ...tool ? { tools: [{ name: TOOL, description: ABOUT, input_schema: TAKES }] } : {},
        ...schema ? { output_config: { format: { type: 'json_schema', schema } } } : {},
    });
    const { content, stop_reason, usage } = streamed ? await client.messages.stream(body).finalMessage() : await client.messages.create(body);
    const call = /** @type {any} */ (content.find((/** @type {Body} */ block) => block.type === 'tool_use'));
    const text = content.map((/** @type {Body} */ block) => block.text ?? '').join('');
    const input = usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0);
    return told(text, call && { name: call.name, args: call.input, id: call.id }, stop_reason, input, usage.output_tokens);
};

// ------------------------------------------------------------------ Gemini

/** @param {Turn} turn @returns {Body} */
function contentOf(turn) {
    if ('user' in turn) return { role: 'user', parts: [{ text: turn.user }] };
    if ('says' in turn) return { role: 'model', parts: [{ text: turn.says }] };
    if ('found' in turn) return { role: 'user', parts: [{ functionResponse: { id: turn.id, name: TOOL, response: { output: turn.found } } }] };
    return { role: 'model', parts: [{ functionCall: { id: turn.id, name: TOOL, args: { word: turn.call } } }] };
}

/** @param {string} url @returns {Speaker} */
const gemini = (url) => async ({ turns, most, tool, schema }, streamed) => {
    const client = new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: url } });
    const asked = /** @type {any} */ ({
        model: MODEL, contents: turns.map(contentOf),
        config: {
            maxOutputTokens: most, temperature: 0,
            ...tool ? {
                tools: [{ functionDeclarations: [{ name: TOOL, description: ABOUT, parametersJsonSchema: TAKES }] }],
                toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.AUTO } },
            } : {},
            ...schema ? { responseMimeType: 'application/json', responseJsonSchema: schema } : {},
        },
    });
    /** @type {any[]} */
    const parts = [];
    let why, usage;
    for await (const one of streamed ? await client.models.generateContentStream(asked) : [await client.models.generateContent(asked)]) {
        parts.push(...one.candidates?.[0]?.content?.parts ?? []);
        why = one.candidates?.[0]?.finishReason ?? why;
        usage = one.usageMetadata ?? usage;
    }
    const call = parts.find(({ functionCall }) => functionCall !== undefined)?.functionCall;
    return told(parts.map(({ text }) => text ?? '').join(''), call, why, usage?.promptTokenCount, usage?.candidatesTokenCount);
};

// ------------------------------------------------------------------ Ollama

/** @param {Turn} turn @returns {any} */
function spokenOf(turn) {
    if ('user' in turn) return { role: 'user', content: turn.user };
    if ('says' in turn) return { role: 'assistant', content: turn.says };
    if ('found' in turn) return { role: 'tool', content: turn.found, tool_name: TOOL };
    return { role: 'assistant', content: '', tool_calls: [{ function: { name: TOOL, arguments: { word: turn.call } } }] };
}

/** @param {string} url @returns {Speaker} */
const ollama = (url) => async ({ turns, most, tool, schema }, streamed) => {
    const client = new Ollama({ host: url });
    const body = /** @type {any} */ ({
        model: MODEL, messages: turns.map(spokenOf), options: { num_predict: most, temperature: 0 },
        ...tool ? { tools: [{ type: 'function', function: { name: TOOL, description: ABOUT, parameters: TAKES } }] } : {},
        ...schema ? { format: schema } : {},
    });
    /** @type {any[]} */
    const all = [];
    if (streamed) for await (const one of await client.chat({ ...body, stream: true })) all.push(one);
    else all.push(await client.chat(body));
    const call = all.flatMap(({ message }) => message.tool_calls ?? [])[0]?.function;
    const { done_reason, prompt_eval_count, eval_count } = all.at(-1);
    const text = all.map(({ message }) => message.content).join('');
    return told(text, call && { name: call.name, args: call.arguments }, done_reason, prompt_eval_count, eval_count);
};

// ------------------------------------------------------------------ Bedrock

/** @param {Turn} turn @returns {Body} */
function blocksOf(turn) {
    if ('user' in turn) return { role: 'user', content: [{ text: turn.user }] };
    if ('says' in turn) return { role: 'assistant', content: [{ text: turn.says }] };
    if ('found' in turn) return { role: 'user', content: [{ toolResult: { toolUseId: turn.id, content: [{ text: turn.found }] } }] };
    return { role: 'assistant', content: [{ toolUse: { toolUseId: turn.id, name: TOOL, input: { word: turn.call } } }] };
}

/** @param {AsyncIterable<any>} stream */
async function joined(stream) {
    let text = '', name, id, args = '', stopReason, usage;
    for await (const event of stream) {
        text += event.contentBlockDelta?.delta?.text ?? '';
        args += event.contentBlockDelta?.delta?.toolUse?.input ?? '';
        const begun = event.contentBlockStart?.start?.toolUse;
        if (begun !== undefined) [name, id] = [begun.name, begun.toolUseId];
        stopReason = event.messageStop?.stopReason ?? stopReason;
        usage = event.metadata?.usage ?? usage;
    }
    return { text, call: name && { name, id, args: JSON.parse(args) }, stopReason, usage };
}

/** @param {any} usage */
const readBy = (usage) => usage && usage.inputTokens + (usage.cacheReadInputTokens ?? 0) + (usage.cacheWriteInputTokens ?? 0);

/** @param {string} url @param {boolean} http1 @returns {Speaker} */
const bedrock = (url, http1) => async ({ turns, most, tool, schema }, streamed) => {
    const { client } = bedrockClient(url, KEY, { http1 });
    const asked = /** @type {any} */ ({
        modelId: MODEL, messages: turns.map(blocksOf), inferenceConfig: { maxTokens: most, temperature: 0 },
        ...tool ? { toolConfig: { tools: [{ toolSpec: { name: TOOL, description: ABOUT, inputSchema: { json: TAKES } } }] } } : {},
        ...schema ? { outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema: { name: 'answer', schema: JSON.stringify(schema) } } } } } : {},
    });
    try {
        if (streamed) {
            const { text, call, stopReason, usage } = await joined((await client.send(new ConverseStreamCommand(asked))).stream ?? fail());
            return told(text, call, stopReason, readBy(usage), usage?.outputTokens);
        }
        const { output, stopReason, usage } = await client.send(new ConverseCommand(asked));
        const blocks = /** @type {any[]} */ (output?.message?.content ?? []);
        const call = blocks.find(({ toolUse }) => toolUse !== undefined)?.toolUse;
        const made = call && { name: call.name, args: call.input, id: call.toolUseId };
        return told(blocks.map(({ text }) => text ?? '').join(''), made, stopReason, readBy(usage), usage?.outputTokens);
    } finally {
        client.destroy();
    }
};

/** @returns {never} */
function fail() {
    throw new Error('there is no stream');
}

/** Each before a gateway. @param {string} url @param {boolean} http1 it speaks HTTP/1 alone @returns {Record<string, Speaker>} */
export const speakersAt = (url, http1) => ({
    'OpenAI chat': chat(url), 'Responses': responses(url), 'Anthropic': anthropic(url), 'Gemini': gemini(url), 'Ollama': ollama(url),
    'Bedrock': bedrock(url, http1),
});
