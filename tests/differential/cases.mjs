/**
 * Requests that parsers read in different ways, by the family of the trick. Each is the bytes of one
 * request as its sender means it; `marks` of mutate() say where a byte more is put in.
 */

const ECHO = '/api/heavy/code/echo';

/** @typedef {{ family: string, name: string, bytes: string }} Case */

/** @param {string[]} headers @param {string} [body] @param {string} [line] */
function request(headers, body = '', line = `POST ${ECHO} HTTP/1.1`) {
    return `${[line, ...headers].join('\r\n')}\r\n\r\n${body}`;
}

const HOST = 'Host: localhost';
const FIVE = 'Content-Length: 5';
const CHUNKED = 'Transfer-Encoding: chunked';
const CHUNKS = '5\r\nhello\r\n0\r\n\r\n';
const NEXT = `GET ${ECHO}/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n`;

/** @param {string[]} headers @param {string} [body] */
const post = (headers, body = 'hello') => request([HOST, ...headers], body);
/** @param {string} body */
const chunked = (body) => request([HOST, CHUNKED], body);
/** @param {string} line */
const line = (line) => request([HOST], '', line);
/** @param {string} header */
const withHeader = (header) => request([HOST, header, FIVE], 'hello');

/** By family: name and bytes. @type {Record<string, Record<string, string>>} */
const FAMILIES = {
    'two lengths': {
        'the same twice': post([FIVE, FIVE]),
        'that differ': post([FIVE, 'Content-Length: 6']),
        'as a list': post(['Content-Length: 5, 5']),
        'a list that differs': post(['Content-Length: 5, 6']),
        'one hidden by its case': post([FIVE, 'CONTENT-LENGTH: 0']),
        'a good and an empty one': post([FIVE, 'Content-Length: ']),
    },
    'length that is no number': {
        plus: post(['Content-Length: +5']), minus: post(['Content-Length: -5']),
        hex: post(['Content-Length: 0x5']), point: post(['Content-Length: 5.0']),
        exponent: post(['Content-Length: 5e0']), underscore: post(['Content-Length: 0_5']),
        empty: post(['Content-Length:']), 'inner space': post(['Content-Length: 5 5']),
        quotes: post(['Content-Length: "5"']), 'too large': post(['Content-Length: 18446744073709551621']),
        'huge': post(['Content-Length: 99999999999999999999999999']), letters: post(['Content-Length: five']),
        'with a parameter': post(['Content-Length: 5;a']), 'other digits': post(['Content-Length: \xb2']),
    },
    'CL.TE': {
        'length first': post(['Content-Length: 44', CHUNKED], `0\r\n\r\n${NEXT}`),
        'coding first': post([CHUNKED, 'Content-Length: 44'], `0\r\n\r\n${NEXT}`),
        'length 0': post([CHUNKED, 'Content-Length: 0'], CHUNKS),
        'the length is right': post([CHUNKED, 'Content-Length: 15'], CHUNKS),
    },
    'TE.CL': {
        'chunk holds a request': post([CHUNKED, 'Content-Length: 4'], `2d\r\n${NEXT.padEnd(45)}\r\n0\r\n\r\n`),
    },
    'TE.TE': {
        twice: post([CHUNKED, CHUNKED], CHUNKS),
        'and identity': post([CHUNKED, 'Transfer-Encoding: identity'], CHUNKS),
        'identity first': post(['Transfer-Encoding: identity', CHUNKED], CHUNKS),
        'identity alone': post(['Transfer-Encoding: identity'], CHUNKS),
        'a list': post(['Transfer-Encoding: gzip, chunked'], CHUNKS),
        'a list of two': post(['Transfer-Encoding: chunked, chunked'], CHUNKS),
        'chunked not last': post(['Transfer-Encoding: chunked, identity'], CHUNKS),
        'another word': post(['Transfer-Encoding: xchunked'], CHUNKS),
        'gzip behind chunked': post(['Transfer-Encoding: chunked, gzip'], CHUNKS), 'gzip alone': post(['Transfer-Encoding: gzip'], CHUNKS),
        'tab before': post(['Transfer-Encoding:\tchunked'], CHUNKS), 'tab behind': post(['Transfer-Encoding: chunked\t'], CHUNKS),
        'tab before, beside a length': post(['Content-Length: 4', 'Transfer-Encoding:\tchunked'], CHUNKS),
        'tab in a list': post(['Transfer-Encoding: chunked,\tchunked'], CHUNKS),
        'cow': post([CHUNKED, 'Transfer-Encoding: cow'], CHUNKS),
        quotes: post(['Transfer-Encoding: "chunked"'], CHUNKS),
        apostrophes: post(["Transfer-Encoding: 'chunked'"], CHUNKS),
        'with a parameter': post(['Transfer-Encoding: chunked;q=1'], CHUNKS),
        'a comma before': post(['Transfer-Encoding: ,chunked'], CHUNKS),
        'a comma behind': post(['Transfer-Encoding: chunked,'], CHUNKS),
        empty: post(['Transfer-Encoding:'], CHUNKS),
        'vertical tab': post(['Transfer-Encoding: \x0bchunked'], CHUNKS),
        'form feed': post(['Transfer-Encoding:\x0cchunked'], CHUNKS),
        'no-break space': post(['Transfer-Encoding: \xa0chunked'], CHUNKS),
        'NUL behind': post(['Transfer-Encoding: chunked\0'], CHUNKS),
        'in HTTP/1.0': request([HOST, CHUNKED], CHUNKS, `POST ${ECHO} HTTP/1.0`),
        'in HTTP/1.0 beside a length': request([HOST, CHUNKED, 'Content-Length: 15'], CHUNKS, `POST ${ECHO} HTTP/1.0`),
        'underscore': post(['Transfer_Encoding: chunked', FIVE]),
        'hidden in a value by CR': post([`X-A: b\rTransfer-Encoding: chunked`, FIVE]),
        'hidden in a value by LF': post([`X-A: b\nTransfer-Encoding: chunked`], CHUNKS),
        'hidden in a value by NUL': post([`X-A: b\0Transfer-Encoding: chunked`, FIVE]),
    },
    'space around the colon': {
        'before, of a length': post(['Content-Length : 5']), 'tab before, of a length': post(['Content-Length\t: 5']),
        'before, of a coding': post(['Transfer-Encoding : chunked'], CHUNKS),
        'before, of a header': withHeader('X-A : b'), 'tab behind the name': withHeader('X-A\t: b'),
        'none behind it': withHeader('X-A:b'), 'many behind it': withHeader('X-A:     b   '),
        'tabs behind it': withHeader('X-A:\t\tb\t'), 'tabs around a length': post(['Content-Length:\t5\t']),
        'tabs around a host': request(['Host:\tlocalhost\t', FIVE], 'hello'), 'two lengths, one by a tab': post([FIVE, 'Content-Length:\t6']),
        'no colon': withHeader('X-A'),
        'no name': withHeader(': b'), 'two colons': withHeader('X-A:: b'), 'only a space': withHeader(' '),
    },
    'folded headers': {
        'space': request([HOST, 'X-A: b', ' c', FIVE], 'hello'), 'tab': request([HOST, 'X-A: b', '\tc', FIVE], 'hello'),
        'a length': request([HOST, 'Content-Length:', ' 5'], 'hello'),
        'a coding': request([HOST, 'Transfer-Encoding:', ' chunked'], CHUNKS),
        'first line': request([` ${HOST}`, FIVE], 'hello'),
        'a length behind a space': request([HOST, 'X-A: b', ' Content-Length: 5'], 'hello'),
        'line of a space': request([HOST, ' ', FIVE], 'hello'),
    },
    'bare line ends': {
        'LF everywhere': request([HOST, FIVE], 'hello').replaceAll('\r\n', '\n'),
        'LF behind the request line': `POST ${ECHO} HTTP/1.1\n${HOST}\r\n${FIVE}\r\n\r\nhello`,
        'LF behind a header': `POST ${ECHO} HTTP/1.1\r\n${HOST}\n${FIVE}\r\n\r\nhello`,
        'CR behind a header': `POST ${ECHO} HTTP/1.1\r\n${HOST}\r${FIVE}\r\n\r\nhello`,
        'LF ends the head': `POST ${ECHO} HTTP/1.1\r\n${HOST}\r\n${FIVE}\r\n\nhello`,
        'CR ends the head': `POST ${ECHO} HTTP/1.1\r\n${HOST}\r\n${FIVE}\r\n\rhello`,
        'CR CR LF': `POST ${ECHO} HTTP/1.1\r\n${HOST}\r\r\n${FIVE}\r\n\r\nhello`,
        'LF CR': `POST ${ECHO} HTTP/1.1\n\r${HOST}\n\r${FIVE}\n\r\n\rhello`,
        'CR LF CR X': `POST ${ECHO} HTTP/1.1\r\n${HOST}\r\n${FIVE}\r\n\rX: y\r\n\r\nhello`,
        'CR in a value': withHeader('X-A: b\rc'), 'LF in a value': withHeader('X-A: b\nc'),
    },
    'before the request line': {
        'one empty line': `\r\n${request([HOST, FIVE], 'hello')}`, 'two': `\r\n\r\n${request([HOST, FIVE], 'hello')}`,
        'CR': `\r${request([HOST, FIVE], 'hello')}`, 'an empty line and a space': `\r\n ${request([HOST, FIVE], 'hello')}`, 'three': `\r\n\r\n\r\n${request([HOST, FIVE], 'hello')}`,
        'LF': `\n${request([HOST, FIVE], 'hello')}`, space: ` ${request([HOST, FIVE], 'hello')}`,
        NUL: `\0${request([HOST, FIVE], 'hello')}`, 'byte order mark': `\xef\xbb\xbf${request([HOST, FIVE], 'hello')}`,
    },
    'request line': {
        'no version': line(`GET ${ECHO}`), 'HTTP/0.9': line(`GET ${ECHO} HTTP/0.9`), 'HTTP/1.0': line(`GET ${ECHO} HTTP/1.0`),
        'HTTP/1.2': line(`GET ${ECHO} HTTP/1.2`), 'HTTP/2.0': line(`GET ${ECHO} HTTP/2.0`),
        'HTTP/01.1': line(`GET ${ECHO} HTTP/01.1`), 'HTTP/1.10': line(`GET ${ECHO} HTTP/1.10`), 'HTTP/1': line(`GET ${ECHO} HTTP/1`),
        'lower case': line(`GET ${ECHO} http/1.1`), 'another protocol': line(`GET ${ECHO} ICE/1.1`), 'HTTP/1,1': line(`GET ${ECHO} HTTP/1,1`),
        'two spaces': line(`GET  ${ECHO} HTTP/1.1`), 'two spaces behind': line(`GET ${ECHO}  HTTP/1.1`),
        'tab': line(`GET\t${ECHO} HTTP/1.1`), 'space at the end': line(`GET ${ECHO} HTTP/1.1 `),
        'a method in lower case': line(`get ${ECHO} HTTP/1.1`), 'a method that nobody knows': line(`FROB ${ECHO} HTTP/1.1`),
        'a method with a comma': line(`GE,T ${ECHO} HTTP/1.1`), 'a method with NUL': line(`GE\0T ${ECHO} HTTP/1.1`),
        'no method': line(` ${ECHO} HTTP/1.1`), 'no target': line('GET  HTTP/1.1'), CONNECT: line('CONNECT localhost:80 HTTP/1.1'),
        TRACE: line(`TRACE ${ECHO} HTTP/1.1`),
    },
    'target': {
        'absolute': line(`GET http://localhost${ECHO} HTTP/1.1`), 'absolute, another host': line(`GET http://other${ECHO} HTTP/1.1`),
        'absolute, user': line(`GET http://a@localhost${ECHO} HTTP/1.1`), 'absolute, another scheme': line(`GET ftp://localhost${ECHO} HTTP/1.1`),
        'absolute, no host': line(`GET http://${ECHO} HTTP/1.1`), asterisk: line('GET * HTTP/1.1'), 'asterisk, OPTIONS': line('OPTIONS * HTTP/1.1'),
        'no slash': line('GET api HTTP/1.1'), 'authority': line('GET localhost:80 HTTP/1.1'), fragment: line(`GET ${ECHO}#f HTTP/1.1`),
        space: line(`GET ${ECHO}/a b HTTP/1.1`), 'high byte': line(`GET ${ECHO}/\xff HTTP/1.1`), NUL: line(`GET ${ECHO}/\0 HTTP/1.1`),
        DEL: line(`GET ${ECHO}/\x7f HTTP/1.1`), backslash: line(`GET ${ECHO}\\..\\x HTTP/1.1`), dots: line(`GET ${ECHO}/../../../../x HTTP/1.1`),
        'encoded NUL': line(`GET ${ECHO}/%00 HTTP/1.1`), 'encoded line end': line(`GET ${ECHO}/%0d%0aX:%20y HTTP/1.1`),
        'half an escape': line(`GET ${ECHO}/%2 HTTP/1.1`), 'no escape': line(`GET ${ECHO}/%zz HTTP/1.1`), 'line end': line(`GET ${ECHO}/\r\nX: y HTTP/1.1`),
    },
    'host': {
        none: request([FIVE], 'hello'), 'none in HTTP/1.0': request([], '', `GET ${ECHO} HTTP/1.0`), two: request([HOST, HOST, FIVE], 'hello'),
        'two that differ': request([HOST, 'Host: other', FIVE], 'hello'), empty: request(['Host:', FIVE], 'hello'),
        'with a space': request(['Host: local host', FIVE], 'hello'), 'with a comma': request(['Host: a, b', FIVE], 'hello'),
        'with a path': request(['Host: localhost/x', FIVE], 'hello'), 'with a user': request(['Host: a@localhost', FIVE], 'hello'),
        'with a bad port': request(['Host: localhost:x', FIVE], 'hello'), 'with a query': request(['Host: localhost?x', FIVE], 'hello'),
        'with a fragment': request(['Host: localhost#x', FIVE], 'hello'), 'with a backslash': request(['Host: local\\host', FIVE], 'hello'),
        'behind a space': request([' Host: localhost', FIVE], 'hello'), 'high byte': request(['Host: l\xffcal', FIVE], 'hello'),
    },
    'header names': Object.fromEntries([...'()<>@,;\\"/[]?={} \x01\x7f\x80\xff\0'].map((c) =>
        [`with ${JSON.stringify(c)}`, withHeader(`X${c}A: b`)])),
    'header values': {
        NUL: withHeader('X-A: b\0c'), 'a control character': withHeader('X-A: b\x01c'), DEL: withHeader('X-A: b\x7fc'),
        'high bytes': withHeader('X-A: \xe9\xff'), tab: withHeader('X-A: b\tc'), 'backspace': withHeader('X-A: b\x08c'),
    },
    'chunk sizes': {
        good: chunked(CHUNKS), 'leading zeros': chunked('0000005\r\nhello\r\n0\r\n\r\n'), 'upper case': chunked('A\r\n0123456789\r\n0\r\n\r\n'),
        '0x': chunked('0x5\r\nhello\r\n0\r\n\r\n'), plus: chunked('+5\r\nhello\r\n0\r\n\r\n'), minus: chunked('-5\r\nhello\r\n0\r\n\r\n'),
        'not hex': chunked('5g\r\nhello\r\n0\r\n\r\n'), empty: chunked('\r\nhello\r\n0\r\n\r\n'), 'space before': chunked(' 5\r\nhello\r\n0\r\n\r\n'),
        'space behind': chunked('5 \r\nhello\r\n0\r\n\r\n'), 'tab behind': chunked('5\t\r\nhello\r\n0\r\n\r\n'),
        'too large': chunked('10000000000000005\r\nhello\r\n0\r\n\r\n'), '64 bits': chunked('ffffffffffffffff\r\nhello\r\n0\r\n\r\n'),
        '32 bits': chunked('100000005\r\nhello\r\n0\r\n\r\n'), underscore: chunked('0_5\r\nhello\r\n0\r\n\r\n'), quotes: chunked('"5"\r\nhello\r\n0\r\n\r\n'),
        'point': chunked('5.0\r\nhello\r\n0\r\n\r\n'), NUL: chunked('5\0\r\nhello\r\n0\r\n\r\n'), 'last is 00': chunked('5\r\nhello\r\n00\r\n\r\n'),
    },
    'chunk lines': {
        'LF behind a size': chunked('5\nhello\r\n0\r\n\r\n'), 'CR behind a size': chunked('5\rhello\r\n0\r\n\r\n'),
        'LF behind data': chunked('5\r\nhello\n0\r\n\r\n'), 'CR behind data': chunked('5\r\nhello\r0\r\n\r\n'),
        'nothing behind data': chunked('5\r\nhello0\r\n\r\n'), 'too much data': chunked('5\r\nhellox\r\n0\r\n\r\n'),
        'two bytes that are no line end': chunked('5\r\nhelloXX0\r\n\r\n'), 'LF at the end': chunked('5\r\nhello\r\n0\r\n\n'),
        'LF behind the last size': chunked('5\r\nhello\r\n0\n\r\n'), 'CR CR LF behind a size': chunked('5\r\r\nhello\r\n0\r\n\r\n'),
    },
    'chunk extensions': {
        name: chunked('5;a\r\nhello\r\n0\r\n\r\n'), value: chunked('5;a=b\r\nhello\r\n0\r\n\r\n'), quoted: chunked('5;a="b;c"\r\nhello\r\n0\r\n\r\n'),
        'white space': chunked('5 ; a\t=\tb ;c\r\nhello\r\n0;\td\r\n\r\n'), 'white space at the end': chunked('5;a \r\nhello\r\n0\r\n\r\n'),
        'quoted pairs': chunked('5;a="b\\"c\\\\"\r\nhello\r\n0\r\n\r\n'), 'a quoted line end': chunked('5;a="b\\\r\n"\r\nhello\r\n0\r\n\r\n'),
        'a quoted quote ends nothing': chunked(`5;a="\\"\r\nhello\r\n0\r\n\r\n`), 'a pair without quotes': chunked('5;a=\\"\r\nhello\r\n0\r\n\r\n'),
        'white space hides a request': chunked(`2 ;\n\r\nxx\r\n2d\r\n0\r\n\r\n${NEXT}`),
        'LF inside': chunked('5;a\nb\r\nhello\r\n0\r\n\r\n'), 'CR inside': chunked('5;a\rb\r\nhello\r\n0\r\n\r\n'),
        'NUL inside': chunked('5;a\0b\r\nhello\r\n0\r\n\r\n'), 'line end in quotes': chunked('5;a="\r\n"\r\nhello\r\n0\r\n\r\n'),
        'without a semicolon': chunked('5 a\r\nhello\r\n0\r\n\r\n'), 'on the last': chunked('5\r\nhello\r\n0;a=b\r\n\r\n'),
        'LF inside hides a request': chunked(`2;\nxx\r\n2d\r\n0\r\n\r\n${NEXT}`), 'too long': chunked(`5;${'a'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n`),
    },
    trailers: {
        good: chunked('5\r\nhello\r\n0\r\nX-A: b\r\n\r\n'), 'a length': chunked('5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n'),
        'a coding': chunked('5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n'), host: chunked('5\r\nhello\r\n0\r\nHost: other\r\n\r\n'),
        'no colon': chunked('5\r\nhello\r\n0\r\nX-A\r\n\r\n'), folded: chunked('5\r\nhello\r\n0\r\nX-A: b\r\n c\r\n\r\n'),
        LF: chunked('5\r\nhello\r\n0\r\nX-A: b\n\r\n'), 'space before the colon': chunked('5\r\nhello\r\n0\r\nX-A : b\r\n\r\n'),
        NUL: chunked('5\r\nhello\r\n0\r\nX-A: \0\r\n\r\n'), 'too many': chunked(`5\r\nhello\r\n0\r\n${'X-A: b\r\n'.repeat(5000)}\r\n`),
    },
    'bodies where there should be none': {
        'GET with a length': request([HOST, FIVE], 'hello', `GET ${ECHO} HTTP/1.1`),
        'GET with chunks': request([HOST, CHUNKED], CHUNKS, `GET ${ECHO} HTTP/1.1`),
        'HEAD with a length': request([HOST, FIVE], 'hello', `HEAD ${ECHO} HTTP/1.1`),
        'DELETE with a length': request([HOST, FIVE], 'hello', `DELETE ${ECHO} HTTP/1.1`),
        'POST without any': request([HOST], '', `POST ${ECHO} HTTP/1.1`), 'POST, HTTP/1.0, without any': request([HOST], '', `POST ${ECHO} HTTP/1.0`),
    },
    'hop by hop': {
        'Connection names the length': post([FIVE, 'Connection: content-length']), 'Connection names the host': post([FIVE, 'Connection: host']),
        'Connection names the coding': post([CHUNKED, 'Connection: transfer-encoding'], CHUNKS), 'Proxy-Connection': post([FIVE, 'Proxy-Connection: close']),
        'Upgrade': post([FIVE, 'Connection: upgrade', 'Upgrade: websocket']), 'Keep-Alive': post([FIVE, 'Keep-Alive: timeout=5']),
        TE: post([FIVE, 'TE: trailers']), 'Expect, unknown': post([FIVE, 'Expect: 200-ok']),
        'HTTP2-Settings': post([FIVE, 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']),
    },
    sizes: {
        'many headers': request([HOST, ...Array.from({ length: 150 }, (_, i) => `X-${i}: y`), FIVE], 'hello'),
        'a long header': withHeader(`X-A: ${'b'.repeat(70_000)}`), 'a long target': line(`GET ${ECHO}/${'a'.repeat(70_000)} HTTP/1.1`),
        'a long method': line(`${'G'.repeat(5000)} ${ECHO} HTTP/1.1`), 'a long name': withHeader(`${'X'.repeat(70_000)}: b`),
    },
};

/** @returns {Case[]} */
export function handMade() {
    return Object.entries(FAMILIES).flatMap(([family, cases]) =>
        Object.entries(cases).map(([name, bytes]) => ({ family, name, bytes })));
}

/** The same request in the one spelling that every server knows: of white space that the RFCs allow
 * and that moves no border of a message. It is for what is taken only: junk stays junk.
 * @param {string} bytes */
export function inPlainSpelling(bytes) {
    const end = bytes.indexOf('\r\n\r\n') + 2;
    const head = bytes.slice(0, end).replaceAll(/:[ \t]*(.*?)[ \t]*\r\n/g, ': $1\r\n');
    const white = /^([0-9a-f]+)[ \t]*(?:;[^\r\n]*)?\r$/gim;
    return head + bytes.slice(end).replaceAll(white, '$1\r');
}

/** Places in requests where one byte more is tried: "^" marks them. */
const MARKED = [
    `^POST^ ^${ECHO}^ ^HTTP^/^1^.^1^\r^\n^Ho^st^:^ ^local^host^\r^\nX-^A^:^ ^b^c^ ^\r\nContent-Length^:^ ^5^\r\n^\r^\nhello`,
    `POST ${ECHO} HTTP/1.1\r\n${HOST}\r\n^Transfer^-Encoding^:^ ^chun^ked^\r\n\r\n^5^\r^\n^hello^\r^\n^0^;^a^\r\n^X^-B^:^ ^c^\r^\n^\r^\n`,
];
const BYTES = ['\0', '\t', '\n', '\v', '\f', '\r', ' ', '"', ',', ':', ';', '\x7f', '\x80', '\xff', '\r\n', '\n\r', '0', '\r\n '];

/** Every byte in every marked place. @returns {Case[]} */
export function mutated() {
    return MARKED.flatMap((marked, which) => {
        const parts = marked.split('^');
        return parts.slice(1).flatMap((_, at) => BYTES.map((byte) => ({
            family: 'one byte more',
            name: `${JSON.stringify(byte)} at place ${at} of ${which}`,
            bytes: parts.slice(0, at + 1).join('') + byte + parts.slice(at + 1).join(''),
        })));
    });
}
