import type { Attributes } from '@opentelemetry/api';
import { putNumber, putString, type Json } from '../json.ts';
import type { Server } from '../provider.ts';
import {
  ATTR_OPERATION,
  ATTR_PROVIDER,
  ATTR_REQUEST_MODEL,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '../semconv.ts';

/** What is asked, of whom, for which model and where: what a request tells in every SDK. */
export function requestAttributes(
  operation: string,
  provider: string,
  model: unknown,
  server: Server,
): Attributes {
  const attributes: Attributes = { [ATTR_OPERATION]: operation, [ATTR_PROVIDER]: provider };
  putString(attributes, ATTR_REQUEST_MODEL, model);
  putString(attributes, ATTR_SERVER_ADDRESS, server.address);
  putNumber(attributes, ATTR_SERVER_PORT, server.port);
  return attributes;
}

/** Puts the numbers in `from` whose fields `names` has the attributes of. */
export function putSettings(
  attributes: Attributes,
  names: Readonly<Record<string, string>>,
  from: Json | undefined,
): void {
  for (const name in names) putNumber(attributes, names[name] ?? name, from?.[name]);
}
