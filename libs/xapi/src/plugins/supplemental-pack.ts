/** install-supp-pack: a pack on a disk is an update that is introduced and applied to the host that was asked. */
import { XenError, type Ref } from '@xenplane/model';
import { applyUpdate, introduceUpdate } from '../pool/updates/pool-update';
import { raised, type PluginRequest, type Plugin } from './plugin';

const wrong = (text: string): XenError => raised('install', 'ArgumentError', text);
/** Both texts of the exception, the second a list, as Python writes them. */
const failed = ({ description }: XenError): XenError =>
  raised(
    'install',
    'InstallFailure',
    `('Failed to install the supplemental pack', "[${description.map((word) => `'${word}'`).join(', ')}]")`,
  );

async function introduced(asked: PluginRequest, vdi: Ref<'VDI'>): Promise<Ref<'pool_update'>> {
  try {
    return await introduceUpdate(asked, vdi);
  } catch (error) {
    throw error instanceof XenError ? wrong('VDI contains invalid update package') : error;
  }
}

export const supplementalPack: Plugin = {
  install: async (asked, { vdi: uuid }) => {
    if (uuid === undefined) throw wrong("Key 'vdi' missing from arguments");
    const [disk] = await asked.tx.find('VDI', { uuid });
    if (!disk) throw wrong('VDI parameter invalid');
    const update = await introduced(asked, disk.ref);
    await applyUpdate(asked, update, asked.host.ref).catch((error: unknown) =>
      Promise.reject(error instanceof XenError ? failed(error) : error),
    );
    return 'OK';
  },
};
