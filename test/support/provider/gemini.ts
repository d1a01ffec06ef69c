import {
  firstThatKnows,
  sendJson,
  sendStream,
  startStandIn,
  type Exchange,
  type StandIn,
  type StreamEvent,
  type WireFormat,
} from '@spanmeter/collector/dist/demo/providers/stand-in.js';
import { INTERACTIONS } from './gemini-interactions.ts';

const DEFAULT_CHUNKS = 8;
const NOTHING = { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0 };

/** `/v1beta/models/x:method`, `/v1beta1/projects/p/locations/l/publishers/google/models/x:method`. */
const PATH = /\/models\/([^/:]+):(\w+)$/;

const STATUSES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
};

function isVertex({ request }: Exchange): boolean {
  return request.path.includes('/publishers/');
}

/** Vertex AI counts thoughts among the candidates' tokens here, the Developer API beside them. */
function usageMetadata(exchange: Exchange): Record<string, unknown> {
  const { usage } = exchange;
  const prompt = usage.input + usage.cacheRead;
  const apart = isVertex(exchange) ? 0 : usage.reasoning;
  return {
    promptTokenCount: prompt,
    ...(usage.cacheRead > 0 ? { cachedContentTokenCount: usage.cacheRead } : {}),
    candidatesTokenCount: usage.output - apart,
    ...(usage.reasoning > 0 ? { thoughtsTokenCount: usage.reasoning } : {}),
    totalTokenCount: prompt + usage.output,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: prompt - usage.audioInput },
      ...(usage.audioInput > 0 ? [{ modality: 'AUDIO', tokenCount: usage.audioInput }] : []),
    ],
    ...(isVertex(exchange) ? { trafficType: 'ON_DEMAND' } : {}),
  };
}

/** What is told before the answer is whole: the prompt, and with `cumulativeUsage` what there is of the answer. */
function usageSoFar(exchange: Exchange, share: number): Record<string, unknown> {
  const { promptTokenCount, promptTokensDetails } = usageMetadata(exchange);
  const output = Math.ceil(exchange.usage.output * share);
  const told = exchange.behaviour.cumulativeUsage === true ? { candidatesTokenCount: output } : {};
  const total = Number(promptTokenCount) + ('candidatesTokenCount' in told ? output : 0);
  return { promptTokenCount, promptTokensDetails, totalTokenCount: total, ...told };
}

const CALL = { functionCall: { id: 'call-1', name: 'lookup', args: { q: 'status' } } };

/** A tool is called until its answer is there. */
function callsTool({ behaviour, body }: Exchange): boolean {
  return behaviour.tool === true && !JSON.stringify(body).includes('functionResponse');
}

/** The first part of what was asked for `in two parts` ends with a token that the second one is asked with. */
function continuation({ body }: Exchange): object {
  const text = JSON.stringify(body);
  const isHalf = text.includes('in two parts') && !text.includes('continuationToken');
  return isHalf ? { continuationToken: 'half', finishReason: 'CONTINUATION' } : {};
}

function answer(exchange: Exchange, parts: unknown[], usage: unknown, finishReason?: string): unknown {
  const ended = finishReason === undefined ? {} : { finishReason, ...continuation(exchange) };
  return {
    candidates: [{ index: 0, content: { role: 'model', parts }, ...ended }],
    usageMetadata: usage,
    modelVersion: `${exchange.request.model}-001`,
    responseId: `response-${exchange.number}`,
  };
}

function* chunks(exchange: Exchange): Generator<StreamEvent> {
  const count = callsTool(exchange) ? 0 : (exchange.behaviour.chunks ?? DEFAULT_CHUNKS);
  for (let sent = 1; sent <= count; sent += 1) {
    const soFar = usageSoFar(exchange, sent / count);
    yield { data: answer(exchange, [{ text: `word${sent} ` }], soFar), content: true };
  }
  const last = callsTool(exchange) ? CALL : { text: '' };
  yield { data: answer(exchange, [last], usageMetadata(exchange), 'STOP'), usage: true };
}

/** Only Vertex AI counts what embeddings read. */
function embedding(exchange: Exchange, method: string): unknown {
  const values = [0.5, 0.25, 0.125];
  const { input } = exchange.usage;
  exchange.request.usage = { ...exchange.usage, ...NOTHING, input: isVertex(exchange) ? input : 0 };
  if (method === 'embedContent') return { embedding: { values }, usageMetadata: { promptTokenCount: input } };
  if (method === 'batchEmbedContents') return { embeddings: [{ values }] };
  const statistics = { truncated: false, token_count: input };
  return {
    predictions: [{ embeddings: { values, statistics } }],
    metadata: { billableCharacterCount: 30 },
  };
}

function images(exchange: Exchange): unknown {
  exchange.request.usage = { ...exchange.usage, ...NOTHING };
  exchange.request.charged = { 'spanmeter.usage.images': 2 };
  const image = { mimeType: 'image/png', bytesBase64Encoded: 'aGk=' };
  return { predictions: [image, image, { raiFilteredReason: 'held back' }] };
}

const CONTENT: WireFormat = {
  knows: (path) => PATH.test(path),
  asked: (path, body) => {
    const [, model = '', method = ''] = PATH.exec(path) ?? [];
    const prompt = JSON.stringify(body['contents'] ?? body['instances'] ?? '');
    return { model, stream: method.startsWith('stream'), prompt };
  },
  async answer(exchange) {
    const [, model = '', method = ''] = PATH.exec(exchange.request.path) ?? [];
    switch (method) {
      case 'generateContent': {
        const parts = callsTool(exchange) ? [CALL] : [{ text: 'A stand-in answers.' }];
        sendJson(exchange, answer(exchange, parts, usageMetadata(exchange), 'STOP'));
        return true;
      }
      case 'streamGenerateContent': {
        const error = { error: { code: 503, message: 'The server had an error', status: 'UNAVAILABLE' } };
        await sendStream(exchange, chunks(exchange), { data: error });
        return true;
      }
      case 'predict':
        sendJson(exchange, model.startsWith('imagen') ? images(exchange) : embedding(exchange, method));
        return true;
      case 'embedContent':
      case 'batchEmbedContents':
        sendJson(exchange, embedding(exchange, method));
        return true;
      default:
        return false;
    }
  },
  error: (status) => ({
    error: {
      code: status,
      message: `The stand-in was asked to answer ${status}`,
      status: STATUSES[status] ?? 'INTERNAL',
    },
  }),
};

/** A local server in the wire format of Gemini, of the Developer API and of Vertex AI. */
export function startGeminiStandIn(port = 0): Promise<StandIn> {
  return startStandIn(firstThatKnows([CONTENT, INTERACTIONS]), port);
}
