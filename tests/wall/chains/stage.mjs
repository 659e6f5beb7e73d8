/**
 * What the families of chains are played on: two providers of one dialect, and one gateway before them for all
 * families. Each family has models of its own, so that none sees another's faults; a family that takes a whole
 * provider away has a stage of its own.
 */
import assert from 'node:assert/strict';
import { startHost } from '../../lib/hosts.mjs';
import { startProvider } from '../../providers/fakes.mjs';
import { say } from '../../providers/said.mjs';
import { tell } from '../stream.mjs';
import { DIALECTS } from './dialects.mjs';

/**
 * @typedef {import('../stream.mjs').Told} Told
 * @typedef {import('../../providers/fakes.mjs').Provider} Provider
 * @typedef {import('../../providers/fakes.mjs').Seen} Seen
 * @typedef {import('../../providers/faults.mjs').Given} Given
 *
 * @typedef {{silence_ms?: number, first_byte_ms?: number, context?: number}} Says   of a model, in the file
 * @typedef {{first?: Says, second?: Says}} Pair
 * @typedef {{place: Place, seen: Seen}} Try
 * @typedef {{path: string, body: Record<string, any>, sent: Record<string, any>, heard: string, stream: boolean}} Request
 *            sent: what a place must get, but for the model's name
 */

export const SECOND = 'second';
const WORDS = { first: 20, second: 30 };

/** A model at its provider. */
export class Place {
    /** @param {string} provider @param {string} model @param {() => Provider} fake which may be another one later */
    constructor(provider, model, fake) {
        this.provider = provider;
        this.model = model;
        this.fake = fake;
    }

    get name() {
        return `${this.provider}/${this.model}`;
    }

    /** What it was asked, in turn. */
    get seen() {
        return this.fake().seen.filter((seen) => seen.model === this.model);
    }

    /** @param {Given} fault */
    spoil(fault) {
        this.fake().spoil(this.model, fault);
    }
}

/** A chain of two models, as one family has it for itself. */
export class Chain {
    /** @param {Stage} stage @param {string} name @param {import('../stage.mjs').Draw} draw */
    constructor(stage, name, draw) {
        const { prefix, first } = stage.dialect;
        const model = (/** @type {'first' | 'second'} */ which) => `${prefix}${name}-${which}-${WORDS[which]}-words`;
        this.stage = stage;
        this.alias = `chain-${name}`;
        this.draw = draw;
        this.serial = 0;
        this.first = new Place(first, model('first'), () => stage.fakes.first);
        this.second = new Place(SECOND, model('second'), () => stage.fakes.second);
    }

    get whyNotFirst() {
        return new RegExp(`\\b${this.first.provider}\\b`);
    }

    /** What the file says of it. @param {Pair} says @returns {Record<string, unknown>} */
    config(says) {
        return {
            [this.alias]: { is: this.first.name, fallbacks: [this.second.name] },
            ...says.first ? { [this.first.name]: says.first } : {},
            ...says.second ? { [this.second.name]: says.second } : {},
        };
    }

    /** The chain's two names, as a request may say them. @returns {{model?: string, models?: string[]}} */
    names() {
        const [first, second] = [this.first.name, this.second.name];
        const ways = [{ model: this.alias }, { model: first, models: [second] }];
        if (this.stage.dialect.sealed) return ways[0];
        return this.draw.of(this.stage.dialect.inPath ? ways : [...ways, { models: [first, second] }]);
    }

    /** A request like no other before it. @param {boolean} stream @returns {Request} */
    request(stream) {
        const { dialect } = this.stage;
        const heard = `request ${++this.serial} to ${this.alias}`;
        const { model, models } = this.names();
        const sent = dialect.body(heard, stream);
        const named = dialect.inPath ? {} : { model };
        const chain = models === undefined ? {} : { models };
        const body = this.draw.chance() ? { ...named, ...chain, ...sent } : { ...sent, ...chain, ...named };
        return { path: dialect.path(model ?? '', stream), body, sent, heard, stream };
    }

    /** The attempts of a request, as the providers saw them. @param {Told} told @returns {Try[]} */
    tries(told) {
        const id = told.headers['x-request-id'];
        const all = [this.first, this.second].flatMap((place) =>
            place.seen.filter((seen) => seen.headers['x-request-id'] === id).map((seen) => ({ place, seen })));
        return all.sort((a, b) => a.seen.at - b.seen.at);
    }

    /** One request, and who was asked. @param {boolean} stream */
    async turn(stream) {
        const request = this.request(stream);
        const told = await tell(this.stage.host.url, '', request.path, request.body, { timeout: 60_000 });
        return { request, told, tries: this.tries(told) };
    }

    /** The same, with a fault at the first place. @param {Given} fault @param {boolean} stream */
    async strike(fault, stream) {
        this.first.spoil(fault);
        return this.turn(stream);
    }

    /** Who was asked, in turn, and that each got what the client had sent. @param {Request} request
     *  @param {Try[]} tries @param {Place[]} places */
    asked(request, tries, ...places) {
        const names = (/** @type {Place[]} */ all) => all.map(({ name }) => name);
        assert.deepEqual(names(tries.map(({ place }) => place)), names(places), 'the places that were asked, in turn');
        for (const { place, seen } of tries) {
            const { stream_options, ...body } = JSON.parse(seen.body.toString());
            const model = this.stage.dialect.inPath ? {} : { model: place.model };
            assert.deepEqual(body, { ...request.sent, ...model }, 'the same request, with the place’s own model');
            assert.equal(stream_options !== undefined, request.stream && this.stage.asksUsage, 'usage is asked for');
        }
    }

    /** The whole answer of the last one that was asked, which is named. @param {Told} told @param {Request} request
     *  @param {Try[]} tries @param {'stale' | 'unseen' | 'early'} [but] a kept connection was stale, of which
     *  nothing is said; attempts have not reached their place; the head had to go out before it was known who serves */
    good(told, { heard, stream }, tries, but) {
        const { place } = tries[tries.length - 1];
        assert.equal(told.status, 200, shown(told));
        assert.deepEqual(told.faults, [], shown(told));
        assert.equal(told.error, null, shown(told));
        assert.ok(told.whole, `cut: ${shown(told)}`);
        assert.equal(told.stream, stream);
        assert.equal(textOf(told), saidBy(place, heard), `not its answer: ${shown(told)}`);
        assert.ok(told.done, `no end: ${shown(told)}`);
        assert.equal(told.finishes.length, stream ? 1 : 0, 'one finish');
        if (!this.stage.dialect.framed) assert.deepEqual([...told.models], [place.model], 'one model, its own');
        if (but === 'early') return;
        named(told, but === 'stale' ? tries.slice(-1) : tries, but === 'unseen' ? undefined : tries.length);
        if (place === this.second) assert.match(String(told.headers['x-heady-reason']), this.whyNotFirst, 'why not the first');
    }

    /** A beginning of the first one's answer, and then the truth: one error in band, no end. @param {Told} told
     *  @param {Request} request @param {Try[]} tries */
    honest(told, request, tries) {
        assert.equal(told.status, 200, shown(told));
        assert.deepEqual(told.faults, [], shown(told));
        assert.equal(typeof this.stage.dialect.message(told.error ?? {}), 'string', `no error: ${shown(told)}`);
        assert.ok(!told.done, `a good end: ${shown(told)}`);
        const text = textOf(told);
        assert.ok(text !== '' && saidBy(this.first, request.heard).startsWith(text), `not a beginning of it: ${shown(told)}`);
        this.asked(request, tries, this.first);
        named(told, tries, tries.length);
    }

    /** Nobody could serve: said soon, in the client's dialect. @param {Told} told */
    unavailable(told) {
        assert.ok([429, 503, 529].includes(told.status), shown(told));
        assert.equal(typeof this.stage.dialect.message(told.error ?? {}), 'string', shown(told));
        assert.ok(told.ms < 5000, `it took ${told.ms} ms`);
    }
}

/** @param {Place} place @param {string} heard */
function saidBy({ model }, heard) {
    return say({ model, heard }).pieces.join('');
}

/** @param {Told} told */
function textOf(told) {
    assert.ok(told.choices.size <= 1, shown(told));
    return told.choices.get(0)?.text ?? '';
}

/** @param {Told} told */
function shown(told) {
    return `${told.status}, x-heady-reason: ${told.headers['x-heady-reason']}: …${told.body.slice(-300)}`;
}

/** The head names who answered, its model, after how many attempts, and why not the first. @param {Told} told
 *  @param {Try[]} tries @param {number} [attempts] */
function named(told, tries, attempts) {
    const last = tries[tries.length - 1].place;
    assert.equal(told.headers['x-heady-target'], last.provider);
    assert.equal(told.headers['x-heady-model'], last.model);
    if (attempts !== undefined) assert.equal(told.headers['x-heady-attempts'], String(attempts));
    for (const { place } of tries.slice(0, -1)) {
        assert.match(String(told.headers['x-heady-reason']), new RegExp(`\\b${place.provider}\\b`));
    }
}

// ------------------------------------------------------------------ the stage

export class Stage {
    /** @param {string} dialect @param {{first: Provider, second: Provider}} fakes */
    constructor(dialect, fakes) {
        this.dialect = DIALECTS[dialect];
        this.asksUsage = dialect === 'openai';
        this.fakes = fakes;
        /** @type {import('../../lib/hosts.mjs').Host} */
        this.host = /** @type {any} */ (null);
    }

    /** The first provider at its place, after it was away. */
    async reopen() {
        const { port } = this.fakes.first;
        this.fakes.first = await startProvider(this.dialect.fake, { keys: [this.dialect.keys[0]], port });
    }

    async close() {
        try {
            await this.host?.stop();
        } finally {
            await Promise.all([this.fakes.first.close(), this.fakes.second.close()]);
        }
    }
}

/**
 * A gateway before two providers.
 * @param {import('../../lib/hosts.mjs').HostName} host @param {string} dialect
 * @param {(stage: Stage) => Record<string, unknown>} models what the file says of models
 * @returns {Promise<Stage>}
 */
export async function openStage(host, dialect, models) {
    const { fake, env, keys } = DIALECTS[dialect];
    const first = await startProvider(fake, { keys: [keys[0]] });
    const second = await startProvider(fake, { keys: [keys[1]] });
    const stage = new Stage(dialect, { first, second });
    const providers = { [SECOND]: { like: stage.dialect.first, endpoint: second.url, ...stage.dialect.second } };
    try {
        stage.host = await startHost(host, {
            env: { GATEWAY_AUTH: 'off', ...env(first.url), SECOND_API_KEY: keys[1] },
            config: { log_requests: false, providers, models: models(stage) },
        });
    } catch (error) {
        await stage.close();
        throw error;
    }
    return stage;
}

