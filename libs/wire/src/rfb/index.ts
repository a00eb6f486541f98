export { RfbError, RfbServer, type Received } from './server';
export { Keyboard } from './keys';
