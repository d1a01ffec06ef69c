import type { ChannelOptions } from '../channel-options.ts';
import type { Channel } from './channel.ts';
import { openEmail } from './email.ts';
import { openSlack } from './slack.ts';
import { openWebhook } from './webhook.ts';

/** Makes a channel of its options; nothing is connected before the first message. */
export function openChannel(id: string, options: ChannelOptions): Channel {
  switch (options.type) {
    case 'webhook':
      return openWebhook(id, options);
    case 'slack':
      return openSlack(id, options);
    case 'email':
      return openEmail(id, options);
    default:
      return options satisfies never;
  }
}
