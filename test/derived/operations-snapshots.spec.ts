import { snapshotScenarios } from './scenarios/snapshots';
import { walk } from './walk';

walk(snapshotScenarios, (kit) => kit.once());
