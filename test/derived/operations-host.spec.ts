import { hostScenarios } from './scenarios/host';
import { walk } from './walk';

walk(hostScenarios, (kit) => kit.once());
