/** Cuts a stream of text into lines; what stands after the last line break waits for more. */
export class LineSplitter {
  #rest = "";

  push(chunk: string): string[] {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines;
  }
}
