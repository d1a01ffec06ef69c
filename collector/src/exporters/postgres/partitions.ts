import type { Session } from './session.ts';

const MS_PER_DAY = 86_400_000;
/** Partitions exist this many days ahead, so that midnight costs nothing. */
export const DAYS_AHEAD = 2;
/** Serialises collectors that make partitions of one database; any constant will do. */
const LOCK = 7_305_811_001;

/** The UTC day of an instant, in days since 1970. */
export function dayAt(unixMs: number): number {
  return Math.floor(unixMs / MS_PER_DAY);
}

/** `calls_p20261121` */
export function partitionName(day: number): string {
  return `calls_p${isoDate(day).replaceAll('-', '')}`;
}

function isoDate(day: number): string {
  return new Date(day * MS_PER_DAY).toISOString().slice(0, 10);
}

/** Makes the partitions of these days where they are absent; safe beside other collectors. */
export async function ensurePartitions(session: Session, days: readonly number[]): Promise<void> {
  if (days.length === 0) return;
  await session.query('BEGIN');
  try {
    await session.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
    const names = days.map(partitionName);
    const found = await session.query<{ relname: string; attached: boolean }>(
      `SELECT c.relname, c.relispartition AS attached FROM pg_class c
       WHERE c.relnamespace = 'spanmeter'::regnamespace AND c.relname = ANY ($1)`,
      [names],
    );
    const attached = new Map(found.rows.map((row) => [row.relname, row.attached]));
    for (const day of days) {
      const state = attached.get(partitionName(day));
      if (state !== true) await session.run([attachment(day, state === undefined)]);
    }
    await session.query('COMMIT');
  } catch (error) {
    await session.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** Made apart and then attached: CREATE ... PARTITION OF would lock the parent against everybody. */
function attachment(day: number, create: boolean): string {
  const name = partitionName(day);
  const make = `CREATE TABLE spanmeter.${name} (LIKE spanmeter.calls INCLUDING ALL);`;
  const bounds = `FROM ('${isoDate(day)} 00:00:00+00') TO ('${isoDate(day + 1)} 00:00:00+00')`;
  const attach = `ALTER TABLE spanmeter.calls ATTACH PARTITION spanmeter.${name} FOR VALUES ${bounds}`;
  return create ? `${make} ${attach}` : attach;
}
