import { poolScenarios } from './scenarios/pool';
import { walk } from './walk';

walk(poolScenarios);
