import { type Progress, rateLines, type Step, stepsOf } from "./handover-progress.ts";
import { oneLine } from "./logging.ts";
import { span } from "./spans.ts";
import { isTerminal, LiveBlock, type Paint, paintFor } from "./terminal.ts";

/** Shows a handover while it goes on. */
export interface Presenter {
  /** As often as the caller likes; a pipe only hears of changes. */
  show(progress: Progress): void;
  /** `outcome`: one word for programs; `sentence`: the same for people. */
  finish(outcome: string, sentence: string): void;
}

/**
 * A terminal gets a list that is redrawn in place, a pipe one line a change, `--json` one object a
 * change.
 */
export function presenterFor(out: NodeJS.WriteStream, json: boolean): Presenter {
  const began = performance.now();
  const elapsed = (): number => Math.round(performance.now() - began);
  if (json) return jsonPresenter(out, elapsed);
  return isTerminal(out) ? livePresenter(out, elapsed) : linePresenter(out, elapsed);
}

function livePresenter(out: NodeJS.WriteStream, elapsed: () => number): Presenter {
  const block = new LiveBlock(out);
  const paint = paintFor(out);
  return {
    show: (progress) => {
      const lines = stepsOf(progress).map((step) => liveLine(step, paint));
      const rates = progress.end === undefined ? rateLines(progress) : [];
      block.draw([
        `${progress.from} → ${progress.to}  ${span(elapsed())}`,
        ...lines,
        ...rates.map((line) => `    ${paint("dim", line)}`),
      ]);
    },
    finish: (outcome, sentence) => {
      out.write(`${paint(outcome === "done" ? "green" : "red", oneLine(sentence))}\n`);
    },
  };
}

function linePresenter(out: NodeJS.WritableStream, elapsed: () => number): Presenter {
  let shown: readonly string[] = [];
  const say = (text: string): void => void out.write(`${span(elapsed()).padStart(9)}  ${text}\n`);
  return {
    show: (progress) => {
      const lines = stepsOf(progress).map(plainLine);
      for (const [index, line] of lines.entries()) {
        if (line !== undefined && line !== shown[index]) say(line);
      }
      shown = lines.map((line) => line ?? "");
    },
    finish: (_, sentence) => say(oneLine(sentence)),
  };
}

function jsonPresenter(out: NodeJS.WritableStream, elapsed: () => number): Presenter {
  let shown = "";
  const say = (value: object): void => {
    out.write(`${JSON.stringify({ elapsed: elapsed(), ...value })}\n`);
  };
  return {
    show: (progress) => {
      const { end, measured, ...facts } = progress;
      const told = { ...facts, rates: measured.rates };
      const text = JSON.stringify([told, end]);
      if (text === shown) return;
      shown = text;
      say(told);
    },
    finish: (outcome, sentence) => say({ outcome, sentence }),
  };
}

const marks = { waiting: "·", "going on": "→", done: "✓", failed: "✗" } as const;
const styles = { waiting: "dim", "going on": "bold", done: "green", failed: "red" } as const;

function liveLine({ title, state, detail }: Step, paint: Paint): string {
  const words = detail === "" ? title : `${title}: ${detail}`;
  return `  ${paint(styles[state], `${marks[state]} ${words}`)}`;
}

function plainLine({ title, state, detail }: Step): string | undefined {
  if (state === "waiting") return undefined;
  return `${title}: ${detail === "" ? state : `${state}, ${detail}`}`;
}
