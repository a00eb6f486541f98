/** The metrics of simulated hosts: sums of what their VMs do, each of which follows from its uuid. */
import type { HostFacts, MeasuredHost, Measurement, Metrics, VmFacts } from '../../metrics';
import { hostSources, shareOf } from './host-sources';
import { loadOf, storageOf, type Load, type Storage } from './load';
import { vmFigures, vmSources, type VmFigures } from './vm-sources';

class SimulatedMeasurement implements Measurement {
  private readonly storages = new Map<string, Storage>();
  private readonly loads = new Map<string, Load>();

  host(facts: HostFacts, guests: readonly VmFacts[]): MeasuredHost {
    const share = shareOf(
      facts.cpus,
      guests.reduce((sum, vm) => sum + vm.vcpus, 0),
    );
    const vms = guests.map((vm) => this.figuresOf(vm, share));
    return {
      sources: () => hostSources({ facts, vms }),
      vm: (uuid) => {
        const found = vms.find((vm) => vm.facts.uuid === uuid);
        return found && vmSources(found, this.load(found.facts));
      },
    };
  }
  vm(facts: VmFacts): ReturnType<Measurement['vm']> {
    return vmSources(this.figuresOf(facts, 1), this.load(facts));
  }

  private figuresOf(facts: VmFacts, share: number): VmFigures {
    return vmFigures(facts, this.load(facts), (sr) => this.storage(sr), share);
  }
  private load({ uuid, isControlDomain }: VmFacts): Load {
    const load = this.loads.get(uuid) ?? loadOf(uuid, isControlDomain);
    this.loads.set(uuid, load);
    return load;
  }
  private storage(sr: string): Storage {
    const storage = this.storages.get(sr) ?? storageOf(sr);
    this.storages.set(sr, storage);
    return storage;
  }
}

export const metrics: Metrics = { measure: () => new SimulatedMeasurement() };
