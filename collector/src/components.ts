import { ALERTS_EXTENSION } from './extensions/alerts.ts';
import { API_KEY_AUTH } from './extensions/api-key-auth.ts';
import { API_EXTENSION } from './extensions/api.ts';
import { healthCheck } from './extensions/health-check.ts';
import { journal } from './extensions/journal.ts';
import { debug } from './exporters/debug.ts';
import { otlpHttp } from './exporters/otlp-http.ts';
import { postgres } from './exporters/postgres/index.ts';
import { prometheus } from './exporters/prometheus.ts';
import type { ComponentType } from './pipeline/component.ts';
import { batch } from './processors/batch.ts';
import { cost } from './processors/cost.ts';
import { genAiNormalizer } from './processors/gen-ai-normalizer.ts';
import { memoryLimiter } from './processors/memory-limiter.ts';
import { tenant } from './processors/tenant.ts';
import { otlpReceiver } from './receivers/otlp.ts';

/** Every component that a configuration can name, one line each. */
export const COMPONENTS: readonly ComponentType[] = [
  // receivers
  otlpReceiver,
  // processors
  memoryLimiter,
  genAiNormalizer,
  tenant,
  cost,
  batch,
  // exporters
  postgres,
  prometheus,
  otlpHttp,
  debug,
  // extensions
  journal,
  healthCheck,
  API_KEY_AUTH,
  API_EXTENSION,
  ALERTS_EXTENSION,
];
