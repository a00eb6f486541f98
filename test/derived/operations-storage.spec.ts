import { storageScenarios } from './scenarios/storage';
import { walk } from './walk';

walk(storageScenarios);
