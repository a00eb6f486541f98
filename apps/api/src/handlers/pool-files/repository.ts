/** The files of updates. Repositories are known here by their checksums and not mirrored, so there is no file to give. */
import { XenError } from '@xenplane/model';
import { pendingUpdates, type PendingUpdates } from '@xenplane/xapi';
import { hostNamed } from '../host-files/host-named';
import { sendDocument, type Exchange, type Handler } from '../exchange/exchange';
import { Refusal } from '../exchange/refusal';

const noFile = ({ path }: Exchange): never => {
  throw new Refusal(404, `There is no file ${path}`);
};

async function pending({ plane }: Exchange): Promise<PendingUpdates> {
  const found = await pendingUpdates(plane);
  if (!found) throw new XenError('NO_REPOSITORY_ENABLED');
  return found;
}

const file: Handler = { name: 'get_repository', run: async (exchange) => noFile(exchange) };
const enabled: Handler = {
  name: 'get_enabled_repository',
  run: async (exchange) => {
    await pending(exchange);
    noFile(exchange);
  },
};
const download: Handler = { name: 'get_pool_update_download', run: async (exchange) => noFile(exchange) };

/** The updates that one host lacks: its part of `GET /updates`. */
const ofHost: Handler = {
  name: 'get_host_updates',
  run: async (exchange) => {
    const { hosts, updates, hash } = await pending(exchange);
    const ref = hostNamed(exchange);
    const host = hosts.find((h) => h.ref === ref);
    if (!host) throw new XenError('GET_HOST_UPDATES_FAILED', ref);
    const lacking = updates.filter((u) => host.updates.includes(u.id));
    sendDocument(
      exchange,
      'application/json',
      Buffer.from(JSON.stringify({ ...host, hash, updates: lacking })),
    );
  },
};

export const repositoryHandlers: readonly Handler[] = [file, enabled, download, ofHost];
