import type { Beat, HandoverWord } from "../core/beat.ts";
import type { Flow } from "../core/diversion.ts";
import { type Millis, millis } from "../core/time.ts";
import { Reader, sameBytes } from "./bytes.ts";
import {
  askFlag,
  conditionBits,
  datagramBytesMax,
  type Echo,
  type Envelope,
  echoesMax,
  flowBytes,
  headerBytes,
  type KeptWord,
  type Message,
  magic,
  nodeBytesMax,
  pageBytesMax,
  pairOffset,
  pathsMax,
  phaseCodes,
  reasonBytesMax,
  roleCodes,
  serviceCodes,
  sessionOffset,
  shareUnits,
  signedOffset,
  versionOffset,
} from "./datagram.ts";
import { type Dropped, dropped } from "./drop-reason.ts";
import { ipText } from "./ip-bytes.ts";
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
  const heading = readEnvelope(reader);
  const beat = readBody(reader);
  const envelope = { ...heading, kept: readKept(reader) };
  return reader.fits ? { kind: "message", version, envelope, beat } : dropped("malformed");
}

/** From the flags on. */
function readEnvelope(reader: Reader): Omit<Envelope, "kept"> {
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
  const mac = reader.mac();
  const configuration = reader.hex(8);
  const word = readHandover(reader);
  const node = reader.text(1, nodeBytesMax);
  const reason = reader.text(0, reasonBytesMax);
  const share = reader.u16() / shareUnits;
  const step = reader.u8();
  const connections = reader.u53();
  return {
    node,
    role,
    epoch,
    blind: has(conditionBits.blind),
    first: has(conditionBits.first),
    present: has(conditionBits.present),
    able: has(conditionBits.able),
    released: has(conditionBits.released),
    restarting: has(conditionBits.restarting),
    diverts: has(conditionBits.diverts),
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
    handover: { ...word, reason, share, step, connections },
  };
}

function readKept(reader: Reader): KeptWord {
  const pages = reader.u32();
  const heard = reader.u32();
  const number = reader.u32();
  const length = reader.u16();
  if (length > pageBytesMax) reader.fits = false;
  const flows: Flow[] = [];
  for (let read = 0; reader.fits && read < length; ) {
    const flow = readFlow(reader);
    flows.push(flow);
    read += flowBytes(flow);
    if (read > length) reader.fits = false;
  }
  return { pages, heard, page: number === 0 ? undefined : { number, flows } };
}

function readFlow(reader: Reader): Flow {
  const bytes = reader.u8();
  if (bytes !== 4 && bytes !== 16) reader.fits = false;
  const size = bytes === 16 ? 16 : 4;
  const address = ipText(reader.raw(size));
  const port = reader.u16();
  const client = ipText(reader.raw(size));
  return { address, port, client, clientPort: reader.u16() };
}

function readHandover(
  reader: Reader,
): Pick<HandoverWord, "phase" | "id" | "requests" | "errors" | "span"> {
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
