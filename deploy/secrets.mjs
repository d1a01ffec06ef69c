// Makes every password and key that the stack needs, once, in a folder per service that uses them. What is there
// already stays: rotating a secret is somebody's decision. Nothing is printed.
//
//   node deploy/secrets.mjs FOLDER [--own]
//
// --own, as root: each folder is given to the user that its service runs as, and to nobody else.
import { createHash, randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Users of the images in docker-compose.yml. */
const USERS = {
  collector: 1000,
  demo: 1000,
  database: 1000,
  postgres: 999,
  prometheus: 65_534,
  grafana: 472,
};

const [folder, ...flags] = process.argv.slice(2);
if (folder === undefined || flags.some((flag) => flag !== '--own')) {
  console.error('usage: node deploy/secrets.mjs FOLDER [--own]');
  process.exit(2);
}

function keep(service, name, make) {
  const path = join(folder, service, name);
  if (existsSync(path)) return readFileSync(path, 'utf8');
  mkdirSync(join(folder, service), { recursive: true });
  const text = make();
  // In place and only for its reader: no moment at which somebody else could open it.
  writeFileSync(path, text, { mode: 0o400, flag: 'wx' });
  return text;
}

/** 256 random bits in letters, digits, "_" and "-": safe in URLs, YAML and headers. */
const random = () => randomBytes(32).toString('base64url');
const key = () => `sm_${random()}`;
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

const admin = keep('postgres', 'password', random);
const owner = keep('database', 'owner_password', random);
const reader = keep('database', 'grafana_password', random);
keep('database', 'admin_password', () => admin);
keep('grafana', 'postgres_password', () => reader);
keep('grafana', 'admin_password', random);

const token = keep('collector', 'metrics_token', random);
keep('prometheus', 'metrics_token', () => token);
const host = process.env.SPANMETER_POSTGRES_ADDRESS ?? 'postgres:5432';
keep('collector', 'database_url', () => `postgres://spanmeter:${owner}@${host}/spanmeter`);
const adminKey = keep('collector', 'admin_key', key);
const gatewayKey = keep('demo', 'gateway_key', key);
keep('collector', 'keys.yaml', () =>
  [
    'keys:',
    `  - { id: admin, role: admin, sha256: ${sha256(adminKey)} }`,
    `  - { id: gateway, role: gateway, sha256: ${sha256(gatewayKey)} }`,
    '',
  ].join('\n'),
);

if (flags.includes('--own')) {
  const files = {
    postgres: ['password'],
    database: ['owner_password', 'grafana_password', 'admin_password'],
    grafana: ['postgres_password', 'admin_password'],
    collector: ['metrics_token', 'database_url', 'admin_key', 'keys.yaml'],
    prometheus: ['metrics_token'],
    demo: ['gateway_key'],
  };
  for (const [service, names] of Object.entries(files)) {
    for (const name of names) chownSync(join(folder, service, name), USERS[service], USERS[service]);
  }
}
