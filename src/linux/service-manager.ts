import { after, type Instant, instant, type Millis, millis, never, times } from "../core/time.ts";
import { runCommand } from "./command.ts";
import { closeSocket, openSocket, send } from "./native.ts";

/**
 * What is said to systemd, sd_notify(3), and asked of it. Whoever started this process by another
 * way hears nothing and answers nothing: every method is then without effect.
 *
 * Node has no datagram sockets of the unix family, so the message goes through `native.ts`: 10 µs,
 * never waited for. libsystemd is not needed for it; the protocol is one datagram of assignments.
 */
export class ServiceManager {
  /** When `alive` wants to be called next; never where no watchdog waits for it. */
  due: Instant;
  /** Somebody hears what is said here. */
  readonly present: boolean;
  readonly #unit: string | undefined;
  readonly #address: Uint8Array | undefined;
  readonly #fd: number;
  readonly #pulse: Millis | undefined;
  #status = "";

  /**
   * Takes its variables out of `environment`, so that no hook can speak for the agent: `NOTIFY_SOCKET`,
   * `WATCHDOG_USEC`, `WATCHDOG_PID`. `FAILOVER_UNIT`, which our own units set, stays.
   */
  constructor(environment: NodeJS.ProcessEnv) {
    const { NOTIFY_SOCKET: path, WATCHDOG_USEC: span, WATCHDOG_PID: pid } = environment;
    for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete environment[name];
    this.#unit = environment["FAILOVER_UNIT"];
    this.#address = path === undefined ? undefined : unixAddress(path);
    this.#fd = this.#address === undefined ? -1 : openSocket(unixFamily, datagrams, 0);
    this.present = this.#fd >= 0;
    const ours = pid === undefined || pid === String(process.pid);
    this.#pulse =
      this.present && ours && Number(span) > 0
        ? times(millis(Number(span) / 1000), 1 / 3)
        : undefined;
    this.due = this.#pulse === undefined ? never : instant(0);
  }

  /** The heart beats, and commands are answered. */
  ready(): void {
    this.#say("READY=1");
  }

  /** One line for `systemctl status`; the same one again is not sent. */
  status(line: string): void {
    if (line === this.#status) return;
    this.#status = line;
    this.#say(`STATUS=${line.replaceAll("\n", " ")}`);
  }

  stopping(): void {
    this.#say("STOPPING=1");
  }

  /**
   * To be called from the heart's own turn, as often as it likes: a heart that hangs misses it, and
   * is killed and started again. Three times in the watchdog's span a datagram is sent.
   */
  alive(now: Instant): void {
    if (this.#pulse === undefined || now < this.due) return;
    const sent = this.#say("WATCHDOG=1");
    this.due = after(now, sent ? this.#pulse : times(this.#pulse, 0.1));
  }

  /**
   * Whether systemd stops this unit in order to start it again: `restart`, by an administrator or
   * by an upgrade, is a stop and a start, and only the queue of jobs tells it from a goodbye.
   * False where no systemd answers within a second: then a goodbye is the safe reading, because the
   * other machine takes the address.
   */
  async restartsUs(): Promise<boolean> {
    return this.#unit !== undefined && (await pendingJob(this.#unit)) === "restart";
  }

  close(): void {
    if (this.#fd >= 0) closeSocket(this.#fd);
  }

  #say(assignments: string): boolean {
    if (this.#address === undefined) return false;
    return send(this.#fd, Buffer.from(assignments), this.#address) >= 0;
  }
}

/** What systemd is about to do with a unit. */
export type PendingJob = "stop" | "restart" | "none" | "unknown";

/** Never rejects; 10 ms where systemd is at rest. */
export async function pendingJob(unit: string): Promise<PendingJob> {
  const options = ["list-jobs", "--no-legend", "--no-pager", "--full", "--plain"];
  const result = await runCommand("systemctl", options, patienceMillis);
  return result.kind === "failed" ? "unknown" : jobIn(result.output, unit);
}

/**
 * Lines of `systemctl list-jobs`: `1042 failover.service restart running`. The unit is looked for
 * here and not given to systemctl, which would read the backslashes of an escaped name as a pattern.
 */
export function jobIn(output: string, unit: string): PendingJob {
  for (const line of output.split("\n")) {
    const [, name, type = ""] = line.trim().split(/\s+/);
    if (name !== unit) continue;
    if (type === "stop") return "stop";
    // A restart has become a start when its first half is done.
    if (["restart", "try-restart", "start"].includes(type)) return "restart";
  }
  return "none";
}

const patienceMillis = 1000;
const unixFamily = 1;
const datagrams = 2;

/** `struct sockaddr_un`: the family in two bytes, then the path, or @ and an abstract name. */
function unixAddress(path: string): Uint8Array | undefined {
  if (!/^[/@]./.test(path) || Buffer.byteLength(path) > 107) return undefined;
  const bytes = Buffer.from(`\0\0${path}`);
  bytes.writeUInt16LE(unixFamily);
  if (path.startsWith("@")) bytes[2] = 0;
  return bytes;
}
