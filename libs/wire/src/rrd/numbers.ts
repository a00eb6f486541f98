/** Numbers as RRDs write them: 15 digits at most, zero as 0.0, and words for what is no number. */
const digits = 15;

export function numberText(value: number): string {
  if (value === 0) return '0.0';
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (Number.isSafeInteger(value) && Math.abs(value) < 10 ** digits) return String(value);
  return exponentPadded(String(Number(value.toPrecision(digits))), value);
}

/** As printf's %g: an exponent has two digits, and stands from 10^15 and below 10^-4. */
function exponentPadded(text: string, value: number): string {
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 10 ** digits) return text;
  const [mantissa = '', exponent = ''] = value.toExponential(digits - 1).split('e');
  const shortest = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  return `${shortest}e${exponent.startsWith('-') ? '-' : '+'}${exponent.replace(/^[+-]/, '').padStart(2, '0')}`;
}
