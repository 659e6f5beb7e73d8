/*
 * index.js: the Worker. Requests go to serve.js; the cron trigger sees to the work that
 * no client asked for. The Durable Objects' classes stand beside it.
 */
import { hubOf } from './hub.js';
import { serve, serveTasks } from './serve.js';

export { Registry } from './registry.js';
export { Responses } from './responses.js';

export default {
    /** @param {Request} request @param {Record<string, unknown>} env
     * @param {ExecutionContext} ctx */
    fetch(request, env, ctx) {
        return serve(hubOf(env), request, ctx);
    },

    /** @param {ScheduledController} _event @param {Record<string, unknown>} env
     * @param {ExecutionContext} ctx */
    scheduled(_event, env, ctx) {
        ctx.waitUntil(serveTasks(hubOf(env), ctx));
    },
};
