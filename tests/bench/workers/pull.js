// A plain forwarder of streams through JavaScript: one reader, one ReadableStream{pull, cancel}.
export default {
    /** @param {Request} request @param {{ NODE: string }} env */
    async fetch(request, env) {
        const url = new URL(request.url);
        const response = await fetch(env.NODE + url.pathname + url.search, request);
        if (!response.body) return response;
        const reader = response.body.getReader();
        const body = new ReadableStream({
            async pull(controller) {
                const { done, value } = await reader.read();
                if (done) controller.close();
                else controller.enqueue(value);
            },
            cancel(reason) { return reader.cancel(reason); },
        });
        return new Response(body, { status: response.status, headers: response.headers });
    },
};
