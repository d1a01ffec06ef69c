import type { Attributes } from '@opentelemetry/api';
import { ATTR_FINISH_REASONS } from '../semconv.ts';

/** Sets the reason for which an answer ended, where it is told. */
export function putFinishReason(attributes: Attributes, reason: unknown): void {
  if (typeof reason === 'string') attributes[ATTR_FINISH_REASONS] = [reason];
}

/** As `putFinishReason`, for an answer of several choices. */
export function putFinishReasons(attributes: Attributes, reasons: readonly unknown[]): void {
  const told = reasons.filter((reason) => typeof reason === 'string');
  if (told.length > 0) attributes[ATTR_FINISH_REASONS] = told;
}
