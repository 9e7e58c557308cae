import { open, stat } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

import { drawSession } from "../../linux/hmac.ts";
import { parseAddress } from "../../linux/ip-address.ts";
import type { LocalAddress } from "../../linux/network-facts.ts";
import { isListening } from "../../linux/service-watch.ts";
import type { Configuration, NodeConfiguration } from "../configuration/configuration.ts";
import { askForPage } from "../daemon/canary-request.ts";
import { type Finding, ok, warning } from "./finding.ts";

const pageMillis = 5000;
/** As long as a swap's rehearsal waits for the line. */
const lineMillis = 8000;
const lookEveryMillis = 50;

/**
 * Whether the access_log grows by what is served here: a page is asked for, and its line looked for. That a
 * log was written to lately would not show that it is the one of this service, nor that its lines come in
 * time. The request is marked as ours, and counted nowhere.
 */
export async function growthFindings(
  { canary, domain, addresses }: Configuration,
  { paths, accessLogs }: NodeConfiguration,
  local: readonly LocalAddress[],
): Promise<readonly Finding[]> {
  const isHere = (address: string): boolean => local.some((one) => one.address === address);
  const candidates = [...addresses.map(({ address }) => address).filter(isHere), ...paths];
  const address = await firstListening(canary.port, candidates.filter(isHere));
  const logs = await sizesOf(accessLogs);
  if (logs.length === 0) return [];
  const names = logs.map(({ file }) => file).join(" or ");
  if (address === undefined) {
    const found = `whether ${names} grows is not known: the service listens on no address of this machine now`;
    return [ok("access_log", found)];
  }
  const tag = `check-${drawSession()}`;
  const signal = AbortSignal.timeout(pageMillis);
  const failure = await askForPage({ address, domain, canary, tag, signal });
  if (failure !== undefined) return [warning("canary", failure, "look at the web server")];
  const grown = await lineIn(logs, tag);
  if (grown !== undefined) return [ok("access_log", `${grown} grows with what is served here`)];
  return [
    warning(
      "access_log",
      `a page was served at ${address}, and no line of it came to ${names} in ${lineMillis / 1000} s`,
      "correct accessLog, or let the web server write without a buffer; promote would not be proved",
    ),
  ];
}

async function firstListening(port: number, candidates: readonly string[]) {
  for (const address of candidates) {
    if (await isListening(port, [parseAddress(address)])) return address;
  }
  return undefined;
}

interface Log {
  readonly file: string;
  /** In bytes, before the request. */
  readonly size: number;
}

/** Those that are there: what is said of the others stands with the files. */
async function sizesOf(files: readonly string[]): Promise<readonly Log[]> {
  const sizes = await Promise.all(
    files.map((file) =>
      stat(file).then(
        (stats) => (stats.isFile() ? [{ file, size: stats.size }] : []),
        () => [],
      ),
    ),
  );
  return sizes.flat();
}

async function lineIn(logs: readonly Log[], tag: string): Promise<string | undefined> {
  for (let looks = lineMillis / lookEveryMillis; looks > 0; looks -= 1) {
    for (const log of logs) {
      if ((await written(log)).includes(tag)) return log.file;
    }
    await setTimeout(lookEveryMillis);
  }
  return undefined;
}

/** What was written since; from the start where the file was rotated meanwhile. */
async function written({ file, size }: Log): Promise<Buffer> {
  try {
    await using handle = await open(file);
    const now = (await handle.stat()).size;
    const from = now < size ? 0 : size;
    const length = Math.min(now - from, readBytesMax);
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, now - length);
    return buffer.subarray(0, bytesRead);
  } catch {
    return Buffer.alloc(0);
  }
}

/** More than a busy server writes between two looks. */
const readBytesMax = 4 * 2 ** 20;
