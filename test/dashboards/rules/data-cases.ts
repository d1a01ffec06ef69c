import type { RuleCases } from './rule-case.ts';

const CALL =
  'tenant="acme",provider="openai",model="gpt",operation="chat",service_name="web",environment="prod"';
const UNPRICED = `genai_unpriced_calls_total{${CALL},reason="unpriced_model"}`;
const UP = 'up{job="spanmeter"}';
const MODEL = { provider: 'openai', model: 'gpt' };

export const DATA_CASES: RuleCases = {
  GenAIUnpricedModel: [
    {
      when: 'calls of a model go on without a price',
      series: { [UP]: '1x60', [UNPRICED]: '5x20 8x60' },
      at: '22m',
      fires: [{ ...MODEL, reason: 'unpriced_model' }],
    },
    {
      when: 'the first call of a model has no price, and never another',
      series: { [UP]: '1x60', [UNPRICED]: '_x30 1x60' },
      at: '35m',
      fires: [{ ...MODEL, reason: 'unpriced_model' }],
      says: '1 calls of openai gpt in 15 minutes have no cost (unpriced_model). Spend and budgets are too low until they have a price.',
    },
    {
      when: 'a Prometheus that was just started finds unpriced calls of long ago',
      series: { [UP]: '_x30 1x60', [UNPRICED]: '_x30 7x60' },
      at: '35m',
      fires: [],
    },
    {
      when: 'unpriced calls were over an hour ago',
      series: { [UP]: '1x200', [UNPRICED]: '5x10 8x200' },
      at: '120m',
      fires: [],
    },
    {
      when: 'calls have no usage, which no price helps',
      series: { [UP]: '1x60', [UNPRICED.replace('unpriced_model', 'missing_usage')]: '0+1x60' },
      at: '30m',
      fires: [],
    },
    {
      when: 'a collector restarts with none of them',
      series: { [UP]: '1x20 0x2 1x60', [UNPRICED]: '5x20 _x80' },
      at: '40m',
      fires: [],
    },
  ],
  GenAIUnattributedSpendHigh: [
    {
      when: 'a tenth of the spend has no team',
      every: '5m',
      series: {
        [`genai_cost_usd_total{${CALL}}`]: '0+1x60',
        [`genai_unattributed_cost_usd_total{${CALL}}`]: '0+0.1x60',
      },
      at: '3h',
      fires: [{ tenant: 'acme' }],
      says: "10% of tenant acme's spend of the last hour has no team.",
    },
    {
      when: 'a fiftieth has none',
      every: '5m',
      series: {
        [`genai_cost_usd_total{${CALL}}`]: '0+1x60',
        [`genai_unattributed_cost_usd_total{${CALL}}`]: '0+0.02x60',
      },
      at: '3h',
      fires: [],
    },
    {
      when: 'the tenant never names teams',
      every: '5m',
      series: {
        [`genai_cost_usd_total{${CALL}}`]: '0+1x60',
        [`genai_unattributed_cost_usd_total{${CALL}}`]: '0+1x60',
      },
      at: '3h',
      fires: [],
    },
    {
      when: 'it is about cents',
      every: '5m',
      series: {
        [`genai_cost_usd_total{${CALL}}`]: '0+0.01x60',
        [`genai_unattributed_cost_usd_total{${CALL}}`]: '0+0.005x60',
      },
      at: '3h',
      fires: [],
    },
    {
      when: 'calls that came late have no team, and are few beside all that came late',
      every: '5m',
      series: {
        [`genai_cost_usd_total{${CALL}}`]: '0+0.5x60',
        [`genai_late_cost_usd_total{${CALL}}`]: '0+10x60',
        [`genai_unattributed_cost_usd_total{${CALL}}`]: '0+0.3x60',
      },
      at: '3h',
      fires: [],
    },
  ],
  GenAINoSpansReceived: [
    {
      when: 'there were 600 spans in this hour of yesterday and none now',
      every: '5m',
      series: { [`genai_spans_total{${CALL},cost_status="priced"}`]: '0+50x290 14500x60' },
      at: '26h',
      fires: [{ tenant: 'acme' }],
    },
    {
      when: 'spans still come',
      every: '5m',
      series: { [`genai_spans_total{${CALL},cost_status="priced"}`]: '0+50x350' },
      at: '26h',
      fires: [],
    },
    {
      when: 'a collector was restarted and the tenant is not known to it',
      every: '5m',
      series: { [`genai_spans_total{${CALL},cost_status="priced"}`]: '0+50x290 _x60' },
      at: '26h',
      fires: [{ tenant: 'acme' }],
    },
    {
      when: 'yesterday had hardly any',
      every: '5m',
      series: { [`genai_spans_total{${CALL},cost_status="priced"}`]: '0+0.5x290 145x60' },
      at: '26h',
      fires: [],
    },
    {
      when: 'it was silent in this hour of last week, too',
      every: '15m',
      series: { [`genai_spans_total{${CALL},cost_status="priced"}`]: '0x566 0+150x107 16050x20' },
      at: '170h',
      fires: [],
    },
    {
      when: 'it was silent in this hour of last week too, and a restarted collector had no series of it',
      every: '15m',
      series: {
        'genai_tenant_last_call_timestamp_seconds{tenant="acme"}': '0x700',
        [`genai_spans_total{${CALL},cost_status="priced"}`]: '_x566 0+150x107 16050x20',
      },
      at: '170h',
      fires: [],
    },
    {
      when: 'it was there in this hour of last week',
      every: '15m',
      series: {
        'genai_tenant_last_call_timestamp_seconds{tenant="acme"}': '0x700',
        [`genai_spans_total{${CALL},cost_status="priced"}`]: '0+150x673 100950x20',
      },
      at: '170h',
      fires: [{ tenant: 'acme' }],
    },
  ],
  GenAITenantSilent: [
    {
      when: 'the latest call was 8 days ago',
      series: { 'genai_tenant_last_call_timestamp_seconds{tenant="acme"}': '-687600x60' },
      at: '1h',
      fires: [{ tenant: 'acme' }],
      says: 'The latest call of tenant acme was 8d 0h 0m 0s ago.',
    },
    {
      when: 'the collector was restarted hours ago and knows the tenant no more',
      every: '5m',
      series: {
        'genai_tenant_last_call_timestamp_seconds{tenant="acme"}': '-687600x10 _x100',
        'genai_tenant_last_call_timestamp_seconds{tenant="other"}': '0+300x110',
      },
      at: '8h',
      fires: [{ tenant: 'acme' }],
    },
    {
      when: 'the latest call was 6 days ago',
      series: { 'genai_tenant_last_call_timestamp_seconds{tenant="acme"}': '-518400x60' },
      at: '1h',
      fires: [],
    },
    {
      when: 'the tenant calls again',
      series: { 'genai_tenant_last_call_timestamp_seconds{tenant="acme"}': '-687600x20 1200x60' },
      at: '1h',
      fires: [],
    },
    {
      when: 'the restarted collector gets a call of the tenant that is older than what was known',
      series: { 'genai_tenant_last_call_timestamp_seconds{tenant="acme"}': '-3600x20 _x5 -687600x60' },
      at: '1h',
      fires: [],
    },
    {
      when: 'the tenant left over a month ago',
      series: { 'genai_tenant_last_call_timestamp_seconds{tenant="acme"}': '-2700000x60' },
      at: '1h',
      fires: [],
    },
  ],
  GenAICostMismatch: [
    {
      when: 'reported and computed cost are a tenth apart',
      every: '5m',
      series: {
        [`genai_cost_usd_total{${CALL}}`]: '0+1x60',
        [`genai_cost_difference_usd_total{${CALL}}`]: '0+0.1x60',
      },
      at: '3h',
      fires: [MODEL],
      says: 'Reported and computed cost of openai gpt are 10% apart over the last hour.',
    },
    {
      when: 'they are a hundredth apart',
      every: '5m',
      series: {
        [`genai_cost_usd_total{${CALL}}`]: '0+10x60',
        [`genai_cost_difference_usd_total{${CALL}}`]: '0+0.1x60',
      },
      at: '3h',
      fires: [],
    },
    {
      when: 'they are cents apart',
      every: '5m',
      series: {
        [`genai_cost_usd_total{${CALL}}`]: '0+0.01x60',
        [`genai_cost_difference_usd_total{${CALL}}`]: '0+0.01x60',
      },
      at: '3h',
      fires: [],
    },
  ],
  GenAIPriceTableStale: [
    {
      when: 'the newest book is of 46 days ago',
      series: { 'genai_price_book_timestamp_seconds{version="v1"}': '-3974400x200' },
      at: '2h',
      fires: [{}],
      says: 'The newest price book in use was made 46d 2h 0m 0s ago; prices change more often.',
    },
    {
      when: 'one of two books is new',
      series: {
        'genai_price_book_timestamp_seconds{version="v1"}': '-3974400x200',
        'genai_price_book_timestamp_seconds{version="v2"}': '0x200',
      },
      at: '2h',
      fires: [],
    },
  ],
  GenAILabelsCollapsed: [
    {
      when: 'label sets begin to be folded',
      series: {
        [UP]: '1x200',
        'genai_metrics_label_overflow_total{metric="genai_cost_usd_total"}': '_x90 3x60',
      },
      at: '95m',
      fires: [{ metric: 'genai_cost_usd_total' }],
      says: '3 label sets of genai_cost_usd_total were folded into "other" in the last hour.',
    },
    {
      when: 'none was folded for hours',
      series: { [UP]: '1x400', 'genai_metrics_label_overflow_total{metric="genai_cost_usd_total"}': '3x400' },
      at: '300m',
      fires: [],
    },
  ],
  GenAINewModelSeen: [
    {
      when: 'a model has its first call',
      every: '5m',
      series: { [UP]: '1x400', [`genai_calls_total{${CALL},outcome="ok"}`]: '_x320 1x20' },
      at: '1608m',
      fires: [MODEL],
    },
    {
      when: 'it was called yesterday, and since then the collector restarted',
      every: '5m',
      series: { [UP]: '1x400', [`genai_calls_total{${CALL},outcome="ok"}`]: '5x100 _x220 1x20' },
      at: '1608m',
      fires: [],
    },
    {
      when: 'Prometheus knows less than a day',
      every: '5m',
      series: { [UP]: '1x400', [`genai_calls_total{${CALL},outcome="ok"}`]: '_x100 1x20' },
      at: '508m',
      fires: [],
    },
  ],
};
