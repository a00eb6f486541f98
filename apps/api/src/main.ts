import 'reflect-metadata';
import { apiSettings } from '@xenplane/config';
import { runProcess } from '@xenplane/xapi';
import { startApi } from './api';

runProcess('api', () => startApi(apiSettings()));
