/**
 * What the compliance suite of Open Responses asks for, and what else its specification says of answers and streams, in
 * words of our own (facts.mjs, order.mjs): at both hosts, before a provider of each dialect, with nothing to be fetched.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import { atBoth, test } from '../lib/hosts.mjs';
import { KEY } from '../providers/front.mjs';
import { png, textOf } from '../providers/said.mjs';
import * as facts from './facts.mjs';
import { checkOrder } from './order.mjs';
import { PLACES, modelOf, placesAt } from './places.mjs';

/** @typedef {Record<string, any>} Body */

/**
 * @typedef {object} Case
 * @property {Body} asks         beside the model
 * @property {boolean} [calls]   of a model that calls what it is offered
 * @property {string} [ends]     if not "completed"
 * @property {(response: Body, model: string, place: string) => void} [says]
 */

/** @param {string} role @param {any} content @param {Body} [more] */
const message = (role, content, more = {}) => ({ type: 'message', role, content, ...more });

const TOOL = {
    type: 'function', name: 'tide_at', description: 'When the water is highest.',
    parameters: { type: 'object', properties: { harbour: { type: 'string' } }, required: ['harbour'] },
};
const PICTURE = `data:image/png;base64,${png(128).toString('base64')}`;

/** @param {Body} response */
const textIn = ({ output }) => output.flatMap((/** @type {Body} */ item) => item.content ?? []).map((/** @type {Body} */ part) => part.text ?? '').join('');

/** It is what the model says to this. @param {string} heard @param {object} [more] @returns {Case['says']} */
const says = (heard, more) => (response, model) => assert.equal(textIn(response), textOf(model, heard, more));

/** @param {Body} response */
function calls({ output, tools }) {
    const [call, ...rest] = output.filter((/** @type {Body} */ one) => one.type === 'function_call');
    assert.equal(rest.length, 0);
    assert.equal(call.name, TOOL.name);
    assert.equal(call.status, 'completed');
    assert.equal(typeof JSON.parse(call.arguments), 'object');
    assert.equal(tools[0].name, TOOL.name, 'what it was offered is told again');
}

/** @type {Record<string, Case>} */
const CASES = {
    'a text': { asks: { input: 'When is it full?' }, says: says('When is it full?') },
    'a message': { asks: { input: [message('user', 'Is it low?')] }, says: says('Is it low?') },
    'a system\'s word': { asks: { input: [message('system', 'Speak as a sailor.'), message('user', 'Greet us.')] }, says: says('Greet us.') },
    'instructions': {
        asks: { input: 'Greet us.', instructions: 'Speak as a pilot.' },
        says: ({ instructions }) => assert.equal(instructions, 'Speak as a pilot.'),
    },
    'earlier answers, with their phase': {
        asks: { input: [
            message('user', 'Look it up.'), message('assistant', 'I look.', { phase: 'commentary' }),
            message('assistant', 'At nine.', { phase: 'final_answer' }), message('user', 'When was that?'),
        ] },
        says: says('When was that?'),
    },
    'several turns': {
        asks: { input: [message('user', 'I am Enno.'), message('assistant', 'Moin, Enno.'), message('user', 'Who am I?')] },
        says: says('Who am I?'),
    },
    'a picture': {
        asks: { input: [message('user', [{ type: 'input_text', text: 'What is this?' }, { type: 'input_image', image_url: PICTURE }])] },
        says: says('What is this?', { images: 1 }),
    },
    'a tool': { asks: { input: [message('user', 'And at Emden?')], tools: [TOOL] }, calls: true, says: calls },
    'a tool that must be called': {
        asks: { input: 'And at Norden?', tools: [TOOL], tool_choice: 'required' },
        calls: true, says: (response) => { calls(response); assert.equal(response.tool_choice, 'required'); },
    },
    'too few tokens': {
        asks: { input: 'Tell us in 40 words all of it.', max_output_tokens: 20 }, ends: 'incomplete',
        says: ({ incomplete_details, max_output_tokens, output, completed_at }) => {
            assert.equal(incomplete_details.reason, 'max_output_tokens');
            assert.equal(max_output_tokens, 20);
            assert.equal(output.at(-1).status, 'incomplete');
            assert.equal(completed_at, null);
        },
    },
    'thoughts': {
        asks: { input: 'Think of the moon.', reasoning: { effort: 'low', summary: 'auto' } },
        says: ({ output, reasoning, usage }, _, place) => {
            assert.deepEqual(reasoning, { effort: 'low', summary: 'auto' });
            if (place === 'OpenAI chat') return; // it tells none
            assert.equal(output[0].type, 'reasoning');
            assert.ok(output[0].summary[0].text.length > 0 && usage.output_tokens > 0);
        },
    },
    'what is told again': {
        asks: {
            input: 'Once more.', temperature: 0.5, top_p: 0.5, metadata: { ship: 'Ostfriesland' }, prompt_cache_key: 'tides', store: false,
            truncation: 'auto', safety_identifier: 'enno', text: { format: { type: 'text' }, verbosity: 'low' },
        },
        says: (response) => {
            const { temperature, top_p, metadata, prompt_cache_key, store, truncation, safety_identifier } = response;
            assert.deepEqual({ temperature, top_p, metadata, prompt_cache_key, store, truncation, safety_identifier }, {
                temperature: 0.5, top_p: 0.5, metadata: { ship: 'Ostfriesland' }, prompt_cache_key: 'tides', store: false, truncation: 'auto',
                safety_identifier: 'enno',
            });
        },
    },
};

/** @param {string} url @param {Body} body @param {string} [path] */
const post = (url, body, path = '/v1/responses') => fetch(url + path, {
    method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` }, body: JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
});

/** @param {Response} answer @param {RegExp} type @returns {Promise<string>} */
async function textOfAnswer(answer, type) {
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    assert.match(answer.headers.get('content-type') ?? '', type);
    return text;
}

/** @param {string} text @returns {Body[]} */
function eventsIn(text) {
    return text.split('\n\n').filter((block) => /^(event|data):/.test(block)).map((block) => {
        const { name, data } = /** @type {Record<string, string>} */ (/^event: (?<name>.*)\ndata: (?<data>.*)$/.exec(block)?.groups ?? {});
        const event = JSON.parse(data);
        assert.equal(name, event.type, block);
        return event;
    });
}

/** @param {string[]} wrong */
const none = (wrong) => assert.deepEqual(wrong, []);

/** @param {string} url @param {Body} asks @returns {Promise<Body>} the answer */
async function whole(url, asks) {
    const response = JSON.parse(await textOfAnswer(await post(url, asks), /^application\/json/));
    none(facts.response(response, 'response'));
    return response;
}

/** @param {string} url @param {Body} asks @returns {Promise<Body>} the answer */
async function streamed(url, asks) {
    const events = eventsIn(await textOfAnswer(await post(url, { ...asks, stream: true }), /^text\/event-stream/));
    none(events.flatMap((event, i) => facts.event(event, `${i} ${event.type}`)));
    return checkOrder(events);
}

/** @param {string} url @param {string} path @returns {Promise<{status: number, text: string}>} */
function upgrade(url, path) {
    const headers = {
        authorization: `Bearer ${KEY}`, connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13',
        'sec-websocket-key': Buffer.alloc(16).toString('base64'),
    };
    return new Promise((resolve, reject) => {
        const req = http.get(url + path, { headers, agent: false, timeout: 5000 }, (res) => {
            let text = '';
            res.setEncoding('utf8').on('data', (more) => (text += more)).on('end', () => resolve({ status: res.statusCode ?? 0, text }));
        });
        req.on('upgrade', (_, socket) => { socket.destroy(); reject(new Error('it was upgraded')); }).on('error', reject);
    });
}

atBoth('Open Responses', (bench) => {
    const { fakes, open } = placesAt(bench);

    for (const place of Object.keys(PLACES)) {
        test(`before ${place}`, async (t) => {
            const { url } = await open(t, place);
            for (const [title, { asks, calls: eager = false, ends = 'completed', says: check }] of Object.entries(CASES)) {
                for (const ask of [whole, streamed]) {
                    await t.test(`${title}, ${ask.name}`, async () => {
                        const model = modelOf(place, eager);
                        const response = await ask(url, { model, ...asks });
                        assert.equal(response.status, ends, JSON.stringify(response.error));
                        assert.ok(response.output.length > 0 && response.usage.total_tokens > 0);
                        check?.(response, model, place);
                    });
                }
            }
            await t.test('a summary, and how it goes on', () => sumUp(url, place));
        });
    }

    /** @param {string} url @param {string} place */
    async function sumUp(url, place) {
        const model = modelOf(place, false);
        const talk = [message('user', 'We sail at noon with the ebb.'), message('assistant', 'At noon, then.')];
        const answer = await post(url, { model, input: talk, instructions: 'You are a pilot.', prompt_cache_key: 'tides' }, '/v1/responses/compact');
        const short = JSON.parse(await textOfAnswer(answer, /^application\/json/));
        none(facts.compaction(short, 'compaction'));
        const items = short.output.filter((/** @type {Body} */ item) => item.type === 'compaction');
        assert.equal(items.length, 1);
        assert.ok(short.usage.total_tokens > 0);
        const { seen } = fakes[PLACES[place].fake];
        for (const words of ['We sail at noon', 'At noon, then', 'You are a pilot']) assert.ok(seen.at(-1)?.body.includes(words), words);

        const on = await whole(url, { model, input: [...short.output, message('user', 'When do we sail?')] });
        assert.equal(on.status, 'completed');
        const kept = place === 'OpenAI Responses' ? items[0].encrypted_content : 'A summary of the conversation until here';
        for (const words of [kept, 'When do we sail?']) assert.ok(seen.at(-1)?.body.includes(words), words);

        const again = await post(url, { model, input: talk, stream: true }, '/v1/responses/compact');
        assert.equal(again.status, 400, 'it does not come as a stream');
        await again.arrayBuffer();
    }

    test('what is refused', async (t) => {
        const { url } = await open(t, 'Anthropic');
        for (const [path, body] of /** @type {[string, Body][]} */ ([
            ['/v1/responses/compact', { input: 'Sum it up.' }],
            ['/v1/responses/compact', { model: modelOf('Anthropic', false) }],
            ['/v1/responses', { model: modelOf('Anthropic', false) }],
        ])) {
            const answer = await post(url, body, path);
            const { error } = /** @type {Body} */ (await answer.json());
            assert.equal(answer.status, 400, JSON.stringify(error));
            assert.ok(error.message.length > 0);
        }
        const { status, text } = await upgrade(url, '/v1/responses');
        assert.equal(status, 426, text);
        assert.equal(JSON.parse(text).error.code, 'websocket_not_offered');
    });
});
