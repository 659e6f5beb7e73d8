/**
 * The one table of the matrix: what a client may want, how each dialect says it, and what has to come of it.
 *
 * A feature's `says` holds, by dialect, the members of a request that say it. A client of that dialect sends them, and
 * a target of that dialect must have received them, unless `gets` knows better. A dialect that is not there has no
 * words for it. What is said in the conversation itself stands in `turns`, in the matrix's own form (meaning.mjs).
 */
import assert from 'node:assert/strict';
import { holds } from './meaning.mjs';

/**
 * @typedef {import('./meaning.mjs').Body} Body
 * @typedef {import('./meaning.mjs').Turn} Turn
 * @typedef {import('./meaning.mjs').Part} Part
 * @typedef {import('./meaning.mjs').Said} Said
 * @typedef {import('./meaning.mjs').Choice} Choice
 * @typedef {import('./meaning.mjs').Aspect} Aspect
 * @typedef {Record<string, Body>} Members       by dialect
 * @typedef {{status: number, own?: Record<string, number>, message: string, retry?: number, within?: boolean, first?: boolean, kind?: string}} Fault
 *           own: a provider's own status; within: in the middle of a stream; first: it is all that a stream says
 *
 * @typedef {object} Feature
 * @property {string} name
 * @property {string[]} uses          rows of the gateway's table; the first one is what the cell is about
 * @property {Record<string, string[]>} [instead]   by client: what it uses instead
 * @property {Turn[]} [turns]
 * @property {string[]} [from]        dialects that can say it, where that is in the turns; without it all
 * @property {string[]} [alien]       clients whose own provider does not take it
 * @property {Members} [base]         members that it takes, but is not about
 * @property {Members} [says]
 * @property {Record<string, Body | ((body: Body) => void)>} [gets]   by provider, or by dialect
 * @property {(turns: Turn[], provider: string) => void} [got]         what else holds for the turns
 * @property {Partial<Choice>} [said]
 * @property {Choice[]} [choices]
 * @property {Partial<import('./meaning.mjs').Usage>} [usage]
 * @property {Aspect} [aspect]        what the answer tells
 * @property {Members} [wish]         what a client has to say to be told that, where it has to say it
 * @property {boolean} [unasked]      and what nobody has asked to be told
 * @property {'same' | 'other'} [next]   the answer is followed by another turn, at the same provider or at another
 * @property {boolean} [renamed]      a call is told by the name that the provider received
 * @property {'effort' | 'sampling' | 'sight'} [dull]   it is asked of a model that cannot be told this
 * @property {Fault} [fault]
 */

const ALL = ['openai', 'responses', 'anthropic', 'gemini', 'ollama', 'bedrock'];
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==';
const PDF = 'JVBERi0xLjQKJSVFT0YK';
const WORD = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
const TEXT = Buffer.from('first line\nsecond “line”').toString('base64');
const WAV = 'UklGRiQAAABXQVZFZm10IA==';
const SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
const LONG_ID = `call_${'0123456789'.repeat(9)}`;

/** @param {string | Part[]} said @returns {Turn} */
const user = (said) => ({ role: 'user', parts: typeof said === 'string' ? [{ text: said }] : said });
/** @param {string | Part[]} said @returns {Turn} */
const assistant = (said) => ({ role: 'assistant', parts: typeof said === 'string' ? [{ text: said }] : said });
/** @param {string} text @returns {Turn} */
const system = (text) => ({ role: 'system', parts: [{ text }] });

/** The same for several dialects. @param {string[]} dialects @param {(dialect: string) => Body} of @returns {Members} */
const each = (dialects, of) => Object.fromEntries(dialects.map((dialect) => [dialect, of(dialect)]));

/** Tools in each dialect. @param {Body} [more] of a function @returns {Members} */
function tools(more = {}) {
    const all = [['weather', 'Tells the weather'], ['clock', 'Tells the time']].map(([name, description]) => ({ name, description }));
    const chat = all.map((one) => ({ type: 'function', function: { ...one, parameters: SCHEMA, ...more } }));
    return {
        openai: { tools: chat }, ollama: { tools: chat },
        responses: { tools: all.map((one) => ({ type: 'function', ...one, parameters: SCHEMA, strict: false, ...more })) },
        anthropic: { tools: all.map((one) => ({ ...one, input_schema: SCHEMA, ...more })) },
        gemini: { tools: [{ functionDeclarations: all.map((one) => ({ ...one, parametersJsonSchema: SCHEMA })) }] },
        bedrock: { toolConfig: { tools: all.map((one) => ({ toolSpec: { ...one, inputSchema: { json: SCHEMA }, ...more } })) } },
    };
}

/** @param {string} id @param {string} name @param {Body} args @returns {Part} */
const call = (id, name, args) => ({ call: { id, name, args }, seal: 'c2lnbmVk' });
/** @param {string} id @param {string} name @param {string} text @param {Body} [more] @returns {Part} */
const result = (id, name, text, more = {}) => ({ result: { id, name, parts: [{ text }], ...more } });

const GOOGLES = { type: 'OBJECT', properties: { city: { type: 'STRING', nullable: true }, days: { type: 'ARRAY', items: { type: 'INTEGER' } } }, required: ['city'] };
/** What a tool's name may be made of. */
const STRICT = /^[\w-]+$/, LOOSE = /^[\w.:-]+$/;
const LONG_NAME = `mcp__a_server_with_a_name__${'weather_'.repeat(8)}now`;

/** One tool with a name alone, and what else is said of it. @param {Members} more @returns {Members} */
function bare({ openai, responses, anthropic, gemini, ollama, bedrock }) {
    const name = 'ping';
    return {
        openai: { tools: [{ type: 'function', function: { name, ...openai } }] }, responses: { tools: [{ type: 'function', name, ...responses }] },
        anthropic: { tools: [{ name, ...anthropic }] }, gemini: { tools: [{ functionDeclarations: [{ name, ...gemini }] }] },
        ollama: { tools: [{ type: 'function', function: { name, ...ollama } }] }, bedrock: { toolConfig: { tools: [{ toolSpec: { name, ...bedrock } }] } },
    };
}

/** The tools, the first one of that name. @param {string} name @returns {Members} */
const named = (name) => JSON.parse(JSON.stringify(tools()).replaceAll('"weather"', JSON.stringify(name)));

/** The name of the first tool that was received. @param {Body} body @returns {string} */
export function nameIn({ tools: list, toolConfig }) {
    const [one] = list ?? toolConfig.tools;
    return one.functionDeclarations?.[0].name ?? one.toolSpec?.name ?? one.function?.name ?? one.name;
}

/** Whether Google's words for types became JSON Schema's. @param {(body: Body) => Body[]} of @returns {(body: Body) => void} */
const jsonSchemas = (of) => (body) => {
    for (const { type, properties } of of(body)) {
        assert.deepEqual([type, properties.days.type, properties.days.items.type], ['object', 'array', 'integer']);
        assert.match(JSON.stringify(properties.city), /"string".*"null"|"null".*"string"/, 'it may be null');
    }
};

const CALLED = [user('Wie ist das Wetter?'), assistant([call('call_1', 'weather', { city: 'Größ"e' })])];
const BOTH = [call('call_1', 'weather', { city: 'Größ"e' }), call('call_2', 'clock', { city: '東京' })];

/** A member of a request that each dialect has its own place for. @param {string} name @param {string} row @param {Members} says
 *  @param {Partial<Feature>} [more] @returns {Feature} */
const option = (name, row, says, more = {}) => ({ name, uses: [row], says, ...more });

/** @param {string} name @param {string} row @param {Turn[]} turns @param {Partial<Feature>} [more] @returns {Feature} */
const talk = (name, row, turns, more = {}) => ({ name, uses: row === '' ? [] : [row], turns, ...more });

/** A way of choosing among tools. @param {string} name @param {string} row @param {Members} says @returns {Feature} */
const pick = (name, row, says) => ({ name, uses: [row, 'tools'], base: tools(), says });

/** @param {string} name @param {Aspect | undefined} aspect @param {Partial<Feature>} more @returns {Feature} */
const answer = (name, aspect, more) => ({ name, uses: [], ...aspect ? { aspect } : {}, ...more });

/** A budget of thoughts is an effort where there are no budgets. @param {(body: Body) => any} of @returns {(body: Body) => void} */
const some = (of) => (body) => assert.ok(of(body), 'it is told how much is to be thought');

/** @param {Body} body */
const tier = (body) => assert.ok(body.serviceTier, 'a tier is named');

/** @param {(tool: Body) => boolean} is @param {(body: Body) => Body} of @returns {(body: Body) => void} */
const textTool = (is, of) => (body) => assert.ok(is(of(body)), `a tool with one text: ${JSON.stringify(body.tools ?? body.toolConfig)}`);
const INPUT = { properties: { input: { type: 'string' } }, required: ['input'] };

// ------------------------------------------------------------------ the conversation

/** @type {Feature[]} */
const TALK = [
    talk('system first', '', [system('Be brief.'), user('Hello')]),
    talk('system later', 'a system message behind the first turn', [user('Hello'), assistant('Yes?'), system('Speak Latin.'), user('Go on')],
        { from: ['openai', 'responses', 'anthropic', 'ollama'] }),
    talk('several turns', '', [user('Which river?'), assistant('The Danube, “Donau”.'), user('How long?\n"?"')]),
    talk('turns of one role in a row', '', [user('Hello.'), user(' Are you there?'), assistant('Yes.'), assistant(' I am.'), user('Good')],
        { alien: ['bedrock'] }),
    talk('an assistant first', '', [assistant('How can I help?'), user('Sum it up')], { alien: ['anthropic', 'bedrock'] }),
    talk('text in parts', '', [user([{ text: 'One, ' }, { text: 'two, größer 🙂' }])], { from: ALL.filter((one) => one !== 'ollama') }),
    talk('image as bytes', 'images as bytes', [user([{ image: { media: 'image/png', data: PNG } }, { text: 'What is it?' }])]),
    talk('image, for a model that sees none', 'images as bytes', [user([{ image: { media: 'image/png', data: PNG } }, { text: 'What is it?' }])], { dull: 'sight' }),
    talk('image by URL', 'images by URL', [user([{ image: { url: 'https://example.org/a.png' } }, { text: 'What is it?' }])],
        { from: ['openai', 'responses', 'anthropic', 'gemini'] }),
    talk('document as bytes', 'documents as bytes', [user([{ file: { media: 'application/pdf', data: PDF, name: 'report' } }, { text: 'Sum it up' }])],
        { from: ['openai', 'responses', 'anthropic', 'gemini', 'bedrock'] }),
    talk('document of Word', 'documents of Word or Excel as bytes', [user([{ file: { media: WORD, data: PDF, name: 'report' } }, { text: 'Sum it up' }])],
        { from: ['openai', 'responses', 'gemini', 'bedrock'] }),
    talk('document of another type', 'documents of another type as bytes',
        [user([{ file: { media: 'application/zip', data: PDF, name: 'report' } }, { text: 'Sum it up' }])], { from: ['openai', 'responses', 'gemini'] }),
    talk('document of text', '', [user([{ file: { media: 'text/plain', data: TEXT, name: 'notes' } }, { text: 'Sum it up' }])],
        { instead: { anthropic: [] }, from: ['openai', 'responses', 'anthropic', 'gemini', 'bedrock'] }),
    talk('document by URL', 'documents by URL', [user([{ file: { url: 'https://example.org/a.pdf' } }, { text: 'Sum it up' }])],
        { from: ['responses', 'anthropic', 'gemini'] }),
    talk('document by id', 'documents by the id that a provider gave them', [user([{ file: { id: 'file-1' } }, { text: 'Sum it up' }])],
        { from: ['openai', 'responses', 'anthropic', 'bedrock'] }),
    talk('audio', 'audio', [user([{ audio: { media: 'audio/wav', data: WAV } }, { text: 'What is said?' }])], { from: ['openai', 'responses', 'gemini', 'bedrock'] }),
    talk('a refusal in an earlier turn', '', [user('Do it'), { role: 'assistant', parts: [{ refusal: 'I won’t.' }] }, user('Why?')],
        { from: ['openai', 'responses'] }),
    talk('content of another kind', 'content of another kind', [user([{ text: 'Look' }, { other: {
        openai: { type: 'video_url', video_url: { url: 'https://example.org/a.mp4' } },
        anthropic: { type: 'container_upload', file_id: 'file_1' },
        gemini: { executableCode: { language: 'PYTHON', code: 'print(1)' } },
        bedrock: { video: { format: 'mp4', source: { bytes: 'AAAA' } } },
    } }])], { from: ['openai', 'anthropic', 'gemini', 'bedrock'], alien: ['openai'] }),
    talk('cache marks', 'cache marks', [user([{ text: 'Long text', cache: true }, { text: 'Short' }])], {
        from: ['openai', 'responses', 'anthropic', 'bedrock'], alien: ['openai'],
        got: (turns) => assert.deepEqual(turns[0].parts.map(({ cache = false }) => cache), [true, false], 'the first text is marked'),
    }),
];

// ------------------------------------------------------------------ tools

/** @type {Feature[]} */
const TOOLS = [
    { name: 'tools', uses: ['tools'], says: tools() },
    {
        name: 'a tool without parameters', uses: ['tools'], says: bare({ openai: {}, responses: { strict: false }, anthropic: { input_schema: { type: 'object' } },
            gemini: {}, ollama: {}, bedrock: { inputSchema: { json: { type: 'object' } } } }),
        gets: bare({ openai: {}, anthropic: { input_schema: { type: 'object' } }, gemini: {}, ollama: {}, bedrock: { inputSchema: { json: { type: 'object' } } } }),
    },
    {
        name: 'schemas in Google’s form', uses: ['tools', 'an answer by a JSON schema'],
        says: { gemini: {
            tools: [{ functionDeclarations: [{ name: 'weather', description: 'Tells the weather', parameters: GOOGLES }] }],
            generationConfig: { responseMimeType: 'application/json', responseSchema: GOOGLES },
        } },
        gets: {
            openai: jsonSchemas((body) => [body.tools[0].function.parameters, body.response_format.json_schema.schema]),
            anthropic: jsonSchemas((body) => [body.tools[0].input_schema, body.output_config.format.schema]),
            ollama: jsonSchemas((body) => [body.tools[0].function.parameters, body.format]),
            bedrock: jsonSchemas((body) => [body.toolConfig.tools[0].toolSpec.inputSchema.json, JSON.parse(body.outputConfig.textFormat.structure.jsonSchema.schema)]),
        },
    },
    {
        name: 'a tool’s long name', uses: ['tools'], says: named(LONG_NAME), from: ['anthropic', 'gemini', 'ollama'], renamed: true,
        gets: Object.fromEntries(Object.entries({ openai: 64, lmstudio: Infinity, ollama: Infinity, anthropic: 128, gemini: 128, bedrock: 64 }).map(([provider, most]) =>
            [provider, (/** @type {Body} */ body) => assert.ok(nameIn(body).length <= most, `${provider} takes ${most} bytes: ${nameIn(body)}`)])),
        said: { parts: [{ call: { id: 'call_1', name: LONG_NAME, args: { city: 'Rom' } } }], finish: 'tool' },
    },
    {
        name: 'a tool’s name with a dot', uses: ['tools'], says: named('fs.read'), from: ['gemini', 'ollama'], renamed: true,
        gets: Object.fromEntries(Object.entries({ openai: STRICT, anthropic: STRICT, bedrock: STRICT, gemini: LOOSE, lmstudio: LOOSE, ollama: LOOSE }).map(([provider, letters]) =>
            [provider, (/** @type {Body} */ body) => assert.match(nameIn(body), letters, `${provider} takes these letters`)])),
        said: { parts: [{ call: { id: 'call_1', name: 'fs.read', args: { city: 'Rom' } } }], finish: 'tool' },
    },
    { ...pick('tool choice: none', 'that no tool is to be called', {
        openai: { tool_choice: 'none' }, responses: { tool_choice: 'none' }, anthropic: { tool_choice: { type: 'none' } },
        gemini: { toolConfig: { functionCallingConfig: { mode: 'NONE' } } },
    }), gets: {
        ollama: (body) => assert.equal(body.tools, undefined, 'there is none to call'),
        bedrock: (body) => assert.equal(body.toolConfig, undefined, 'there is none to call'),
    } },
    pick('tool choice: any', 'that some tool must be called', {
        openai: { tool_choice: 'required' }, responses: { tool_choice: 'required' }, anthropic: { tool_choice: { type: 'any' } },
        gemini: { toolConfig: { functionCallingConfig: { mode: 'ANY' } } }, bedrock: { toolConfig: { toolChoice: { any: {} } } },
    }),
    pick('tool choice: one', 'that one tool must be called', {
        openai: { tool_choice: { type: 'function', function: { name: 'clock' } } }, responses: { tool_choice: { type: 'function', name: 'clock' } },
        anthropic: { tool_choice: { type: 'tool', name: 'clock' } },
        gemini: { toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['clock'] } } },
        bedrock: { toolConfig: { toolChoice: { tool: { name: 'clock' } } } },
    }),
    pick('no parallel calls', 'whether several tools may be called at once', {
        openai: { parallel_tool_calls: false }, responses: { parallel_tool_calls: false },
        anthropic: { tool_choice: { type: 'auto', disable_parallel_tool_use: true } },
    }),
    {
        name: 'strict tools', uses: ['tools with strict arguments', 'tools'], base: tools(),
        says: {
            ...tools({ strict: true }), gemini: { ...tools().gemini, toolConfig: { functionCallingConfig: { mode: 'VALIDATED' } } },
            ollama: /** @type {any} */ (undefined),
        },
    },
    {
        name: 'custom tools', uses: ['tools that take a text'], aspect: 'custom',
        says: {
            openai: { tools: [{ type: 'custom', custom: { name: 'patch', description: 'Edits files' } }] },
            responses: { tools: [{ type: 'custom', name: 'patch', description: 'Edits files' }] },
        },
        gets: {
            openai: textTool((one) => holds(one, { name: 'patch', parameters: INPUT }), (body) => body.tools[0].function),
            ollama: textTool((one) => holds(one, { name: 'patch', parameters: INPUT }), (body) => body.tools[0].function),
            anthropic: textTool((one) => holds(one, { name: 'patch', input_schema: INPUT }), (body) => body.tools[0]),
            gemini: textTool((one) => holds(one, { name: 'patch', parametersJsonSchema: INPUT }), (body) => body.tools[0].functionDeclarations[0]),
            bedrock: textTool((one) => holds(one, { name: 'patch', inputSchema: { json: INPUT } }), (body) => body.toolConfig.tools[0].toolSpec),
        },
        said: { parts: [{ call: { id: 'call_1', name: 'patch', input: '*** Begin\n"ä" \\ b\n*** End' } }], finish: 'tool' },
    },
    option("the provider's own tools", "tools of the provider's own", {
        openai: { tools: [{ type: 'web_search' }] }, responses: { tools: [{ type: 'web_search' }] },
        anthropic: { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, gemini: { tools: [{ googleSearch: {} }] },
    }, { alien: ['openai'] }),
    option('tools found by a search', 'tools that are found by a search', {
        anthropic: { tools: [{ name: 'find', description: 'Finds tools', input_schema: SCHEMA }, { name: 'later', defer_loading: true, input_schema: SCHEMA }] },
    }, { uses: ['tools that are found by a search', 'tools'] }),
    talk('a result', 'tools', [...CALLED, user([result('call_1', 'weather', 'Rain, “größer”')])], { base: tools() }),
    talk('an empty result', 'tools', [...CALLED, user([result('call_1', 'weather', '')])], { base: tools(), alien: ['bedrock'] }),
    talk('a result, and words', 'tools', [...CALLED, user([result('call_1', 'weather', 'Rain'), { text: 'And tomorrow?' }])], { base: tools() }),
    talk('results of parallel calls', 'tools', [user('Both'), assistant(BOTH), user([result('call_1', 'weather', 'Rain'), result('call_2', 'clock', 'Noon')])],
        { base: tools() }),
    talk('failed result', 'that a tool has failed', [...CALLED, user([result('call_1', 'weather', 'no such city', { failed: true })])],
        { uses: ['that a tool has failed', 'tools'], base: tools(), from: ['anthropic', 'gemini', 'bedrock'] }),
    talk('result with an image', 'results of tools that are no text', [...CALLED, user([{ result: {
        id: 'call_1', name: 'weather', parts: [{ text: '800x600' }, { image: { media: 'image/png', data: PNG } }],
    } }])], {
        uses: ['results of tools that are no text', 'images as bytes', 'tools'], base: tools(), from: ['responses', 'anthropic', 'gemini', 'bedrock'],
    }),
    talk("a call's long id", 'tools', [user('Hello'), assistant([call(LONG_ID, 'weather', { city: 'Rom' })]), user([result(LONG_ID, 'weather', 'Rain')])], {
        base: tools(), alien: ['openai', 'responses', 'bedrock'],
        got: (turns, provider) => {
            const ids = turns.flatMap(({ parts }) => parts.flatMap((part) => [part.call?.id, part.result?.id])).filter((id) => id !== undefined);
            const most = { openai: 40, bedrock: 64 }[provider] ?? Infinity;
            assert.ok(ids.every((id) => id.length <= most), `${provider} takes ids of at most ${most}: ${ids}`);
            assert.ok(ids.length === 0 || (ids.length === 2 && ids[0] === ids[1]), `call and result have one id: ${ids}`);
        },
    }),
    answer('parallel calls in the answer', 'parallel', { uses: ['tools'], base: tools(), said: { parts: BOTH.map(({ call: one }) => ({ call: one })), finish: 'tool' } }),
    answer('text before a call', undefined, {
        uses: ['tools'], base: tools(), said: { parts: [{ text: 'I look. ' }, { call: { id: 'call_1', name: 'weather', args: {} } }], finish: 'tool' },
    }),
    answer("a call's long id in the answer", undefined, {
        uses: ['tools'], base: tools(), said: { parts: [{ call: { id: LONG_ID, name: 'weather', args: { city: 'Rom' } } }], finish: 'tool' },
    }),
];

// ------------------------------------------------------------------ how to answer

const UNKNOWN = { made_up: 1 };
const TEMPERATURE = {
    openai: { temperature: 0.25 }, responses: { temperature: 0.25 }, anthropic: { temperature: 0.25 },
    gemini: { generationConfig: { temperature: 0.25 } }, ollama: { options: { temperature: 0.25 } }, bedrock: { inferenceConfig: { temperature: 0.25 } },
};
const THINKS = {
    openai: { reasoning_effort: 'low' }, responses: { reasoning: { effort: 'low' } }, anthropic: { output_config: { effort: 'low' } },
    gemini: { generationConfig: { thinkingConfig: { thinkingLevel: 'LOW' } } }, ollama: { think: 'low' },
    bedrock: { additionalModelRequestFields: { output_config: { effort: 'low' } } },
};

/** @type {Feature[]} */
const OPTIONS = [
    option('JSON', 'an answer in JSON', {
        openai: { response_format: { type: 'json_object' } }, responses: { text: { format: { type: 'json_object' } } },
        gemini: { generationConfig: { responseMimeType: 'application/json' } }, ollama: { format: 'json' },
    }),
    option('JSON by a schema', 'an answer by a JSON schema', {
        openai: { response_format: { type: 'json_schema', json_schema: { name: 'place', schema: SCHEMA } } },
        responses: { text: { format: { type: 'json_schema', name: 'place', schema: SCHEMA } } },
        anthropic: { output_config: { format: { type: 'json_schema', schema: SCHEMA } } },
        gemini: { generationConfig: { responseMimeType: 'application/json', responseJsonSchema: SCHEMA } }, ollama: { format: SCHEMA },
        bedrock: { outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema: { name: 'place', schema: JSON.stringify(SCHEMA) } } } } },
    }, {
        gets: {
            openai: { response_format: { type: 'json_schema', json_schema: { schema: SCHEMA } } },
            bedrock: ({ outputConfig }) => assert.deepEqual(JSON.parse(outputConfig.textFormat.structure.jsonSchema.schema), SCHEMA),
        },
    }),
    option('max tokens', 'a limit of tokens', {
        openai: { max_completion_tokens: 77 }, responses: { max_output_tokens: 77 }, anthropic: { max_tokens: 77 },
        gemini: { generationConfig: { maxOutputTokens: 77 } }, ollama: { options: { num_predict: 77 } }, bedrock: { inferenceConfig: { maxTokens: 77 } },
    }, { gets: { lmstudio: { max_tokens: 77 } } }),
    option('temperature', 'temperature', TEMPERATURE),
    option('temperature, of a model that takes none', 'temperature', TEMPERATURE, { dull: 'sampling' }),
    option('top_p', 'top_p', {
        openai: { top_p: 0.5 }, responses: { top_p: 0.5 }, anthropic: { top_p: 0.5 },
        gemini: { generationConfig: { topP: 0.5 } }, ollama: { options: { top_p: 0.5 } }, bedrock: { inferenceConfig: { topP: 0.5 } },
    }),
    option('top_k', 'top_k', {
        openai: { top_k: 40 }, anthropic: { top_k: 40 }, gemini: { generationConfig: { topK: 40 } }, ollama: { options: { top_k: 40 } },
        bedrock: { additionalModelRequestFields: { top_k: 40 } },
    }, { alien: ['openai'] }),
    option('stop sequences', 'stop sequences', {
        openai: { stop: ['END', '\n\n'] }, anthropic: { stop_sequences: ['END', 'STOP'] }, gemini: { generationConfig: { stopSequences: ['END', '\n\n'] } },
        ollama: { options: { stop: ['END', '\n\n'] } }, bedrock: { inferenceConfig: { stopSequences: ['END', 'STOP'] } },
    }, {
        gets: {
            openai: (body) => assert.equal(body.stop[0], 'END'), gemini: ({ generationConfig: { stopSequences } }) => assert.equal(stopSequences[0], 'END'),
            ollama: ({ options: { stop } }) => assert.equal(stop[0], 'END'), bedrock: ({ inferenceConfig }) => assert.equal(inferenceConfig.stopSequences[0], 'END'),
            anthropic: ({ stop_sequences: [first, second] }) => {
                assert.equal(first, 'END');
                assert.ok(second === undefined || second.trim() !== '', 'blank ones are refused');
            },
        },
    }),
    option('seed', 'a seed', { openai: { seed: 7 }, gemini: { generationConfig: { seed: 7 } }, ollama: { options: { seed: 7 } } }),
    option('several answers', 'several answers at once', { openai: { n: 2 }, gemini: { generationConfig: { candidateCount: 2 } } }, {
        aspect: 'several', choices: [{ parts: [{ text: 'One' }], finish: 'stop' }, { parts: [{ text: 'Two, größer' }], finish: 'length' }],
    }),
    option('penalties', 'penalties of repetition', {
        openai: { frequency_penalty: 0.5, presence_penalty: 0.25 }, responses: { frequency_penalty: 0.5, presence_penalty: 0.25 },
        gemini: { generationConfig: { frequencyPenalty: 0.5, presencePenalty: 0.25 } }, ollama: { options: { frequency_penalty: 0.5, presence_penalty: 0.25 } },
    }, { alien: ['responses'] }),
    option('bias of tokens', 'a bias of tokens', { openai: { logit_bias: { 50256: -100 } } }),
    option('log probabilities', 'log probabilities', {
        openai: { logprobs: true, top_logprobs: 2 }, responses: { top_logprobs: 2, include: ['message.output_text.logprobs'] },
        gemini: { generationConfig: { responseLogprobs: true, logprobs: 2 } }, ollama: { logprobs: true, top_logprobs: 2 },
    }, { aspect: 'logprobs', said: { parts: [{ text: 'Hi größer' }], logprobs: [{ token: 'Hi', logprob: -0.25 }, { token: ' größer', logprob: -1.5 }] } }),
    option('effort', 'how much is to be thought', THINKS, {
        gets: { anthropic: { output_config: { effort: 'low' }, thinking: { type: 'adaptive' } } },
    }),
    option('effort, of a model that takes none', 'how much is to be thought', THINKS, { dull: 'effort' }),
    option('effort: none', 'how much is to be thought', {
        openai: { reasoning_effort: 'none' }, responses: { reasoning: { effort: 'none' } }, anthropic: { thinking: { type: 'disabled' } },
        gemini: { generationConfig: { thinkingConfig: { thinkingBudget: 0 } } }, ollama: { think: false },
        bedrock: { additionalModelRequestFields: { thinking: { type: 'disabled' } } },
    }, {
        gets: { gemini: some(({ generationConfig }) => /LOW|MINIMAL/.test(generationConfig.thinkingConfig.thinkingLevel)) },
    }),
    option('budget of thoughts', 'how many tokens may be thought', {
        anthropic: { thinking: { type: 'enabled', budget_tokens: 2048 } }, gemini: { generationConfig: { thinkingConfig: { thinkingBudget: 2048 } } },
        bedrock: { additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 2048 } } },
    }, {
        gets: {
            anthropic: { thinking: { type: 'adaptive' } }, gemini: some(({ generationConfig }) => generationConfig.thinkingConfig),
            openai: some((body) => body.reasoning_effort), ollama: some((body) => body.think),
            bedrock: some(({ additionalModelRequestFields: more }) => more?.thinking ?? more?.output_config),
        },
    }),
    option('thoughts are asked for', '', {
        responses: { reasoning: { summary: 'auto' } }, anthropic: { thinking: { type: 'adaptive', display: 'summarized' } },
        gemini: { generationConfig: { thinkingConfig: { includeThoughts: true } } },
    }, {
        uses: [], gets: {
            gemini: { generationConfig: { thinkingConfig: { includeThoughts: true } } }, anthropic: { thinking: { type: 'adaptive', display: 'summarized' } },
            openai: () => {}, ollama: () => {}, bedrock: () => {},
        },
    }),
    option('service tier', 'a service tier', {
        openai: { service_tier: 'flex' }, responses: { service_tier: 'flex' }, anthropic: { service_tier: 'standard_only' },
        gemini: { serviceTier: 'flex' }, bedrock: { serviceTier: { type: 'flex' } },
    }, { gets: { gemini: tier, bedrock: tier } }),
    option('verbosity', 'verbosity', { openai: { verbosity: 'low' }, responses: { text: { verbosity: 'low' } } }),
    option('user', 'who the user is', { openai: { user: 'ann-7' }, responses: { user: 'ann-7' }, anthropic: { metadata: { user_id: 'ann-7' } } }),
    option('metadata', 'metadata', {
        openai: { metadata: { team: 'blue' } }, responses: { metadata: { team: 'blue' } }, gemini: { labels: { team: 'blue' } },
        bedrock: { requestMetadata: { team: 'blue' } },
    }),
    option('an earlier answer by its id', 'an earlier answer by its id', {
        responses: { previous_response_id: 'resp_1' }, anthropic: { thread: { type: 'continue', previous_message_id: 'msg_1' } },
    }, { alien: ['responses', 'anthropic'] }),
    option('safeguards', 'safeguards', {
        anthropic: { safeguards: { mode: 'on' } }, bedrock: { guardrailConfig: { guardrailIdentifier: 'gr1', guardrailVersion: '1' } },
    }),
    option('content that a provider keeps', 'content that a provider keeps, by its name', { gemini: { cachedContent: 'cachedContents/one' } }),
    option('unknown member', 'a member that is not known here', each(ALL, () => UNKNOWN), { alien: ALL }),
];

// ------------------------------------------------------------------ answers

const THOUGHT = { parts: [{ thought: 'Let me think: “größer”.' }, { text: 'So it is.' }], finish: /** @type {const} */ ('stop') };
const SEALED = {
    parts: [{ thought: 'Let me look.', seal: 'c2VhbGVkLXRob3VnaHQ=' }, { call: { id: 'call_7', name: 'weather', args: { city: 'Rom' } } }],
    finish: /** @type {const} */ ('tool'),
};

/** @type {Feature[]} */
const ANSWERS = [
    answer('finish: stop', undefined, { said: {} }),
    answer('finish: length', undefined, { said: { finish: 'length' } }),
    answer('finish: tool', undefined, {
        uses: ['tools'], base: tools(), said: { parts: [{ call: { id: 'call_1', name: 'weather', args: { city: 'Größ"e' } } }], finish: 'tool' },
    }),
    answer('finish: filter', 'filter', { said: { finish: 'filter' } }),
    answer('finish: which stop sequence', 'sequence', { said: { finish: 'sequence', sequence: 'END' } }),
    answer('refusal', 'refusal', { said: { parts: [{ refusal: 'I won’t.' }] } }),
    answer('thoughts in the answer', 'thought', {
        said: THOUGHT, wish: {
            anthropic: { thinking: { type: 'adaptive', display: 'summarized' } }, gemini: { generationConfig: { thinkingConfig: { includeThoughts: true } } },
        },
    }),
    answer('thoughts that nobody asked for', 'thought', { said: THOUGHT, unasked: true }),
    answer('signed thoughts, in the next turn', 'seal', { uses: ['earlier thoughts with their signatures', 'tools'], base: tools(), said: SEALED, next: 'same' }),
    answer('signed thoughts, in the next turn elsewhere', 'seal', { uses: ['tools'], base: tools(), said: SEALED, next: 'other' }),
    answer('usage', undefined, { usage: { input: 1234, output: 567 } }),
    answer('usage: cached', 'cached', { usage: { cached: 16 } }),
    answer('usage: written to the cache', 'written', { usage: { cached: 16, written: 8 } }),
    answer('usage: reasoning', 'reasoning', { usage: { reasoning: 5 } }),
];

// ------------------------------------------------------------------ what goes wrong

/** @type {Feature[]} */
const FAULTS = [
    { name: 'error 400', uses: [], fault: { status: 400, message: 'the matrix says “no”\nto this' } },
    { name: 'error 404', uses: [], fault: { status: 404, message: 'the matrix knows no such model' } },
    { name: 'error 429 with retry-after', uses: [], fault: { status: 429, message: 'the matrix has had enough', retry: 9 } },
    { name: 'error 503, or 529', uses: [], fault: { status: 503, own: { claude: 529 }, message: 'the matrix is overloaded' } },
    { name: 'error 400: too long', uses: [], fault: { status: 400, kind: 'context', message: '' } },
    { name: 'error at the start of a stream', uses: [], fault: { status: 503, message: 'the matrix does not begin', within: true, first: true } },
    { name: 'error in a stream', uses: [], fault: { status: 503, message: 'the matrix breaks off', within: true } },
];

/** @type {Feature[]} */
export const FEATURES = [...TALK, ...TOOLS, ...OPTIONS, ...ANSWERS, ...FAULTS];
