import type { Mac } from "../../src/protocol/keys.ts";

/** Notices every flipped bit, hides nothing, costs a tenth of HMAC: a seal for simulated wires. */
export const quickMac: Mac = (bytes) => {
  let one = 0x811c9dc5;
  let other = bytes.length;
  for (const byte of bytes) {
    one = Math.imul(one ^ byte, 0x01000193);
    other = (Math.imul(other, 31) + (one ^ byte)) | 0;
  }
  const seal = new Uint8Array(32);
  new DataView(seal.buffer).setInt32(0, one);
  new DataView(seal.buffer).setInt32(4, other);
  return seal;
};
