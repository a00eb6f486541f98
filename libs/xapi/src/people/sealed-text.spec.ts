import { openText, sealText } from './sealed-text';

test('what was sealed is opened by the same key alone', () => {
  const sealed = sealText('a key of the processes', 'pässword');
  expect(openText('a key of the processes', sealed)).toBe('pässword');
  expect(openText('another key', sealed)).toBeUndefined();
  expect(sealed).not.toContain('ssword');
  expect(sealText('a key of the processes', 'pässword')).not.toBe(sealed);
});

test('what was changed or cut is not opened', () => {
  const bytes = Buffer.from(sealText('key', 'secret'), 'base64');
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  expect(openText('key', bytes.toString('base64'))).toBeUndefined();
  expect(openText('key', '')).toBeUndefined();
});
