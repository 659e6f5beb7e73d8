/*
 * client.js: a call's client: the request as it came, and the answer on its way out.
 */
import { Body, concat } from './body.js';
import { DONE, HELD, NONE, RAW, STREAM, WHOLE } from './call.js';
import { driveGone, drivePulled } from './drive.js';
import { headersOf, linesOf } from './heads.js';
import { refusal, worded } from './refuse.js';

/** @typedef {import('./call.js').Call} Call */

/** Statuses whose answer has no body. */
const NO_BODY = new Set([204, 205, 304]);

/** Notes the request's head as the text that the core takes, and what body there is to come.
 * @param {Call} call @param {Request} request */
export function clientHead(call, request) {
    const { url } = request;
    const path = url.indexOf('/', 8); // behind "https://"
    const { lines, length, host } = linesOf(request.headers);
    const none = length < 0 && request.body === null;
    call.head = `${request.method}\n${url.slice(path)}\n${host}\n${lines}`;
    call.body = new Body(request, none ? 0 : length < 0 ? Infinity : length);
}

/** @param {Call} call a client's */
const urlOf = (call) => call.request?.url ?? '';

/** Gives the client its response. @param {Call} call @param {BodyInit | null} body */
export function clientAnswer(call, body) {
    const { status } = call;
    const none = NO_BODY.has(status) || call.request?.method === 'HEAD';
    call.state = DONE;
    try {
        call.resolve(new Response(none ? null : body, { status, headers: headersOf(call.lines) }));
    } catch {
        call.resolve(refusal(call.hub, urlOf(call), 502, 'bad_answer',
            'the target gave an answer that cannot be used'));
    }
}

/** Answers with a stream that holds nothing back: its bytes come later.
 * @param {Call} call */
export function clientStream(call) {
    const stream = new ReadableStream({
        start(controller) { call.controller = controller; },
        pull() { pulled(call); },
        cancel() {
            call.wanting = false;
            driveGone(call);
        },
    }, { highWaterMark: 0 });
    const { length } = call;
    clientAnswer(call, length > 0 ? stream.pipeThrough(new FixedLengthStream(length)) : stream);
    call.state = STREAM;
    const { out } = call;
    call.out = [];
    for (const bytes of out) clientPut(call, bytes);
}

/** The client can take more. @param {Call} call */
function pulled(call) {
    if (call.cut) {
        call.controller?.error(new Error('the answer was cut'));
        return;
    }
    call.wanting = true;
    drivePulled(call);
}

/** Bytes for the client, at once if its stream has begun. @param {Call} call
 * @param {Uint8Array} bytes */
export function clientPut(call, bytes) {
    if (call.controller === null) {
        call.out.push(bytes);
        return;
    }
    call.wanting = false;
    call.controller.enqueue(bytes);
}

/** Ends the answer: whole, or cut once everything before has been taken; never a clean end for what
 * is not whole. @param {Call} call @param {boolean} whole */
export function clientEnd(call, whole) {
    const { controller, state } = call;
    if ((state === HELD || state === WHOLE) && whole) clientAnswer(call, concat(call.out));
    if (state !== STREAM && state !== RAW) return;
    call.state = DONE;
    if (whole) controller?.close();
    else if (call.wanting) controller?.error(new Error('the answer was cut'));
    else call.cut = true;
}

/** Ends the answer with an error of the host's own: a 500 if nothing has gone out, else a cut;
 * event streams are told why. @param {Call} call @param {string} message */
export function clientFail(call, message) {
    if (call.state === NONE || call.state === HELD || call.state === WHOLE) {
        call.state = DONE;
        call.resolve(refusal(call.hub, urlOf(call), 500, 'internal_error', message));
        return;
    }
    if (call.state === STREAM && call.lines.includes('content-type: text/event-stream')) {
        const event = worded(call.hub, urlOf(call), 0, '', message);
        if (event !== null) clientPut(call, new TextEncoder().encode(event));
    }
    clientEnd(call, false);
}
