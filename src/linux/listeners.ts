import { runCommand } from "./command.ts";

export interface Listening {
  readonly protocol: string;
  /** As `ss` prints it, without brackets and interface: `0.0.0.0`, `::`, `*`, `203.0.113.11`. */
  readonly address: string;
  readonly port: number;
  /** Empty where only root may know. */
  readonly programs: readonly string[];
}

/** Every TCP socket that listens and every UDP socket that takes datagrams of strangers, by `ss`. */
export async function listeners(): Promise<readonly Listening[] | undefined> {
  const shown = await runCommand("ss", ["-Hltunp"], 5000);
  return shown.kind === "done" ? readListeners(shown.output) : undefined;
}

/** `udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=1,fd=1))` */
export function readListeners(text: string): readonly Listening[] {
  return text.split("\n").flatMap((line) => {
    const match = /^(tcp|udp)\s+\S+\s+\d+\s+\d+\s+(\S+):(\d+)\s+\S+(.*)$/.exec(line);
    if (match === null) return [];
    const [, protocol = "", local = "", port, users = ""] = match;
    const address = local.replace(/%[^\]]*/, "").replace(/^\[(.*)\]$/, "$1");
    const names = [...users.matchAll(/\("((?:[^"\\]|\\.)*)",pid=/g)].map(([, name = ""]) => name);
    return [{ protocol, address, port: Number(port), programs: [...new Set(names)].sort() }];
  });
}
