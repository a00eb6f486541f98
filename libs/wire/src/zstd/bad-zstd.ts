/** The stream is no zstd, or a broken one. */
export class BadZstd extends Error {
  constructor(why: string) {
    super(`zstd: ${why}`);
    this.name = 'BadZstd';
  }
}
