import 'reflect-metadata';
import { schedulerSettings } from '@xenplane/config';
import { runProcess } from '@xenplane/xapi';
import { startScheduler } from './scheduler';

runProcess('scheduler', () => startScheduler(schedulerSettings()));
