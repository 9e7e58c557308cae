/**
 * UTF-8 (RFC 3629) for the pure floors, where TextEncoder does not exist. Writing never fails: half
 * a surrogate pair becomes U+FFFD. Reading is strict: no overlong form, no surrogate, nothing cut
 * short.
 */

/**
 * Writes as many whole code points of `text` as fit into `room` bytes from `offset`.
 * @returns the number of bytes written
 */
export function writeUtf8(text: string, into: Uint8Array, offset: number, room: number): number {
  let written = 0;
  for (let at = 0; at < text.length; ) {
    const point = text.codePointAt(at) ?? 0;
    at += point > 0xffff ? 2 : 1;
    const whole = isSurrogate(point) ? 0xfffd : point;
    const size = sizeOf(whole);
    if (written + size > room) break;
    writePoint(whole, size, into, offset + written);
    written += size;
  }
  return written;
}

/** @returns the number of bytes that `text` takes. */
export function utf8Length(text: string): number {
  let length = 0;
  for (let at = 0; at < text.length; ) {
    const point = text.codePointAt(at) ?? 0;
    at += point > 0xffff ? 2 : 1;
    length += sizeOf(point);
  }
  return length;
}

/** @returns the text in `bytes` from `start` to `end`, or undefined if it is not UTF-8. */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = "";
  for (let at = start; at < end; ) {
    const lead = bytes[at] ?? 0;
    const size = sizeFromLead(lead);
    if (size === 0 || at + size > end) return undefined;
    let point = size === 1 ? lead : lead & (0x7f >> size);
    for (let next = at + 1; next < at + size; next += 1) {
      const byte = bytes[next] ?? 0;
      if ((byte & 0xc0) !== 0x80) return undefined;
      point = (point << 6) | (byte & 0x3f);
    }
    if (point > 0x10ffff || sizeOf(point) !== size || isSurrogate(point)) return undefined;
    text += String.fromCodePoint(point);
    at += size;
  }
  return text;
}

const isSurrogate = (point: number): boolean => point >= 0xd800 && point <= 0xdfff;

function sizeOf(point: number): number {
  if (point < 0x80) return 1;
  if (point < 0x800) return 2;
  return point < 0x10000 ? 3 : 4;
}

/** @returns 0 for a byte that begins no code point. */
function sizeFromLead(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc0) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf8 ? 4 : 0;
}

function writePoint(point: number, size: number, into: Uint8Array, offset: number): void {
  if (size === 1) {
    into[offset] = point;
    return;
  }
  let rest = point;
  for (let at = offset + size - 1; at > offset; at -= 1) {
    into[at] = 0x80 | (rest & 0x3f);
    rest >>= 6;
  }
  into[offset] = ((0xf00 >> size) & 0xff) | rest;
}
