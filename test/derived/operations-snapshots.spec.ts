import { snapshotScenarios } from './scenarios/snapshots';
import { walk } from './walk';

jest.setTimeout(120_000);
walk(snapshotScenarios, (kit) => kit.once());
