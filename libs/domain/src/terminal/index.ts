export { Output, screenOf, vt100, windowSize, type Screen, type Size } from './terminal';
