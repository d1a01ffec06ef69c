/** `type` or `type/name`, as the Collector writes ids. */
export interface ComponentId {
  readonly type: string;
  /** Empty where the id has no name. */
  readonly name: string;
}

const TYPE = /^[a-zA-Z][0-9a-zA-Z_]{0,62}$/;
const NAME = /^[^\p{Z}\p{C}\p{S}]+$/u;
const MAX_NAME_LENGTH = 1024;

/** Reads an id; the answer is a sentence in the Collector's wording where it is not one. */
export function parseComponentId(text: string): ComponentId | string {
  if (text === '') return 'id must not be empty';
  const slash = text.indexOf('/');
  const type = (slash < 0 ? text : text.slice(0, slash)).trim();
  const name = slash < 0 ? '' : text.slice(slash + 1).trim();
  if (type === '') return `in "${text}" id: the part before / should not be empty`;
  if (slash >= 0 && name === '') return `in "${text}" id: the part after / should not be empty`;
  if (!TYPE.test(type)) return `in "${text}" id: invalid character(s) in type "${type}"`;
  if (name !== '' && (name.length > MAX_NAME_LENGTH || !NAME.test(name))) {
    return `in "${text}" id: invalid character(s) in name "${name}"`;
  }
  return { type, name };
}
