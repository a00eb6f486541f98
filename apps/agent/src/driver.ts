/** The hypervisor that this agent drives: the only place of the agent that names one. */
import type { AgentSettings } from '@xenplane/config';
import { simulated, type Hypervisor } from '@xenplane/hypervisor';

export const startDriver = ({ seed, speed, hosts, withoutIommu }: AgentSettings): Promise<Hypervisor> =>
  simulated.XenThread.start({ seed, speed, hosts, withoutIommu });
