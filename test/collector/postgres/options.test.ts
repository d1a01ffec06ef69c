import assert from 'node:assert/strict';
import { isBadData, isUnavailable } from '@spanmeter/collector/dist/database/failure.js';
import { operatorUrl } from '@spanmeter/collector/dist/service/database.js';
import { postgres } from '@spanmeter/collector/dist/exporters/postgres/index.js';

describe('the options of exporter postgres', () => {
  it('have a default each', () => {
    const options = postgres.options.parse({});
    assert.equal(options.url, undefined);
    assert.equal(options.retention, 90);
    assert.equal(options.dead_letter_retention, 30);
  });

  it('take the URL of the environment where none is written', () => {
    const env = { DATABASE_URL: 'postgres://env@h/d' };
    const urlOf = (options: object): string | null => operatorUrl(postgres.options.parse(options), env);
    assert.equal(urlOf({}), 'postgres://env@h/d');
    assert.equal(urlOf({ url: '' }), 'postgres://env@h/d');
    assert.equal(urlOf({ url: 'postgres://own@h/d' }), 'postgres://own@h/d');
    assert.equal(operatorUrl(postgres.options.parse({}), {}), null);
  });

  it('never show the password of a URL', () => {
    const options = postgres.options.parse({ url: 'postgres://own:pw@h/d' });
    assert.doesNotMatch(JSON.stringify(options), /pw/);
  });

  it('refuse unknown names, other databases and retention without a unit', () => {
    for (const options of [{ urls: 'x' }, { url: 'mysql://h/d' }, { retention: '90' }, { retention: '0d' }]) {
      assert.equal(postgres.options.safeParse(options).success, false, JSON.stringify(options));
    }
  });
});

describe('errors of the database', () => {
  const withCode = (code: string): Error => Object.assign(new Error('x'), { code });

  it('are retried where the connection or a resource is at fault', () => {
    for (const code of [
      '08006',
      '53300',
      '53100',
      '57P01',
      '57P03',
      '55P03',
      '40001',
      '40P01',
      'ECONNREFUSED',
      '28P01',
    ]) {
      assert.equal(isUnavailable(withCode(code)), true, code);
      assert.equal(isBadData(withCode(code)), false, code);
    }
    assert.equal(isUnavailable(new Error('Connection terminated unexpectedly')), true);
    assert.equal(isUnavailable(new Error('Query read timeout')), true);
  });

  it('are the rows own where data, constraints or limits are', () => {
    for (const code of ['22P05', '22003', '23505', '23514', '54000']) {
      assert.equal(isBadData(withCode(code)), true, code);
      assert.equal(isUnavailable(withCode(code)), false, code);
    }
    assert.equal(isUnavailable(withCode('42P01')), false);
    assert.equal(isBadData(withCode('42P01')), false);
  });
});
