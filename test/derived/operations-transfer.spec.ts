import { transferScenarios } from './scenarios/transfer';
import { walk } from './walk';

jest.setTimeout(120_000);
walk(transferScenarios);
