import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCollector, type CollectorOptions, type CollectorProcess } from './collector-process.ts';

/** One entry of a keys file. */
export interface FirstKeyEntry {
  readonly id: string;
  readonly key: string;
  readonly role: 'ingest' | 'gateway' | 'read' | 'admin';
  readonly tenant?: string;
  readonly team?: string;
  readonly expires?: string;
}

const OVERLAY = `
extensions:
  api_key_auth:
    keys_file: \${env:SPANMETER_KEYS_FILE:-}
service:
  extensions: [journal, health_check, api, api_key_auth]
`;

/** A collector with `api_key_auth` whose first keys come from SPANMETER_KEYS_FILE. */
export async function startKeyedCollector(
  keys: readonly FirstKeyEntry[],
  options: Omit<CollectorOptions, 'overlay'> = {},
): Promise<CollectorProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'spanmeter-keys-'));
  const file = join(folder, 'keys.json');
  await writeFile(file, JSON.stringify({ keys }), { mode: 0o600 });
  const removeFile = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const collector = await startCollector({
      ...options,
      overlay: OVERLAY,
      env: { ...options.env, SPANMETER_KEYS_FILE: file },
    });
    return {
      ...collector,
      async dispose() {
        await collector.dispose();
        await removeFile();
      },
    };
  } catch (error) {
    await removeFile();
    throw error;
  }
}

export const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });
