/** `vm-install`: a template becomes a VM with disks. */
import { nullRefText, XenError } from '@xenplane/model';
import { find } from '../filters';
import { Misuse, optional, required, type Arguments } from '../arguments';
import { tableNamed } from '../objects';
import { perform, type Command } from '../row';
import type { Surroundings } from '../surroundings';

async function templateFor(args: Arguments, around: Surroundings): Promise<string> {
  const { objects } = around;
  const uuid = optional(args, 'template-uuid'),
    name = optional(args, 'template-name-label') ?? optional(args, 'template-name'),
    either = optional(args, 'template');
  if (uuid !== undefined) return objects.byUuid('VM', uuid).catch(() => refuse('Cannot find template'));
  if (name !== undefined) return templateNamed(name, around);
  if (either !== undefined) return objects.byUuid('VM', either).catch(() => templateNamed(either, around));
  return refuse(
    "Template must be specified by parameter 'template-uuid', 'template-name', 'template-name-label' or 'template'",
  );
}
const refuse = (text: string): never => {
  throw new Misuse(text);
};
async function templateNamed(name: string, { objects }: Surroundings): Promise<string> {
  const [first, second] = await find(objects, tableNamed('vm'), [
    ['name-label', name],
    ['is-a-template', 'true'],
    ['is-control-domain', 'false'],
  ]);
  if (!first) return refuse('No templates matched');
  return second ? refuse('More than one matching template found') : first.ref;
}

/** The storage that the disks shall go to, when one was named. */
async function storageFor(
  args: Arguments,
  { objects }: Surroundings,
  template: string,
): Promise<string | undefined> {
  const uuid = optional(args, 'sr-uuid'),
    name = optional(args, 'sr-name-label');
  if ((await objects.one('VM', template))?.['is_a_snapshot'] === true && (uuid ?? name) !== undefined)
    refuse(
      'Do not use the sr-name-label or sr-uuid argument when installing from a snapshot. By default, it will install each new disk on the same SR as the corresponding snapshot disks.',
    );
  const given = uuid === undefined ? undefined : await objects.byUuid('SR', uuid);
  if (name === undefined) return given;
  const found = await objects.api.call<string[]>('SR.get_by_name_label', name);
  if (found.length === 0) refuse('No SR with that name-label found');
  if (given !== undefined)
    return found.includes(given)
      ? given
      : refuse("SR specified via sr-uuid doesn't have the name specified via sr-name-label");
  return found.length === 1 ? found[0] : refuse('Multiple SRs with that name-label found');
}
/** The storage that new disks are made in: the one that was named, else the pool's. */
async function uuidForDisks(
  { objects }: Surroundings,
  storage: string | undefined,
  otherConfig: Readonly<Record<string, string>>,
): Promise<string> {
  if (storage !== undefined) return objects.uuidOf('SR', storage);
  const usual = await objects.api.call<string>('pool.get_default_SR', await objects.pool());
  const uuid = await objects.uuidOf('SR', usual).catch(() => '');
  if (uuid === '' && otherConfig['disks'] !== undefined)
    refuse(
      'Failed to find a valid default SR for the Pool. Please provide an sr-name-label or sr-uuid parameter.',
    );
  return uuid;
}
async function useStorage({ objects: { api } }: Surroundings, vm: string, sr: string): Promise<void> {
  const { disks } = await api.call<Record<string, string>>('VM.get_other_config', vm);
  if (disks === undefined) return;
  await api.call('VM.remove_from_other_config', vm, 'disks');
  await api.call('VM.add_to_other_config', vm, 'disks', disks.replace(/sr="[^"]*"/g, `sr="${sr}"`));
}
/** Windows may fetch drivers for itself where the template recommends it and the pool has nothing against it. */
async function useVendorDevice(
  { objects, printer }: Surroundings,
  vm: string,
  recommendations: string,
): Promise<void> {
  const recommended = /<restriction[^>]*field="has-vendor-device"[^>]*value="true"/.test(recommendations);
  const allowed = !(await objects.api.call<boolean>(
    'pool.get_policy_no_vendor_device',
    await objects.pool(),
  ));
  await objects.api.call('VM.set_has_vendor_device', vm, recommended && allowed).catch((error: unknown) => {
    if (!(error instanceof XenError) || error.code !== 'LICENCE_RESTRICTION') throw error;
    printer.note(
      'Note: the template recommends has-vendor-device=true, which the licence of this host does not include.\n',
    );
  });
}

export const install: Command = async (args, around) => {
  const { objects, printer } = around;
  const template = await templateFor(args, around),
    record = await objects.one('VM', template);
  if (record?.['is_a_template'] !== true) refuse('Can only install from templates');
  const storage = await storageFor(args, around, template),
    disksIn = await uuidForDisks(
      around,
      storage,
      (record?.['other_config'] ?? {}) as Readonly<Record<string, string>>,
    );
  const name = required(args, 'new-name-label');
  const vm = String(
    storage === undefined
      ? await perform(around, 'VM.clone', template, name)
      : await perform(around, 'VM.copy', template, name, storage),
  );
  try {
    await objects.api.call('VM.set_name_description', vm, 'Installed via xe CLI');
    await objects.api.call('VM.set_suspend_SR', vm, storage ?? record?.['suspend_SR'] ?? nullRefText);
    await useStorage(around, vm, disksIn);
    await useVendorDevice(around, vm, String(record?.['recommendations'] ?? ''));
    await perform(around, 'VM.provision', vm);
    const bios = optional(args, 'copy-bios-strings-from');
    if (bios !== undefined)
      await objects.api.call('VM.copy_bios_strings', vm, await objects.byUuid('host', bios));
    printer.list([await objects.uuidOf('VM', vm)]);
  } catch (error) {
    await objects.api.call('VM.destroy', vm).catch(() => undefined);
    throw error;
  }
};
