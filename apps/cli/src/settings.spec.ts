import { settingsOf } from './settings';

const none = (): string => '';

test('the command line wins over XE_EXTRA_ARGS, that over ~/.xe, that over the defaults', () => {
  const { words, login } = settingsOf(
    ['-s', 'cli', 'vm-list'],
    'server=env,port=81',
    'server=file\nport=82\nusername=kept\npassword=secret',
    none,
  );
  expect(words).toEqual(['vm-list']);
  expect(login).toEqual({ url: 'https://cli:81', user: 'kept', password: 'secret' });
});
test('with nothing said it is this machine as root', () => {
  expect(settingsOf(['host-list'], '', '', none).login).toEqual({
    url: 'http://127.0.0.1:8080',
    user: 'root',
    password: '',
  });
});
test('a password file holds a user and a password, or a password', () => {
  expect(settingsOf(['-pwf', 'f', 'x'], '', '', () => 'admin\npw\n').login).toMatchObject({
    user: 'admin',
    password: 'pw',
  });
  expect(settingsOf(['-u', 'u', '-pwf', 'f', 'x'], '', '', () => 'pw').login).toMatchObject({
    user: 'u',
    password: 'pw',
  });
});
test('all that the real client takes of the connection is taken, wherever it stands', () => {
  const extra = 'server=env,sr-uuid=a\\,b,password=p\\,w';
  const { words, login, debug } = settingsOf(
    ['--traceparent', 't', 'x', '--debug-on-fail', 'nossl=false'],
    extra,
    'port=82\nforce=true',
    none,
  );
  expect([words, login, debug]).toEqual([
    ['x', 'sr-uuid=a,b', 'force=true'],
    { url: 'https://env:82', user: 'root', password: 'p,w' },
    'on failure',
  ]);
  expect(settingsOf(['x', '--debug'], '-s env -pw secret', '', none)).toEqual({
    words: ['x'],
    login: { url: 'https://env:8443', user: 'root', password: 'secret' },
    debug: 'always',
  });
});
test('who asks for help anywhere gets nothing else', () => {
  expect(settingsOf(['vm-destroy', '--help', 'uuid=x'], 'username=u', '', none)).toMatchObject({
    words: ['help'],
    debug: 'never',
  });
});
test.each([
  [['-s', '127.0.0.1'], 'http://127.0.0.1:8080'],
  [['-s', '127.0.0.1', '--ssl'], 'https://127.0.0.1:8443'],
  [['-s', 'localhost', '-p', '8443'], 'https://localhost:8443'],
  [['-s', 'localhost', '-p', '8080', '--nossl'], 'http://localhost:8080'],
  [['-s', '127.3.64.1'], 'https://127.3.64.1:8443'],
  [['-s', 'pool.example', 'nossl=true'], 'http://pool.example:8080'],
])('%j goes to %s: TLS for every server but literally 127.0.0.1', (words, url) => {
  expect(settingsOf([...words, 'host-list'], '', '', none).login.url).toBe(url);
});
