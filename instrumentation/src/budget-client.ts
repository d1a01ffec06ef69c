import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { SpentBudget } from './budget-error.ts';
import { CLOCK } from './clock.ts';
import { asObject, type Json } from './json.ts';
import { untraced } from './suppress.ts';

/** Where and as whom budgets are asked for. */
export interface BudgetSource {
  /** Of the collector's API: `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly key?: string | undefined;
  /** Read before each request, so that it can be replaced; goes before `key`. */
  readonly keyFile?: string | undefined;
  /** Budgets of this tenant alone; a gateway key has to name one. */
  readonly tenant?: string | undefined;
  readonly timeoutMs: number;
}

/** An answer of a thousand budgets has half a megabyte. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
const MAX_BUDGETS = 1000;

const agents: Readonly<Record<string, http.Agent>> = {
  'http:': new http.Agent({ keepAlive: true, maxSockets: 1 }),
  'https:': new https.Agent({ keepAlive: true, maxSockets: 1 }),
};

/** No tenant has this name: names have no spaces at their ends. */
const NO_TENANT = ' ';

/**
 * The budgets that refuse calls now: hard ones whose limit is spent. Rejects where the collector does not tell. Its
 * socket never keeps the process alive, and nothing traces the request.
 */
export async function readSpentBudgets(source: BudgetSource): Promise<readonly SpentBudget[]> {
  const { status, body } = await ask(source, source.tenant, MAX_BUDGETS);
  if (status !== 200) throw new Error(`HTTP ${status}`);
  const budgets = asObject(parsed(body))?.['budgets'];
  if (!Array.isArray(budgets)) throw new TypeError('the answer has no budgets');
  return budgets.map(asObject).filter(refuses).map(spentBudget);
}

/** The parser's own error would quote the answer. */
function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new TypeError('the answer is no JSON');
  }
}

/** Whether the key belongs to one tenant, whose every call is then: such a key may not ask for another. */
export async function isKeyOfOneTenant(source: BudgetSource): Promise<boolean> {
  if (source.key === undefined && source.keyFile === undefined) return false;
  return (await ask(source, NO_TENANT, 1)).status === 403;
}

async function ask(source: BudgetSource, tenant: string | undefined, limit: number): Promise<Answer> {
  // Below the path that the API is given at, as behind a proxy.
  const url = new URL(source.url);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/budgets/status`;
  url.searchParams.set('limit', String(limit));
  if (tenant !== undefined) url.searchParams.set('tenant', tenant);
  const key = source.keyFile === undefined ? source.key : (await readFile(source.keyFile, 'utf8')).trim();
  const headers = key === undefined || key === '' ? {} : { authorization: `Bearer ${key}` };
  return untraced(() => get(url, headers, source.timeoutMs));
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function refuses(budget: Json | undefined): budget is Json {
  return budget?.['refuse'] === true;
}

function spentBudget(budget: Json): SpentBudget {
  const text = (key: string): string => {
    const value = budget[key];
    return typeof value === 'string' ? value : '';
  };
  const value = budget['scope_value'];
  return {
    budget: text('id'),
    tenant: text('tenant'),
    scope: text('scope'),
    scopeValue: typeof value === 'string' ? value : null,
    spentUsd: text('spent_usd'),
    limitUsd: text('limit_usd'),
    periodEnd: new Date(text('period_end')),
  };
}

function get(url: URL, headers: Readonly<Record<string, string>>, timeoutMs: number): Promise<Answer> {
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { headers, agent: agents[url.protocol] }, (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on('error', reject);
      response.on('data', (part: Buffer) => {
        parts.push(part);
        bytes += part.byteLength;
        if (bytes > MAX_BODY_BYTES) outgoing.destroy(new Error('the answer is too long'));
      });
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() });
      });
    });
    // For the whole of it: an answer that trickles is none.
    const deadline = CLOCK.setTimeout(
      () => outgoing.destroy(new Error('no answer in time')),
      timeoutMs,
    ).unref();
    outgoing.on('close', () => {
      CLOCK.clearTimeout(deadline);
      reject(new Error('no answer'));
    });
    outgoing.on('socket', (socket) => socket.unref());
    outgoing.on('error', reject);
    outgoing.end();
  });
}
