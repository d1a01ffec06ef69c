import { asObject, objectsIn, type Json } from '../../json.ts';
import { TextSize } from '../../text-size.ts';

/** Stands for a part whose tokens do not follow from any text. */
const MEDIA = { type: 'file' };

/** Deeper than any prompt; an app's own list may hold itself. */
const MAX_DEPTH = 4;

/** Adds the text of one part: what was said, thought, called or answered by a function. */
export function addPart(size: TextSize, part: Json): void {
  if (typeof part['text'] === 'string') size.add(part['text']);
  for (const name of ['functionCall', 'functionResponse']) {
    const called = asObject(part[name]);
    if (called === undefined) continue;
    size.addAll(called['name']);
    size.addAll(called['args'] ?? called['response'], true);
  }
  if (part['inlineData'] !== undefined || part['fileData'] !== undefined) size.addAll(MEDIA);
}

/** Adds a prompt in any of the shapes that the SDK takes: text, a part, a content, or a list of these. */
export function addContents(size: TextSize, contents: unknown, depth = 0): void {
  if (typeof contents === 'string') return size.add(contents);
  if (depth > MAX_DEPTH) return size.addAll(MEDIA);
  if (Array.isArray(contents)) {
    for (const content of contents) addContents(size, content, depth + 1);
    return;
  }
  const content = asObject(contents);
  if (content === undefined) return;
  if (content['parts'] === undefined) addPart(size, content);
  else for (const part of objectsIn(content['parts'])) addPart(size, part);
}

/** How much text a request of `generateContent` or `embedContent` holds; a cache's content is not known. */
export function geminiRequestSize(params: unknown): TextSize {
  const size = new TextSize();
  const body = asObject(params);
  const config = asObject(body?.['config']);
  addContents(size, body?.['contents']);
  addContents(size, config?.['systemInstruction']);
  size.addAll(config?.['tools']);
  if (config?.['cachedContent'] !== undefined) size.addAll(MEDIA);
  return size;
}

/** How much text a response holds. */
export function geminiResponseSize(response: unknown): TextSize {
  const size = new TextSize();
  for (const { content } of objectsIn(asObject(response)?.['candidates'])) addContents(size, content);
  return size;
}
