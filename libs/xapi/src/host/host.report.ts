/** A status report of a host, sent to where somebody wants it. */
import { classes, XenError, type OperationParams } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import type { Plane } from '../core/context';
import { statusReport } from './system-status';

const limitMs = 60_000;

export const hostReport = (plane: Plane) => ({
  bugreport_upload: async (
    run: Run<Tx>,
    { host, url }: OperationParams<typeof classes.host, 'bugreport_upload'>,
  ): Promise<void> => {
    const target = addressOf(url);
    const record = await run.commit('collect', (tx) => tx.get('host', host));
    await run.step('upload', async () => {
      const ring = await plane.agents.consoleRing(host);
      await put(target, statusReport(record, ring?.text ?? ''));
    });
    return run.conclude('end', async () => undefined);
  },
});

const failed = (why: string): XenError => new XenError('SYSTEM_STATUS_RETRIEVAL_FAILED', why);

function addressOf(text: string): URL {
  if (!URL.canParse(text)) throw failed('the URL to send the report to is not valid');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw failed(`reports cannot be sent over ${url.protocol}`);
  return url;
}

async function put(url: URL, body: string): Promise<void> {
  const answer = await fetch(url, {
    method: 'PUT',
    body,
    headers: { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(limitMs),
  }).catch(() => undefined);
  await answer?.body?.cancel();
  if (!answer?.ok)
    throw failed(answer ? `the receiver answered ${answer.status}` : 'the receiver cannot be reached');
}
