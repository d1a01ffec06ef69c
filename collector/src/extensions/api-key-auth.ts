import { z } from 'zod';
import type { ComponentType } from '../pipeline/component.ts';

/** Options of key authentication. */
export interface ApiKeyAuthOptions {
  /** Empty: none. */
  readonly keys_file: string;
  readonly poll_interval_ms: number;
}

/** [contract] Who may send and read: keys of `api_keys`, cached, revoked at once. */
export const API_KEY_AUTH: ComponentType<ApiKeyAuthOptions> = {
  kind: 'extension',
  type: 'api_key_auth',
  summary: 'API keys: who may send and who may read, with one tenant each.',
  options: z.strictObject({
    keys_file: z
      .string()
      .default('')
      .describe(
        'YAML or JSON file of first keys (SPANMETER_KEYS_FILE); keys already stored stay as they are.',
      ),
    poll_interval_ms: z
      .int()
      .min(100)
      .max(10_000)
      .default(5_000)
      .describe('A revocation whose notification got lost is seen after this long at most.'),
  }),
};
