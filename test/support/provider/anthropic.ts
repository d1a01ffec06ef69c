import {
  ANTHROPIC_FORMAT,
  anthropicEvents,
  anthropicMessage,
} from '@spanmeter/collector/dist/demo/providers/anthropic.js';
import {
  firstThatKnows,
  sendChunks,
  sendJson,
  sendStream,
  startStandIn,
  type Exchange,
  type StandIn,
  type StreamEvent,
  type WireFormat,
} from '@spanmeter/collector/dist/demo/providers/stand-in.js';
import { BEDROCK_FORMAT } from './bedrock.ts';

const OVERLOADED: StreamEvent = {
  event: 'error',
  data: { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
};

/** Counting is no usage of anything. */
function sendCount(exchange: Exchange): true {
  sendJson(exchange, { input_tokens: exchange.usage.input });
  exchange.request.usageSent = false;
  return true;
}

function sendText(exchange: Exchange): Promise<true> | true {
  const text = (completion: string, stop_reason: string | null): unknown => ({
    id: `compl_${exchange.number}`,
    type: 'completion',
    model: exchange.request.model,
    completion,
    stop_reason,
  });
  exchange.request.usageSent = false;
  if (!exchange.request.stream) {
    sendJson(exchange, text('A stand-in answers.', 'stop_sequence'));
    exchange.request.usageSent = false;
    return true;
  }
  const events = Array.from({ length: exchange.behaviour.chunks ?? 8 }, (_, index) => ({
    event: 'completion',
    data: text(`word${index + 1} `, null),
    content: true,
  }));
  const last = { event: 'completion', data: text('', 'max_tokens') };
  return sendStream(exchange, [...events, last], OVERLOADED).then(() => true);
}

/** Results of a batch: two messages, and one request each that failed, was cancelled, came too late. */
function results(exchange: Exchange): StreamEvent[] {
  const succeeded = [1, 2].map((index) => ({
    type: 'succeeded',
    message: { ...anthropicMessage(exchange), id: `msg_batch_${index}`, model: 'claude-haiku-4-5' },
  }));
  const failed = {
    type: 'errored',
    error: { type: 'error', error: { type: 'api_error', message: 'secret' } },
  };
  return [...succeeded, failed, { type: 'canceled' }, { type: 'expired' }].map((result, index) => ({
    data: { custom_id: `request-${index}`, result },
    content: true,
    usage: true,
  }));
}

function batch(exchange: Exchange, ended: boolean): unknown {
  const origin = `http://${String(exchange.request.headers['host'])}`;
  return {
    id: 'msgbatch_1',
    type: 'message_batch',
    processing_status: ended ? 'ended' : 'in_progress',
    request_counts: { processing: 0, succeeded: 2, errored: 1, canceled: 1, expired: 1 },
    results_url: ended ? `${origin}/v1/messages/batches/msgbatch_1/results` : null,
  };
}

const BATCHES = '/v1/messages/batches';

async function answerBatches(exchange: Exchange, path: string): Promise<boolean> {
  if (path.endsWith('/results')) {
    await sendChunks(exchange, results(exchange), {
      contentType: 'application/binary',
      encode: (event) => `${JSON.stringify(event.data)}\n`,
      errorEvent: { data: 'cut' },
    });
    return true;
  }
  sendJson(exchange, batch(exchange, path !== BATCHES));
  exchange.request.usageSent = false;
  return true;
}

const VERTEX = /\/publishers\/anthropic\/models\/([^/:]+):(rawPredict|streamRawPredict)$/;

/** Everything of the API besides messages, and Vertex AI's addresses of it. */
const FURTHER: WireFormat = {
  async answer(exchange) {
    const { path } = exchange.request;
    const vertex = VERTEX.exec(path);
    if (path === `/v1/messages/count_tokens` || vertex?.[1] === 'count-tokens') return sendCount(exchange);
    if (path === '/v1/complete') return sendText(exchange);
    if (path.startsWith(BATCHES)) return answerBatches(exchange, path);
    if (vertex === null) return false;
    if (exchange.request.stream) await sendStream(exchange, anthropicEvents(exchange), OVERLOADED);
    else sendJson(exchange, anthropicMessage(exchange));
    return true;
  },
  error: (status, path) => ANTHROPIC_FORMAT.error(status, path),
  knows: (path) => VERTEX.test(path) || path.startsWith(BATCHES),
  asked: (path) => {
    const vertex = VERTEX.exec(path);
    return vertex === null ? {} : { model: vertex[1] ?? '', stream: vertex[2] === 'streamRawPredict' };
  },
};

/** The API of Anthropic with batches, token counts and text completions, and as Vertex AI and Bedrock serve it. */
export function startAnthropicPlatforms(): Promise<StandIn> {
  return startStandIn(firstThatKnows([ANTHROPIC_FORMAT, FURTHER, BEDROCK_FORMAT]));
}
