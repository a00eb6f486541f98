import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Scenarios } from '../kit';

const index = '<repomd><data type="updateinfo"><checksum type="sha256">' + 'ab'.repeat(32) + '</checksum></data></repomd>';
let served: Promise<string> | undefined;
/** A repository of updates that this process serves for as long as it lives. */
function repository(): Promise<string> {
  return (served ??= new Promise((resolve) => {
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/base/repodata/repomd.xml' ? 200 : 404, { 'content-type': 'text/xml' }).end(index);
    });
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/base`));
    server.unref();
  }));
}

export const poolScenarios: Scenarios = {
  'pool.sync_updates': async (kit) => {
    const [pool] = await kit.call<string[]>('pool.get_all');
    const [known] = await kit.call<string[]>('Repository.get_all');
    const url = await repository();
    const repo = known ?? (await kit.call<string>('Repository.introduce', 'base', '', url, url, true, ''));
    await kit.call('pool.set_repositories', pool, [repo]);
    return [pool, true];
  },
};
