import 'reflect-metadata';
import { schedulerSettings } from '@xenplane/config';
import { runProcess } from '@xenplane/process';
import { startScheduler } from './scheduler';

runProcess('scheduler', () => startScheduler(schedulerSettings()));
