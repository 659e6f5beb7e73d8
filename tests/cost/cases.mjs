// What is counted: each case is a trace (tests/traces/README.md) of calls that go the same way, one
// after the other, so that the figure of one of them is the total by their number.

const HEAD = [
  'host edge', 'seed 7',
  'env GATEWAY_KEYS=app:86a8b59fdcd58ffce038378cb749db05e7c52bfb48bd88295811ec4c40b8964d',
  'env LOCAL_SERVICES=brain=http://127.0.0.1:3300',
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => `env COLAB_ENDPOINT_${n}=http://127.0.0.1:900${n}`),
  'at 1000',
];
/** What an SDK sends besides. */
const CLIENT = [
  'h accept: application/json', 'h accept-encoding: gzip, deflate, br', 'h accept-language: *',
  'h content-type: application/json', 'h user-agent: OpenAI/JS 6.49.0', 'h x-stainless-lang: js',
  'h x-stainless-retry-count: 0', 'h x-stainless-runtime: node',
];
const KEY = 'h authorization: Bearer KEY-OF-THE-COST-CASES';
const ANSWER = [
  'h content-type: application/json', 'h server: uvicorn', 'h date: Fri, 27 Nov 2026 06:00:00 GMT',
];
const STREAM = ['h content-type: text/event-stream', 'h cache-control: no-cache'];

/** @param {number} bytes of prompt @param {boolean} [stream] without it the body must be read to its end */
const chat = (bytes, stream) => JSON.stringify({
  model: 'llama3:70b', stream, temperature: 0,
  messages: [{ role: 'system', content: 'You are brief.' }, { role: 'user', content: 'word '.repeat(bytes / 5) }],
});

/** Body lines as a host has them from a socket. @param {string} call @param {string} text */
function body(call, text) {
  const lines = [];
  for (let at = 0; at < text.length; at += 16384) {
    const piece = text.slice(at, at + 16384);
    const end = at + piece.length === text.length ? 'fin' : '-';
    lines.push(`body ${call} ${at} ${piece.length} ${end}${at < 65536 ? ` ${piece}` : ''}`);
  }
  return lines;
}

/** @param {string} path @param {string} text @param {string[]} [head] */
const post = (path, text, head = [KEY]) => [
  ...CLIENT, ...head, `req a POST ${path} gw ${text.length}`, ...body('a', text),
];

/** @param {unknown} delta @param {string | null} [finish] */
const event = (delta, finish = null) => `data: ${JSON.stringify({
  id: 'chatcmpl-7', object: 'chat.completion.chunk', created: 1790000000, model: 'llama3:70b',
  choices: [{ index: 0, delta, finish_reason: finish }],
})}\\n\\n`;

const EVENTS = 1000;
const WORDS = ['the', ' quick', ' brown', ' fox', ' jumps', ' over', ' a', ' lazy', ' dog', '.'];
/** @param {number} attempt @param {number} n @param {(i: number) => string} one */
const events = (attempt, n, one) => Array.from({ length: n }, (_, i) => `chunk a ${attempt} ${one(i)}`);
const word = (/** @type {number} */ i) => event({ content: WORDS[i % WORDS.length] });
const tool = (/** @type {number} */ i) => event({
  tool_calls: [{ index: i % 2, id: i < 2 ? `call_${i}` : undefined, function: { arguments: `{"a":${i}` } }],
});
const OPEN = [...STREAM, 'res a 1 200 -', `chunk a 1 ${event({ role: 'assistant', content: '' })}`];
const END = [`chunk a 1 ${event({}, 'stop')}data: [DONE]\\n\\n`, 'end a 1 clean', 'close a'];
const CHAT = '/api/heavy/code/v1/chat/completions';

const AWS = ['env AWS_ACCESS_KEY_ID=AKIACOSTCASES', 'env AWS_SECRET_ACCESS_KEY=secret-of-the-cost-cases'];
const CONVERSE = '/model/anthropic.claude-sonnet-5-20260514-v1%3A0/converse';
const converse = JSON.stringify({ messages: [{ role: 'user', content: [{ text: 'word '.repeat(160) }] }] });
const FRAMES = ['h content-type: application/vnd.amazon.eventstream', 'res a 1 200 -', 'frame a 1 event messageStart {"role":"assistant"}'];
const delta = (/** @type {number} */ i) => 'frame a 1 event contentBlockDelta '
  + JSON.stringify({ contentBlockIndex: 0, delta: { text: WORDS[i % WORDS.length] }, p: 'abcdefghijklmnopqrstu' });

/** Providers in their own dialects, asked by the unified paths. */
const KEYS = ['env OPENAI_API_KEY=sk-cost', 'env ANTHROPIC_API_KEY=sk-ant-cost', 'env GEMINI_API_KEY=g-cost',
  'env OLLAMA_HOST=http://127.0.0.1:11434'];
const user = { role: 'user', content: 'word '.repeat(160) };
/** @type {Record<string, {path: string, streams?: string, body: object, before?: string, event: (word: string, i: number) => string, after: string, type?: string}>} */
const DIALECTS = {
  openai: {
    path: '/v1/chat/completions', body: { model: 'gpt-5.5', messages: [user] },
    event: (word) => event({ content: word }), after: `${event({}, 'stop')}data: [DONE]\\n\\n`,
  },
  responses: {
    path: '/v1/responses', body: { model: 'gpt-5.5', input: [user] },
    event: (word, i) => sse({ type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: word, sequence_number: i }),
    after: sse({ type: 'response.completed', response: { status: 'completed' }, sequence_number: 1001 }),
  },
  anthropic: {
    path: '/v1/messages', body: { model: 'claude-sonnet-5', max_tokens: 900, messages: [user] },
    before: sse({ type: 'message_start', message: { id: 'msg_1', role: 'assistant' } }) + sse({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
    event: (word) => sse({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: word } }),
    after: sse({ type: 'content_block_stop', index: 0 }) + sse({ type: 'message_delta', delta: { stop_reason: 'end_turn' } }) + sse({ type: 'message_stop' }),
  },
  gemini: {
    path: '/v1beta/models/gemini-3.7-flash:generateContent', streams: '/v1beta/models/gemini-3.7-flash:streamGenerateContent?alt=sse',
    body: { contents: [{ role: 'user', parts: [{ text: user.content }] }] },
    event: (word) => sse({ candidates: [{ content: { parts: [{ text: word }], role: 'model' }, index: 0 }] }),
    after: sse({ candidates: [{ content: { parts: [{ text: '.' }], role: 'model' }, finishReason: 'STOP', index: 0 }] }),
  },
  ollama: {
    path: '/api/chat', body: { model: 'llama3.2', messages: [user] }, type: 'application/x-ndjson',
    event: (word) => `${JSON.stringify({ model: 'llama3.2', message: { role: 'assistant', content: word }, done: false })}\\n`,
    after: `${JSON.stringify({ model: 'llama3.2', message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop' })}\\n`,
  },
};
/** @param {object} data */
function sse(data) {
  return `data: ${JSON.stringify(data)}\\n\\n`;
}
/** A whole answer of a KiB. Of a list of them each is read. */
const WHOLE = JSON.stringify({
  id: 'chatcmpl-7', object: 'chat.completion', created: 1790000000, model: 'gpt-5.5', service_tier: 'default',
  choices: [{ index: 0, message: { role: 'assistant', content: 'word '.repeat(105), refusal: null }, logprobs: null, finish_reason: 'stop' }],
  usage: {
    prompt_tokens: 169, completion_tokens: 105, total_tokens: 274, prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
  },
});
const wholes = Object.entries(DIALECTS).map(([name, d]) => ({
  name, env: KEYS, times: 50, lines: [...post(d.path, JSON.stringify({ ...d.body, ...d.streams ? {} : { stream: false } })), ...ANSWER, 'res a 1 200 900', 'close a'],
}));
const streams = Object.entries(DIALECTS).map(([name, d]) => ({
  name: `event-of-${name}`, env: KEYS, times: 1, count: EVENTS, per: 'event', lines: [
    ...post(d.streams ?? d.path, JSON.stringify({ ...d.body, ...d.streams ? {} : { stream: true } })),
    `h content-type: ${d.type ?? 'text/event-stream'}`, 'res a 1 200 -', ...d.before ? [`chunk a 1 ${d.before}`] : [],
    ...events(1, EVENTS, (i) => d.event(WORDS[i % WORDS.length], i)), `chunk a 1 ${d.after}`, 'end a 1 clean', 'close a'],
}));

/** Who serves a dialect, by its provider and a model there; and a prompt of 4 KB. @type {Record<string, string>} */
const SERVES = {
  openai: 'openai/gpt-5.5', anthropic: 'claude/claude-sonnet-5', gemini: 'gemini/gemini-3.7-flash',
  ollama: 'ollama/llama3.2', bedrock: 'bedrock/anthropic.claude-sonnet-5',
};
const LONG = JSON.stringify('word '.repeat(800)).slice(1, -1);
/** Bedrock's frames are lines of a trace of their own; others' events stand in chunks. @type {typeof DIALECTS} */
const SPOKEN = {
  ...DIALECTS,
  bedrock: {
    path: '', streams: '/model/gemini-3.7-flash/converse-stream', body: JSON.parse(converse), type: FRAMES[0].slice(16),
    before: FRAMES[2], event: (_, i) => delta(i), after: 'frame a 1 event messageStop {"stopReason":"end_turn"}',
  },
};
const line = (/** @type {string} */ said) => (said.startsWith('frame ') ? said : `chunk a 1 ${said}`);
/** A stream that a client of one dialect gets from a target of another. @param {string} from @param {string} to @param {number} n */
function translated(from, to, n) {
  const client = SPOKEN[from], target = SPOKEN[to];
  const inBody = client.streams === undefined;
  const text = JSON.stringify({ ...client.body, ...inBody ? { stream: true, model: SERVES[to] } : {} }).replace(user.content, LONG);
  const model = from === 'bedrock' ? encodeURIComponent(SERVES[to]) : SERVES[to];
  const path = (client.streams ?? client.path).replace(/gemini-3.7-flash/, model);
  return [
    ...post(path, text), ...body('a', text), `h content-type: ${target.type ?? 'text/event-stream'}`, 'res a 1 200 -',
    ...target.before ? [line(target.before)] : [],
    ...Array.from({ length: n }, (_, i) => line(target.event(WORDS[i % WORDS.length], i))), line(target.after), 'end a 1 clean', 'close a'];
}
/** These servers take the client's dialect as it is. */
const UNTRANSLATED = ['openai-ollama', 'responses-openai'];
const PAIRS = Object.keys(SPOKEN).flatMap((from) => Object.keys(SERVES).map((to) => [from, to]))
  .filter(([from, to]) => from !== to && !UNTRANSLATED.includes(`${from}-${to}`));
const pairs = PAIRS.flatMap(([from, to]) => [
  { name: `${from}-${to}`, env: [...KEYS, ...AWS], times: 50, lines: translated(from, to, 1) },
  { name: `event-${from}-${to}`, env: [...KEYS, ...AWS], times: 1, count: EVENTS, per: 'event', lines: translated(from, to, EVENTS) },
]);

/** @typedef {{name: string, times: number, per: string, lines: string[], env?: string[]}} Case */
/** `lines` go `times` times; the figure is the total by `count`, of which each is a `per`.
 * @type {(Case & {count: number})[]} */
export const cases = [
  { name: 'small', lines: [...post('/api/heavy/code', chat(800, false)), ...ANSWER, 'res a 1 200 900', 'close a'] },
  { name: 'small-whole', lines: [...post('/api/heavy/code', chat(800)), ...ANSWER, 'res a 1 200 900', 'close a'] },
  { name: 'chat', lines: [...post(CHAT, chat(800, false)), ...ANSWER, 'res a 1 200 900', 'close a'] },
  { name: 'chat-100k', times: 10, lines: [...post(CHAT, chat(100_000, false)), ...ANSWER, 'res a 1 200 900', 'close a'] },
  { name: 'process', lines: [...post('/api/heavy/process', chat(800, false)), ...ANSWER, 'res a 1 200 900', 'close a'] },
  { name: 'local', lines: [...CLIENT, KEY, 'req a GET /api/local/brain/status gw 0', ...ANSWER, 'res a 1 200 90', 'close a'] },
  { name: 'health', lines: ['req a GET /health gw 0', 'close a'] },
  { name: 'refusal', lines: [...post(CHAT, chat(800, false), ['h authorization: Bearer wrong']).filter((l) => !l.startsWith('body')), 'close a'] },
  { name: 'failover', lines: [...post(CHAT, chat(800, false)), 'fail a 1 refused none', ...ANSWER, 'res a 2 200 900', 'close a'] },
  { name: 'stream-relayed', lines: [
    ...post(CHAT, chat(800, true), [KEY, 'h x-heady-stream: fast']), ...STREAM, 'res a 1 200 -', 'end a 1 clean', 'close a'] },
  { name: 'event', times: 1, count: EVENTS, per: 'event', lines: [
    ...post(CHAT, chat(800, true)), ...OPEN, ...events(1, EVENTS, word), ...END] },
  { name: 'event-of-many', times: 1, count: EVENTS, per: 'event', lines: [
    ...post(CHAT, chat(800, true)), ...OPEN,
    ...events(1, EVENTS / 20, (i) => Array.from({ length: 20 }, (_, k) => word(i * 20 + k)).join('')), ...END] },
  { name: 'event-of-tools', times: 1, count: EVENTS, per: 'event', lines: [
    ...post(CHAT, chat(800, true)), ...OPEN, ...events(1, EVENTS, tool), ...END] },
  { name: 'event-resumed', times: 1, count: EVENTS, per: 'event', lines: [
    ...post(CHAT, chat(800, true)), ...OPEN, ...events(1, EVENTS / 2, word), 'end a 1 cut',
    ...STREAM, 'res a 2 200 -', ...events(2, EVENTS / 2, word), ...END.map((l) => l.replace(' a 1 ', ' a 2 '))] },
  { name: 'bedrock', env: AWS, lines: [...post(CONVERSE, converse), ...ANSWER, 'res a 1 200 900', 'close a'] },
  { name: 'event-of-frames', env: AWS, times: 1, count: EVENTS, per: 'event', lines: [
    ...post(`${CONVERSE}-stream`, converse), ...FRAMES, ...Array.from({ length: EVENTS }, (_, i) => delta(i)),
    'frame a 1 event messageStop {"stopReason":"end_turn"}', 'end a 1 clean', 'close a'] },
  { name: 'answer', env: [...KEYS, 'file {"log_requests": true}'], times: 1, count: EVENTS, per: 'KiB', lines: [
    ...post(DIALECTS.openai.path, JSON.stringify({ ...DIALECTS.openai.body, stream: false })), ...ANSWER,
    'res a 1 200 -', 'chunk a 1 [{}', ...events(1, EVENTS, () => `,${WHOLE}`), 'chunk a 1 ]', 'end a 1 clean', 'close a'] },
  ...wholes, ...streams, ...pairs,
].map((c) => ({ times: 50, count: c.times ?? 50, per: 'call', ...c }));

/** @param {Case} c @returns {string} the trace */
export function traceOf(c) {
  return `${[...HEAD.slice(0, -1), ...c.env ?? [], ...HEAD.slice(-1), ...Array.from({ length: c.times }, () => c.lines).flat()].join('\n')}\n`;
}
