import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh directory, removed after the test; call within `describe`. */
export function useTempDir(): { readonly path: string } {
  const current = { path: '' };
  beforeEach(async () => {
    current.path = await mkdtemp(join(tmpdir(), 'spanmeter-'));
  });
  afterEach(async () => {
    await rm(current.path, { recursive: true, force: true });
  });
  return current;
}
