import type { Beat } from "../core/beat.ts";
import type { Millis } from "../core/time.ts";
import { Writer } from "./bytes.ts";
import {
  askFlag,
  conditionBits,
  datagramBytesMax,
  type Envelope,
  echoesMax,
  flowBytes,
  type KeptWord,
  magic,
  nodeBytesMax,
  pageBytesMax,
  pairBytes,
  pathsMax,
  phaseCodes,
  reasonBytesMax,
  roleCodes,
  serviceCodes,
  shareUnits,
  version,
} from "./datagram.ts";
import { ipBytes } from "./ip-bytes.ts";
import { findKey, type KeyRing } from "./keys.ts";

/** Writes beats into one buffer of its own, so that a beating heart makes little garbage. */
export class Encoder {
  private readonly buffer = new Uint8Array(datagramBytesMax);
  private readonly pair: Uint8Array;
  private readonly ring: KeyRing;

  /** @param pair digest of the pair's name, 8 bytes */
  constructor(pair: Uint8Array, ring: KeyRing) {
    if (pair.length !== pairBytes) {
      throw new RangeError(
        `Cannot encode a pair of ${pair.length} bytes: it must have ${pairBytes}`,
      );
    }
    this.pair = pair;
    this.ring = ring;
  }

  /**
   * The datagram is valid until the next call: it is a part of the encoder's only buffer. At most
   * 551 bytes without a page, whatever the number of addresses, so that later versions have room.
   *
   * @throws RangeError where a value does not fit its field: our own program is wrong
   */
  encode(envelope: Envelope, beat: Beat): Uint8Array {
    const key = findKey(this.ring, envelope.keys.signed);
    if (key === undefined) {
      throw new RangeError(
        `Cannot seal with key ${envelope.keys.signed}: it is not in the key ring`,
      );
    }
    const writer = new Writer(this.buffer);
    writer.raw(magic);
    writer.u8(version, "version");
    writer.u8(envelope.ask ? askFlag : 0, "flags");
    writer.u8(envelope.keys.signed, "key");
    writer.u8(envelope.keys.newest, "newest key");
    writer.raw(this.pair);
    writeEnvelope(writer, envelope);
    writeBody(writer, beat);
    writeKept(writer, envelope.kept);
    writer.raw(key.mac(this.buffer.subarray(0, writer.length)));
    return this.buffer.subarray(0, writer.length);
  }
}

function writeEnvelope(writer: Writer, envelope: Envelope): void {
  const { echoes } = envelope;
  const paths = echoes[0]?.counters.length ?? 0;
  if (echoes.length > echoesMax || paths > pathsMax || envelope.path >= pathsMax) {
    throw new RangeError(
      `Cannot encode ${echoes.length} echoes of ${paths} paths on path ${envelope.path}: ` +
        `there are at most ${echoesMax} echoes and ${pathsMax} paths`,
    );
  }
  writer.hex(envelope.session, 8, "session");
  writer.u53(envelope.counter, "counter");
  writer.u8(envelope.path, "path");
  writer.u8(paths, "number of paths");
  writer.u8(echoes.length, "number of echoes");
  for (const { session, counters } of echoes) {
    if (counters.length !== paths) {
      throw new RangeError(
        `Cannot encode echoes of ${paths} and ${counters.length} paths together`,
      );
    }
    writer.hex(session, 8, "echoed session");
    for (const counter of counters) writer.u53(counter, "echoed counter");
  }
}

function writeBody(writer: Writer, beat: Beat): void {
  const { freeze, handover } = beat;
  writer.u16(conditions(beat), "conditions");
  writer.u8(roleCodes[beat.role], "role");
  writer.u8(serviceCodes[beat.service], "service");
  writer.u53(beat.epoch, "epoch");
  writer.u53(freeze.stamp, "freeze stamp");
  writer.u53(micros(beat.lease), "lease");
  writer.u53(micros(beat.interval), "interval");
  writer.u53(micros(beat.deadTime), "deadTime");
  writer.hex(beat.mac.replaceAll(":", ""), 6, "MAC");
  writer.hex(beat.configuration, 8, "configuration");
  writer.u8(phaseCodes[handover.phase], "handover phase");
  writer.hex(handover.id, 6, "handover id");
  writer.u53(handover.requests, "requests");
  writer.u53(handover.errors, "errors");
  writer.u53(micros(handover.span), "span");
  writer.name(beat.node, nodeBytesMax, "node");
  writer.sentence(handover.reason, reasonBytesMax);
  writer.u16(shareOnTheWire(handover.share), "share");
  writer.u8(handover.step, "step");
  writer.u53(handover.connections, "connections");
}

function shareOnTheWire(share: number): number {
  if (share === 0 || share === 1) return share * shareUnits;
  return Math.min(Math.max(Math.round(share * shareUnits), 1), shareUnits - 1);
}

function writeKept(writer: Writer, { pages, heard, page }: KeptWord): void {
  const flows = page?.flows ?? [];
  const length = flows.reduce((sum, flow) => sum + flowBytes(flow), 0);
  if (length > pageBytesMax)
    throw new RangeError(`Cannot encode a page of ${length} bytes: ${pageBytesMax} are the most`);
  writer.u32(pages, "pages");
  writer.u32(heard, "heard pages");
  writer.u32(page?.number ?? 0, "page");
  writer.u16(length, "length of the page");
  for (const { address, port, client, clientPort } of flows) {
    const [ours, theirs] = [ipBytes(address), ipBytes(client)];
    writer.u8(ours.length, "length of an address");
    writer.raw(ours);
    writer.u16(port, "port");
    writer.raw(theirs);
    writer.u16(clientPort, "client's port");
  }
}

function conditions(beat: Beat): number {
  const { freeze, network } = beat;
  return (
    (beat.blind ? conditionBits.blind : 0) |
    (beat.first ? conditionBits.first : 0) |
    (beat.present ? conditionBits.present : 0) |
    (beat.able ? conditionBits.able : 0) |
    (beat.released ? conditionBits.released : 0) |
    (freeze.on ? conditionBits.frozen : 0) |
    (network.carrier ? conditionBits.carrier : 0) |
    (network.peer ? conditionBits.peer : 0) |
    (network.witness ? conditionBits.witness : 0) |
    (beat.diverts ? conditionBits.diverts : 0) |
    (beat.restarting ? conditionBits.restarting : 0)
  );
}

/** Spans travel as whole microseconds: finer than any timer here, and exact on both machines. */
const micros = (span: Millis): number => Math.round(span * 1000);
