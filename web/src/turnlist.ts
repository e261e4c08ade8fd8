/** All turns as a list of buttons: what the picture shows, for those who read or use a keyboard. */

import { element } from "./dom";
import { clock, type Turn } from "./turns";

/** Turns that are listed at once; more are listed when somebody asks. */
const PAGE = 200;

export class TurnList {
  private readonly rows = new Map<Turn, HTMLElement>();
  private now: HTMLElement | undefined;

  constructor(
    private readonly list: HTMLElement,
    private readonly play: (from: number) => void,
  ) {}

  draw(turns: readonly Turn[], color: (speaker: string) => string, from = 0): void {
    if (from === 0) {
      this.rows.clear();
      this.list.replaceChildren();
    }
    for (const turn of turns.slice(from, from + PAGE)) {
      const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
      swatch.style.background = color(turn.speaker);
      const length = element("span", { class: "soft" }, `${(turn.end - turn.start).toFixed(1)} s`);
      const button = element("button", { type: "button" }, element("span", { class: "at" }, clock(turn.start, true)), swatch, turn.speaker, length);
      button.addEventListener("click", () => this.play(turn.start));
      const row = element("li", {}, button);
      this.rows.set(turn, row);
      this.list.append(row);
    }
    if (turns.length <= from + PAGE) return;
    const more = element("button", { type: "button", class: "more" }, `${turns.length - from - PAGE} more turns`);
    const row = element("li", {}, more);
    more.addEventListener("click", () => {
      row.remove();
      this.draw(turns, color, from + PAGE);
    });
    this.list.append(row);
  }

  /** Mark who speaks at a time. */
  mark(seconds: number): void {
    const found = [...this.rows].find(([turn]) => turn.start <= seconds && seconds < turn.end)?.[1];
    if (found === this.now) return;
    this.now?.classList.remove("now");
    found?.classList.add("now");
    this.now = found;
  }
}
