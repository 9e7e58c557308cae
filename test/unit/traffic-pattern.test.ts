import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { markCanary } from "../../src/traffic/parse/canary.ts";
import type { LogLine } from "../../src/traffic/parse/line.ts";
import { compileFormat, lineReader } from "../../src/traffic/parse/log-format.ts";

const clf = "21/Nov/2026:04:43:00 +0000";
const apacheCombined = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"';
const nginxMain =
  '$remote_addr - $remote_user [$time_local] "$request" ' +
  '$status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for"';
const combinedLine = `192.0.2.7 - john g [${clf}] "GET /\\"x HTTP/1.1" 503 5 "-" "curl \\"8\\""`;

/** As a reader of bytes has it. */
const latin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

const read = (format: string, line: string): LogLine | undefined => lineReader(format)(line);

describe("lines of a pattern are read", () => {
  const table: readonly [what: string, format: string, line: string, expected: Partial<LogLine>][] =
    [
      ["combined", apacheCombined, combinedLine, { status: 503, client: "192.0.2.7", time: clf }],
      [
        "combined with the escapes of its quotes",
        apacheCombined.replaceAll('"', '\\"'),
        combinedLine,
        { status: 503, time: clf },
      ],
      [
        "LogFormat as the directive",
        `LogFormat "${apacheCombined.replaceAll('"', '\\"')}" combined`,
        combinedLine,
        { status: 503, client: "192.0.2.7" },
      ],
      ["nginx's main", nginxMain, `${combinedLine} "-"`, { status: 503, time: clf }],
      [
        "log_format as the directive, on several lines, with a comment",
        "log_format main '$remote_addr [$time_local] ' # who and when\n\t'\"$request\" $status';",
        `2001:db8::7 [${clf}] "GET / HTTP/2.0" 204`,
        { status: 204, client: "2001:db8::7", time: clf },
      ],
      [
        "the quoted strings without the directive",
        "'$remote_addr [$time_local] '\n'\"$request\" $status'",
        `192.0.2.7 [${clf}] "GET / HTTP/2.0" 204`,
        { status: 204 },
      ],
      [
        "nginx's JSON template",
        'log_format j escape=json \'{"time":"$time_iso8601","status":$status,\'\n' +
          '\'"request":"$request","agent":"$http_user_agent"}\';',
        '{"time":"2026-11-21T04:43:00+00:00","status":404,"request":"GET /\\"a HTTP/1.1","agent":""}',
        { status: 404, time: "2026-11-21T04:43:00+00:00" },
      ],
      [
        "escape=none, a quote inside a value",
        'log_format n escape=none \'"$http_user_agent" "$request" $status\';',
        '"a"b" "GET / HTTP/1.1" 200',
        { status: 200 },
      ],
      [
        "text beyond ASCII, which the log has as bytes of UTF-8",
        '$remote_addr » "$request" ‒😀 $status é',
        latin1('192.0.2.7 » "GET / HTTP/2.0" ‒😀 204 é'),
        { status: 204, client: "192.0.2.7" },
      ],
      ["the original status", '%<s "%r"', '301 "GET / HTTP/1.1"', { status: 301 }],
      ["the final of two", '%s "%r" %>s', '301 "GET / HTTP/1.1" 200', { status: 200 }],
      ["no response", '%h "%r" %>s', '::1 "GET / HTTP/1.1" -', { status: 0 }],
      ["000", '$status "$request"', '000 ""', { status: 0 }],
      ["a request without quotes", "%h %r %>s", "::1 GET / HTTP/1.1 200", { status: 200 }],
      ["no request without quotes", "%h %r %>s", "::1 - 408", { status: 408 }],
      [
        "the connection's own client",
        '%a %{c}a "%r" %s',
        '10.0.0.9 192.0.2.7 "-" 200',
        { client: "192.0.2.7" },
      ],
      ["IPv4 on an IPv6 socket", '%a "%r" %s', '::ffff:192.0.2.7 "-" 200', { client: "192.0.2.7" }],
      ["no client", '%a "%r" %s', '- "-" 200', { client: undefined }],
      [
        "a time of one's own, with a space",
        '%{%Y-%m-%d %H:%M:%S}t.%{msec_frac}t %h "%r" %s',
        '2026-11-21 04:43:00.123 ::1 "-" 200',
        { time: "2026-11-21 04:43:00", client: "::1" },
      ],
      [
        "seconds since 1970",
        '$msec "$request" $status',
        '1795236180.123 "-" 200',
        { time: "1795236180.123" },
      ],
      [
        "modifiers",
        '%400,501{User-agent}i %!200,304{Referer}i "%r" %>s',
        '- - "-" 200',
        { status: 200 },
      ],
      ["a percent sign", '100%% "%r" %>s', '100% "-" 200', { status: 200 }],
      ["tabs", '%h\\t%>s\\t"%r"', '::1\t200\t"-"', { status: 200, client: "::1" }],
      [
        "braces around a name",
        "x$" + '{remote_addr}y "$request" $' + "{status}z",
        'x::1y "-" 200z',
        { client: "::1" },
      ],
      ["more at the end", '%h "%r" %>s', '::1 "-" 200 0.004 extra', { status: 200 }],
      ["what nobody asks for, at the end", '%>s "%r" %D %{x}C', '200 "-" cut', { status: 200 }],
    ];
  test.each(table)("%s", (_, format, line, expected) => {
    expect(read(format, line)).toMatchObject(expected);
  });

  test.each([
    [apacheCombined, ""],
    [apacheCombined, "hello"],
    [apacheCombined, combinedLine.replace(" 503 ", " 5030 ")],
    [apacheCombined, combinedLine.slice(0, -1)],
    ['%h "%r" %>s', '::1 "GET / HTTP/1.1\\" 200'],
    ['%h "%r" %>s', '::1 "-" 2000'],
    ['%h "%r" %>s', '::1 "-" 20'],
  ])("%s does not read %j", (format, line) => {
    expect(read(format, line)).toBeUndefined();
  });
});

describe("our own canary is known", () => {
  const { userAgent, target } = markCanary("a1", "/p?q=1");
  test.each([
    ["by the request", '%h "%r" %>s', `::1 "GET ${target} HTTP/1.1" 200`],
    ["by the agent", "%{USER-AGENT}i|%>s", `${userAgent}|200`],
    ["by path and query", "%m %U%q %>s", `GET ${target} 200`],
    ["by the query alone", '"%q" %>s', `"${target.slice(2)}" 200`],
    ["by nginx's parts", '"$uri$is_args$args" $status', `"${target}" 200`],
    ["by the whole URL", '"$scheme://$host$request_uri" $status', `"http://www${target}" 200`],
    ["by the arguments", "$uri?$args $status", `${target} 200`],
  ])("%s", (_, format, line) => {
    expect(read(format, line)).toMatchObject({ status: 200, canary: "a1" });
    expect(read(format, line.replaceAll("failover", "fail-over"))?.canary).toBeUndefined();
  });
});

describe("a pattern that cannot be used is refused with the place", () => {
  test.each([
    ['%h %y "%r" %>s', '"%y" at character 4', /a directive of Apache's LogFormat, such as %h/],
    ['%h %i "%r" %>s', '"%i" at character 4', /a directive/],
    ['LogFormat "%h \\"%r\\" %>j" x', '"%>j" at character 22', /a directive/],
    ['%h "%r" %>s %', '"%" at character 13', /a directive/],
    ['%h%l "%r" %>s', '"%h%l" at character 1', /fields with something between them/],
    ['$remote_addr$status "$request"', '"$remote_addr$status" at character 1', /fields/],
    ['$remote_addr $ "$request"', '"$ " at character 14', /a variable of nginx/],
    [
      'log_format x \'$status "$request";',
      '"\'$status \\"$request\\";" at character 14',
      /a text that ends/,
    ],
    ["log_format x '$a ' '$b$c';", '"$b$c" at character 21', /fields/],
    ['%h "%r" %b', '"%h \\"%r\\" %b"', /the status of every response, such as %>s/],
    ['%h "%r" %200s', '"%h \\"%r\\" %200s"', /the status of every response/],
    ['$remote_addr "$request"', '"$remote_addr \\"$request\\""', /such as \$status/],
    ["%h %U %>s", '"%h %U %>s"', /our own requests cannot be told from others/],
  ])("%s", (format, found, allowed) => {
    expect(compileFormat(format)).toMatchObject({ kind: "unusable", found });
    expect(compileFormat(format)).toHaveProperty("allowed", expect.stringMatching(allowed));
    expect(() => lineReader(format)).toThrow(/^Cannot read lines of this format: found /);
  });
});

describe("JSON, one object a line", () => {
  const table: readonly [what: string, line: string, expected: Partial<LogLine>][] = [
    [
      "nginx",
      `{"time_local":"${clf}","remote_addr":"192.0.2.7","status":"200","request":"GET / HTTP/1.1"}`,
      { status: 200, client: "192.0.2.7", time: clf },
    ],
    [
      "Caddy",
      '{"level":"info","ts":1795236180.5,"request":{"remote_ip":"192.0.2.7","client_ip":"198.51.100.1",' +
        '"host":"www","uri":"/?failover-canary=a1","headers":{"User-Agent":["x"]}},"status":502}',
      { status: 502, client: "192.0.2.7", time: "1795236180.5", canary: "a1" },
    ],
    [
      "Apache, with its own escapes",
      `{"time":"[${clf}]","clientip":"2001:db8::7","status":404,"request":"GET /\\xc3\\v\\\\x HTTP/1.1"}`,
      { status: 404, client: "2001:db8::7", time: clf },
    ],
    ["a port behind the client", '{"status":200,"remote_addr":"[::1]:8080"}', { client: "::1" }],
    ["host as the client", '{"status":200,"host":"192.0.2.7"}', { client: "192.0.2.7" }],
    ["host as the virtual host", '{"status":200,"host":"www"}', { client: undefined }],
    [
      "dots in names",
      '{"http.response.status_code":301,"@timestamp":"x"}',
      { status: 301, time: "x" },
    ],
    ["no response", '{"status":0}', { status: 0 }],
    ["a query of its own", '{"status":200,"uri":"/","args":"failover-canary=b"}', { canary: "b" }],
    [
      "the agent",
      '{"status":200,"http_user_agent":"failover-canary/1 (c)"}',
      { status: 200, canary: "c" },
    ],
  ];
  test.each(table)("%s", (_, line, expected) => {
    expect(read("json", line)).toMatchObject(expected);
  });
  test.each([
    "",
    "{",
    "[]",
    "null",
    "{}",
    '{"status":true}',
    '{"status":"20x"}',
    '{"status":2000}',
    "[{}]",
    '{"a":"\\xzz","status":1}',
  ])("%j is no such line", (line) => {
    expect(read("json", line)).toBeUndefined();
  });
});

describe("whatever stands in a line", () => {
  const formats = [
    "json",
    apacheCombined,
    nginxMain,
    'log_format j escape=json \'{"s":$status,"r":"$request","a":"$http_user_agent"}\';',
    "%h %r %>s %{%Y-%m-%d %T}t",
    'log_format n escape=none \'"$http_user_agent" - "$request" - $status\';',
  ];
  const readers = formats.map(lineReader);
  const noise = fc
    .array(
      fc.oneof(
        fc.constantFrom('"', "\\", " ", "[", "]", '] "', '" "', "-", " 200 5", clf, "{", "}", ":"),
        fc.constantFrom(
          '{"status":200,"request":',
          "failover-canary",
          "GET / HTTP/1.1",
          "::1 - - ",
        ),
        fc.uint8Array({ maxLength: 20 }).map((raw) => Buffer.from(raw).toString("latin1")),
      ),
      { maxLength: 30 },
    )
    .map((list) => list.join(""));

  test("nothing is thrown, and what is read is in range", () => {
    fc.assert(
      fc.property(noise, fc.constantFrom(...readers), (line, reader) => {
        const found = reader(line);
        if (found === undefined) return;
        expect(found.status >= 0 && found.status <= 999).toBe(true);
      }),
      { numRuns: 10_000 },
    );
  });

  test("no pattern of any text throws", () => {
    const pieces = fc.array(
      fc.oneof(
        fc.constantFrom(
          "%h",
          "%>s",
          "%",
          "$",
          "$status",
          '"',
          "'",
          "\\",
          "%{",
          "}",
          "log_format x ",
          "LogFormat ",
          "%r",
          "$request",
          "\ud800",
        ),
        fc.string({ maxLength: 3 }),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(pieces, noise, (parts, line) => {
        const compiled = compileFormat(parts.join(""));
        if (compiled.kind === "compiled") compiled.read(line);
      }),
      { numRuns: 10_000 },
    );
  });

  test.each([
    ["spaces", " ".repeat(64_000)],
    ["quotes", '"'.repeat(64_000)],
    ["joints", '" "'.repeat(21_000)],
    ["backslashes", `::1 - - [${clf}] "${"\\".repeat(64_000)}`],
    ["brackets", `::1 - ${" [".repeat(32_000)}`],
    ["dashes", '" - "'.repeat(13_000)],
    ["words", "GET /x ".repeat(9_000)],
    ["objects", '{"a":'.repeat(13_000)],
    ["bytes that JSON does not know", `{"a":"${"\\x00".repeat(16_000)}`],
  ])("64 KiB of %s take no longer than other 64 KiB", (_, line) => {
    const began = performance.now();
    for (const reader of readers) for (let turn = 0; turn < 5; turn += 1) reader(line);
    // Linear: milliseconds. Quadratic: minutes.
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});
