import 'reflect-metadata';
import { agentSettings } from '@xenplane/config';
import { runProcess } from '@xenplane/xapi';
import { startAgent } from './agent';

runProcess('agent', () => startAgent(agentSettings()), { serves: true });
