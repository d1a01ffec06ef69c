import assert from 'node:assert/strict';
import { slackBody } from '@spanmeter/collector/dist/alerts/delivery/slack.js';
import { alertMessage, HOSTILE_NAMES } from './messages.ts';

interface TextObject {
  readonly type: string;
  readonly text: string;
  readonly verbatim?: boolean;
}

interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly {
    readonly type: string;
    readonly text?: TextObject;
    readonly fields?: readonly TextObject[];
    readonly elements?: readonly { readonly url?: string; readonly text: unknown }[];
  }[];
}

function read(body: string): SlackMessage {
  return JSON.parse(body) as SlackMessage;
}

describe('a message for Slack', () => {
  it('has the text for notifications and blocks with tenant, severity and a link', () => {
    const message = read(slackBody(alertMessage()));
    assert.equal(message.text, 'acme: Daily cost threshold exceeded: $12.50 &gt; $10.00');
    const [section, fields, actions] = message.blocks;
    assert.equal(section?.text?.text, '🔴 Daily cost threshold exceeded: $12.50 &gt; $10.00');
    assert.equal(fields?.fields?.[0]?.text, '*Tenant*\nacme');
    assert.match(actions?.elements?.[0]?.url ?? '', /spanmeter-budgets/);
    const over = read(slackBody(alertMessage({}, { kind: 'resolved', text: 'Resolved: it' })));
    assert.equal(over.blocks[0]?.text?.text, '✅ Resolved: it');
  });

  it('cannot be made to mention or to link by a name, and stays within the bounds of Slack', () => {
    for (const name of HOSTILE_NAMES) {
      const { text, blocks } = read(
        slackBody(alertMessage({ tenant: name, name, summary: `${name} `.repeat(30) })),
      );
      const texts = [
        text,
        ...blocks.flatMap((block) => [block.text?.text, ...(block.fields ?? []).map((one) => one.text)]),
      ];
      for (const one of texts.filter((found) => found !== undefined)) {
        assert.doesNotMatch(one, /[<>]/, name);
        assert.doesNotMatch(one, /\p{Cf}/u, name);
        assert.doesNotMatch(one, /&(?!amp;|lt;|gt;)/, `a cut entity for ${name}`);
        assert.ok(one.length <= 3_000, name);
        assert.doesNotThrow(() => encodeURIComponent(one), `a cut character for ${name}`);
      }
      const objects = blocks.flatMap((block) => [block.text, ...(block.fields ?? [])]);
      for (const one of objects)
        if (one?.type === 'mrkdwn') assert.equal(one.verbatim, true, 'URLs become no links');
      for (const field of blocks[1]!.fields!) assert.ok(field.text.length <= 2_000, name);
    }
  });

  it('leaves a link out that is longer than Slack takes', () => {
    const message = read(
      slackBody(alertMessage({}, { dashboardUrl: `https://example.com/${'x'.repeat(3_000)}` })),
    );
    assert.ok(message.blocks.every(({ type }) => type !== 'actions'));
  });
});
