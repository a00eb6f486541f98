import { settingsOf } from './settings';

const none = (): string => '';

test('the command line wins over XE_EXTRA_ARGS, that over ~/.xe, that over the defaults', () => {
  const { words, login } = settingsOf(['-s', 'cli', 'vm-list'], 'server=env,port=81', 'server=file\nport=82\nusername=kept\npassword=secret', none);
  expect(words).toEqual(['vm-list']);
  expect(login).toEqual({ url: 'http://cli:81', user: 'kept', password: 'secret' });
});
test('with nothing said it is this machine as root', () => {
  expect(settingsOf(['host-list'], '', '', none).login).toEqual({ url: 'http://127.0.0.1:8080', user: 'root', password: '' });
});
test('a password file holds a user and a password, or a password', () => {
  expect(settingsOf(['-pwf', 'f', 'x'], '', '', () => 'admin\npw\n').login).toMatchObject({ user: 'admin', password: 'pw' });
  expect(settingsOf(['-u', 'u', '-pwf', 'f', 'x'], '', '', () => 'pw').login).toMatchObject({ user: 'u', password: 'pw' });
});
