import { z } from 'zod';
import type { Config, ConfiguredComponent } from './config.ts';
import { isTreeMap, mapOf, nodeAt, toPlain } from './tree.ts';
import type { Tree } from './tree.ts';

const REDACTED = '[REDACTED]';
/** Options that hold secrets whatever their schema says. */
const SECRET_NAME =
  /(?:^|_)(?:password|passwd|secret|token|api_?key|authorization|credentials?|private_key)(?:$|_)/i;
const SECRET_MAPS = new Set(['headers']);
/** The user and password of an address, and parameters of a connection string that name a password. */
const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/\/)\S*@/gi;
const URL_PASSWORD = /([?&\s](?:password|sslpassword)=)[^&\s]+/gi;

function isSecret(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('toJSON' in value)) return false;
  return typeof value.toJSON === 'function' && value.toJSON() === REDACTED;
}

function redactText(text: string): string {
  return text.replace(URL_CREDENTIALS, `$1${REDACTED}@`).replace(URL_PASSWORD, `$1${REDACTED}`);
}

function redactAll(value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map(redactAll);
  if (typeof value !== 'object' || isSecret(value)) return REDACTED;
  return mapOf(Object.entries(value).map(([key, item]) => [key, redactAll(item)] as const));
}

/** A copy without secrets: by type, by the option's name, and inside addresses. */
export function redact(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== 'object' || value === null) return value;
  if (isSecret(value)) return REDACTED;
  return mapOf(
    Object.entries(value).map(([key, item]) => {
      const named = SECRET_NAME.test(key) && typeof item !== 'boolean' && typeof item !== 'number';
      return [key, named || SECRET_MAPS.has(key.toLowerCase()) ? redactAll(item) : redact(item)] as const;
    }),
  );
}

/** Marks in `written` what the schema turned into a secret, at the same place of `options`. */
function markSecrets(written: unknown, options: unknown): unknown {
  if (isSecret(options)) return REDACTED;
  if (typeof written !== 'object' || written === null || typeof options !== 'object' || options === null)
    return written;
  const inside = options as Record<string, unknown>;
  if (Array.isArray(written)) return written.map((item, at) => markSecrets(item, inside[at]));
  return mapOf(Object.entries(written).map(([key, item]) => [key, markSecrets(item, inside[key])] as const));
}

/** The options in the form of the YAML, with their defaults; as written where a schema cannot be reversed. */
function writtenForm({ type, options }: ConfiguredComponent, tree: Tree | undefined): unknown {
  try {
    return z.encode(type.options, options);
  } catch {
    return markSecrets(tree === undefined ? {} : (toPlain(tree) ?? {}), options);
  }
}

/** The whole configuration as it was understood, in the form of the YAML, without secrets. */
export function redactedConfig(config: Config, tree: Tree): unknown {
  const sections = (['receivers', 'processors', 'exporters', 'extensions'] as const).map((name) => {
    const components = [...config[name]].map(
      ([id, component]) => [id, redact(writtenForm(component, nodeAt(tree, [name, id])))] as const,
    );
    return [name, mapOf(components)] as const;
  });
  const { extensions, pipelines, telemetry } = config.service;
  const lists = pipelines.map(
    ({ id, receivers, processors, exporters }) => [id, { receivers, processors, exporters }] as const,
  );
  return mapOf<unknown>([
    ...sections.filter(
      ([, components]) => isTreeMap(components as Tree) && Object.keys(components).length > 0,
    ),
    ['service', { extensions, pipelines: mapOf(lists), telemetry }],
  ]);
}
