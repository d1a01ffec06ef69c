import { join } from 'node:path';
import { z } from 'zod';
import { readSmallFile, replaceFile } from './atomic-file.ts';
import type { Disk } from './disk.ts';

/** File name of the identity within the journal's directory. */
export const IDENTITY_FILE = 'identity.json';

/** Who a journal is. */
export interface JournalIdentity {
  readonly version: 1;
  readonly id: string;
  /** Ids this journal had before; segments written under them are its own. */
  readonly former: readonly string[];
  /** End of the journal at the first opening since a store's cursor was last compared with it; null: compared. */
  readonly unconfirmedEnd: number | null;
}

const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

const identitySchema: z.ZodType<JournalIdentity> = z.object({
  version: z.literal(1),
  id: uuid,
  former: z.array(uuid),
  unconfirmedEnd: z.number().int().nonnegative().nullable(),
});

/** Reads the identity; null where there is none, a sentence where it cannot be read. */
export async function readIdentity(disk: Disk, dir: string): Promise<JournalIdentity | string | null> {
  const text = await readSmallFile(disk, join(dir, IDENTITY_FILE));
  if (text === null) return null;
  try {
    return identitySchema.parse(JSON.parse(text));
  } catch {
    return 'it is not the JSON that this version writes';
  }
}

/** Replaces the identity durably. */
export function writeIdentity(disk: Disk, dir: string, identity: JournalIdentity): Promise<void> {
  return replaceFile(disk, join(dir, IDENTITY_FILE), `${JSON.stringify(identity)}\n`);
}
