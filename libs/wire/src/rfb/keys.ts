/** The text that a person types, from the keys that a client of a remote framebuffer reports. */
const control = new Set([0xffe3, 0xffe4]);
const named: Readonly<Record<number, string>> = {
  0xff0d: '\r',
  0xff8d: '\r',
  0xff08: '\x7f',
  0xffff: '\x7f',
  0xff09: '\t',
  0xff1b: '\x1b',
  0xff80: ' ',
  0xffaa: '*',
  0xffab: '+',
  0xffac: ',',
  0xffad: '-',
  0xffae: '.',
  0xffaf: '/',
};
const firstPrintable = 0x20;
const lastPrintable = 0x7e;
const keypad = 0xffb0;

/** Remembers which modifiers are held. */
export class Keyboard {
  private readonly held = new Set<number>();

  /** The text of one event; empty for a key that goes up or that is no character. */
  key(symbol: number, down: boolean): string {
    if (control.has(symbol)) {
      if (down) this.held.add(symbol);
      else this.held.delete(symbol);
      return '';
    }
    if (!down) return '';
    if (symbol >= firstPrintable && symbol <= lastPrintable)
      return this.held.size > 0 ? controlled(symbol) : String.fromCharCode(symbol);
    if (symbol >= keypad && symbol < keypad + 10) return String(symbol - keypad);
    return named[symbol] ?? '';
  }
}
/** Ctrl and a letter. */
const controlled = (symbol: number): string =>
  /[A-Za-z]/.test(String.fromCharCode(symbol)) ? String.fromCharCode(symbol & 0x1f) : '';
