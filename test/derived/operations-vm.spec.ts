import { vmScenarios } from './scenarios/vm';
import { walk } from './walk';

walk(vmScenarios, (kit) => kit.once());
