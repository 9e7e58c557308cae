import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import { exitCodes, Failure, reasonOf } from "../failure.ts";
import { fromHeartbeat } from "./heartbeat.ts";
import { fromKeepalived } from "./keepalived.ts";
import type { SourceText } from "./keepalived-file.ts";
import type { Sketch } from "./sketch.ts";
import type { Surroundings } from "./surroundings.ts";

/** A configuration of a pair fits a thousand times. */
const bytesMax = 1024 * 1024;

/**
 * The configuration of heartbeat (`ha.cf` and `haresources`, or their directory) or of keepalived, told
 * apart by name or content. Throws a Failure with file and line where it cannot be read.
 */
export function readForeign(
  path: string,
  surroundings: Surroundings,
  instance: string | undefined,
): Sketch {
  const file = resolve(path);
  const inside = directoryFile(file);
  const source = readSource(inside ?? file);
  if (kindOf(source) === "keepalived")
    return fromKeepalived(source, included, surroundings, instance);
  const beside = (name: string): string => join(dirname(source.file), name);
  const optional = (name: string): SourceText | undefined =>
    existsSync(beside(name)) ? readSource(beside(name)) : undefined;
  const isResources = kindOf(source) === "haresources";
  const files = {
    haCf: isResources ? optional("ha.cf") : source,
    haresources: isResources ? source : optional("haresources"),
    authkeys: existsSync(beside("authkeys")) ? beside("authkeys") : undefined,
  };
  return fromHeartbeat(files, surroundings, instance);
}

function directoryFile(directory: string): string | undefined {
  if (!existsSync(directory) || !statSync(directory).isDirectory()) return undefined;
  const names = ["ha.cf", "keepalived.conf", "haresources"];
  return names.map((name) => join(directory, name)).find((name) => existsSync(name));
}

function kindOf({ file, text }: SourceText): "heartbeat" | "haresources" | "keepalived" {
  const name = basename(file);
  if (name.startsWith("ha.cf")) return "heartbeat";
  if (name.startsWith("haresources")) return "haresources";
  if (name.startsWith("keepalived")) return "keepalived";
  if (/^\s*(vrrp_|global_defs|virtual_server|static_|include|@|\$\w+=)/m.test(text))
    return "keepalived";
  if (/^\s*(keepalive|deadtime|node|ucast|bcast|mcast|auto_failback|crm)\s/m.test(text))
    return "heartbeat";
  if (/^\s*\S+\s+(IPaddr2?::|IPv6addr::|\d+\.\d+\.\d+\.\d+)/m.test(text)) return "haresources";
  throw new Failure(
    exitCodes.usage,
    `Cannot convert ${file}:1: it is neither heartbeat's (ha.cf, haresources) nor keepalived's`,
  );
}

/** A path as in a shell, relative to the file that includes it; wildcards in its last part only. */
function included(pattern: string, from: string): readonly SourceText[] {
  const wanted = resolve(dirname(from), pattern);
  const directory = dirname(wanted);
  try {
    return readdirSync(directory)
      .filter((name) => globOf(basename(wanted)).test(name))
      .map((name) => join(directory, name))
      .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
      .sort()
      .map(readSource);
  } catch {
    return [];
  }
}

function globOf(pattern: string): RegExp {
  const parts = pattern.replace(/[.+^${}()|\\[\]]/g, "\\$&").replaceAll("*", ".*");
  const hidden = pattern.startsWith(".") ? "" : "(?!\\.)";
  return new RegExp(`^${hidden}${parts.replaceAll("?", ".")}$`, "s");
}

function readSource(file: string): SourceText {
  try {
    const { size } = statSync(file);
    if (size > bytesMax) throw new Error("it is larger than 1 MiB");
    return { file, text: readFileSync(file, "utf8") };
  } catch (error) {
    throw new Failure(exitCodes.usage, `Cannot read ${file}: ${reasonOf(error)}`, { cause: error });
  }
}
