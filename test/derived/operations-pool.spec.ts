import { poolScenarios } from './scenarios/pool';
import { walk } from './walk';

jest.setTimeout(120_000);
walk(poolScenarios);
