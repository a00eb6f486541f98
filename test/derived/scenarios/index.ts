/** For every durable operation, what it is asked of. Each file is walked by a spec of its own, so that they run side by side. */
import type { Scenarios } from '../kit';
import { devicesScenarios } from './devices';
import { failoverScenarios } from './failover';
import { hostScenarios } from './host';
import { poolScenarios } from './pool';
import { poolJoinScenarios } from './pool-join';
import { snapshotScenarios } from './snapshots';
import { storageScenarios } from './storage';
import { transferScenarios } from './transfer';
import { vmScenarios } from './vm';

export const scenarios: Scenarios = {
  ...vmScenarios,
  ...devicesScenarios,
  ...storageScenarios,
  ...hostScenarios,
  ...failoverScenarios,
  ...poolScenarios,
  ...poolJoinScenarios,
  ...transferScenarios,
  ...snapshotScenarios,
};
