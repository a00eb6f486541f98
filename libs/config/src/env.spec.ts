import { agentSettings, apiSettings, BadEnvironment, imagesSettings } from '@xenplane/config';

const services = { DATABASE_URL: 'postgres://u@127.0.0.1:1/x', REDIS_URL: 'redis://127.0.0.1:2' };

test('numbers come as numbers and what is absent has its default', () => {
  const settings = apiSettings({ ...services, XENPLANE_PORT: '9000', XENPLANE_SEED: '7' });
  expect(settings).toMatchObject({
    port: 9000,
    seed: 7,
    tlsPort: 0,
    nbdPort: undefined,
    listen: '127.0.0.1',
    rootPassword: undefined,
  });
  expect(apiSettings({ ...services, XENPLANE_NBD_PORT: '0' }).nbdPort).toBe(0);
});

test.each([
  ['a port out of range', { ...services, XENPLANE_PORT: '70000' }, 'XENPLANE_PORT'],
  ['a port that is no number', { ...services, XENPLANE_PORT: '80a' }, 'XENPLANE_PORT'],
  ['a port for NBD out of range', { ...services, XENPLANE_NBD_PORT: '-1' }, 'XENPLANE_NBD_PORT'],
  ['no database', { REDIS_URL: services.REDIS_URL }, 'DATABASE_URL'],
  ['an unknown log level', { ...services, XENPLANE_LOG_LEVEL: 'loud' }, 'XENPLANE_LOG_LEVEL'],
])('%s is refused by name', (_what, environment, name) => {
  expect(() => apiSettings(environment)).toThrow(BadEnvironment);
  expect(() => apiSettings(environment)).toThrow(name);
});

test('an agent must hold a join key, an image server a secret', () => {
  expect(() => agentSettings({})).toThrow('XENPLANE_JOIN_KEY');
  expect(() => imagesSettings({ XENPLANE_IMAGES_SECRET: 'short' })).toThrow('XENPLANE_IMAGES_SECRET');
});
