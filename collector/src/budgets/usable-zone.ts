const known = new Map<string, string>();
const MAX_KNOWN = 10_000;

/**
 * The zone, or UTC where JavaScript does not know it: PostgreSQL also takes zones by their rules (`<+05>-5`), and no
 * budget may stop the ledger. All that reads budgets goes by this, so that memory and store agree.
 */
export function usableZone(timezone: string): string {
  const found = known.get(timezone);
  if (found !== undefined) return found;
  let usable = timezone;
  try {
    usable = new Intl.DateTimeFormat('en', { timeZone: timezone }).resolvedOptions().timeZone && timezone;
  } catch {
    usable = 'UTC';
  }
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(timezone, usable);
  return usable;
}
