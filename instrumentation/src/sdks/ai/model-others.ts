import type { Attributes } from '@opentelemetry/api';
import type { AdapterHost, Beside, CallKind, StreamReader } from '../../adapter.ts';
import { asObject, putString, type Json } from '../../json.ts';
import { ATTR_OPERATION, ATTR_REQUEST_MODEL } from '../../semconv.ts';
import { tellInnerRequests } from '../anthropic/inner-requests.ts';
import { tellImages } from '../openai-image-tool.ts';
import { bodyOf } from './model-answer.ts';
import { putModel } from './model-identity.ts';
import { rawOf } from './model-usage.ts';

function besideOf(model: unknown): Beside {
  return (operation, asked) => {
    const attributes: Attributes = { [ATTR_OPERATION]: operation };
    putModel(attributes, model);
    Reflect.deleteProperty(attributes, ATTR_REQUEST_MODEL);
    putString(attributes, ATTR_REQUEST_MODEL, asked);
    return attributes;
  };
}

/** Whose models ask others in turn. */
const OPENAI = /\.responses$/;
const ANTHROPIC = /anthropic/;

/**
 * The kind of a model's calls that tells, too, what other models did within one: those that made images for a response
 * of OpenAI's, of whose streams the packages pass on no usage but the model's own, and Anthropic's advisors and
 * those that declined.
 */
export function tellingOthers(kind: CallKind, model: unknown, host: AdapterHost): CallKind {
  const provider = String(asObject(model)?.['provider']);
  if (!OPENAI.test(provider) && !ANTHROPIC.test(provider)) return kind;
  const tell = (answer: Json | undefined, id: unknown): void => {
    if (answer === undefined) return;
    const beside = besideOf(model);
    const body = bodyOf(answer);
    if (OPENAI.test(provider) && body !== undefined) tellImages(host, beside, body);
    const usage = asObject(body?.['usage']) ?? rawOf(answer['usage'], answer['providerMetadata']);
    if (!ANTHROPIC.test(provider) || usage === undefined) return;
    tellInnerRequests(host, beside, { content: body?.['content'], id }, usage);
  };
  const { stream } = kind;
  if (stream !== undefined) return { ...kind, stream: (...given) => following(stream(...given)) };
  return {
    ...kind,
    response: (result, ...given) => {
      const answer = asObject(result);
      host.guard(() => tell(answer, asObject(answer?.['response'])?.['id']));
      return kind.response(result, ...given);
    },
  };

  function following(reader: StreamReader): StreamReader {
    let id: unknown;
    const read = reader.read.bind(reader);
    reader.read = (chunk) => {
      const part = asObject(chunk);
      if (part?.['type'] === 'response-metadata') id = part['id'] ?? id;
      if (part?.['type'] === 'finish') host.guard(() => tell(part, id));
      return read(chunk);
    };
    return reader;
  }
}
