/** Numbers as RRDs write them: 15 digits at most, zero as 0.0, and words for what is no number. */
const digits = 15;

export function numberText(value: number): string {
  if (value === 0) return '0.0';
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (Number.isSafeInteger(value) && Math.abs(value) < 10 ** digits) return String(value);
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  return exponent >= leastPlain && exponent < digits ? String(rounded(value, exponent)) : scientific(value);
}

const leastPlain = -4;
const powers = Array.from({ length: digits - leastPlain }, (_, i) => Number(`1e${i}`));
/** To 15 digits. There may be very many values to write: arithmetic is several times as fast as `toPrecision`. */
function rounded(value: number, exponent: number): number {
  const power = powers[digits - 1 - exponent] ?? 1;
  return Math.round(value * power) / power;
}

/** An exponent has two digits, as printf's %g writes it. */
function scientific(value: number): string {
  const [mantissa = '', exponent = ''] = value.toExponential(digits - 1).split('e');
  const shortest = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  return `${shortest}e${exponent.startsWith('-') ? '-' : '+'}${exponent.replace(/^[+-]/, '').padStart(2, '0')}`;
}
