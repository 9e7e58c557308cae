/**
 * A service whose connections last. Usage: line-server OPTIONS-AS-JSON. It says its name, answers every line
 * with itself and its name, and `download MILLIS` in two halves with a pause between them.
 */
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";

export interface LineServerOptions {
  readonly name: string;
  readonly port: number;
}

const { name, port } = JSON.parse(process.argv[2] ?? "{}") as LineServerOptions;
const half = "x".repeat(50_000);

const serve = (socket: Socket): void => {
  socket.setNoDelay(true);
  socket.on("error", () => {});
  socket.write(`${name}\n`);
  createInterface({ input: socket }).on("line", (line) => {
    const [word, millis] = line.split(" ");
    if (word !== "download") {
      socket.write(`${name} ${line}\n`);
      return;
    }
    socket.write(half);
    setTimeout(() => socket.write(`${half}\n`), Number(millis));
  });
};
createServer({ allowHalfOpen: false }, serve).listen({ host: "::", port, backlog: 4096 });
