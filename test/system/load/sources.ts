/**
 * Many clients at one network interface, one page each, over and over. Usage: sources OPTIONS-AS-JSON. Writes
 * who answered whom, one line a page.
 */
import { connect } from "node:net";

export interface SourcesOptions {
  readonly address: string;
  /** Each asks once in a round. */
  readonly sources: readonly string[];
  /** Milliseconds between two questions. */
  readonly every: number;
}

export interface Asked {
  readonly source: string;
  readonly who: string;
}

const { address, sources, every } = JSON.parse(process.argv[2] ?? "{}") as SourcesOptions;

const tell = (asked: Asked): void => void process.stdout.write(`${JSON.stringify(asked)}\n`);

process.stdin.resume().once("end", () => process.exit(0));
let next = 0;
setInterval(() => {
  const source = sources[next % sources.length] ?? "";
  next += 1;
  let text = "";
  const socket = connect({ host: address, port: 80, localAddress: source });
  socket.setTimeout(3000, () => socket.destroy(new Error("timeout")));
  socket.setEncoding("latin1");
  socket.on("data", (chunk) => {
    text += String(chunk);
  });
  socket.on("error", (error) => tell({ source, who: error.message }));
  socket.once("end", () => tell({ source, who: text.slice(text.indexOf("\r\n\r\n") + 4).trim() }));
  socket.end(`GET / HTTP/1.1\r\nHost: www\r\nUser-Agent: source\r\nConnection: close\r\n\r\n`);
}, every);
