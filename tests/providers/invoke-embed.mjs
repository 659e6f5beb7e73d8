/**
 * Bedrock's embedding models, by InvokeModel: Titan's form, of one text, and Cohere's. As strict as they are: a member
 * that they do not know is refused, and so is a size that a model does not have.
 */
import { jsonReply, names, refuse } from './reply.mjs';
import { tokensIn, vector } from './said.mjs';

/** @typedef {Record<string, any>} Body */

export const TITAN = 'amazon.titan-embed-text-v2:0', COHERE = 'cohere.embed-v4:0', COHERE_OLDER = 'cohere.embed-english-v3';
export const EMBEDDERS = [TITAN, COHERE, COHERE_OLDER];

const TITANS = names('inputText dimensions normalize embeddingTypes');
const COHERES = names('texts images inputs input_type truncate embedding_types output_dimension max_tokens');
const PURPOSES = ['search_document', 'search_query', 'classification', 'clustering'];
const TEXTS_MOST = 96;

/** @param {Body} body @param {Set<string>} known */
function checkKeys(body, known) {
    const strange = Object.keys(body).find((name) => !known.has(name));
    if (strange !== undefined) refuse(`Malformed input request: #: extraneous key [${strange}] is not permitted, please reformat your input and try again.`);
}

/** @param {string} what @param {number} tokens */
const counted = (what, tokens) => ({ [`x-amzn-bedrock-${what}-token-count`]: tokens, 'x-amzn-bedrock-invocation-latency': 42 });

/** @param {Body} body */
function titan(body) {
    checkKeys(body, TITANS);
    const { inputText: text, dimensions = 1024, embeddingTypes } = body;
    if (typeof text !== 'string') refuse('Malformed input request: #: required key [inputText] not found, please reformat your input and try again.');
    if (text === '') refuse('Malformed input request: expected minLength: 1, actual: 0, please reformat your input and try again.');
    if (![256, 512, 1024].includes(dimensions)) refuse(`Malformed input request: #/dimensions: ${dimensions} is not a valid enum value, please reformat your input and try again.`);
    const embedding = vector(text, dimensions), inputTextTokenCount = tokensIn(text);
    const embeddingsByType = embeddingTypes === undefined ? {} : { embeddingsByType: { float: embedding } };
    return jsonReply({ embedding, ...embeddingsByType, inputTextTokenCount }, 200, counted('input', inputTextTokenCount));
}

/** @param {Body} body @param {boolean} older */
function cohere(body, older) {
    checkKeys(body, COHERES);
    const { texts, input_type: purpose, truncate = 'NONE', embedding_types: types, output_dimension: size } = body;
    if (!PURPOSES.includes(purpose)) refuse(`Malformed input request: #/input_type: ${purpose} is not a valid enum value, please reformat your input and try again.`);
    if (!Array.isArray(texts) || !texts.every((one) => typeof one === 'string')) refuse('Malformed input request: #/texts: expected type: Array of String');
    if (texts.length > TEXTS_MOST) refuse(`Malformed input request: #/texts: expected maxItems: ${TEXTS_MOST}, actual: ${texts.length}`);
    if (!['NONE', ...older ? ['START', 'END'] : ['LEFT', 'RIGHT']].includes(truncate)) refuse(`Malformed input request: #/truncate: ${truncate} is not a valid enum value`);
    if (size !== undefined && (older || ![256, 512, 1024, 1536].includes(size))) refuse('Malformed input request: #/output_dimension: not a valid value');
    const vectors = texts.map((text) => vector(text, size ?? (older ? 1024 : 1536)));
    const id = '9c8f61a8-1f3f-4d3c-8b2a-6f0a5ad5e1f0', byType = types !== undefined;
    const tokens = texts.reduce((sum, text) => sum + tokensIn(text), 0);
    return jsonReply({
        id, texts, embeddings: byType ? { float: vectors } : vectors, response_type: byType ? 'embeddings_by_type' : 'embeddings_floats',
    }, 200, counted('input', tokens));
}

/** @param {string} model @param {Body} body */
export function embedReply(model, body) {
    return model === TITAN ? titan(body) : cohere(body, model === COHERE_OLDER);
}
