import { transferScenarios } from './scenarios/transfer';
import { walk } from './walk';

walk(transferScenarios);
