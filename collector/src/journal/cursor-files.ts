import { join } from 'node:path';
import { z } from 'zod';
import type { Logger } from '../pipeline/component.ts';
import { readSmallFile, replaceFile } from './atomic-file.ts';
import type { Disk } from './disk.ts';

/** Cursors of best-effort exporters, kept beside the journal so that they work without any database. */
export interface CursorFiles {
  /** Last record done by an exporter; null where it has no cursor that can be read. */
  load(exporter: string): Promise<number | null>;
  /** Replaces a cursor durably. */
  save(exporter: string, sequence: number): Promise<void>;
  /** Removes the cursors of exporters that are not configured any more, with a log line each. */
  dropOthers(configured: readonly string[]): Promise<void>;
}

const cursorSchema = z.object({
  version: z.literal(1),
  exporter: z.string(),
  sequence: z.number().int().nonnegative(),
});

const NAME = /^cursor-(.+)\.json$/;

/** Cursor files in a journal's directory: `cursor-<exporter>.json`. */
export function openCursorFiles(disk: Disk, dir: string, log: Logger): CursorFiles {
  const pathOf = (exporter: string): string => join(dir, `cursor-${encodeURIComponent(exporter)}.json`);
  return {
    async load(exporter: string): Promise<number | null> {
      const text = await readSmallFile(disk, pathOf(exporter));
      if (text === null) return null;
      try {
        return cursorSchema.parse(JSON.parse(text)).sequence;
      } catch {
        log.warn({ exporter }, `The cursor of ${exporter} cannot be read; it starts as a new exporter does.`);
        return null;
      }
    },
    save(exporter: string, sequence: number): Promise<void> {
      return replaceFile(disk, pathOf(exporter), `${JSON.stringify({ version: 1, exporter, sequence })}\n`);
    },
    async dropOthers(configured: readonly string[]): Promise<void> {
      const keep = new Set(configured.map(encodeURIComponent));
      for (const file of await disk.list(dir)) {
        const name = NAME.exec(file)?.[1];
        if (name === undefined || keep.has(name)) continue;
        await disk.remove(join(dir, file));
        const exporter = decodeURIComponent(name);
        log.info(
          { exporter },
          `The cursor of ${exporter} was dropped: the exporter is no longer configured.`,
        );
      }
    },
  };
}
