import 'reflect-metadata';
import { imagesSettings } from '@xenplane/config';
import { runProcess } from '@xenplane/xapi';
import { startImages } from './images';

runProcess('images', () => startImages(imagesSettings()), { serves: true });
