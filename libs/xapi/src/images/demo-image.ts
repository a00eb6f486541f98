/** A raw disk of 4 MiB that boots: its first sector greets through the BIOS and halts. Real bytes for a real transfer, the same each time. */
const sizeBytes = 4 * 2 ** 20;
const sectorBytes = 512;
const greeting = 'Xenplane: this disk was fetched by digest, verified, and copied for this run only.\r\n';

// 16-bit code at 0x7c00: point SI at the text behind it, print byte by byte with int 10h/0Eh, then halt for ever.
const code = [
  0xfa,
  0x31,
  0xc0,
  0x8e,
  0xd8,
  0xbe,
  0x18,
  0x7c, // cli; xor ax,ax; mov ds,ax; mov si,0x7c18
  0xac,
  0x84,
  0xc0,
  0x74,
  0x08,
  0xb4,
  0x0e,
  0xbb,
  0x07,
  0x00,
  0xcd,
  0x10,
  0xeb,
  0xf3, // next: lodsb; test al,al; jz halt; mov ah,0eh; mov bx,7; int 10h; jmp next
  0xf4,
  0xfd, // halt: hlt; std (never reached)
];

export function demoImage(): Uint8Array<ArrayBuffer> {
  const image = new Uint8Array(new ArrayBuffer(sizeBytes));
  image.set(code, 0);
  image.set(Buffer.from(`${greeting}\0`, 'latin1'), code.length);
  image.set([0x80, 0, 2, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 0xff, 0x1f, 0, 0], 446);
  image.set([0x55, 0xaa], sectorBytes - 2);
  // The rest is a pattern that compresses badly enough to show that all of it arrived.
  const { imul } = Math; // a global costs a look-up each time, a slow one where tests run
  for (let at = sectorBytes, x = 1; at < sizeBytes; at += 1) {
    x = (imul(x, 1_103_515_245) + 12_345) >>> 0;
    image[at] = x >>> 24;
  }
  return image;
}
