import { storageScenarios } from './scenarios/storage';
import { walk } from './walk';

jest.setTimeout(120_000);
walk(storageScenarios);
