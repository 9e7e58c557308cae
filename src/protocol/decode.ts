import type { Beat, HandoverWord } from "../core/beat.ts";
import { type Millis, millis } from "../core/time.ts";
import { Reader, sameBytes } from "./bytes.ts";
import {
  askFlag,
  conditionBits,
  datagramBytesMax,
  type Echo,
  type Envelope,
  echoesMax,
  headerBytes,
  type Message,
  magic,
  nodeBytesMax,
  pairOffset,
  pathsMax,
  phaseCodes,
  reasonBytesMax,
  roleCodes,
  serviceCodes,
  sessionOffset,
  signedOffset,
  versionOffset,
} from "./datagram.ts";
import { type Dropped, dropped } from "./drop-reason.ts";
import { findKey, type KeyRing, macBytes } from "./keys.ts";

/**
 * A message or the reason why it is none; never throws, whatever the bytes. The cheapest refusals
 * come first, and nothing behind the key id is looked at before the seal was found to fit.
 */
export function decode(datagram: Uint8Array, pair: Uint8Array, ring: KeyRing): Message | Dropped {
  const sealOffset = datagram.length - macBytes;
  if (sealOffset < headerBytes || datagram.length > datagramBytesMax) return dropped("length");
  if (!sameBytes(datagram, 0, magic)) return dropped("magic");
  const version = datagram[versionOffset] ?? 0;
  if (version === 0) return dropped("version");
  if (!sameBytes(datagram, pairOffset, pair)) return dropped("pair");
  const key = findKey(ring, datagram[signedOffset] ?? 0);
  if (key === undefined) return dropped("key");
  const seal = key.mac(datagram.subarray(0, sealOffset));
  if (!sameBytes(datagram, sealOffset, seal)) return dropped("seal");

  const reader = new Reader(datagram, versionOffset + 1, sealOffset);
  const envelope = readEnvelope(reader);
  const beat = readBody(reader);
  return reader.fits ? { kind: "message", version, envelope, beat } : dropped("malformed");
}

/** From the flags on. */
function readEnvelope(reader: Reader): Envelope {
  const ask = (reader.u8() & askFlag) !== 0;
  const keys = { signed: reader.u8(), newest: reader.u8() };
  reader.skip(sessionOffset - pairOffset);
  const session = reader.hex(8);
  const counter = reader.u53();
  const path = reader.u8(pathsMax - 1);
  const paths = reader.u8(pathsMax);
  const count = reader.u8(echoesMax);
  const echoes: Echo[] = [];
  while (reader.fits && echoes.length < count) {
    echoes.push({ session: reader.hex(8), counters: readCounters(reader, paths) });
  }
  return { ask, keys, session, counter, path, echoes };
}

function readCounters(reader: Reader, paths: number): readonly number[] {
  const counters: number[] = [];
  while (counters.length < paths) counters.push(reader.u53());
  return counters;
}

/** The fields of version 1, in their order; a later version's follow and are left alone. */
function readBody(reader: Reader): Beat {
  const conditions = reader.u16();
  const has = (bit: number): boolean => (conditions & bit) !== 0;
  const role = reader.code(rolesByCode, "boot");
  const service = reader.code(servicesByCode, "unwatched");
  const epoch = reader.u53();
  const stamp = reader.u53();
  const lease = readSpan(reader);
  const interval = readSpan(reader);
  const deadTime = readSpan(reader);
  const mac = reader.hex(6).replace(/..(?=.)/g, "$&:");
  const configuration = reader.hex(8);
  const word = readHandover(reader);
  const node = reader.text(1, nodeBytesMax);
  const reason = reader.text(0, reasonBytesMax);
  return {
    node,
    role,
    epoch,
    blind: has(conditionBits.blind),
    first: has(conditionBits.first),
    present: has(conditionBits.present),
    able: has(conditionBits.able),
    released: has(conditionBits.released),
    freeze: { on: has(conditionBits.frozen), stamp },
    service,
    network: {
      carrier: has(conditionBits.carrier),
      peer: has(conditionBits.peer),
      witness: has(conditionBits.witness),
    },
    lease,
    interval,
    deadTime,
    mac,
    configuration,
    handover: { ...word, reason },
  };
}

function readHandover(reader: Reader): Omit<HandoverWord, "reason"> {
  return {
    phase: reader.code(phasesByCode, "none"),
    id: reader.hex(6),
    requests: reader.u53(),
    errors: reader.u53(),
    span: readSpan(reader),
  };
}

const readSpan = (reader: Reader): Millis => millis(reader.u53() / 1000);

const rolesByCode = byCode(roleCodes);
const servicesByCode = byCode(serviceCodes);
const phasesByCode = byCode(phaseCodes);

function byCode<Word extends string>(codes: Readonly<Record<Word, number>>): Map<number, Word> {
  const words = Object.keys(codes) as Word[];
  return new Map(words.map((word) => [codes[word], word]));
}
