/** `GET /updates`: what the hosts still lack of what was last synced, as JSON. */
import { XenError } from '@xenplane/model';
import { pendingUpdates } from '@xenplane/xapi';
import { sendDocument, type Handler } from '../exchange/exchange';

export const updates: Handler = {
  name: 'get_updates',
  run: async (exchange) => {
    const pending = await pendingUpdates(exchange.plane);
    if (!pending) throw new XenError('NO_REPOSITORY_ENABLED');
    sendDocument(exchange, 'application/json', Buffer.from(JSON.stringify(pending)));
  },
};
