import { letYoungHeapGrow } from './young-heap';
import 'reflect-metadata';
import { apiSettings } from '@xenplane/config';
import { runProcess } from '@xenplane/process';
import { startApi } from './api';

runProcess(
  'api',
  async () => {
    const running = await startApi(apiSettings());
    letYoungHeapGrow();
    return running;
  },
  { serves: true },
);
