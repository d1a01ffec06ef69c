import { Composer, Lexer, Parser, YAMLParseError } from 'yaml';
import type { CST, Document, LineCounter } from 'yaml';

/**
 * Levels of nesting that reach the composer. It calls itself for each level, and V8 ends the whole process, which
 * nothing catches, where a regular expression is compiled with no stack left ("RegExpCompiler Allocation failed").
 */
const MAX_LEVELS = 200;

/** How scalars are read; as the library has it unless given. */
export interface YamlOptions {
  readonly uniqueKeys?: boolean;
  readonly schema?: string;
}

/** Reads one YAML document as `parseDocument` does; throws a RangeError where it is nested too deeply. */
export function parseYaml(text: string, counter: LineCounter, options: YamlOptions = {}): Document.Parsed {
  const composer = new Composer({ ...options, prettyErrors: false });
  const [document, second] = composer.compose(tokensOf(text, counter), true, text.length);
  if (document === undefined) throw new Error('nothing to read');
  if (second !== undefined) {
    const [from, to] = second.range;
    document.errors.push(
      new YAMLParseError(
        [from, to],
        'MULTIPLE_DOCS',
        'Source contains multiple documents; please use YAML.parseAllDocuments()',
      ),
    );
  }
  return document;
}

function* tokensOf(text: string, counter: LineCounter): Generator<CST.Token, void> {
  const parser = new Parser(counter.addNewLine);
  counter.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > MAX_LEVELS) throw new RangeError(`nested deeper than ${MAX_LEVELS} levels`);
  }
  yield* parser.end();
}
