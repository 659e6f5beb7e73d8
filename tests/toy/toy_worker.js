/*
 * toy_worker.js: the Worker with the toy's question in its table. What answers it, the binding TOY_STORE
 * says.
 */
import { GW_ASK_TOY } from '../../build/toy/offsets.js';
import { WHO, cache, kv } from '../../worker-shim/ask.js';

const KEEP_S = 60;
const far = kv('TOY', KEEP_S);
const near = cache('toy', KEEP_S);

WHO[GW_ASK_TOY] = (call, question) => (
    call.hub.bindings.TOY_STORE === 'cache' ? near(call, question) : far(call, question));

export { default, Registry, Responses } from '../../worker-shim/index.js';
