import { expect, test } from "vitest";

import { isTerminal, LiveBlock, paintFor } from "../../src/cli/terminal.ts";

/** A terminal of that size, and everything written to it. */
function terminal(columns: number, rows: number) {
  const written: string[] = [];
  const write = (text: string): boolean => written.push(text) > 0;
  return { written, stream: { columns, rows, write } as unknown as NodeJS.WriteStream };
}

test("a block is drawn over itself", () => {
  const { stream, written } = terminal(80, 24);
  const block = new LiveBlock(stream);
  block.draw(["one", "two"]);
  block.draw(["three"]);
  block.draw(["four"]);
  expect(written).toEqual([
    "\r\x1b[Jone\ntwo\n",
    "\x1b[2A\r\x1b[Jthree\n",
    "\x1b[1A\r\x1b[Jfour\n",
  ]);
});

test("lines and blocks larger than the terminal are cut, colours not counted", () => {
  const { stream, written } = terminal(5, 3);
  new LiveBlock(stream).draw(["\x1b[32m12345\x1b[39m", "123456", "third"]);
  expect(written).toEqual(["\r\x1b[J\x1b[32m12345\x1b[39m\n12345\x1b[0m\n"]);
});

test("a serial console without a size gets everything", () => {
  const { stream, written } = terminal(0, 0);
  new LiveBlock(stream).draw(["one", "two"]);
  expect(written).toEqual(["\r\x1b[Jone\ntwo\n"]);
});

test("colour goes to terminals that want it, and nowhere else", () => {
  const { NO_COLOR, TERM } = process.env;
  try {
    delete process.env["NO_COLOR"];
    process.env["TERM"] = "xterm";
    expect(paintFor({ isTTY: true })("red", "x")).toBe("\x1b[31mx\x1b[39m");
    expect(paintFor({})("red", "x")).toBe("x");
    process.env["NO_COLOR"] = "1";
    expect(paintFor({ isTTY: true })("red", "x")).toBe("x");
    process.env["TERM"] = "dumb";
    expect(isTerminal({ isTTY: true })).toBe(false);
  } finally {
    Object.assign(process.env, { TERM }, NO_COLOR === undefined ? {} : { NO_COLOR });
    if (NO_COLOR === undefined) delete process.env["NO_COLOR"];
  }
});
