import { crc32 } from 'node:zlib';

/** Type 7 of a header's value: text. */
const TEXT = 7;

function header(name: string, value: string): Buffer {
  const text = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length);
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from([TEXT]), length, text]);
}

function checksum(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum;
}

/**
 * One frame of `application/vnd.amazon.eventstream`: total length, length of the headers, checksum of both,
 * headers, payload, checksum of all (Smithy, "Amazon Event Stream Specification").
 */
export function eventFrame(headers: Readonly<Record<string, string>>, payload: string): Buffer {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => header(name, value)));
  const body = Buffer.from(payload);
  const prelude = Buffer.alloc(8);
  prelude.writeUInt32BE(16 + head.length + body.length, 0);
  prelude.writeUInt32BE(head.length, 4);
  const message = Buffer.concat([prelude, checksum(prelude), head, body]);
  return Buffer.concat([message, checksum(message)]);
}

/** An event of a service, with JSON in it. */
export function jsonFrame(event: string, data: unknown): Buffer {
  const headers = {
    ':event-type': event,
    ':content-type': 'application/json',
    ':message-type': 'event',
  };
  return eventFrame(headers, JSON.stringify(data));
}

/** An error amid a stream. */
export function exceptionFrame(exception: string, message: string): Buffer {
  const headers = {
    ':exception-type': exception,
    ':content-type': 'application/json',
    ':message-type': 'exception',
  };
  return eventFrame(headers, JSON.stringify({ message }));
}
