import { inOnePool, poolJoinScenarios } from './scenarios/pool-join';
import { walk } from './walk';

const { 'pool.join': join } = poolJoinScenarios;
walk(join ? { 'pool.join': join } : {}, inOnePool, undefined, 1);
