import { join } from 'node:path';
import type { Logger } from '../pipeline/component.ts';
import type { Disk, DiskFile } from './disk.ts';
import { EMPTY_END, endAfter, type JournalEnd } from './record.ts';
import { SegmentScan, type ScanStep } from './segment-scan.ts';
import { copyTail, type AsideFile, type Segment } from './segment-files.ts';
import { decodeHeader, firstSequenceOf, HEADER_BYTES, segmentName, type SegmentHeader } from './segment.ts';

/** Why something of a journal was cut, set aside or found missing; label values of the damage counter. */
export const DAMAGE_REASONS = [
  'identity',
  'bad_segment',
  'foreign_segment',
  'missing_segment',
  'torn_tail',
  'unreadable_tail',
] as const;
export type DamageReason = (typeof DAMAGE_REASONS)[number];

export interface RecoveryOptions {
  readonly disk: Disk;
  readonly dir: string;
  readonly log: Logger;
  /** Whether segments of this journal id belong here. */
  accepts(journalId: string): boolean;
  onDamage(reason: DamageReason): void;
}

/** What a directory holds once everything unreadable is out of the way. */
export interface RecoveredFiles {
  readonly segments: Segment[];
  readonly aside: AsideFile[];
  readonly active: DiskFile | null;
  readonly end: JournalEnd;
  /** Ids found in the headers. */
  readonly journalIds: ReadonlySet<string>;
}

interface Found {
  readonly name: string;
  readonly header: SegmentHeader;
  readonly bytes: number;
}

const SCAN_WINDOW_BYTES = 4 * 1024 * 1024;

/** Reads headers, sets bad files aside, cuts the torn tail of the last segment. Never refuses because of content. */
export async function recoverFiles(options: RecoveryOptions): Promise<RecoveredFiles> {
  const names = (await options.disk.list(options.dir)).toSorted();
  const aside: AsideFile[] = [];
  const found: Found[] = [];
  for (const name of names) {
    if (name.endsWith('.tmp')) await options.disk.remove(join(options.dir, name));
    if (name.endsWith('.bad')) aside.push({ name, bytes: await fileSize(options, name) });
    const first = firstSequenceOf(name);
    if (first === null) continue;
    const header = await readHeader(options, name, first);
    if (typeof header === 'string') aside.push(await setSegmentAside(options, name, header));
    else found.push({ name, header, bytes: await fileSize(options, name) });
  }
  reportMissing(options, found);
  const segments = found.map(({ header, bytes }) => ({
    first: header.firstSequence,
    createdUnixMs: header.createdUnixMs,
    bytes,
  }));
  const journalIds = new Set(found.map(({ header }) => header.journalId));
  const last = found.at(-1);
  const segment = segments.at(-1);
  if (last === undefined || segment === undefined) {
    return { segments, aside, active: null, end: EMPTY_END, journalIds };
  }
  const active = await options.disk.open(join(options.dir, last.name), 'write');
  try {
    const { end, sizeBytes } = await cutTail(options, last, active, aside);
    segment.bytes = sizeBytes;
    return { segments, aside, active, end, journalIds };
  } catch (error) {
    await active.close();
    throw error;
  }
}

async function readHeader(
  options: RecoveryOptions,
  name: string,
  first: number,
): Promise<SegmentHeader | string> {
  const bytes = Buffer.alloc(HEADER_BYTES);
  const file = await options.disk.open(join(options.dir, name), 'read');
  try {
    const filled = await file.read(bytes, 0);
    const header = decodeHeader(bytes.subarray(0, filled));
    if (typeof header === 'string') return header;
    if (header.firstSequence !== first)
      return `its header begins at ${header.firstSequence}, its name does not`;
    return options.accepts(header.journalId) ? header : `it belongs to another journal, ${header.journalId}`;
  } finally {
    await file.close();
  }
}

async function setSegmentAside(options: RecoveryOptions, name: string, why: string): Promise<AsideFile> {
  const bytes = await fileSize(options, name);
  const target = await freeName(options, `${name}.bad`);
  await options.disk.rename(join(options.dir, name), join(options.dir, target));
  await options.disk.syncDirectory(options.dir);
  options.onDamage(why.startsWith('it belongs') ? 'foreign_segment' : 'bad_segment');
  options.log.error({ file: target, bytes }, `A journal segment was set aside as ${target}: ${why}.`);
  return { name: target, bytes };
}

async function freeName(options: RecoveryOptions, wanted: string): Promise<string> {
  const taken = new Set(await options.disk.list(options.dir));
  let name = wanted;
  for (let i = 2; taken.has(name); i += 1) name = `${wanted.slice(0, -'.bad'.length)}.${i}.bad`;
  return name;
}

function reportMissing(options: RecoveryOptions, found: readonly Found[]): void {
  for (const [i, { header }] of found.entries()) {
    const before = found[i - 1]?.header;
    if (before === undefined || header.previousFirst === before.firstSequence) continue;
    options.onDamage('missing_segment');
    options.log.error(
      { after: before.firstSequence, before: header.firstSequence, missing: header.previousFirst },
      `Journal segments between ${segmentName(before.firstSequence)} and ${segmentName(header.firstSequence)} are missing.`,
    );
  }
}

/** Finds the last good record of the last segment and cuts what follows it. */
async function cutTail(
  options: RecoveryOptions,
  last: Found,
  active: DiskFile,
  aside: AsideFile[],
): Promise<{ end: JournalEnd; sizeBytes: number }> {
  const scan = new SegmentScan(active, {
    offset: HEADER_BYTES,
    sequence: last.header.firstSequence,
    sizeBytes: last.bytes,
    windowBytes: SCAN_WINDOW_BYTES,
  });
  let end = last.header.before;
  let sizeBytes = HEADER_BYTES;
  let firstBad: ScanStep | null = null;
  for (;;) {
    const step = await scan.next();
    if (step.kind === 'record') {
      end = endAfter(step.entry);
      sizeBytes = step.end;
      firstBad = null;
    } else {
      if (step.kind !== 'end') firstBad ??= step;
      if (step.kind !== 'damaged') break;
    }
  }
  if (sizeBytes < last.bytes) {
    await reportTail(options, last, { sizeBytes, torn: firstBad?.kind === 'torn' }, aside);
    await active.truncate(sizeBytes);
  }
  // Also what the last process wrote but never synced counts from here on.
  await active.sync();
  return { end, sizeBytes };
}

async function reportTail(
  options: RecoveryOptions,
  last: Found,
  cut: { sizeBytes: number; torn: boolean },
  aside: AsideFile[],
): Promise<void> {
  const { disk, dir, log } = options;
  const bytes = last.bytes - cut.sizeBytes;
  const where = { file: last.name, offset: cut.sizeBytes, bytes };
  if (cut.torn) {
    options.onDamage('torn_tail');
    log.warn(where, `The journal ended within a record; ${bytes} bytes that nobody was promised were cut.`);
    return;
  }
  options.onDamage('unreadable_tail');
  const name = await freeName(options, `${last.name}.${cut.sizeBytes}.bad`);
  const copied = await copyTail(disk, join(dir, last.name), join(dir, name), cut.sizeBytes, Infinity).catch(
    () => null,
  );
  if (copied !== null) {
    aside.push({ name, bytes: copied });
    await disk.syncDirectory(dir);
  }
  log.error(
    { ...where, aside: copied === null ? null : name },
    `The end of the journal could not be read; ${bytes} bytes were cut${copied === null ? '' : ` and kept as ${name}`}.`,
  );
}

async function fileSize(options: RecoveryOptions, name: string): Promise<number> {
  const file = await options.disk.open(join(options.dir, name), 'read');
  try {
    return await file.size();
  } finally {
    await file.close();
  }
}
