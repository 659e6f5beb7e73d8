/*
 * replay.mjs: what replay.c does, through the wasm and the shim's own core.js. Prints the same text.
 */
import { readFileSync } from 'node:fs';
import { argv, exit, stderr, stdout } from 'node:process';
import * as abi from '../../build/offsets.js';
import { Core } from '../../worker-shim/core.js';
import { eventFrame, exceptionFrame } from '../providers/frames.mjs';

const FAILS = ['', 'refused', 'dns', 'tls', 'connect-time', 'reset', 'stale', 'junk', 'local', 'untaken', 'along'];
const SENT = ['none', 'part', 'all'];
const TICKS = ['', 'held-back', 'unseen'];
const ASKS = ['', 'proof', 'leases', 'keep', 'alive', 'store', 'recall', 'forget'];
const ANSWERS = ['done', 'none', 'older', 'late', 'unasked', 'failed'];
const SHOWS = ['', 'health', 'limits', 'state', 'targets', 'keyed'];

const KINDS = ['', 'breakers', 'leases'];

/** @param {string} what @param {string} line @returns {never} */
function die(what, line) {
  stderr.write(`trace: ${what}: ${line}\n`);
  exit(2);
}

/** "\n", "\r", "\\" and "\"" in the text of bodies. @param {string} text */
function unescape(text) {
  return text.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c === 'r' ? '\r' : c));
}

/** @param {string} text @param {boolean} [binary] */
function escape(text, binary = false) {
  return text.replace(binary ? /[\x00-\x1f\\\x7f-\xff]/g : /[\x00-\x1f\\]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** @param {string} text */
const length = (text) => (text === '-' ? -1 : Number(text));
/** @param {number} n */
const shown = (n) => (n === Infinity ? '-' : String(n));
/** @param {number} ms */
const micro = (ms) => (ms * 1000).toFixed(0);

export class Replay {
  /** @param {WebAssembly.Module} module */
  constructor(module) {
    this.core = new Core(module, 1);
    this.host = abi.GW_RACK;
    this.seed = 0;
    this.env = '';
    this.file = '';
    this.now = 0;
    this.started = false;
    /** @type {string[]} */
    this.headers = [];
    /** @type {Map<string, number>} */
    this.calls = new Map();
    this.chunk = '';
    this.binary = false;
    this.out = '';
  }

  get times() {
    return /** @type {[number, number]} */ ([this.now, 1.8e12 + this.now]);
  }

  start() {
    if (this.started) return;
    this.started = true;
    const all = this.core.write(this.env + this.file);
    const failed = this.core.box.start(this.host, this.env.length, all - this.env.length, this.seed, 0);
    if (failed) die('configuration', this.core.stringAt(this.core.box.text()));
  }

  /** @param {number} call */
  nameOf(call) {
    for (const [name, known] of this.calls) if (known === call) return name;
    return '?';
  }

  /** @param {string} name @param {string} head */
  putHead(name, head) {
    for (const line of head.split('\r\n').slice(0, -1)) this.out += `${name}   ${line}\n`;
  }

  /** @param {Uint8Array} bytes */
  decode(bytes) {
    return this.binary ? Buffer.from(bytes).toString('latin1') : new TextDecoder().decode(bytes);
  }

  /** @param {number} offset @param {number} n */
  slices(offset, n) {
    let text = '';
    for (let i = 0; i < n; i++) {
      const s = this.core.slice(offset, i);
      if (s.kind === abi.GW_REQUEST) text += ` request[${s.off} +=${shown(s.len)}]`;
      else if (s.kind === abi.GW_CHUNK) text += ` chunk:${escape(this.chunk.substr(s.off, s.len), this.binary)}`;
      else text += ` literal:${escape(this.decode(s.bytes ?? new Uint8Array()), this.binary)}`;
    }
    return text;
  }

  /** @param {string} name */
  putSend(name) {
    const { core } = this;
    this.out += `${name} SEND ${core.attempt()} ${core.string(abi.SEND_TARGET_NAME)} `
      + `${core.string(abi.SEND_METHOD)} ${core.string(abi.SEND_URL)}`
      + ` host=${core.string(abi.SEND_TARGET_AUTHORITY)} tls=${core.word(abi.SEND_TARGET_TLS)}`
      + ` connect=${core.word(abi.SEND_CONNECT_MS)} len=${shown(core.length(abi.SEND_BODY_LEN))}`
      + `${this.slices(abi.SEND_SLICES, core.word(abi.SEND_SLICES_N))}\n`;
    this.putHead(name, core.string(abi.SEND_HEAD));
  }

  /** @param {string} name @param {number} kind */
  putAction(name, kind) {
    const { core } = this;
    const put = (/** @type {string} */ text) => { this.out += `${name} ${text}\n`; };
    switch (kind) {
      case abi.GW_WAIT: return put(`WAIT ${micro(core.at())}`);
      case abi.GW_READ:
        return put(`READ upto=${shown(core.length(abi.READ_UPTO))} show=${shown(core.length(abi.READ_SHOW))}`
          + (core.word(abi.READ_AGAIN) === 1 ? ` again=${shown(core.length(abi.READ_FROM))}` : ''));
      case abi.GW_SEND: return this.putSend(name);
      case abi.GW_FORGET: return put(`FORGET below=${shown(core.length(abi.FORGET_BELOW))}`);
      case abi.GW_DROP: return put(`DROP ${core.attempt()}`);
      case abi.GW_HEAD:
        put(`HEAD ${core.word(abi.HEAD_STATUS)} len=${shown(core.length(abi.HEAD_BODY_LEN))}`);
        return this.putHead(name, core.string(abi.HEAD_HEAD));
      case abi.GW_DATA:
        return put(`DATA${this.slices(abi.DATA_SLICES, core.word(abi.DATA_SLICES_N))}`);
      case abi.GW_RELAY:
        return put(`RELAY ${core.attempt()} report=${core.word(abi.RELAY_REPORT)} by ${micro(core.at())}${
          core.length(abi.RELAY_SHOW) > 0 ? ` show=${core.length(abi.RELAY_SHOW)}` : ''}`);
      case abi.GW_END: return put(`END ${core.word(abi.END_CODE)}`);
      case abi.GW_ASK:
        return put(`ASK ${core.word(abi.ASK_ID)} ${ASKS[core.word(abi.ASK_WHAT)]} by ${micro(core.at())} `
          + `${core.string(abi.ASK_KEY)} ${escape(core.string(abi.ASK_BYTES))}`);
      case abi.GW_RECORD: return put(`RECORD ${core.string(abi.RECORD_LINE)}`);
      default: return die('unknown action', name);
    }
  }

  /** @param {number} call */
  drain(call) {
    let kind;
    do {
      kind = this.core.poll(call);
      this.putAction(this.nameOf(call), kind);
    } while (kind !== abi.GW_WAIT && kind !== abi.GW_END);
  }

  drainReady() {
    for (let call = this.core.box.ready(); call !== 0; call = this.core.box.ready()) this.drain(call);
  }

  /** @param {string} name @param {(call: number) => number} event */
  feed(name, event) {
    const call = this.calls.get(name);
    if (!call) die('no such call', name);
    const error = event(call);
    if (error !== 0) {
      this.out += `${name} error ${error}\n`;
      return;
    }
    this.drain(call);
    this.drainReady();
  }

  takeHeaders() {
    const text = this.headers.map((h) => h.replace(/: */, ':').trimEnd()).map((h) => `${h}\n`).join('');
    this.headers = [];
    return text;
  }

  /** @param {string[]} w */
  onReq([name, method, target, authority, len, peer]) {
    this.start();
    const { box } = this.core;
    const n = this.core.write(`${method}\n${target}\n${authority}\n${this.takeHeaders()}`);
    this.calls.set(name, box.open(...this.times));
    this.feed(name, (call) => box.req_head(call, n, length(len), peer === 'loopback' ? 1 : 0, ...this.times));
  }

  /** Spaces, which the host shows. @param {string[]} words */
  onBlank([name, off, len]) {
    this.core.write(' '.repeat(Number(len)));
    this.feed(name, (call) => this.core.box.req_body(call, Number(off), Number(len), 0, 1, ...this.times));
  }

  /** @param {string} rest */
  onBody(rest) {
    const [, name, off, len, fin, text] = /^(\S+) (\S+) (\S+) ?(\S*) ?(.*)$/.exec(rest) ?? die('body', rest);
    const n = text === '' ? 0 : this.core.write(unescape(text));
    this.feed(name, (call) => this.core.box.req_body(
      call, Number(off), Number(len), fin === 'fin' ? 1 : 0, n > 0 ? 1 : 0, ...this.times));
  }

  /** @param {string[]} w */
  onRes([name, attempt, status, len]) {
    const n = this.core.write(this.takeHeaders());
    this.feed(name, (call) => this.core.box.res_head(
      call, Number(attempt), n, Number(status), length(len), ...this.times));
  }

  /** @param {string} rest */
  onChunk(rest) {
    const [, name, attempt, text] = /^(\S+) (\S+) (.*)$/.exec(rest) ?? die('chunk', rest);
    this.chunk = unescape(text);
    const n = this.core.write(this.chunk);
    this.feed(name, (call) => this.core.box.res_body(call, Number(attempt), n, ...this.times));
  }

  /** @param {string} rest */
  onAnswer(rest) {
    const [, name, id, status, text] = /^(\S+) (\S+) (\S+) ?(.*)$/.exec(rest) ?? die('answer', rest);
    const n = this.core.write(unescape(text));
    this.feed(name, (call) => this.core.box.answer(
      call, Number(id), ANSWERS.indexOf(status), n, ...this.times));
  }

  /** A chunk that is a frame. @param {string} rest */
  onFrame(rest) {
    const [, name, attempt, how, type, text] = /^(\S+) (\S+) (\S+) (\S+) (.*)$/.exec(rest) ?? die('frame', rest);
    const { message } = how === 'exception' ? JSON.parse(text) : { message: '' };
    const bytes = how === 'exception' ? exceptionFrame(type, message) : eventFrame(type, JSON.parse(text));
    if (how === 'bad') bytes[bytes.length - 1] ^= 1;
    const part = how === 'torn' ? bytes.subarray(0, bytes.length >> 1) : bytes;
    this.chunk = part.toString('latin1');
    this.binary = true;
    const n = this.core.copy(part);
    this.feed(name, (call) => this.core.box.res_body(call, Number(attempt), n, ...this.times));
  }

  /** A chunk of so many bytes. @param {string[]} w */
  onFill([name, attempt, count]) {
    this.chunk = 'x'.repeat(Math.min(Number(count), 65536));
    const n = this.core.write(this.chunk);
    this.feed(name, (call) => this.core.box.res_body(call, Number(attempt), n, ...this.times));
  }

  /** @param {string} name */
  onTask(name) {
    this.start();
    const call = this.core.box.task(...this.times);
    if (call === 0) {
      this.out += `no task, next ${micro(this.core.next())}\n`;
      return;
    }
    this.calls.set(name, call);
    this.drain(call);
  }

  /** @param {string} verb @param {string} rest */
  setting(verb, rest) {
    switch (verb) {
      case 'host': this.host = rest === 'edge' ? abi.GW_EDGE : abi.GW_RACK; return true;
      case 'seed': this.seed = Number(rest); return true;
      case 'env': this.env += `${rest}\0`; return true;
      case 'file': this.file += `${rest}\n`; return true;
      case 'at': this.now = Number(rest); return true;
      case 'h': this.headers.push(rest); return true;
      default: return false;
    }
  }

  /** @param {string} line */
  line(line) {
    const verb = line.split(' ', 1)[0];
    const rest = line.slice(verb.length + 1);
    const w = rest.split(' ');
    const { box } = this.core;
    if (this.setting(verb, rest)) return;
    switch (verb) {
      case 'req': return this.onReq(w);
      case 'blank': return this.onBlank(w);
      case 'body': return this.onBody(rest);
      case 'res': return this.onRes(w);
      case 'chunk': return this.onChunk(rest);
      case 'answer': return this.onAnswer(rest);
      case 'frame': return this.onFrame(rest);
      case 'fill': return this.onFill(w);
      case 'end':
        return this.feed(w[0], (c) => box.res_end(c, Number(w[1]), ['clean', 'cut', 'along'].indexOf(w[2]), ...this.times));
      case 'fail':
        return this.feed(w[0], (c) => box.res_fail(
          c, Number(w[1]), FAILS.indexOf(w[2]), SENT.indexOf(w[3]), ...this.times));
      case 'tick': return this.feed(w[0], (c) => box.tick(c, TICKS.indexOf(w[1] ?? ''), ...this.times));
      case 'gone': return this.feed(w[0], (c) => box.gone(c, ...this.times));
      case 'close':
        box.close(/** @type {number} */ (this.calls.get(w[0])), ...this.times);
        this.calls.delete(w[0]);
        return this.drainReady();
      case 'task': return this.onTask(w[0]);
      case 'show':
        this.start();
        this.out += this.core.stringAt(box.show(SHOWS.indexOf(w[0]), ...this.times));
        return undefined;
      case 'sync': {
        this.start();
        const kind = KINDS.findIndex((name) => name !== '' && rest.startsWith(`${name}: `));
        const kinds = kind < 0 ? abi.GW_FRAMES_ALL : kind;
        const n = this.core.write(unescape(kind < 0 ? rest : rest.slice(KINDS[kind].length + 2)));
        this.out += this.core.stringAt(box.sync(kinds, n, ...this.times));
        return undefined;
      }
      default: return die('unknown verb', line);
    }
  }
}

/** @param {WebAssembly.Module} module @param {string} text of a trace */
export function replay(module, text) {
  const r = new Replay(module);
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    r.out += `> ${line}\n`;
    r.line(line);
  }
  return r.out;
}

if (argv[1] === new URL(import.meta.url).pathname) {
  const module = new WebAssembly.Module(readFileSync(new URL('../../build/core.wasm', import.meta.url)));
  stdout.write(replay(module, readFileSync(argv[2], 'utf8')));
}
