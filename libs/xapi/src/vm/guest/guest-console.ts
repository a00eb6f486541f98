/** Which console at which host shows a VM: that of its domain, or for a control domain that of the host itself. */
import type { ConsoleOwner, HostNames } from '@xenplane/hypervisor';
import type { Ref } from '@xenplane/model';
import type { Replica } from '@xenplane/store';

export interface ShownVm {
  readonly host: Ref<'host'>;
  readonly owner: ConsoleOwner;
}

/** Undefined for a VM that does not run: it has no screen. */
export function consoleOwner(view: Replica, ref: Ref<'VM'>): ShownVm | undefined {
  const vm = view.stored('VM', ref);
  if (!vm || (vm.power_state !== 'Running' && vm.power_state !== 'Paused')) return undefined;
  const host = vm.resident_on;
  return { host, owner: vm.is_control_domain ? namesOf(view, host) : { vm: vm.uuid } };
}

function namesOf(view: Replica, ref: Ref<'host'>): HostNames {
  const host = view.stored('host', ref);
  const pifs = view
    .pointingAt('PIF.host', ref)
    .map((pif) => view.stored('PIF', pif))
    .filter((pif) => pif !== undefined && pif.physical && pif.IP !== '');
  const { product_brand = '', product_version = '' } = host?.software_version ?? {};
  return {
    hostname: host?.hostname ?? '',
    product: `${product_brand} ${product_version}`.trim(),
    addresses: Object.fromEntries(pifs.map((pif) => [pif?.device ?? '', pif?.IP ?? ''])),
  };
}
