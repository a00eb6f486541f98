import { hostScenarios } from './scenarios/host';
import { walk } from './walk';

jest.setTimeout(120_000);
walk(hostScenarios, (kit) => kit.once());
