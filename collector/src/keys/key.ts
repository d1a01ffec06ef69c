import { createHash, randomBytes, randomInt } from 'node:crypto';
import type { HeaderLookup } from '../pipeline/identity.ts';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 43 digits of base 62 hold 256 bits. */
const SECRET_LENGTH = 43;
/** First keys may be chosen by hand, so any secret of this length and alphabet is a key. */
const KEY_PATTERN = /^sm_[A-Za-z0-9_-]{16,256}$/;

/** A new key: `key` is shown once, `hash` is stored, `id` is public. */
export interface NewKey {
  readonly id: string;
  readonly key: string;
  readonly hash: string;
}

/** A fresh key with 256 random bits and an unrelated public id. */
export function newKey(): NewKey {
  let secret = '';
  for (let i = 0; i < SECRET_LENGTH; i++) secret += ALPHABET[randomInt(ALPHABET.length)];
  const key = `sm_${secret}`;
  return { id: newKeyId(), key, hash: hashKey(key) };
}

/** A fresh public key id: `k_` and 16 hex digits. */
export function newKeyId(): string {
  return `k_${randomBytes(8).toString('hex')}`;
}

/** SHA-256 of a key, 64 lower-case hex digits; the only form in which a key is stored or compared. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex');
}

/** Whether `text` can be a key at all. */
export function isKey(text: string): boolean {
  return KEY_PATTERN.test(text);
}

/** The key in `Authorization: Bearer sm_…` or `x-api-key: sm_…`, or undefined where neither header has one. */
export function keyFromHeaders(header: HeaderLookup): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(header('authorization') ?? '')?.[1];
  if (bearer?.startsWith('sm_')) return bearer;
  const plain = header('x-api-key')?.trim();
  return plain?.startsWith('sm_') ? plain : undefined;
}
