/** The way to renew a lease where the program for leases does not answer, or is not there. */
import type { RenewalAnswer, RenewalRequest } from '@xenplane/hypervisor';
import { renewLeases } from '@xenplane/leases';
import type { Plane } from '../core/context';

export const renewLease = ({ store }: Plane, request: RenewalRequest): Promise<RenewalAnswer> =>
  renewLeases(store, request);
