/** `GET /audit_log?since=`: the lines of the audit trail, oldest first. */
import { once } from 'node:events';
import { auditLines } from '@xenplane/xapi';
import { responseOf, type Handler } from '../exchange/exchange';
import { Refusal } from '../exchange/refusal';

const linesAtOnce = 1000;

/** `20260131T12:00:00Z`, with dashes or without, with a fraction or without. */
function momentOf(text: string | null): Date | undefined {
  if (text === null || text === '') return undefined;
  const parts = /^(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d):?(\d\d)(\.\d+)?Z?$/.exec(text.trim());
  if (!parts) throw new Refusal(400, 'The parameter since is no moment');
  const [, year, month, day, hour, minute, second, fraction = ''] = parts;
  const moment = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${fraction.slice(0, 4)}Z`);
  if (Number.isNaN(moment.getTime())) throw new Refusal(400, 'The parameter since is no moment');
  return moment;
}

export const auditLog: Handler = {
  name: 'get_audit_log',
  run: async (exchange) => {
    const { plane, dispatcher, query, signal } = exchange;
    const since = momentOf(query.get('since'));
    await dispatcher.trail.flush();
    const response = responseOf(exchange);
    response.writeHead(200, {
      connection: 'close',
      'cache-control': 'no-cache, no-store',
      'content-type': 'text/plain; charset=utf-8',
    });
    for (let after = 0; !signal.aborted;) {
      const lines = await auditLines(plane.store, since, after, linesAtOnce);
      const last = lines.at(-1);
      if (!last) break;
      if (!response.write(`${lines.map((l) => l.line).join('\n')}\n`))
        await once(response, 'drain', { signal });
      after = last.id;
    }
    response.end();
  },
};
