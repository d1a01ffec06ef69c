import { DEFAULT_BAGGAGE_KEYS } from './baggage.ts';
import { DEFAULT_CONTENT_MAX_BYTES } from './captured-content.ts';
import { DEFAULT_API_URL, DEFAULT_INTERVAL_MS } from './start-budget-guard.ts';

/** A variable that this package reads. */
export interface EnvironmentVariable {
  readonly name: string;
  /** Empty where absence is the default. */
  readonly fallback: string;
  readonly meaning: string;
}

/** Every variable of this package, and those of OpenTelemetry that it reads itself. The reference is made from it. */
export const ENVIRONMENT: readonly EnvironmentVariable[] = [
  {
    name: 'SPANMETER_ENABLED',
    fallback: 'true',
    meaning: '`false`, `0`, `off` or `no` turns everything off, as `OTEL_SDK_DISABLED=true` does.',
  },
  {
    name: 'SPANMETER_STREAM_USAGE',
    fallback: 'false',
    meaning:
      '`true` asks providers for the usage of streams whose app did not; it changes the request, which only shows in ' +
      'bodies that the app reads itself.',
  },
  {
    name: 'SPANMETER_BAGGAGE_KEYS',
    fallback: DEFAULT_BAGGAGE_KEYS.join(','),
    meaning: 'Entries of the baggage that attribute calls; `none` reads none.',
  },
  {
    name: 'SPANMETER_BAGGAGE_HOSTS',
    fallback: '',
    meaning: 'Hosts of providers that may get the baggage; `.example.com` is every host below it.',
  },
  {
    name: 'SPANMETER_CONTENT_MAX_BYTES',
    fallback: String(DEFAULT_CONTENT_MAX_BYTES),
    meaning: 'Bytes of one attribute of captured content; what is longer is cut and marked.',
  },
  {
    name: 'SPANMETER_REDACT_MODULE',
    fallback: '',
    meaning: 'A module whose default export, or export `redact`, sees captured content before it is written.',
  },
  {
    name: 'SPANMETER_BUDGET_GUARD',
    fallback: 'off',
    meaning: '`block` refuses calls that a hard budget has no money left for, `warn` only says so.',
  },
  { name: 'SPANMETER_API_URL', fallback: DEFAULT_API_URL, meaning: "The collector's API, for the guard." },
  { name: 'SPANMETER_KEY', fallback: '', meaning: 'The key for it.' },
  {
    name: 'SPANMETER_KEY_FILE',
    fallback: '',
    meaning: 'A file with the key, read before each request; goes before `SPANMETER_KEY`.',
  },
  {
    name: 'SPANMETER_BUDGET_TENANT',
    fallback: '',
    meaning: 'Asks for the budgets of this tenant alone, as gateway keys have to.',
  },
  {
    name: 'SPANMETER_BUDGET_INTERVAL_MS',
    fallback: String(DEFAULT_INTERVAL_MS),
    meaning: 'Time between two looks at the budgets.',
  },
  {
    name: 'SPANMETER_BUDGET_FAIL',
    fallback: 'open',
    meaning: '`closed` refuses calls while the budgets cannot be read.',
  },
  {
    name: 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT',
    fallback: 'NO_CONTENT',
    meaning: '`true` or `SPAN_ONLY`, `EVENT_ONLY`, `SPAN_AND_EVENT` captures prompts and answers.',
  },
  {
    name: 'OTEL_SEMCONV_STABILITY_OPT_IN',
    fallback: '',
    meaning:
      '`gen_ai_latest_experimental`: the latest metrics in place of the released ones. `gen_ai/dup`: both, and former ' +
      'attribute names besides.',
  },
  {
    name: 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
    fallback: '',
    meaning:
      'Content stays valid JSON within it, and within `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT` and ' +
      '`OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT`.',
  },
];
