import { readUtf8, utf8Length, writeUtf8 } from "./utf8.ts";

/**
 * Fields, one after the other. Integers are big endian; a text is one byte of length, then UTF-8.
 * The writer asserts, because what it is given comes from our own program; the reader never throws,
 * because what it is given comes from the network: it remembers that something did not fit.
 */

export class Writer {
  /** Bytes written so far. */
  length = 0;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(value: number, what: string): void {
    this.view.setUint8(this.length, whole(value, 0xff, what));
    this.length += 1;
  }

  u16(value: number, what: string): void {
    this.view.setUint16(this.length, whole(value, 0xffff, what));
    this.length += 2;
  }

  u32(value: number, what: string): void {
    this.view.setUint32(this.length, whole(value, 0xffffffff, what));
    this.length += 4;
  }

  /** A whole number below 2^53, in 64 bits: what JavaScript can count exactly. */
  u53(value: number, what: string): void {
    whole(value, Number.MAX_SAFE_INTEGER, what);
    this.view.setUint32(this.length, Math.floor(value / 2 ** 32));
    this.view.setUint32(this.length + 4, value % 2 ** 32);
    this.length += 8;
  }

  /** `count` bytes, given as twice as many hexadecimal digits. */
  hex(digits: string, count: number, what: string): void {
    if (digits.length !== 2 * count || !/^[0-9a-f]+$/i.test(digits)) {
      throw new RangeError(`Cannot encode ${what} "${digits}": it has not ${2 * count} hex digits`);
    }
    for (let at = 0; at < count; at += 1) {
      const high = nibble(digits.charCodeAt(2 * at));
      this.bytes[this.length + at] = (high << 4) | nibble(digits.charCodeAt(2 * at + 1));
    }
    this.length += count;
  }

  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** A text that must arrive whole: 1 to `most` bytes of UTF-8. */
  name(text: string, most: number, what: string): void {
    const length = utf8Length(text);
    if (length === 0 || length > most) {
      throw new RangeError(`Cannot encode ${what} "${text}": it must have 1 to ${most} bytes`);
    }
    this.sentence(text, most);
  }

  /** A text that is cut before the first code point that goes beyond `most` bytes, at most 255. */
  sentence(text: string, most: number): void {
    const written = writeUtf8(text, this.bytes, this.length + 1, most);
    this.bytes[this.length] = written;
    this.length += 1 + written;
  }
}

export class Reader {
  /** False once anything was missing, out of its range or not what it should be. */
  fits = true;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly end: number;
  private at: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    this.end = end;
  }

  skip(count: number): void {
    this.take(count);
  }

  /** A number from 0 to `most`. */
  u8(most = 0xff): number {
    const start = this.take(1);
    if (start === undefined) return 0;
    const value = this.view.getUint8(start);
    if (value > most) this.fits = false;
    return value;
  }

  u16(): number {
    const start = this.take(2);
    return start === undefined ? 0 : this.view.getUint16(start);
  }

  u32(): number {
    const start = this.take(4);
    return start === undefined ? 0 : this.view.getUint32(start);
  }

  /** `count` bytes, copied. */
  raw(count: number): Uint8Array {
    const start = this.take(count);
    return start === undefined ? new Uint8Array(count) : this.bytes.slice(start, start + count);
  }

  u53(): number {
    const start = this.take(8);
    if (start === undefined) return 0;
    const value = this.view.getUint32(start) * 2 ** 32 + this.view.getUint32(start + 4);
    if (value > Number.MAX_SAFE_INTEGER) this.fits = false;
    return value;
  }

  hex(count: number): string {
    const start = this.take(count);
    if (start === undefined) return "";
    let digits = "";
    for (let at = start; at < start + count; at += 1) {
      digits += hexOfByte[this.view.getUint8(at)] ?? "";
    }
    return digits;
  }

  /** Six bytes as `aa:bb:cc:dd:ee:ff`. */
  mac(): string {
    const start = this.take(6);
    if (start === undefined) return "";
    let text = hexOfByte[this.view.getUint8(start)] ?? "";
    for (let at = start + 1; at < start + 6; at += 1)
      text += `:${hexOfByte[this.view.getUint8(at)] ?? ""}`;
    return text;
  }

  /** A text of `least` to `most` bytes. */
  text(least: number, most: number): string {
    const length = this.u8(most);
    if (length < least) this.fits = false;
    const start = this.take(length);
    const text = start === undefined ? undefined : readUtf8(this.bytes, start, start + length);
    if (text === undefined) this.fits = false;
    return text ?? "";
  }

  /** One value of a table of codes; `otherwise` only together with `fits` becoming false. */
  code<Value>(values: ReadonlyMap<number, Value>, otherwise: Value): Value {
    const value = values.get(this.u8());
    if (value === undefined) this.fits = false;
    return value ?? otherwise;
  }

  /** Where the next `count` bytes begin; undefined when they are not there. */
  private take(count: number): number | undefined {
    if (this.at + count > this.end) {
      this.fits = false;
      return undefined;
    }
    const start = this.at;
    this.at += count;
    return start;
  }
}

/**
 * Compares without stopping at the first difference, so that the time it takes does not tell a
 * forger how much of a seal was right. (Node's timingSafeEqual does not exist on this floor.)
 */
export function sameBytes(bytes: Uint8Array, offset: number, expected: Uint8Array): boolean {
  let difference = 0;
  for (let at = 0; at < expected.length; at += 1) {
    difference |= (bytes[offset + at] ?? -1) ^ (expected[at] ?? 0);
  }
  return difference === 0;
}

/** A beat is mostly identities, and every text made on its way is garbage: looked up, not computed. */
const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Of one hexadecimal digit, given as its character code: the letters follow 0x40 and 0x60. */
const nibble = (code: number): number => (code & 0x0f) + (code > 0x40 ? 9 : 0);

function whole(value: number, most: number, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value > most) {
    throw new RangeError(`Cannot encode ${what} ${value}: it must be a whole number, 0 to ${most}`);
  }
  return value;
}
