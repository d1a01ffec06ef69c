import { createHash } from 'node:crypto';
import { Dice } from './services/traffic.ts';

/** Where the demo's spans go when it does not start a collector of its own. */
export interface Destination {
  /** Base of OTLP/HTTP, such as `http://collector:4318`. */
  readonly url: string;
  /** A gateway key, where the collector asks for one. */
  readonly key: string | null;
}

/** One kind of call that a make-believe service made in the past. */
interface PastJob {
  readonly tenant: string;
  readonly service: string;
  readonly team: string;
  readonly feature: string;
  readonly provider: string;
  readonly model: string;
  /** Calls in a busy hour. */
  readonly perHour: number;
  readonly input: readonly [number, number];
  readonly cached: readonly [number, number];
  readonly output: readonly [number, number];
}

const JOBS: readonly PastJob[] = [
  job(
    'acme',
    'support-bot',
    'support',
    'answers',
    'anthropic',
    'claude-haiku-4-5',
    14,
    [80, 600],
    [0, 14_000],
  ),
  job(
    'acme',
    'support-bot',
    'escalations',
    'second-opinion',
    'anthropic',
    'claude-sonnet-4-5',
    4,
    [900, 4000],
  ),
  job('globex', 'docs-search', 'search', 'answers', 'openai', 'gpt-4o-mini', 16, [500, 2500], [0, 2048]),
  job('globex', 'docs-search', 'ingest', 'sorting', 'openai', 'globex-classifier-v2', 3, [100, 400]),
  job(
    'initech',
    'code-review',
    'platform',
    'review',
    'anthropic',
    'claude-opus-4-5',
    8,
    [3000, 12_000],
    [0, 20_000],
  ),
  job('initech', 'code-review', 'mobile', 'debugging', 'openai', 'gpt-5-mini', 6, [1000, 6000]),
];

const HOUR_MS = 3_600_000;
const SPANS_PER_REQUEST = 500;
const ERROR_SHARE = 0.02;

function job(
  tenant: string,
  service: string,
  team: string,
  feature: string,
  provider: string,
  model: string,
  perHour: number,
  input: readonly [number, number],
  cached: readonly [number, number] = [0, 0],
): PastJob {
  const output = [60, 900] as const;
  return { tenant, service, team, feature, provider, model, perHour, input, cached, output };
}

/** How busy an hour is, from 0 to 1: people work by day and on weekdays. */
function busyness(atMs: number): number {
  const at = new Date(atMs);
  const byHour = Math.max(0.08, Math.sin(((at.getUTCHours() - 5) / 16) * Math.PI));
  const isWeekend = at.getUTCDay() === 0 || at.getUTCDay() === 6;
  return byHour * (isWeekend ? 0.3 : 1);
}

function attribute(key: string, value: string | number): object {
  return { key, value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value } };
}

/** The same call always has the same ids and times, so that sending the past twice stores it once. */
function pastSpan(past: PastJob, index: number, atMs: number, dice: Dice): object {
  const id = createHash('sha256')
    .update(`${past.tenant} ${past.model} ${past.feature} ${atMs} ${index}`)
    .digest('hex');
  const startMs = atMs + dice.between(0, HOUR_MS - 60_000);
  const durationMs = dice.between(300, 9000);
  const fresh = dice.between(...past.input);
  const cached = dice.chance(0.6) ? dice.between(...past.cached) : 0;
  const failed = dice.chance(ERROR_SHARE);
  const usage = failed
    ? [attribute('error.type', 'rate_limit_exceeded')]
    : [
        attribute('gen_ai.usage.input_tokens', fresh + cached),
        attribute('gen_ai.usage.cache_read.input_tokens', cached),
        attribute('gen_ai.usage.output_tokens', dice.between(...past.output)),
      ];
  return {
    traceId: id.slice(0, 32),
    spanId: id.slice(32, 48),
    name: `chat ${past.model}`,
    kind: 3,
    startTimeUnixNano: `${startMs}000000`,
    endTimeUnixNano: `${startMs + durationMs}000000`,
    ...(failed ? { status: { code: 2 } } : {}),
    attributes: [
      attribute('gen_ai.operation.name', 'chat'),
      attribute('gen_ai.provider.name', past.provider),
      attribute('gen_ai.request.model', past.model),
      attribute('gen_ai.response.id', `past-${id.slice(48)}`),
      attribute('team.id', past.team),
      attribute('spanmeter.feature', past.feature),
      attribute('user.id', `user-${dice.between(1, 40)}`),
      ...usage,
    ],
  };
}

function requestOf(past: PastJob, spans: readonly object[]): object {
  const attributes = [
    attribute('service.name', past.service),
    attribute('tenant.id', past.tenant),
    attribute('deployment.environment.name', 'demo'),
  ];
  const scope = { name: 'spanmeter-demo', version: '1' };
  return { resourceSpans: [{ resource: { attributes }, scopeSpans: [{ scope, spans }] }] };
}

async function post(destination: Destination, body: object): Promise<void> {
  const response = await fetch(`${destination.url}/v1/traces`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(destination.key === null ? {} : { authorization: `Bearer ${destination.key}` }),
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${destination.url} answers ${response.status}: ${text.slice(0, 200)}`);
}

/**
 * Sends what the demo's services would have spent in the whole hours of the last `days` days, as OTLP/JSON. Resolves
 * with the number of spans. Rejects where the collector does not take them.
 */
export async function sendHistory(destination: Destination, days: number, nowMs: number): Promise<number> {
  const lastHour = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  let sent = 0;
  for (const [number, past] of JOBS.entries()) {
    let spans: object[] = [];
    for (let atMs = lastHour - days * 24 * HOUR_MS; atMs < lastHour; atMs += HOUR_MS) {
      // Seeded by the hour, so that the same hour is the same whenever it is sent.
      const dice = new Dice(atMs / HOUR_MS + number * 7919);
      const calls = Math.round(past.perHour * busyness(atMs) * (0.7 + 0.6 * dice.next()));
      for (let index = 0; index < calls; index++) spans.push(pastSpan(past, index, atMs, dice));
      if (spans.length < SPANS_PER_REQUEST && atMs + HOUR_MS < lastHour) continue;
      if (spans.length > 0) await post(destination, requestOf(past, spans));
      sent += spans.length;
      spans = [];
    }
  }
  return sent;
}
