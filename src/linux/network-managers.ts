import { basename } from "node:path";

import { runCommand } from "./command.ts";

/** Programs of this machine that may take an address away because they did not put it there. */
export interface NetworkManagers {
  /** systemd-networkd has the interface, by this file; undefined where it leaves it alone. */
  readonly networkd: { readonly file: string; readonly keeps: boolean } | undefined;
  /** NetworkManager has the interface. */
  readonly networkManager: boolean;
}

/** Asks both, as far as they are installed. Never rejects. */
export async function networkManagersOf(device: string): Promise<NetworkManagers> {
  const [link, state] = await Promise.all([
    output("networkctl", ["--no-pager", "status", device]),
    output("nmcli", ["--get-values", "GENERAL.STATE", "device", "show", device]),
  ]);
  const file = networkFileIn(link);
  const settings = file && (await output("systemd-analyze", ["cat-config", configName(file)]));
  return {
    networkd: file === undefined ? undefined : { file, keeps: keepsAddresses(settings ?? "") },
    networkManager: isManaged(state),
  };
}

/** Of `networkctl status`; `n/a` where no file matches, or networkd does not run. */
export function networkFileIn(text: string): string | undefined {
  if (/^\s*State:.*\(unmanaged\)/m.test(text)) return undefined;
  return text.match(/^\s*Network File: (\/\S+)/m)?.[1];
}

/**
 * Of the file with all its drop-ins; the last word counts. An address with a lifetime is a dynamic one
 * to networkd, whoever added it: `static` does not keep it (`link_drop_foreign_addresses` in
 * systemd's networkd-address.c).
 */
export function keepsAddresses(text: string): boolean {
  const words = [...text.matchAll(/^\s*KeepConfiguration=(.*)$/gm)].map(([, word = ""]) => word);
  return ["yes", "true", "1", "on", "y", "t", "dhcp"].includes(words.at(-1)?.trim() ?? "");
}

/** `100 (connected)`, of `nmcli`; `10 (unmanaged)` and `100 (connected (externally))` are no grip. */
export function isManaged(state: string): boolean {
  return /^\d/.test(state.trim()) && !/unmanaged|externally/.test(state);
}

const patienceMillis = 3000;

const configName = (file: string): string => `systemd/network/${basename(file)}`;

const output = async (file: string, args: readonly string[]): Promise<string> => {
  const result = await runCommand(file, args, patienceMillis);
  return result.kind === "done" ? result.output : "";
};
