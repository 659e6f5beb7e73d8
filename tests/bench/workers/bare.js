// The floor: a Worker that does nothing but one fetch().
export default {
    /** @param {Request} request @param {{ NODE: string }} env */
    fetch(request, env) {
        const url = new URL(request.url);
        return fetch(env.NODE + url.pathname + url.search, request);
    },
};
