import type { Attributes } from '@opentelemetry/api';
import type { CallKind } from '../../adapter.ts';
import { asObject, countOf, objectsIn, putCount, putNumber, type Json } from '../../json.ts';
import { ATTR_IMAGES, ATTR_INPUT_CHARACTERS, ATTR_INPUT_TOKENS } from '../../semconv.ts';
import { geminiRequestSize } from './gemini-size.ts';
import { putSentModalities } from './gemini-usage.ts';
import { whereAndWhat } from './gemini.ts';

/** The tokens of all embeddings, which only Vertex AI tells; undefined unless every one is told. */
function embeddedTokens(body: Json): number | undefined {
  const told = objectsIn(body['embeddings']).map(({ statistics }) =>
    countOf(asObject(statistics)?.['tokenCount']),
  );
  if (told.length === 0) return undefined;
  let sum = 0;
  for (const count of told) {
    if (count === undefined) return undefined;
    sum += count;
  }
  return sum;
}

function embedResponse(response: unknown): Attributes {
  const body = asObject(response);
  const attributes: Attributes = {};
  if (body === undefined) return attributes;
  const usage = asObject(body['usageMetadata']);
  putCount(attributes, ATTR_INPUT_TOKENS, usage?.['promptTokenCount'], embeddedTokens(body));
  // Sound and images have prices of their own.
  const embedded = objectsIn(body['embeddings']).map(
    ({ statistics }) => asObject(statistics)?.['tokensDetails'],
  );
  const details = usage?.['promptTokensDetails'];
  if (attributes[ATTR_INPUT_TOKENS] !== undefined) {
    putSentModalities(attributes, ...(details === undefined ? embedded : [details]));
  } else {
    const characters = asObject(body['metadata'])?.['billableCharacterCount'];
    putCount(attributes, ATTR_INPUT_CHARACTERS, characters);
  }
  return attributes;
}

/** `embedContent`: the Developer API tells no usage unless its model is of the second generation. */
export const EMBED: CallKind = {
  operation: 'embeddings',
  request: (resource, params) => {
    const body = asObject(params);
    const attributes = whereAndWhat(resource, body?.['model'], 'embeddings');
    const dimensions = asObject(body?.['config'])?.['outputDimensionality'];
    putNumber(attributes, 'gen_ai.embeddings.dimension.count', dimensions);
    return attributes;
  },
  response: embedResponse,
  requestSize: (params) => {
    const body = asObject(params);
    // On Vertex AI the one content of newer models.
    return geminiRequestSize({ contents: body?.['content'] ?? body?.['contents'] });
  },
};

/** Images that were made; those that a filter held back are not charged. */
function imagesResponse(response: unknown): Attributes {
  const attributes: Attributes = {};
  const body = asObject(response);
  if (body === undefined) return attributes;
  const images = objectsIn(body['generatedImages']).map(({ image }) => asObject(image));
  const made = images.filter(
    (image) => image?.['imageBytes'] !== undefined || image?.['gcsUri'] !== undefined,
  );
  attributes[ATTR_IMAGES] = made.length;
  return attributes;
}

/** `generateImages`, `editImage`, `upscaleImage` and `recontextImage`, sold by the image. */
export const IMAGES: CallKind = {
  operation: 'image_generation',
  request: (resource, params) => whereAndWhat(resource, asObject(params)?.['model'], 'image_generation'),
  response: imagesResponse,
};
