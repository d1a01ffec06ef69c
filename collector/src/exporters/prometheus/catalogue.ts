const HELP: Readonly<Record<string, string>> = {
  genai_cost_usd_total: 'Cost of calls in USD, without late ones; for rates, the ledger has the exact sums.',
};

/** The help text of a metric of the catalogue. */
export function helpOf(name: string): string {
  return HELP[name] ?? name;
}
