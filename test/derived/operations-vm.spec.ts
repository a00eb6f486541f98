import { vmScenarios } from './scenarios/vm';
import { walk } from './walk';

jest.setTimeout(120_000);
walk(vmScenarios, (kit) => kit.once());
