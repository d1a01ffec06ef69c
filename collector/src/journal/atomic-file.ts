import { dirname } from 'node:path';
import type { Disk } from './disk.ts';

/** Replaces a small file so that a crash leaves the old content or the new: write aside, sync, rename, sync. */
export async function replaceFile(disk: Disk, path: string, content: string): Promise<void> {
  const aside = `${path}.tmp`;
  const file = await disk.open(aside, 'create');
  try {
    await file.write([Buffer.from(content, 'utf8')], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(aside, path);
  await disk.syncDirectory(dirname(path));
}

/** Reads a small file as text; null where there is none. */
export async function readSmallFile(disk: Disk, path: string): Promise<string | null> {
  let file;
  try {
    file = await disk.open(path, 'read');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  try {
    const bytes = Buffer.alloc(Math.min(await file.size(), MAX_SMALL_FILE_BYTES));
    const filled = await file.read(bytes, 0);
    return bytes.toString('utf8', 0, filled);
  } finally {
    await file.close();
  }
}

const MAX_SMALL_FILE_BYTES = 1024 * 1024;

/** Whether an error of the disk says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
