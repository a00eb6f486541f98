import { devicesScenarios } from './scenarios/devices';
import { walk } from './walk';

walk(devicesScenarios, (kit) => kit.once());
