import { devicesScenarios } from './scenarios/devices';
import { walk } from './walk';

jest.setTimeout(120_000);
walk(devicesScenarios, (kit) => kit.once());
