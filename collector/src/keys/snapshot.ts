import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { KEY_ROLES, type StoredKey } from './stored-key.ts';

const SNAPSHOT = z.object({
  version: z.literal(1),
  savedAt: z.iso.datetime(),
  keys: z.array(
    z.object({
      hash: z.string().regex(/^[0-9a-f]{64}$/),
      id: z.string().min(1),
      role: z.enum(KEY_ROLES),
      tenant: z.string().nullable(),
      team: z.string().nullable(),
      expiresUnixMs: z.number().nullable(),
    }),
  ),
});

/** Writes hashes (never keys) to `path`, mode 0600, so that a reader sees the old or the new file, whole. */
export async function writeSnapshot(path: string, keys: Iterable<StoredKey>, savedAt: Date): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.new`;
  const body = JSON.stringify({ version: 1, savedAt: savedAt.toISOString(), keys: [...keys] });
  await rm(temporary, { force: true });
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(body);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** Reads a snapshot, or null where there is none. Rejects where the file is not one. */
export async function readSnapshot(path: string): Promise<{ savedAt: Date; keys: StoredKey[] } | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const parsed = SNAPSHOT.parse(JSON.parse(text));
  return { savedAt: new Date(parsed.savedAt), keys: parsed.keys };
}
