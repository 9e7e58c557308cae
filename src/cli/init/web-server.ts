import { dirname, resolve } from "node:path";

/** What `ss` and web servers say of themselves, read. */

export interface Listener {
  readonly port: number;
  readonly program: string;
}

/**
 * `LISTEN 0 511 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=1,fd=6))`, a line of `ss -Hltnp`; only a web
 * server's count, and only where users reach them.
 */
export function webListeners(ss: string): readonly Listener[] {
  return ss.split("\n").flatMap((line) => {
    const match = /^LISTEN\s+\d+\s+\d+\s+(\S+):(\d+)\s.*users:\(\("([^"]+)"/.exec(line);
    if (match === null) return [];
    const [, address = "", port, program = ""] = match;
    if (/^(127\.|\[::1\])/.test(address) || !(program in usualLogs)) return [];
    return [{ port: Number(port), program }];
  });
}

/** Where Debian and Red Hat have them write. */
export const usualLogs: Readonly<Record<string, readonly string[]>> = {
  nginx: ["/var/log/nginx/access.log"],
  apache2: ["/var/log/apache2/access.log", "/var/log/apache2/other_vhosts_access.log"],
  httpd: ["/var/log/httpd/access_log"],
  caddy: ["/var/log/caddy/access.log"],
  lighttpd: ["/var/log/lighttpd/access.log"],
};

/** The files of `access_log` in what `nginx -T` prints: no pipe, no syslog, no name made of variables. */
export function nginxLogs(configuration: string): readonly string[] {
  const files = configuration.matchAll(/^[^#\n]*?\baccess_log\s+"?(\/[^\s;"$]+)"?[\s;]/gm);
  return [...new Set([...files].map(([, file = ""]) => file))];
}

export interface ApacheTold {
  /** Every file of its configuration. */
  readonly files: readonly string[];
  /** Where relative names begin. */
  readonly serverRoot: string;
  /** `APACHE_LOG_DIR` of Debian: where the main error log is. */
  readonly logDirectory: string;
}

/** What `apache2ctl -t -D DUMP_INCLUDES -D DUMP_RUN_CFG` prints; it never prints the configuration. */
export function apacheTold(output: string): ApacheTold {
  const files = output.matchAll(/^\s*\((?:\*|\d+)\) (\/.*)$/gm);
  const named = (what: string): string =>
    new RegExp(`^${what}: "(/[^"]*)"$`, "m").exec(output)?.[1] ?? "";
  return {
    files: [...new Set([...files].map(([, file = ""]) => file))],
    serverRoot: named("ServerRoot"),
    logDirectory: dirname(named("Main ErrorLog")),
  };
}

/** The files of `CustomLog` and `TransferLog`: no pipe, no name made of variables. */
export function apacheLogs(
  configuration: string,
  { serverRoot, logDirectory }: ApacheTold,
): readonly string[] {
  const named = configuration.matchAll(/^\s*(?:CustomLog|TransferLog)\s+"?([^\s"]+)/gim);
  const files = [...named]
    .map(([, name = ""]) => name.replace(/^\$\{APACHE_LOG_DIR\}/, logDirectory))
    .filter((name) => !/^\||^syslog:|[$%]/.test(name))
    .map((name) => resolve(serverRoot, name));
  return [...new Set(files)];
}

/** Where `auto` would not do: Caddy writes JSON. */
export function logFormatFor(program: string): string | undefined {
  return program === "caddy" ? "json" : undefined;
}

/**
 * The line of `canary`, where the service is not at port 80: the agents ask for a page there, and look
 * whether something listens.
 */
export function canaryFor(listeners: readonly Listener[]): string | undefined {
  const ports = listeners.map(({ port }) => port);
  const [first] = ports;
  if (first === undefined || ports.includes(80)) return undefined;
  return ports.includes(443) ? "{ scheme: https }" : `{ port: ${first} }`;
}
