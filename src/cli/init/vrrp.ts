import { interfaceName, ipAddress } from "../configuration/formats.ts";
import type { Statement } from "./keepalived-file.ts";
import type { MovingAddress } from "./moving.ts";
import type { Place } from "./place.ts";
import { explained, remark } from "./remarks.ts";
import type { Remark } from "./sketch.ts";
import type { Span } from "./timers.ts";
import { instanceReasons } from "./vrrp-reasons.ts";

/** A vrrp_instance as one machine reads it. */
export interface Instance {
  readonly name: string;
  readonly place: Place;
  readonly device: string | undefined;
  readonly devicePlace: Place;
  /** What `state` says; keepalived's own default is BACKUP. */
  readonly master: boolean | undefined;
  readonly priority: number;
  readonly advert: Span | undefined;
  readonly addresses: readonly MovingAddress[];
  readonly own: Known | undefined;
  readonly peers: readonly Known[];
  readonly remarks: readonly Remark[];
}

export interface Known {
  /** Canonical. */
  readonly address: string;
  readonly place: Place;
  readonly words: readonly string[];
}

/** keepalived's own default. */
const priorityDefault = 100;

export function instanceOf({ words, place, body }: Statement): Instance {
  const reader = new InstanceReader(place);
  for (const statement of body ?? []) reader.take(statement);
  return reader.end(words[1] ?? "");
}

class InstanceReader {
  readonly #place: Place;
  readonly #addresses: MovingAddress[] = [];
  readonly #peers: Known[] = [];
  readonly #remarks: Remark[] = [];
  #device: string | undefined;
  #devicePlace: Place;
  #master: boolean | undefined;
  #priority = priorityDefault;
  #advert: Span | undefined;
  #own: Known | undefined;
  #keepsBack = false;

  constructor(place: Place) {
    this.#place = place;
    this.#devicePlace = place;
  }

  take(statement: Statement): void {
    const { words, place } = statement;
    const [directive = "", value = ""] = words;
    switch (directive) {
      case "interface":
        this.#takeDevice(value, statement);
        break;
      case "state":
        this.#master = value.toUpperCase() === "MASTER";
        break;
      case "priority":
        this.#priority = /^\d{1,3}$/.test(value) ? Number(value) : priorityDefault;
        break;
      case "advert_int":
        this.#takeAdvert(value, statement);
        break;
      case "nopreempt":
        this.#keepsBack = true;
        break;
      case "virtual_ipaddress":
      case "virtual_ipaddress_excluded":
        this.#takeAddresses(statement);
        break;
      case "unicast_src_ip":
      case "mcast_src_ip":
        this.#own = this.#known(value, statement);
        break;
      case "unicast_peer":
        this.#takePeers(statement);
        break;
      case "track_interface":
        this.#takeTracked(statement);
        break;
      default:
        if (!silent.test(directive)) this.#remarks.push(explained(instanceReasons, place, words));
    }
  }

  end(name: string): Instance {
    return {
      name,
      place: this.#place,
      device: this.#device,
      devicePlace: this.#devicePlace,
      master: this.#master,
      priority: this.#priority,
      advert: this.#advert,
      addresses: this.#addresses,
      own: this.#own,
      peers: this.#peers,
      remarks: this.#keepsBack ? this.#remarks : [...this.#remarks, this.#preemption(name)],
    };
  }

  /** Not written down, and yet what keepalived does. */
  #preemption(name: string): Remark {
    const because = "a machine that comes back never takes the address by itself";
    const words = ["the preemption of", name];
    return remark(this.#place, words, because, "failover promote moves it when you want it");
  }

  #takeDevice(value: string, { words, place }: Statement): void {
    this.#devicePlace = place;
    if (interfaceName.read(value) !== undefined) this.#device = value;
    else this.#remarks.push(remark(place, words, "it is no name of an interface", ""));
  }

  #takeAdvert(value: string, { words, place }: Statement): void {
    const seconds = /^\d{1,5}(\.\d{1,6})?$/.test(value) ? Number(value) : undefined;
    if (seconds === undefined) this.#remarks.push(remark(place, words, "it is no time", ""));
    else this.#advert = { millis: seconds * 1000, place, words };
  }

  /** `192.0.2.10/24 brd 192.0.2.255 dev eth0 scope global label eth0:1`, one a line. */
  #takeAddresses({ body }: Statement): void {
    for (const { words, place } of body ?? []) {
      const [text = "", bits] = (words[0] ?? "").split("/");
      const address = ipAddress.read(text);
      if (address === undefined) {
        this.#remarks.push(remark(place, words, "it is no address of a machine", ""));
        continue;
      }
      const at = words.indexOf("dev");
      const device = at > 0 ? words[at + 1] : this.#device;
      const network = bits === undefined ? "" : `/${bits}`;
      this.#addresses.push({ address, network, device, place });
    }
  }

  #takePeers({ body }: Statement): void {
    for (const statement of body ?? []) {
      const peer = this.#known(statement.words[0] ?? "", statement);
      if (peer === undefined) continue;
      if (this.#peers.length === 0) this.#peers.push(peer);
      else
        this.#remarks.push(
          remark(peer.place, ["unicast_peer", peer.address], "failover pairs two machines", ""),
        );
    }
  }

  #takeTracked({ body, place }: Statement): void {
    for (const { words, place: own } of body ?? [])
      if (words[0] !== this.#device)
        this.#remarks.push(explained(instanceReasons, own, ["track_interface", ...words]));
    if (body === undefined)
      this.#remarks.push(explained(instanceReasons, place, ["track_interface"]));
  }

  #known(value: string, { place, words }: Statement): Known | undefined {
    const address = ipAddress.read(value);
    if (address !== undefined) return { address, place, words };
    this.#remarks.push(remark(place, words, "it is no address of a machine", ""));
    return undefined;
  }
}

/** Carried over by being what failover does anyway. */
const silent = /^(virtual_router_id|native_ipv6|version|debug|accept)$/;
