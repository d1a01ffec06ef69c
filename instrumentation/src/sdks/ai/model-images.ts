import type { Attributes } from '@opentelemetry/api';
import type { AdapterHost, CallKind } from '../../adapter.ts';
import { asObject, putString } from '../../json.ts';
import { ATTR_OPERATION, ATTR_REQUEST_MODEL } from '../../semconv.ts';
import { tellImages, type Beside } from '../openai-image-tool.ts';
import { bodyOf } from './model-answer.ts';
import { putModel } from './model-identity.ts';

/** The kind of a model's calls, with the images told that a response of OpenAI's made by its tool. */
export function tellingImages(kind: CallKind, model: unknown, host: AdapterHost): CallKind {
  const provider = asObject(model)?.['provider'];
  // Of a stream, the packages pass on no usage but the model's own.
  if (kind.stream !== undefined || typeof provider !== 'string' || !provider.endsWith('.responses'))
    return kind;
  const beside: Beside = (operation, asked) => {
    const attributes: Attributes = { [ATTR_OPERATION]: operation };
    putModel(attributes, model);
    Reflect.deleteProperty(attributes, ATTR_REQUEST_MODEL);
    putString(attributes, ATTR_REQUEST_MODEL, asked);
    return attributes;
  };
  return {
    ...kind,
    response: (result, params) => {
      const body = bodyOf(asObject(result) ?? {});
      if (body !== undefined) host.guard(() => tellImages(host, beside, body));
      return kind.response(result, params);
    },
  };
}
