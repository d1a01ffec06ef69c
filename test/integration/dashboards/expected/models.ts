import { isBillable } from '../oracle.ts';
import { series, RATE_SECONDS, type Expectation, type Figure } from '../measure.ts';
import * as f from './figures.ts';

/** A counter that begins at 0 is guessed differently from one that does not. */
const RATIO = 0.06;
const LIMITED = /429/;

const byModel = { provider: f.provider, model: f.model };
const ratio =
  (part: Figure, whole: Figure): Figure =>
  (calls) =>
    part(calls) / whole(calls);
const succeeded: Figure = (calls) => calls.where(({ error }) => error === null).count;

function of(figure: Figure, labels: Parameters<typeof series>[0]['labels'] = {}): Expectation {
  return series({ labels, figure, of: f.liveBillable, tolerance: RATIO, exact: true });
}

const rate = (figure: Figure, labels: Parameters<typeof series>[0]['labels'] = {}): Expectation =>
  series({ labels, figure, of: f.liveBillable, per: RATE_SECONDS });

const errors: Expectation = series({
  labels: { error_type: ({ error }) => error },
  figure: (calls) => calls.failed,
  of: ({ live }) => live.where(({ error }) => error !== null),
  per: RATE_SECONDS,
});

export const MODELS: Readonly<Record<string, Expectation>> = {
  '1/A': rate(f.count),
  '2/A': of(f.failed),
  '3/A': of(f.duration(0.95)),
  '4/A': of(f.firstToken(0.95)),
  '5/A': series({ labels: byModel, figure: f.count, of: f.liveBillable }),
  '5/B': of(f.failed, byModel),
  '5/C': of(f.duration(0.5), byModel),
  '5/D': of(f.duration(0.95), byModel),
  '5/E': of(f.firstToken(0.95), byModel),
  '5/F': series({
    labels: byModel,
    figure: (calls) => calls.where(({ lateness }) => !lateness).usd / succeeded(calls),
    of: f.liveBillable,
    tolerance: RATIO,
    exact: true,
  }),
  '6/A': rate(f.count, { model: f.model }),
  '7/A': of(f.failed, { provider: f.provider }),
  '8/A': errors,
  '9/A': series({
    labels: byModel,
    figure: (calls) => calls.failed,
    of: ({ live }) => live.where(({ error }) => LIMITED.test(error ?? '')),
    per: RATE_SECONDS,
  }),
  '10/A': of(f.duration(0.5)),
  '10/B': of(f.duration(0.95)),
  '10/C': of(f.duration(0.99)),
  '11/A': of(f.duration(0.95), { model: f.model }),
  '12/A': of(f.firstToken(0.5)),
  '12/B': of(f.firstToken(0.95)),
  '13/A': of(f.firstToken(0.95), { model: f.model }),
  '14/A': (seen) => {
    const bound = (le: string): number => (le === '+Inf' ? Infinity : Number(le));
    const calls = seen.live.calls.filter(isBillable);
    const parts = seen.frame.fields.filter(({ type }) => type === 'number');
    return parts.map((field) => {
      const le = field.labels?.['le'] ?? '';
      const within = calls.filter(({ durationMs }) => durationMs / 1_000 <= bound(le)).length;
      const found = Number(field.values.findLast((value) => value !== null));
      return {
        what: `calls within ${le} s`,
        measured: found,
        expected: within * seen.growth,
        tolerance: 0.05,
      };
    });
  },
  '15/A': of(ratio(f.output, f.seconds), { model: f.model }),
  '16/A': of(ratio(f.input, f.count), { model: f.model }),
  '17/A': of(ratio(f.output, f.count), { model: f.model }),
  '18/A': series({
    labels: { model: f.model },
    figure: (calls) => calls.where(({ lateness }) => !lateness).usd / succeeded(calls),
    of: f.liveBillable,
    tolerance: RATIO,
    exact: true,
  }),
  '19/A': rate(f.count, { operation: ({ operation }) => operation }),
  '20/A': (seen) => {
    const checks = seen.frame.fields.filter(({ type }) => type === 'number');
    return checks.map((field) => {
      const type = field.labels?.['token_type'] ?? '';
      const sent = (seen.live.sum((call) => f.tokensOfType(type, call)) * seen.growth) / RATE_SECONDS;
      const measured = Number(field.values.findLast((value) => value !== null));
      return { what: type, measured, expected: sent, tolerance: 0.05 };
    });
  },
};
