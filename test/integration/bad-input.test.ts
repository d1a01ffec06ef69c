import assert from 'node:assert/strict';
import { readPartialSuccess, readStatus } from '../collector/receivers/wire.ts';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { sumOf } from '../support/exposition-parser.ts';
import { buildTraces } from '../support/otlp-builder.ts';
import { exportGrpc, postOtlp, type HttpAnswer } from '../support/otlp-client.ts';
import { query } from '../support/query.ts';
import { genAiMetrics, ownMetrics, settled, type Families } from '../support/running-collector.ts';
import { GRPC_REQUESTS, REFUSED_REQUESTS, TAKEN_REQUESTS } from './bad-input-requests.ts';
import { SPAN_CASES, type SpanCase, type StoredRow } from './bad-input-spans.ts';
import { describeSums } from './bad-input-sums.ts';
import { describeVolumes } from './bad-input-volumes.ts';
import { describeSameCalls } from './bad-input-same-calls.ts';

/** By how much a counter of 8888 went up, summed over the series with these labels. */
type Moved = (name: string, labels?: Record<string, string>) => number;

const isJson = (answer: HttpAnswer): boolean => answer.headers['content-type'] === 'application/json';

/** The Status of a refusal, in whichever encoding the answer has. */
function statusOf(answer: HttpAnswer): { code: number; message: string } {
  if (isJson(answer)) return JSON.parse(answer.body.toString()) as { code: number; message: string };
  assert.equal(answer.headers['content-type'], 'application/x-protobuf');
  return readStatus(answer.body);
}

function partialOf(answer: HttpAnswer): { rejected: number; message: string } | null {
  if (!isJson(answer)) return readPartialSuccess(answer.body);
  const { partialSuccess } = JSON.parse(answer.body.toString()) as {
    partialSuccess?: Record<string, string>;
  };
  if (partialSuccess === undefined) return null;
  const { errorMessage = '', ...counts } = partialSuccess;
  return { rejected: Number(Object.values(counts)[0] ?? 0), message: errorMessage };
}

describe('bad input', function () {
  let collector: CollectorProcess;

  before(async () => {
    collector = await startCollector();
  });
  after(() => collector?.dispose());

  /** What the counters of 8888 moved by while `work` ran. */
  async function moved<T>(work: () => Promise<T>): Promise<{ result: T; by: Moved }> {
    const before = await ownMetrics(collector);
    const result = await work();
    const now = await ownMetrics(collector);
    return { result, by: (name, labels = {}) => sumOf(now, name, labels) - sumOf(before, name, labels) };
  }

  describe('in a request that is refused whole', () => {
    for (const { title, post, status, grpcCode, code, message, headers = {} } of REFUSED_REQUESTS) {
      it(`${title}: ${status}, counted as ${code}, nothing journalled`, async () => {
        const sent = post();
        const { result: answer, by } = await moved(() => postOtlp(collector.ports.http, sent));
        assert.equal(answer.status, status, answer.body.toString());
        const refusal = statusOf(answer);
        assert.equal(refusal.code, grpcCode);
        assert.match(refusal.message, message);
        assert.equal(answer.headers['retry-after'], undefined, 'a sender would repeat what cannot succeed');
        for (const [name, value] of Object.entries(headers))
          assert.match(String(answer.headers[name]), value);
        assert.equal(by('spanmeter_receiver_refused_requests', { transport: 'http', code }), 1);
        assert.equal(by('spanmeter_receiver_refused_requests'), 1);
        assert.equal(by('spanmeter_journal_appended_records_total'), 0);
        assert.equal(by('otelcol_receiver_accepted_spans'), 0);
      });
    }
  });

  describe('in a request that is taken and of which nothing is stored', () => {
    for (const { title, post, partial } of TAKEN_REQUESTS) {
      it(`${title}: 200${partial === null ? '' : ', rejected in partial_success'}`, async () => {
        const { result: answer, by } = await moved(() => postOtlp(collector.ports.http, post()));
        assert.equal(answer.status, 200, answer.body.toString());
        const found = partialOf(answer);
        if (partial === null) assert.equal(found, null);
        else {
          assert.equal(found?.rejected, partial.rejected);
          assert.match(found.message, partial.message);
        }
        assert.equal(by('spanmeter_receiver_refused_requests'), 0);
        assert.equal(by('spanmeter_journal_appended_records_total'), 0);
      });
    }
  });

  describe('over gRPC', () => {
    for (const request of GRPC_REQUESTS) {
      const { title, signal, headers, gzip, code, message, rejected = 0, counted } = request;
      it(`${title}: status ${code}`, async () => {
        const body = request.body();
        const { result: answer, by } = await moved(() =>
          exportGrpc(collector.ports.grpc, body, headers, signal, gzip),
        );
        assert.equal(answer.code, code, answer.message);
        if (message !== undefined) {
          assert.match(answer.message, message);
          assert.ok(answer.status);
          assert.deepEqual(readStatus(answer.status), { code, message: answer.message, retryAfterMs: null });
        }
        assert.equal(readPartialSuccess(answer.body)?.rejected ?? 0, rejected);
        const refused = by('spanmeter_receiver_refused_requests', { transport: 'grpc' });
        assert.equal(refused, counted === undefined ? 0 : 1);
        if (counted !== undefined)
          assert.equal(by('spanmeter_receiver_refused_requests', { code: counted }), 1);
        assert.equal(by('spanmeter_journal_appended_records_total'), 0);
      });
    }
  });

  describe('in spans', () => {
    interface Outcome {
      readonly answer: HttpAnswer;
      readonly by: Moved;
    }
    const tenantOf = (index: number): string => `case-${index}`;
    const outcomes: Outcome[] = [];
    let rows: (StoredRow & { tenant_id: string })[] = [];
    let letters: { tenant_id: string; reason: string }[] = [];
    let exposed: Families;

    async function send(one: SpanCase, index: number): Promise<Outcome> {
      const { scope = { name: 'tests', version: '1' }, tenantBy = 'header' } = one;
      const declared = { 'tenant.id': tenantOf(index) };
      const resource = one.resource ?? {
        'service.name': 'tested',
        ...(tenantBy === 'resource' ? declared : {}),
      };
      const built = Buffer.from(buildTraces([{ resource, scope, spans: one.spans() }]));
      const body = one.patch?.(built) ?? built;
      const headers: Record<string, string> =
        tenantBy === 'header' ? { 'x-scope-orgid': tenantOf(index) } : {};
      const { result: answer, by } = await moved(async () => {
        const answered = await postOtlp(collector.ports.http, { headers, body });
        await settled(collector);
        return answered;
      });
      return { answer, by };
    }

    before(async () => {
      for (const [index, one] of SPAN_CASES.entries()) outcomes.push(await send(one, index));
      const url = collector.databaseUrl();
      rows = await query(url, 'SELECT * FROM spanmeter.calls ORDER BY tenant_id, span_id');
      letters = await query(url, 'SELECT tenant_id, reason FROM spanmeter.dead_letters');
      exposed = await genAiMetrics(collector);
    });

    for (const [index, one] of SPAN_CASES.entries()) {
      const outcome = one.rows.map((row) => String(row['cost_status'])).join(', ') || 'no row';
      it(`${one.title}: ${outcome}${one.deadLetter === undefined ? '' : `, dead letter ${one.deadLetter}`}`, () => {
        const tenant = tenantOf(index);
        const { answer, by } = outcomes[index]!;
        const rejected = one.rejected ?? 0;
        assert.equal(answer.status, 200, answer.body.toString());
        assert.equal(partialOf(answer)?.rejected ?? 0, rejected);

        const stored = rows.filter((row) => row.tenant_id === tenant);
        const picked = stored.map((row, at) => {
          const keys = Object.keys(one.rows[at] ?? row);
          return Object.fromEntries(keys.map((key) => [key, row[key]]));
        });
        assert.deepEqual(picked, one.rows);
        const expectedLetters = one.deadLetter === undefined ? [] : [one.deadLetter];
        assert.deepEqual(
          letters.filter((letter) => letter.tenant_id === tenant).map(({ reason }) => reason),
          expectedLetters,
        );

        assert.equal(by('otelcol_receiver_refused_spans', { transport: 'http' }), rejected);
        assert.equal(
          by('otelcol_receiver_accepted_spans', { transport: 'http' }),
          one.spans().length - rejected,
        );
        assert.equal(by('spanmeter_ledger_dead_letters_total'), expectedLetters.length);
        assert.equal(by('spanmeter_ledger_rows_total', { outcome: 'inserted' }), stored.length);
        for (const [name, value] of Object.entries(one.own ?? {})) assert.equal(by(name), value, name);
        checkExposed(tenant, stored, one.metrics ?? {});
      });
    }

    /** Spans by status, billable calls and cost in Prometheus are those of the rows. */
    function checkExposed(tenant: string, stored: readonly StoredRow[], more: Record<string, number>): void {
      const sum = (name: string, labels: Record<string, string> = {}): number =>
        sumOf(exposed, name, { tenant, ...labels });
      const histogram = (name: string): number =>
        [...(exposed.get(name.replace(/_count$/, ''))?.samples ?? [])]
          .filter((sample) => sample.name === name && sample.labels['tenant'] === tenant)
          .reduce((total, sample) => total + sample.value, 0);
      const statuses = new Map<string, number>();
      for (const row of stored) {
        const status = String(row['cost_status']);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      assert.equal(sum('genai_spans_total'), stored.length);
      for (const [status, count] of statuses) {
        assert.equal(sum('genai_spans_total', { cost_status: status }), count, status);
        if (['invalid_usage', 'missing_usage', 'unpriced_model'].includes(status)) {
          assert.equal(sum('genai_unpriced_calls_total', { reason: status }), count, status);
        }
      }
      const free = (statuses.get('duplicate') ?? 0) + (statuses.get('not_billable') ?? 0);
      assert.equal(sum('genai_calls_total'), stored.length - free);
      const cost = stored.reduce((total, row) => total + Number(row['cost_usd'] ?? 0), 0);
      assert.ok(
        Math.abs(sum('genai_cost_usd_total') + sum('genai_late_cost_usd_total') - cost) <= cost * 1e-12,
      );
      for (const [name, value] of Object.entries(more)) {
        assert.equal(name.endsWith('_count') ? histogram(name) : sum(name), value, name);
      }
    }
  });

  describeSameCalls(() => collector);
  describeVolumes(() => collector);
  describeSums(() => collector);
});
