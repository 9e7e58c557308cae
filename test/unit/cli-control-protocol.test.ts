import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  type Answer,
  encodeLine,
  parseAnswer,
  parseRequest,
  type Request,
} from "../../src/cli/control-protocol.ts";
import { LineReader } from "../../src/cli/line-reader.ts";
import { millis } from "../../src/core/time.ts";
import { aStatus, promote } from "./cli-fixtures.ts";

const preview = {
  kind: "preview",
  id: "0123456789ab",
  testers: ["192.0.2.7", "2001:db8::7"],
  span: millis(600_000),
} as const;

describe("a request", () => {
  const requests: readonly Request[] = [
    { ask: "status" },
    { ask: "follow" },
    { ask: "order", order: { kind: "release" } },
    { ask: "order", order: { kind: "freeze" } },
    { ask: "order", order: { kind: "thaw" } },
    { ask: "order", order: promote },
    { ask: "order", order: { ...promote, cut: true, drainTime: millis(1000) } },
    { ask: "order", order: { ...promote, drainTime: millis(Number.POSITIVE_INFINITY) } },
    { ask: "order", order: { ...promote, hold: { share: 0.05, span: millis(300_000) } } },
    { ask: "order", order: preview },
    { ask: "order", order: { kind: "recall" } },
    { ask: "wait", swap: { id: "0123456789ab", node: "backup", at: 1795318800000 } },
    { ask: "waiting" },
    { ask: "call-off", id: "0123456789ab" },
  ];

  test.each(requests.map((request) => [request]))(
    "is understood as it was meant: %j",
    (request) => {
      const line = encodeLine(request);
      expect(line.endsWith("\n")).toBe(true);
      expect(parseRequest(line.trim())).toEqual({ kind: "request", request });
    },
  );

  test.each([
    ["", "it is no JSON object"],
    ["status", "it is no JSON object"],
    ["null", "it is no JSON object"],
    ['[{"failover":1,"ask":"status"}]', "it is no JSON object"],
    ['{"ask":"status"}', "its version is not 1; use the failover of this agent"],
    ['{"failover":2,"ask":"status"}', "its version is not 1; use the failover of this agent"],
    ['{"failover":1}', "it asks none of status, follow, order, wait, waiting and call-off"],
    [
      '{"failover":1,"ask":"toString"}',
      "it asks none of status, follow, order, wait, waiting and call-off",
    ],
    ['{"failover":1,"ask":"wait"}', "its swap is incomplete"],
    [
      '{"failover":1,"ask":"wait","swap":{"id":"0123456789ab","node":"backup","at":1e300}}',
      "its swap is incomplete",
    ],
    ['{"failover":1,"ask":"call-off","id":"x"}', "its id is none"],
    ['{"failover":1,"ask":"order"}', "its order is unknown or incomplete"],
    ['{"failover":1,"ask":"order","order":{"kind":"leave"}}', "its order is unknown or incomplete"],
    [
      '{"failover":1,"ask":"order","order":{"kind":"promote","node":"backup","id":"x"}}',
      "its order is unknown or incomplete",
    ],
    [
      `{"failover":1,"ask":"order","order":{"kind":"promote","node":"${"x".repeat(33)}",` +
        '"id":"0123456789ab"}}',
      "its order is unknown or incomplete",
    ],
  ])("is refused with its fault: %s", (line, fault) => {
    expect(parseRequest(line)).toEqual({
      kind: "malformed",
      sentence: `Cannot understand the request: ${fault}`,
    });
  });

  test("carries nothing into an order that an order does not have", () => {
    const line = '{"failover":1,"ask":"order","order":{"kind":"freeze","__proto__":{"x":1},"y":2}}';
    expect(parseRequest(line)).toEqual({
      kind: "request",
      request: { ask: "order", order: { kind: "freeze" } },
    });
  });

  test("of any text never throws", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc.jsonValue().map((order) => JSON.stringify({ failover: 1, ask: "order", order })),
    );
    fc.assert(
      fc.property(text, (line) => {
        expect(parseRequest(line).kind).toBe("malformed");
        expect(parseAnswer(line)).toBeUndefined();
      }),
    );
  });
});

describe("an answer", () => {
  const answers: readonly Answer[] = [
    { say: "status", status: aStatus() },
    { say: "accepted" },
    { say: "waiting", swaps: [] },
    { say: "error", sentence: "Cannot" },
  ];

  test.each(answers.map((answer) => [answer.say, answer]))("%s is understood", (_, answer) => {
    expect(parseAnswer(encodeLine(answer).trim())).toEqual(answer);
  });

  test.each([['{"failover":1,"say":"status"}'], ['{"failover":1,"say":"error"}'], ["{}"]])(
    "%s is none",
    (line) => {
      expect(parseAnswer(line)).toBeUndefined();
    },
  );
});

describe("lines", () => {
  test("are the same however the stream was cut", () => {
    const cuts = fc.array(
      fc.string({ unit: "grapheme" }).map((line) => line.replaceAll("\n", " ")),
    );
    fc.assert(
      fc.property(cuts, fc.integer({ min: 1, max: 7 }), (lines, size) => {
        const stream = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const reader = new LineReader(10_000);
        const read: string[] = [];
        for (let from = 0; from < stream.length; from += size) {
          const chunk = reader.push(stream.subarray(from, from + size));
          if (chunk !== "overflow") read.push(...chunk);
        }
        expect(read).toEqual(lines);
      }),
    );
  });

  test("longer than allowed are told, ended or not", () => {
    expect(new LineReader(3).push(Buffer.from("123\n"))).toEqual(["123"]);
    expect(new LineReader(3).push(Buffer.from("1234\n"))).toBe("overflow");
    expect(new LineReader(3).push(Buffer.from("1234"))).toBe("overflow");
    const reader = new LineReader(3);
    expect(reader.push(Buffer.from("12"))).toEqual([]);
    expect(reader.push(Buffer.from("34\n"))).toBe("overflow");
  });
});
