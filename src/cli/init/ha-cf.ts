import { integer, interfaceName, ipAddress, nodeName } from "../configuration/formats.ts";
import { heartbeatMillis, type Line } from "./heartbeat-file.ts";
import { shortPlace } from "./place.ts";
import { explained, type Reasons, remark } from "./remarks.ts";
import type { Remark, Said } from "./sketch.ts";
import type { Span } from "./timers.ts";

/** What ha.cf says. */
export interface Cluster {
  /** At most two, in the order of the file. */
  readonly nodes: readonly Said[];
  readonly links: readonly Link[];
  readonly keepalive: Span | undefined;
  readonly deadtime: Span | undefined;
  readonly initdead: Span | undefined;
  readonly port: Said | undefined;
  readonly witnesses: readonly Pinged[];
  readonly remarks: readonly Remark[];
}

/** A line that says where heartbeats go. */
export interface Link {
  readonly line: Line;
  readonly device: string;
  /** ucast: one machine's address, of which nobody knows whose. */
  readonly address: string | undefined;
}

export interface Pinged {
  readonly line: Line;
  /** Canonical. */
  readonly address: string;
}

export function clusterOf(lines: readonly Line[]): Cluster {
  const reader = new ClusterReader();
  for (const line of lines) reader.take(line);
  return reader.end();
}

class ClusterReader {
  readonly #nodes = new Map<string, Line>();
  readonly #links: Link[] = [];
  readonly #spans = new Map<string, Span>();
  readonly #witnesses: Pinged[] = [];
  readonly #remarks: Remark[] = [];
  /** A medium of mcast has a port of its own; the others have udpport's. */
  readonly #groupPorts: { readonly line: Line; readonly port: string }[] = [];
  #port: Said | undefined;

  take(line: Line): void {
    const [directive = "", ...args] = line.words;
    switch (directive.toLowerCase()) {
      case "node":
        for (const name of args) if (!this.#nodes.has(name)) this.#nodes.set(name, line);
        break;
      case "bcast":
        for (const device of args) this.#link(line, device, undefined);
        break;
      case "mcast":
      case "mcast6":
        this.#link(line, args[0] ?? "", undefined);
        this.#groupPorts.push({ line, port: args[2] ?? "" });
        break;
      case "ucast":
      case "ucast6":
        this.#link(line, args[0] ?? "", ipAddress.read(args[1] ?? ""));
        break;
      case "keepalive":
      case "deadtime":
      case "initdead":
        this.#takeSpan(line, directive.toLowerCase());
        break;
      case "udpport":
        this.#takePort(line);
        break;
      case "ping":
        for (const text of args) this.#takeWitness(line, text);
        break;
      case "ping_group":
        for (const text of args.slice(1)) this.#takeWitness(line, text);
        break;
      case "auto_failback":
        // Off is what failover always does.
        if (!/^(off|no|n|false|0)$/i.test(args[0] ?? "")) this.#leave(line);
        break;
      default:
        this.#leave(line);
    }
  }

  end(): Cluster {
    for (const { line, port } of this.#groupPorts) this.#takeGroupPort(line, port);
    const named = [...this.#nodes];
    const third = named.slice(2).map(([name, { place }]) => {
      const instead = "leave it out of the pair";
      return remark(place, ["node", name], "failover pairs two machines", instead);
    });
    return {
      nodes: named.slice(0, 2).flatMap(([name, line]) => readable(name, line)),
      links: this.#links,
      keepalive: this.#spans.get("keepalive"),
      deadtime: this.#spans.get("deadtime"),
      initdead: this.#spans.get("initdead"),
      port: this.#port,
      witnesses: this.#witnesses,
      remarks: [...this.#remarks, ...third],
    };
  }

  #link(line: Line, device: string, address: string | undefined): void {
    if (interfaceName.read(device) !== undefined) this.#links.push({ line, device, address });
    else this.#refuse(line, "it names no interface");
  }

  #takeSpan(line: Line, name: string): void {
    const millis = heartbeatMillis(line.words[1] ?? "");
    if (millis === undefined) this.#refuse(line, "it is no time");
    else this.#spans.set(name, { millis, ...line });
  }

  #takePort(line: Line): void {
    const port = integer(1, 65_535).read(line.words[1] ?? "");
    if (port === undefined) this.#refuse(line, "it is no port");
    else this.#port = { value: String(port), origin: shortPlace(line.place) };
  }

  /** Our one port is udpport's, otherwise that of the first mcast. */
  #takeGroupPort(line: Line, text: string): void {
    if (text === "" || text === this.#port?.value) return;
    const { place, words } = line;
    if (this.#port === undefined) this.#takePort({ place, words: ["port", text] });
    else
      this.#remarks.push(remark(place, words, "a pair has one port", `it is ${this.#port.value}`));
  }

  #takeWitness(line: Line, text: string): void {
    const address = ipAddress.read(text);
    if (address !== undefined) this.#witnesses.push({ line, address });
    else this.#refuse({ ...line, words: [text] }, "a witness is an address");
  }

  #refuse({ place, words }: Line, because: string): void {
    this.#remarks.push(remark(place, words, because, ""));
  }

  /** What a power switch is asked with is not repeated: it is a secret, and the file is not. */
  #leave({ place, words }: Line): void {
    const secret = /^stonith/i.test(words[0] ?? "");
    this.#remarks.push(explained(reasons, place, secret ? words.slice(0, 1) : words));
  }
}

/** A name that is too long for ours is cut at its domain; one that is no name at all is left out. */
function readable(name: string, { place }: Line): Said[] {
  const value = nodeName.read(name) ?? nodeName.read(name.split(".")[0] ?? "");
  return value === undefined ? [] : [{ value, origin: shortPlace(place) }];
}

const neverBack = "a machine that comes back never takes the address by itself";
const networksOnly = "beats go over networks";
const ownLog = "log lines go to standard error, which the journal keeps";
const noFence = "the kernel lets the address go by itself";
const noPrograms = "failover runs no programs of others";
const nothing = "there is nothing to set";

const reasons: Reasons = [
  [/^auto_failback$/i, neverBack, "failover promote moves it when you want it"],
  [/^warntime$/i, "failover status tells the longest gap between beats", ""],
  [/^(serial|baud)$/i, networksOnly, "a cable with addresses of its own is the second path"],
  [
    /^(logfile|debugfile|debug|logfacility|use_logd|conn_logd_time)$/i,
    ownLog,
    "set log.file for a file",
  ],
  [/^(crm|pacemaker)$/i, "Pacemaker keeps the addresses elsewhere", "name them with --address"],
  [/^stonith(_host)?$/i, noFence, "have a witness and a second path"],
  [/^watchdog$/i, "the address has a lifetime in the kernel instead", ""],
  [/^(respawn|apiauth)$/i, noPrograms, "a witness does what ipfail did"],
  [/^hbaping$/i, "a witness is an address", "name one with witness"],
  [/^(deadping|hopfudge|hbgenmethod|realtime|rtprio|msgfmt)$/i, nothing, ""],
  [/^(traditional_)?compression(_threshold)?$/i, nothing, ""],
  [/^(autojoin|cluster|coredumps|max_rexmit_delay|memreserve)$/i, nothing, ""],
];
