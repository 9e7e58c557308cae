import fc from "fast-check";
import { expect, it } from "vitest";

import { readUtf8, utf8Length, writeUtf8 } from "../../src/protocol/utf8.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

it("writes what TextEncoder writes, lone surrogates included", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.nat(0xffff).map((it) => String.fromCharCode(it)) }),
      (text) => {
        const expected = new TextEncoder().encode(text);
        const bytes = new Uint8Array(expected.length);
        expect(writeUtf8(text, bytes, 0, bytes.length)).toBe(expected.length);
        expect(bytes).toEqual(expected);
        expect(utf8Length(text)).toBe(expected.length);
      },
    ),
    { numRuns: 2000, seed: 3629 },
  );
});

it("reads what a strict TextDecoder reads, and refuses what that refuses", () => {
  const likely = [
    0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe2,
  ];
  const leads = [...likely, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xf8, 0xff];
  const bytes = fc.uint8Array({ maxLength: 6 });
  const nasty = fc
    .array(fc.constantFrom(...leads), { maxLength: 6 })
    .map((it) => Uint8Array.from(it));
  fc.assert(
    fc.property(fc.oneof(bytes, nasty), (some) => {
      expect(readUtf8(some, 0, some.length)).toBe(decodedStrictly(some));
    }),
    { numRuns: 20_000, seed: 3629 },
  );
});

it.each([
  ["€", 2, ""],
  ["€", 3, "€"],
  ["a😀", 4, "a"],
  ["a😀", 5, "a😀"],
  ["ab", 0, ""],
])("cuts %s to %i bytes before the code point that does not fit", (text, room, kept) => {
  const bytes = new Uint8Array(16);
  const written = writeUtf8(text, bytes, 3, room);
  expect(readUtf8(bytes, 3, 3 + written)).toBe(kept);
  expect(bytes.subarray(3 + written).every((byte) => byte === 0)).toBe(true);
});

function decodedStrictly(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
