import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { LineSplitter, lineBytesMax } from "../../src/traffic/lines.ts";

function split(chunks: readonly Buffer[], torn = false): { lines: string[]; overlong: number } {
  const lines: string[] = [];
  let overlong = 0;
  const splitter = new LineSplitter({
    line: (text) => lines.push(text),
    overlong: () => {
      overlong += 1;
    },
  });
  if (torn) splitter.beginTorn();
  for (const chunk of chunks) splitter.push(chunk);
  splitter.finish();
  return { lines, overlong };
}

const buffers = (...parts: readonly string[]): Buffer[] =>
  parts.map((part) => Buffer.from(part, "latin1"));

describe("bytes are cut into lines", () => {
  test("a line waits for its newline across reads", () => {
    expect(split(buffers("a\nb", "c", "\nd\n")).lines).toEqual(["a", "bc", "d"]);
  });
  test("the last line counts without its newline when the file is finished with", () => {
    expect(split(buffers("a\nb")).lines).toEqual(["a", "b"]);
  });
  test("CRLF is read as LF, also when it is torn apart", () => {
    expect(split(buffers("a\r\nb\r", "\nc\r\n")).lines).toEqual(["a", "b", "c"]);
  });
  test("empty lines are not lines", () => {
    expect(split(buffers("\n\r\n\na\n\n", "\n")).lines).toEqual(["a"]);
  });
  test("a line whose beginning is not ours is dropped", () => {
    expect(split(buffers("rest", " of it\na\n"), true).lines).toEqual(["a"]);
  });
  test("a hole of zero bytes before a line is no part of it", () => {
    const hole = "\0".repeat(200_000);
    expect(split(buffers(hole, `${hole}a\nb\0c\n`))).toEqual({ lines: ["a", "b\0c"], overlong: 0 });
  });
  test("a line of just the limit is a line, one byte more is too long", () => {
    const longest = "x".repeat(lineBytesMax);
    for (const chunks of [
      [`${longest}\n${longest}y\nz\n`],
      [longest, `\n${longest}`, "y\nz\n"],
      [`${longest}\n`, longest, "y", `${longest}\nz`],
    ]) {
      expect(split(buffers(...chunks))).toEqual({ lines: [longest, "z"], overlong: 1 });
    }
  });
  test("nothing is kept of a line too long", () => {
    const splitter = new LineSplitter({ line: () => {}, overlong: () => {} });
    for (let chunk = 0; chunk < 10; chunk += 1) {
      splitter.push(Buffer.alloc(lineBytesMax - 1, "x"));
      expect(splitter.pending).toBeLessThanOrEqual(lineBytesMax);
    }
  });
  test("how the bytes are cut into reads makes no difference", () => {
    const text = fc
      .array(fc.constantFrom("\n", "\r\n", "a", "bc", "\0", "\x80\xff", "\r"), { maxLength: 60 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, fc.array(fc.nat(8)), (whole, sizes) => {
        const chunks: string[] = [];
        let from = 0;
        for (const size of sizes) {
          chunks.push(whole.slice(from, from + size));
          from += size;
        }
        chunks.push(whole.slice(from));
        expect(split(buffers(...chunks))).toEqual(split(buffers(whole)));
      }),
    );
  });
});
