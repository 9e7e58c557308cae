import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { markCanary } from "../../src/traffic/parse/canary.ts";
import { isAnswered, isServerError, lineFormats, readLine } from "../../src/traffic/parse/line.ts";

const at = "[21/Nov/2026:04:43:00 +0000]";

describe("lines that web servers write are read", () => {
  const table: readonly [what: string, line: string, status: number][] = [
    ["common", `127.0.0.1 - frank ${at} "GET /apache_pb.gif HTTP/1.0" 200 2326`, 200],
    ["combined", `192.0.2.7 - - ${at} "GET / HTTP/1.1" 304 0 "-" "curl/7.88.1"`, 304],
    ["no bytes sent", `192.0.2.7 - - ${at} "HEAD / HTTP/1.1" 200 -`, 200],
    [
      "vhost_combined",
      `www.example.org:443 192.0.2.7 - - ${at} "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11)"`,
      200,
    ],
    [
      "vhost without a port",
      `www.example.org 192.0.2.7 - - ${at} "GET / HTTP/1.1" 503 5 "-" "-"`,
      503,
    ],
    ["vhost_common", `www.example.org:80 ::1 - - ${at} "GET / HTTP/1.1" 200 5`, 200],
    ["an IPv6 client", `2001:db8::7 - - ${at} "GET / HTTP/2.0" 200 5 "-" "x"`, 200],
    ["a client on a unix socket", `unix: - - ${at} "GET / HTTP/1.1" 200 5 "-" "x"`, 200],
    ["a user name with spaces", `::1 - John of Gaunt ${at} "GET / HTTP/1.1" 401 5`, 401],
    ["a vhost and a user with spaces", `a:1 ::1 - John G ${at} "GET / HTTP/1.1" 200 5`, 200],
    ["a user name that begins with a space", `::1 -  x ${at} "GET / HTTP/1.1" 200 5`, 200],
    ["a user name with a bracket", `::1 - a[b]c ${at} "GET / HTTP/1.1" 200 5`, 200],
    ["Apache's empty user name", `::1 - "" ${at} "GET / HTTP/1.1" 401 5`, 401],
    ["Apache's quote in a user name", `::1 - a\\"] \\"b ${at} "GET / HTTP/1.1" 200 5`, 200],
    ["an ident", `::1 unix frank ${at} "GET / HTTP/1.1" 200 5`, 200],
    ["Apache's escaped quote", `::1 - - ${at} "GET /\\" 500 1 \\" HTTP/1.1" 200 5`, 200],
    ["Apache's backslash at the end", `::1 - - ${at} "GET /\\\\" 404 5 "-" "a\\\\"`, 404],
    ["nginx's escaped quote", `::1 - - ${at} "GET /\\x22 HTTP/1.1" 200 5 "-" "\\x22"`, 200],
    ["a quote in the user agent", `::1 - - ${at} "GET / HTTP/1.1" 200 5 "-" "a\\"b"`, 200],
    ["Apache's 408 without a request", `::1 - - ${at} "-" 408 - "-" "-"`, 408],
    ["nginx's 400 without a request", `::1 - - ${at} "" 400 0 "-" "-"`, 400],
    ["TLS sent to a plain port", `::1 - - ${at} "\\x16\\x03\\x01" 400 157 "-" "-"`, 400],
    ["the preface of HTTP/2", `::1 - - ${at} "PRI * HTTP/2.0" 400 157 "-" "-"`, 400],
    ["a pushed response of HTTP/2", `::1 - - ${at} "GET /style.css HTTP/2" - -`, 0],
    ["nginx's client that went away", `::1 - - ${at} "GET / HTTP/1.1" 499 0 "-" "x"`, 499],
    ["nginx without a response", `::1 - - ${at} "GET / HTTP/1.1" 000 0 "-" "x"`, 0],
    [
      "nginx's main format, one field more",
      `192.0.2.7 - - ${at} "GET / HTTP/1.1" 502 552 "https://a/?q=\\x22" "Mozilla/5" "203.0.113.9"`,
      502,
    ],
    ["a duration at the end", `::1 - - ${at} "GET / HTTP/1.1" 200 5 0.004`, 200],
    ["a referrer in UTF-8", `::1 - - ${at} "GET / HTTP/1.1" 200 5 "http://Ã¼/" "x"`, 200],
    ["a line cut in its user agent", `::1 - - ${at} "GET / HTTP/1.1" 200 5 "-" "Mozi`, 200],
    ["ISO time", '::1 - - [2026-11-21T04:43:00+00:00] "GET / HTTP/1.1" 200 5', 200],
  ];
  test.each(table)("%s", (_, line, status) => {
    expect(readLine(line, "auto")).toMatchObject({ status, canary: undefined });
  });
});

test.each([
  ["combined", `192.0.2.7 - - ${at} "GET / HTTP/1.1" 200 5 "-" "x"`, "192.0.2.7"],
  ["vhost", `www:443 2001:db8::7 - - ${at} "GET / HTTP/1.1" 200 5`, "2001:db8::7"],
  ["an IPv6 socket", `::ffff:192.0.2.7 - - ${at} "GET / HTTP/1.1" 200 5`, "192.0.2.7"],
  ["an IPv4 address in IPv6", `::ffff:0:1 - a b ${at} "GET / HTTP/1.1" 200 5`, "::ffff:0:1"],
])("the client and the time of a line are there: %s", (_, line, client) => {
  expect(readLine(line, "auto")).toMatchObject({ client, time: at.slice(1, -1) });
});

describe("lines that are none are not", () => {
  const table: readonly [what: string, line: string][] = [
    ["nothing", ""],
    ["a word", "hello"],
    ["the joint alone", '] "'],
    ["no client", `- - ${at} "GET / HTTP/1.1" 200 5`],
    ["no time", '::1 - - "GET / HTTP/1.1" 200 5'],
    ["no status", `::1 - - ${at} "GET / HTTP/1.1"`],
    ["a status of four digits", `::1 - - ${at} "GET / HTTP/1.1" 2000 5`],
    ["a status of two digits", `::1 - - ${at} "GET / HTTP/1.1" 20 5`],
    ["no bytes", `::1 - - ${at} "GET / HTTP/1.1" 200`],
    ["a request that does not end", `::1 - - ${at} "GET / HTTP/1.1 200 5`],
    ["a request whose end is escaped", `::1 - - ${at} "GET /\\" 200 5`],
    [
      "nginx's error log",
      '2026/11/21 04:43:00 [error] 9#9: *1 open() failed, request: "GET / HTTP/1.1"',
    ],
    ["JSON", '{"time":["x"],"request":"GET / HTTP/1.1","status":200}'],
  ];
  test.each(table)("%s", (_, line) => {
    for (const format of lineFormats) expect(readLine(line, format)).toBeUndefined();
  });
});

describe("a format says what a line must have at least", () => {
  const common = `::1 - - ${at} "GET / HTTP/1.1" 200 5`;
  const combined = `${common} "-" "x"`;
  const vhost = `www:80 ${combined}`;

  test("common takes all three", () => {
    for (const line of [common, combined, vhost]) {
      expect(readLine(line, "common")).toBeDefined();
    }
  });
  test("combined wants a user agent", () => {
    expect(readLine(common, "combined")).toBeUndefined();
    expect(readLine(combined, "combined")).toBeDefined();
  });
  test("vhost wants a word in front", () => {
    expect(readLine(combined, "vhost")).toBeUndefined();
    expect(readLine(vhost, "vhost")).toBeDefined();
    expect(readLine(`www ${common}`, "vhost")).toBeDefined();
  });
  test("auto follows a file that changes its format from line to line", () => {
    for (const line of [common, vhost, combined, common]) {
      expect(readLine(line, "auto")?.client).toBe("::1");
    }
  });
});

describe("answered requests", () => {
  test.each([100, 200, 206, 304, 404, 500, 599])("%i shows that the server answered", (status) => {
    expect(isAnswered(status)).toBe(true);
  });
  test.each([0, 408, 444, 499, 600])("%i does not", (status) => {
    expect(isAnswered(status)).toBe(false);
  });
});

describe("server errors", () => {
  test.each([500, 502, 503, 504, 599])("%i is one", (status) => {
    expect(isServerError(status)).toBe(true);
  });
  test.each([0, 200, 404, 444, 499, 600, 999])("%i is none", (status) => {
    expect(isServerError(status)).toBe(false);
  });
});

describe("our own canary", () => {
  const { userAgent, target } = markCanary("a1-b2", "/");
  const head = `::1 - - ${at}`;
  const read = (line: string): string | undefined => readLine(line, "auto")?.canary;

  test("is marked in both places, and the query grows", () => {
    expect(userAgent).toBe("failover-canary/1 (a1-b2)");
    expect(target).toBe("/?failover-canary=a1-b2");
    expect(markCanary("x", "/a?b=c").target).toBe("/a?b=c&failover-canary=x");
  });
  test.each(["", "A", "a b", "a_b", "x".repeat(41), "a\n"])("%j is no tag", (tag) => {
    expect(() => markCanary(tag, "/")).toThrow(/Cannot mark a request/);
  });
  test.each([
    ["by its user agent", `${head} "GET / HTTP/1.1" 200 5 "-" "${userAgent}"`],
    ["by its target in a common log", `${head} "GET ${target} HTTP/1.1" 200 5`],
    ["by its target behind a proxy's user agent", `${head} "GET ${target} HTTP/1.1" 200 5 "-" "x"`],
    ["with a virtual host", `www:80 ${head} "GET / HTTP/1.1" 200 5 "-" "${userAgent}"`],
    ["amid other parameters", `${head} "GET /p?q=1&failover-canary=a1-b2&r HTTP/1.1" 500 5`],
    ["in an absolute target", `${head} "GET http://www/?failover-canary=a1-b2 HTTP/1.1" 200 5`],
    ["without a protocol", `${head} "GET ${target}" 200 5`],
  ])("is known %s", (_, line) => {
    expect(read(line)).toBe("a1-b2");
  });
  test.each([
    ["only named in a referrer", `${head} "GET / HTTP/1.1" 200 5 "/?failover-canary=a1" "x"`],
    ["in a path", `${head} "GET /failover-canary=a1 HTTP/1.1" 200 5`],
    ["with another parameter's name", `${head} "GET /?not-failover-canary=a1 HTTP/1.1" 200 5`],
    ["with a tag that is none", `${head} "GET /?failover-canary=A1 HTTP/1.1" 200 5`],
    ["with a tag too long", `${head} "GET /?failover-canary=${"a".repeat(41)} HTTP/1.1" 200 5`],
    ["with more in its user agent", `${head} "GET / HTTP/1.1" 200 5 "-" "x ${userAgent}"`],
    ["as a user name", `::1 - ${userAgent} ${at} "GET / HTTP/1.1" 200 5 "-" "x"`],
  ])("is somebody else %s", (_, line) => {
    expect(readLine(line, "auto")).toBeDefined();
    expect(read(line)).toBeUndefined();
  });
});

describe("whatever stands in a line", () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((raw) => Buffer.from(raw).toString("latin1"));
  /** What the grammar is made of, in any order: far likelier to confuse than noise. */
  const pieces = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          '"',
          "\\",
          " ",
          "[",
          "]",
          '] "',
          '" "',
          "-",
          " 200 5",
          at,
          "failover-canary",
        ),
        fc.constantFrom("failover-canary/1 (a)", "GET /?failover-canary=a HTTP/1.1", "::1 - - "),
        fc.string({ maxLength: 5 }),
      ),
      { maxLength: 40 },
    )
    .map((list) => list.join(""));

  test("nothing is thrown, and what is read is in range", () => {
    fc.assert(
      fc.property(fc.oneof(bytes, pieces), fc.constantFrom(...lineFormats), (line, format) => {
        const read = readLine(line, format);
        if (read === undefined) return;
        expect(read.status).toBeGreaterThanOrEqual(0);
        expect(read.status).toBeLessThanOrEqual(999);
        if (read.canary !== undefined) expect(read.canary).toMatch(/^[0-9a-z-]{1,40}$/);
      }),
      { numRuns: 20_000 },
    );
  });

  const escaped = (raw: string): string => raw.replace(/[\\"]/g, (sign) => `\\${sign}`);
  test("escaped fields of any content hide neither the status nor the canary", () => {
    const field = fc.oneof(bytes, pieces).map(escaped);
    fc.assert(
      fc.property(field, field, field, fc.integer({ min: 100, max: 599 }), (user, a, b, status) => {
        const line = `::1 - u${user} ${at} "GET /${a}" ${status} 5 "${b}" "failover-canary/1 (t)"`;
        expect(readLine(line, "auto")).toMatchObject({ status, canary: "t" });
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    ["brackets", " [".repeat(32_000)],
    ["joints", '] "'.repeat(21_000)],
    ["escaped quotes", `::1 - - ${at} "${'\\"'.repeat(32_000)}`],
    ["backslashes", `::1 - - ${at} "${"\\".repeat(64_000)}`],
    ["ampersands", `::1 - - ${at} "GET /?${"&failover-canary=".repeat(3_700)} x" 200 5`],
    ["digits", `::1 - - ${at} "GET /" 200 ${"1".repeat(64_000)}x`],
  ])("64 KiB of %s take no longer than other 64 KiB", (_, line) => {
    const began = performance.now();
    for (let turn = 0; turn < 20; turn += 1) readLine(line, "auto");
    // Linear: 20 turns take some ms. Quadratic: 20 × 64,000² steps take a minute.
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
