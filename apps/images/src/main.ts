import 'reflect-metadata';
import { imagesSettings } from '@xenplane/config';
import { runProcess } from '@xenplane/process';
import { startImages } from './images';

runProcess('images', () => startImages(imagesSettings()), { serves: true });
