// Brings an empty PostgreSQL to where the collector can start: its database, the role that owns it, and the read-only
// role of Grafana with its password. Harmless to repeat; the collector makes the tables.
//
//   node deploy/database.mjs FOLDER      (admin_password, owner_password, grafana_password)
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, escapeLiteral } from 'pg';

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: node deploy/database.mjs FOLDER');
  process.exit(2);
}
const secret = (name) => readFileSync(join(folder, name), 'utf8').trim();
const address = process.env.SPANMETER_POSTGRES_ADDRESS ?? 'postgres:5432';
const admin = process.env.SPANMETER_POSTGRES_ADMIN ?? 'postgres';
const password = encodeURIComponent(secret('admin_password'));

async function connected(database, work) {
  const client = new Client({
    connectionString: `postgres://${admin}:${password}@${address}/${database}`,
    connectionTimeoutMillis: 10_000,
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const there = async (client, text) => (await client.query(text)).rows.length > 0;

async function role(client, name, options, secretName) {
  if (!(await there(client, `SELECT FROM pg_roles WHERE rolname = '${name}'`))) {
    await client.query(`CREATE ROLE ${name}`);
  }
  await client.query(`ALTER ROLE ${name} ${options} PASSWORD ${escapeLiteral(secret(secretName))}`);
}

await connected('postgres', async (client) => {
  // The collector makes the roles of its policies; it may become them, and no more than that.
  await role(client, 'spanmeter', 'LOGIN CREATEROLE NOSUPERUSER', 'owner_password');
  await role(client, 'spanmeter_grafana', 'LOGIN NOSUPERUSER CONNECTION LIMIT 20', 'grafana_password');
  await client.query('ALTER ROLE spanmeter_grafana SET default_transaction_read_only = on');
  await client.query(`ALTER ROLE spanmeter_grafana SET statement_timeout = '60s'`);
  // By PostgreSQL's own 4 MB, sums over some days are sorted on disk.
  await client.query(`ALTER ROLE spanmeter_grafana SET work_mem = '32MB'`);
  // From 16 on, creating a role gives the right to administer it; this one was made by the administrator.
  await client.query(
    'GRANT spanmeter_grafana TO spanmeter WITH ADMIN OPTION; ' +
      'GRANT spanmeter_grafana TO spanmeter WITH INHERIT FALSE, SET TRUE',
  );
  if (!(await there(client, `SELECT FROM pg_database WHERE datname = 'spanmeter'`))) {
    await client.query('CREATE DATABASE spanmeter OWNER spanmeter');
  }
  await client.query('REVOKE CONNECT ON DATABASE spanmeter FROM PUBLIC');
  await client.query('GRANT CONNECT ON DATABASE spanmeter TO spanmeter_grafana');
});
console.log('The database is there.');
