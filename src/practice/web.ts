import { existsSync, readFileSync, writeFileSync } from "node:fs";

import type { LabProcess } from "./lab-process.ts";
import type { Machine } from "./machine.ts";
import { type MachineName, places, serviceAddress, serviceAddress6 } from "./network.ts";
import { ownScript } from "./own-script.ts";
import { childrenOf, commandLineOf } from "./proc.ts";
import { until } from "./wait.ts";

export type WebServer = "nginx" | "own";

/** How the web server behaves. The default is that of a healthy one. */
export interface WebManners {
  /** `errors`: every page is a 500. `errors-for-others`: only the machine itself gets its pages. */
  readonly pages?: "well" | "errors" | "errors-for-others";
  /** Whether the access_log is written. Default true. */
  readonly log?: boolean;
}

/** Sixteen seconds at the rate it is served with. */
const downloadBytes = 1 << 20;

/** The web server of one machine. Every page it serves names the machine, so that a client knows who answered. */
export class Web {
  readonly #machine: Machine;
  readonly kind: WebServer;
  #process: LabProcess | undefined;

  constructor(machine: Machine, kind: WebServer) {
    this.#machine = machine;
    this.kind = kind;
  }

  get isRunning(): boolean {
    return this.#process?.running === true;
  }

  /** Resolves when the server listens. */
  async start(manners: WebManners = {}): Promise<void> {
    this.#write(manners);
    const command =
      this.kind === "nginx"
        ? ["nginx", "-p", "/run/web/", "-c", "nginx.conf", "-e", "/run/log/web.log"]
        : ownScript("web-server", this.#machine.name, "/run/web/manners.json");
    const output = this.#machine.path("log/web.log");
    this.#process = await this.#machine.spawn(command, { output });
    await until(`the web server of ${this.#machine.name} listens`, () => this.#listens());
  }

  /** At once and with its connections, as `systemctl stop` does. */
  async stop(): Promise<void> {
    this.#process?.kill("SIGTERM");
    await this.#process?.gone;
  }

  /** Resolves when no new connection meets the old manners any more. */
  async change(manners: WebManners): Promise<void> {
    this.#write(manners);
    if (this.kind === "own" || this.#process === undefined) return;
    const master = this.#process.pid;
    const old = new Set(workersOf(master));
    this.#process.kill("SIGHUP");
    await until(`nginx of ${this.#machine.name} reloaded`, () => {
      const workers = workersOf(master);
      return workers.length > 0 && !workers.some((pid) => old.has(pid));
    });
  }

  /** What it wrote to its error_log. */
  complaints(): string {
    return readFileSync(this.#machine.path("log/web.log"), "utf8");
  }

  get accessLog(): string {
    return this.#machine.path("log/access.log");
  }

  #write(manners: WebManners): void {
    const { name } = this.#machine;
    writeFileSync(this.#machine.path("web/index.html"), `${name}\n`);
    writeFileSync(this.#machine.path("web/nginx.conf"), nginxConfiguration(name, manners));
    // Once: a file that is written again is empty for a moment, and a download of it ends there.
    const download = this.#machine.path("web/download");
    if (!existsSync(download)) writeFileSync(download, Buffer.alloc(downloadBytes, name));
    writeFileSync(this.#machine.path("web/manners.json"), JSON.stringify(manners));
  }

  async #listens(): Promise<boolean> {
    if (this.#process?.running !== true) {
      throw new Error(`Cannot start ${this.kind} on ${this.#machine.name}: it ended at once`);
    }
    return (await this.#machine.mustExec(["ss", "-Hltn", "sport = :80"])) !== "";
  }
}

/** Workers that still accept: one that lets its last connections finish says so in its title. */
function workersOf(master: number): number[] {
  return childrenOf(master).filter((pid) => commandLineOf(pid) === "nginx: worker process");
}

/**
 * The smallest nginx.conf that does it. `user root`: in a user namespace there is no other user.
 * The log is not buffered, because a proof that waits for a buffer is no proof.
 */
function nginxConfiguration(
  machine: MachineName,
  { pages = "well", log = true }: WebManners,
): string {
  const answer = {
    well: [],
    errors: ["return 500;"],
    "errors-for-others": ["if ($stranger) { return 500; }"],
  }[pages];
  return `daemon off;
user root;
worker_processes 1;
pid nginx.pid;
events { worker_connections 4096; }
http {
  access_log ${log ? "/run/log/access.log combined" : "/dev/null"};
  client_body_temp_path temp;
  proxy_temp_path temp;
  fastcgi_temp_path temp;
  uwsgi_temp_path temp;
  scgi_temp_path temp;
  default_type text/plain;
  keepalive_timeout 60s;
  geo $stranger {
    default 1;
    127.0.0.0/8 0;
    ::1 0;
    ${[places[machine].address, places[machine].address6, serviceAddress, serviceAddress6].map((own) => `${own} 0;`).join(" ")}
  }
  server {
    listen 80 backlog=4096;
    listen [::]:80 backlog=4096;
    root /run/web;
    location / { ${answer.join(" ")} }
    location /download { limit_rate 64k; }
    location /short { alias /run/web/download; limit_rate 171k; }
  }
}
`;
}
