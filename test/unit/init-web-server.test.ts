import { expect, test } from "vitest";

import { witnessMark } from "../../src/cli/init/discover.ts";
import { marksOf, settled } from "../../src/cli/init/settle.ts";
import { emptySketch, type Sketch, unknownNode } from "../../src/cli/init/sketch.ts";
import {
  apacheLogs,
  apacheTold,
  canaryFor,
  logFormatFor,
  nginxLogs,
  webListeners,
} from "../../src/cli/init/web-server.ts";
import { problemsOf, textOf } from "./init-fixtures.ts";

test("listening web servers are read from ss, and logs from nginx -T", () => {
  const listeners = webListeners(`LISTEN 0 511  127.0.0.1:80  0.0.0.0:* users:(("nginx",pid=1,fd=5))
LISTEN 0 128  0.0.0.0:22   0.0.0.0:* users:(("sshd",pid=2,fd=3))
LISTEN 0 511  [::]:443     [::]:*    users:(("nginx",pid=1,fd=6),("nginx",pid=3,fd=6))
LISTEN 0 511  *:8080       *:*       users:(("apache2",pid=7,fd=4))
LISTEN 0 511  0.0.0.0:9    0.0.0.0:*
`);
  expect(listeners).toEqual([
    { port: 443, program: "nginx" },
    { port: 8080, program: "apache2" },
  ]);
  expect(canaryFor(listeners)).toBe("{ scheme: https }");
  expect(canaryFor([{ port: 8080, program: "caddy" }])).toBe("{ port: 8080 }");
  expect(canaryFor([...listeners, { port: 80, program: "nginx" }])).toBeUndefined();
  expect(
    nginxLogs(`
  # access_log /var/log/nginx/no.log;
  access_log /var/log/nginx/access.log;
  server { access_log /var/log/nginx/shop.log combined buffer=1k; }
  access_log off; access_log syslog:server=10.0.0.1;
  access_log /var/log/nginx/$host.log;
  access_log "/var/log/nginx/access.log" main;`),
  ).toEqual(["/var/log/nginx/access.log", "/var/log/nginx/shop.log"]);
});

test("Apache's logs are read from the files that it says it includes", () => {
  const told = apacheTold(`Included configuration files:
  (*) /etc/apache2/apache2.conf
    (146) /etc/apache2/mods-enabled/mpm_event.load
    (225) /etc/apache2/sites-enabled/shop.conf
ServerRoot: "/etc/apache2"
Main DocumentRoot: "/var/www/html"
Main ErrorLog: "/var/log/apache2/error.log"
Mutex default: dir="/var/run/apache2/" mechanism=default
Define: DUMP_INCLUDES
`);
  expect(told).toEqual({
    files: [
      "/etc/apache2/apache2.conf",
      "/etc/apache2/mods-enabled/mpm_event.load",
      "/etc/apache2/sites-enabled/shop.conf",
    ],
    serverRoot: "/etc/apache2",
    logDirectory: "/var/log/apache2",
  });
  const configuration = `
# CustomLog /var/log/apache2/no.log combined
CustomLog \${APACHE_LOG_DIR}/shop.log combined
  customlog "/srv/logs/b.log" "%h %l %u %t \\"%r\\" %>s %b"
CustomLog logs/access_log common env=!dontlog
TransferLog /srv/logs/b.log
CustomLog "|/usr/bin/rotatelogs /var/log/r 86400" combined
CustomLog \${ELSEWHERE}/x.log combined
CustomLog "syslog:user" combined`;
  expect(apacheLogs(configuration, told)).toEqual([
    "/var/log/apache2/shop.log",
    "/srv/logs/b.log",
    "/etc/apache2/logs/access_log",
  ]);
});

test("Caddy alone writes what logFormat has to be told", () => {
  expect(["nginx", "apache2", "caddy"].map(logFormatFor)).toEqual([undefined, undefined, "json"]);
});

test("where this machine has no gateway, witness: auto is to be decided", async () => {
  const device = { value: "nowhere0", origin: "" };
  const sketch = (here: boolean | undefined, settings: Sketch["settings"] = {}): Sketch => ({
    ...emptySketch,
    nodes: [{ ...unknownNode, here, interface: device }, unknownNode],
    settings,
  });
  const witness = await witnessMark(sketch(true));
  expect(witness).toBe(
    "nowhere0 has no gateway, so auto is no witness: list addresses that answer there, or none",
  );
  const marked = { ...sketch(true), marks: { witness } };
  const text = textOf(marked);
  expect(text).toContain(`# CHANGE THIS: ${witness}\nwitness: auto\n`);
  expect(problemsOf(text)).toEqual([]);
  expect(marksOf(settled(marked, []))).toContain(witness);
  expect(await witnessMark(sketch(undefined))).toBeUndefined();
  expect(await witnessMark(sketch(true, { witness: [device] }))).toBeUndefined();
});
