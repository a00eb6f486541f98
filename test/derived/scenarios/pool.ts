import type { Scenarios } from '../kit';
import { served } from '../outside';

const index =
  '<repomd><data type="updateinfo"><checksum type="sha256">' +
  'ab'.repeat(32) +
  '</checksum></data></repomd>';
let repository: Promise<string> | undefined;
/** Of updates. */
const repositoryUrl = async (): Promise<string> => {
  repository ??= served((request, response) => {
    response
      .writeHead(request.url === '/base/repodata/repomd.xml' ? 200 : 404, { 'content-type': 'text/xml' })
      .end(index);
  });
  return `${await repository}/base`;
};

export const poolScenarios: Scenarios = {
  'pool.sync_updates': async (kit) => {
    const [pool] = await kit.call<string[]>('pool.get_all');
    const [known] = await kit.call<string[]>('Repository.get_all');
    const url = await repositoryUrl();
    const repo = known ?? (await kit.call<string>('Repository.introduce', 'base', '', url, url, true, ''));
    await kit.call('pool.set_repositories', pool, [repo]);
    return [pool, true];
  },
};
