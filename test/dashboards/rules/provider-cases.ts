import type { RuleCases } from './rule-case.ts';

const CALL =
  'tenant="acme",provider="openai",model="gpt",operation="chat",service_name="web",environment="prod"';
const MODEL = { provider: 'openai', model: 'gpt' };
const TTFT = 'genai_time_to_first_token_seconds';

/** Ten streams in five minutes that begin within `le` seconds, and from `after` samples on within `later`. */
function starts(fast: string, slow: string): Record<string, string> {
  return {
    [`${TTFT}_bucket{${CALL},le="0.64"}`]: fast,
    [`${TTFT}_bucket{${CALL},le="5.12"}`]: slow,
    [`${TTFT}_bucket{${CALL},le="+Inf"}`]: slow,
    [`${TTFT}_count{${CALL}}`]: slow,
  };
}

function tokens(read: string, input: string): Record<string, string> {
  return {
    [`genai_tokens_total{${CALL},token_type="cache_read"}`]: read,
    [`genai_tokens_total{${CALL},token_type="input"}`]: input,
    [`genai_tokens_total{${CALL},token_type="output"}`]: input,
  };
}

export const PROVIDER_CASES: RuleCases = {
  GenAIProviderErrorRate: [
    {
      when: 'a tenth of the calls fails',
      series: {
        [`genai_calls_total{${CALL},outcome="ok"}`]: '0+9x60',
        [`genai_calls_total{${CALL},outcome="error"}`]: '0+1x60',
      },
      at: '30m',
      fires: [{ provider: 'openai' }],
      says: '10% of the calls to openai failed in the last 10 minutes.',
    },
    {
      when: 'a hundredth fails',
      series: {
        [`genai_calls_total{${CALL},outcome="ok"}`]: '0+99x60',
        [`genai_calls_total{${CALL},outcome="error"}`]: '0+1x60',
      },
      at: '30m',
      fires: [],
    },
    {
      when: 'half of very few calls fails',
      series: {
        [`genai_calls_total{${CALL},outcome="ok"}`]: '0+0.4x60',
        [`genai_calls_total{${CALL},outcome="error"}`]: '0+0.4x60',
      },
      at: '30m',
      fires: [],
      oneCollectorOnly: true,
    },
    {
      when: 'the collector restarts',
      series: {
        [`genai_calls_total{${CALL},outcome="ok"}`]: '1000+9x20 0+9x40',
        [`genai_calls_total{${CALL},outcome="error"}`]: '500x20 0x40',
      },
      at: '30m',
      fires: [],
    },
  ],
  GenAIRateLimited: [
    {
      when: 'a fifth of the calls is rate limited',
      series: {
        [`genai_calls_total{${CALL},outcome="ok"}`]: '0+8x60',
        [`genai_calls_total{${CALL},outcome="error"}`]: '0+2x60',
        [`genai_call_errors_total{${CALL},error_type="RateLimitError"}`]: '0+2x60',
      },
      at: '30m',
      fires: [MODEL],
      says: '20% of the calls of openai gpt were rate limited in the last 10 minutes.',
    },
    {
      when: 'it is told by the status',
      series: {
        [`genai_calls_total{${CALL},outcome="error"}`]: '0+2x60',
        [`genai_call_errors_total{${CALL},error_type="429"}`]: '0+2x60',
      },
      at: '30m',
      fires: [MODEL],
    },
    {
      when: 'calls fail for other reasons',
      series: {
        [`genai_calls_total{${CALL},outcome="error"}`]: '0+2x60',
        [`genai_call_errors_total{${CALL},error_type="timeout"}`]: '0+2x60',
      },
      at: '30m',
      fires: [],
    },
  ],
  GenAITTFTDegraded: [
    {
      when: 'streams begin much later than yesterday',
      every: '5m',
      series: starts('0+10x290 2900x60', '0+10x350'),
      at: '26h',
      fires: [MODEL],
    },
    {
      when: 'streams begin as yesterday',
      every: '5m',
      series: starts('0+10x350', '0+10x350'),
      at: '26h',
      fires: [],
    },
    {
      when: 'there are hardly any streams',
      every: '5m',
      series: starts('0+0.5x290 145x60', '0+0.5x350'),
      at: '26h',
      fires: [],
    },
  ],
  GenAICacheHitDrop: [
    {
      when: 'half of the input came from the cache yesterday and a tenth does today',
      every: '5m',
      series: tokens('0+50000x290 14500000+10000x60', '0+50000x290 14500000+90000x60'),
      at: '27h',
      fires: [{ tenant: 'acme', ...MODEL }],
      says: "Tenant acme's share of cached input of openai gpt is down to 20% of yesterday's.",
    },
    {
      when: 'nothing comes from the cache, of which a collector that was restarted has no series',
      every: '5m',
      series: tokens('0+50000x290 _x60', '0+50000x290 14500000+90000x60'),
      at: '27h',
      fires: [{ tenant: 'acme', ...MODEL }],
    },
    {
      when: 'the share is as yesterday',
      every: '5m',
      series: tokens('0+50000x350', '0+50000x350'),
      at: '27h',
      fires: [],
    },
    {
      when: 'there was no caching yesterday',
      every: '5m',
      series: tokens('0+100x290 29000x60', '0+50000x350'),
      at: '27h',
      fires: [],
    },
  ],
};
