import assert from 'node:assert/strict';
import { tracesJsonToProtobuf } from '@spanmeter/collector/dist/otlp/json.js';
import { scanTraces } from '@spanmeter/collector/dist/otlp/scan.js';
import { Refusal } from '@spanmeter/collector/dist/pipeline/refusal.js';
import { decodeRequest, encode, Generator, isWellFormed, spansOf, type Plain } from './oracle.ts';

const convert = (json: string): Uint8Array => tracesJsonToProtobuf(Buffer.from(json));
const inSpan = (members: string): string => `{"resourceSpans":[{"scopeSpans":[{"spans":[{${members}}]}]}]}`;
const span = (members: string): Plain => spansOf(decodeRequest(convert(inSpan(members))))[0]!.span;
const value = (json: string): unknown =>
  (span(`"attributes":[{"key":"k","value":${json}}]`)['attributes'] as Plain[])[0]!['value'];

/** The oracle's object as OTLP/JSON: hex ids, base64 bytes, integers as numbers or strings, names or numbers. */
class Writer {
  readonly generator: Generator;
  constructor(generator: Generator) {
    this.generator = generator;
  }

  write(node: unknown, key = ''): string {
    const space = this.generator.random() < 0.1 ? this.generator.pick(' ', '\n', '\t\r\n  ') : '';
    return `${space}${this.node(node, key)}${space}`;
  }

  private node(node: unknown, key: string): string {
    const { generator } = this;
    if (Array.isArray(node)) return `[${node.map((item) => this.write(item)).join(',')}]`;
    if (typeof node === 'string') {
      if (node.startsWith('hex:')) {
        const bytes = Buffer.from(node.slice(4), 'hex');
        if (key === 'bytesValue')
          return JSON.stringify(bytes.toString(generator.pick('base64', 'base64url')));
        return JSON.stringify(generator.pick(node.slice(4), node.slice(4).toUpperCase()));
      }
      if (/Nano$|^intValue$/.test(key)) return generator.pick(node, `"${node}"`);
      return this.text(node);
    }
    if (typeof node === 'number') {
      if (!Number.isFinite(node)) return `"${node}"`;
      if (key === 'kind' && generator.random() < 0.3) {
        return `"SPAN_KIND_${['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'][node]}"`;
      }
      return generator.pick(JSON.stringify(node), JSON.stringify(node), `"${node}"`);
    }
    if (typeof node === 'boolean') return String(node);
    const members = Object.entries(node as Plain).map(([name, member]) => {
      const written =
        generator.random() < 0.1 ? name.replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`) : name;
      return `${this.text(written)}:${this.write(member, name)}`;
    });
    if (generator.random() < 0.1)
      members.push(
        generator.pick('"unknown":{"a":[1,"\\u0041",null,{"b":-1.5e3}]}', '"unknown":"x"', '"name":null'),
      );
    return `{${members.join(',')}}`;
  }

  /** A string with some of its characters escaped. */
  private text(text: string): string {
    const escaped = Array.from(JSON.stringify(text)).map((character, i, all) => {
      const plain =
        /[a-zA-Z0-9Ѐ-ӿ\u4e00-\u9fff]/.test(character) &&
        all[i - 1] !== '\\' &&
        !/\\u[0-9a-f]{0,3}$/.test(all.slice(Math.max(0, i - 6), i).join(''));
      return plain && this.generator.random() < 0.02
        ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
        : character;
    });
    return escaped.join('');
  }
}

describe('OTLP/JSON to protobuf', () => {
  it('means the same as the protobuf, by the oracle, for random requests', () => {
    for (let seed = 0; seed < 400; seed++) {
      const generator = new Generator(seed);
      const expected = decodeRequest(encode('ExportTraceServiceRequest', generator.request()));
      const json = new Writer(generator).write(expected);
      const body = tracesJsonToProtobuf(Buffer.from(json));
      assert.ok(isWellFormed(body));
      assert.deepEqual(decodeRequest(body), expected);
    }
  });

  it('keeps integers exact, bare or quoted, to the ends of 64 bits', () => {
    for (const text of [
      '0',
      '-0',
      '9007199254740993',
      '-9007199254740993',
      '9223372036854775807',
      '-9223372036854775808',
    ]) {
      const exact = text === '-0' ? '0' : text;
      assert.deepEqual(value(`{"intValue":${text}}`), { intValue: exact });
      assert.deepEqual(value(`{"intValue":"${text}"}`), { intValue: exact });
    }
    assert.equal(
      span('"startTimeUnixNano":18446744073709551615')['startTimeUnixNano'],
      '18446744073709551615',
    );
    assert.equal(
      span('"startTimeUnixNano":"1790000000123456789"')['startTimeUnixNano'],
      '1790000000123456789',
    );
    assert.deepEqual(value('{"intValue":1e3}'), { intValue: '1000' });
    assert.deepEqual(value('{"intValue":450.0}'), { intValue: '450' });
  });

  it('reads enums by number and by name', () => {
    assert.equal(span('"kind":"SPAN_KIND_CLIENT"')['kind'], 3);
    assert.equal(span('"kind":"3"')['kind'], 3);
    assert.deepEqual(span('"status":{"code":"STATUS_CODE_ERROR"}')['status'], { code: 2 });
  });

  it('reads doubles from numbers, numeric strings and the names of what JSON has no number for', () => {
    for (const [json, double] of [
      ['1', 1],
      ['-1.5e3', -1500],
      ['"2.5"', 2.5],
      ['"Infinity"', Infinity],
      ['"-Infinity"', -Infinity],
      ['"NaN"', NaN],
    ] as const) {
      assert.deepEqual(value(`{"doubleValue":${json}}`), { doubleValue: double });
    }
  });

  it('ignores null and unknown members, and keeps the place of a null in an array value', () => {
    assert.deepEqual(span('"name":null,"attributes":null,"x":{"name":"y"},"links":[]'), {});
    assert.deepEqual(value('{"arrayValue":{"values":[null,{"intValue":1}]}}'), {
      arrayValue: { values: [{}, { intValue: '1' }] },
    });
  });

  it('turns lone surrogates and what is not UTF-8 into U+FFFD, and pairs into their character', () => {
    assert.equal(
      span(String.raw`"name":"a\ud800b\udc00\ud83c\udf89\ud83c"`)['name'],
      'a\ufffdb\ufffd🎉\ufffd',
    );
    const body = Buffer.from(inSpan('"name":"a?b"'));
    body[body.indexOf('?')] = 0xff;
    assert.equal(spansOf(decodeRequest(tracesJsonToProtobuf(body)))[0]!.span['name'], 'a\ufffdb');
  });

  it('takes base64 with escaped slashes', () => {
    assert.deepEqual(value(String.raw`{"bytesValue":"\/\/8="}`), { bytesValue: 'hex:ffff' });
  });

  const at = 'resourceSpans[0].scopeSpans[0].spans[0]';
  const refused: readonly (readonly [string, string, string])[] = [
    ['a body that is not an object', '[]', 'the body'],
    ['an empty body', '', 'the body'],
    ['two values', '{} {}', 'the body'],
    ['a list that is an object', '{"resourceSpans":{}}', 'resourceSpans'],
    ['null in a list of spans', '{"resourceSpans":[null]}', 'resourceSpans[0]'],
    ['a number as text', inSpan('"name":1'), `${at}.name`],
    [
      'text as a bool',
      inSpan('"attributes":[{"key":"k","value":{"boolValue":"true"}}]'),
      `${at}.attributes[0].value.boolValue`,
    ],
    ['an id that is not hex', inSpan('"traceId":"xyz="'), `${at}.traceId`],
    ['an id of odd length', inSpan('"spanId":"abc"'), `${at}.spanId`],
    ['an unknown enum name', inSpan('"kind":"CLIENT"'), `${at}.kind`],
    ['a fraction as an integer', inSpan('"startTimeUnixNano":1.5'), `${at}.startTimeUnixNano`],
    ['a negative time', inSpan('"startTimeUnixNano":-1'), `${at}.startTimeUnixNano`],
    [
      'an integer over 64 bits',
      inSpan('"startTimeUnixNano":18446744073709551616'),
      `${at}.startTimeUnixNano`,
    ],
    [
      'an int64 over its range',
      inSpan('"attributes":[{"value":{"intValue":"9223372036854775808"}}]'),
      `${at}.attributes[0].value.intValue`,
    ],
    [
      'text that is no number as a double',
      inSpan('"attributes":[{"value":{"doubleValue":"1x"}}]'),
      `${at}.attributes[0].value.doubleValue`,
    ],
    [
      'empty text as a double',
      inSpan('"attributes":[{"value":{"doubleValue":""}}]'),
      `${at}.attributes[0].value.doubleValue`,
    ],
    [
      'bytes that are not base64',
      inSpan('"attributes":[{"value":{"bytesValue":"*"}}]'),
      `${at}.attributes[0].value.bytesValue`,
    ],
    ['an unknown escape', inSpan(String.raw`"name":"\x41"`), `${at}.name`],
    ['a half escape', inSpan(String.raw`"name":"\u00"`), `${at}.name`],
    ['a control character', inSpan('"name":"a\nb"'), `${at}.name`],
    ['a leading zero', inSpan('"kind":03'), `${at}.kind`],
    ['a trailing comma', '{"resourceSpans":[],}', 'the body'],
    ['a bad value of an unknown member', '{"x":[1,}', 'the body'],
  ];
  for (const [what, json, path] of refused) {
    it(`refuses ${what} and says where`, () => {
      assert.throws(
        () => convert(json),
        (error: Error) =>
          error instanceof Refusal &&
          error.code === 'invalid' &&
          error.message.startsWith(`OTLP/JSON: ${path}: `),
      );
    });
  }

  it('accepts of cut or damaged JSON only what JSON.parse accepts, and throws only refusals', () => {
    const generator = new Generator(3);
    const request = decodeRequest(
      encode('ExportTraceServiceRequest', {
        resourceSpans: [{ scopeSpans: [{ spans: [generator.span()] }] }],
      }),
    );
    const json = Buffer.from(new Writer(generator).write(request));
    const attempt = (bytes: Buffer): void => {
      try {
        const body = tracesJsonToProtobuf(bytes);
        JSON.parse(bytes.toString('utf8'));
        assert.ok(isWellFormed(body));
        scanTraces(body, { keep: 'all', keyPrefixes: [] });
      } catch (error) {
        assert.ok(error instanceof Refusal, `${String(error)} on ${bytes.toString('latin1')}`);
      }
    };
    for (let end = 0; end < json.length; end++) attempt(json.subarray(0, end));
    for (let i = 0; i < 10_000; i++) {
      const damaged = Buffer.from(json);
      for (let n = generator.below(3); n >= 0; n--) {
        damaged[generator.below(damaged.length)] = generator.pick(
          0x22,
          0x5c,
          0x7b,
          0x7d,
          0x5b,
          0x5d,
          0x2c,
          0x3a,
          0x30,
          0x2d,
          0x65,
          generator.below(256),
        );
      }
      attempt(damaged);
    }
  });

  it('refuses JSON nested too deep without running out of stack', () => {
    const deep = (levels: number): string =>
      `${'{"arrayValue":{"values":['.repeat(levels)}${']}}'.repeat(levels)}`;
    assert.throws(() => value(deep(5000)), Refusal);
    assert.throws(() => convert(`{"x":${'['.repeat(100_000)}`), Refusal);
    const body = convert(inSpan(`"attributes":[{"value":${deep(47)}}]`));
    assert.ok(isWellFormed(body));
    assert.throws(() => convert(inSpan(`"attributes":[{"value":${deep(48)}}]`)), Refusal);
  });
});
