import { failoverScenarios } from './scenarios/failover';
import { walk } from './walk';

walk(failoverScenarios);
