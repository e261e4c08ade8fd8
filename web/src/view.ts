/** What `fastdiar view` writes: one recording in a file of its own, with its result and, above that, a reference. */

import "./style.css";

import { Colors } from "./colors";
import { byId } from "./dom";
import { player } from "./player";
import { drawSpeakers } from "./speakers";
import type { Band } from "./timeline";
import { TurnList } from "./turnlist";
import { clock, speakers, type Turn } from "./turns";

/** What `fastdiar.page.view` puts into the file. */
interface Content {
  readonly name: string;
  readonly seconds: number;
  readonly turns: readonly Turn[];
  readonly reference: readonly Turn[] | null;
  /** Of a reference's people, who they are in the result. */
  readonly same: Readonly<Record<string, string>>;
  /** The recording's media type and bytes in base 64, where they are in the file. */
  readonly audio: { readonly type: string; readonly data: string } | null;
  readonly peaks: readonly number[];
}

const content = JSON.parse(byId("content", HTMLScriptElement).textContent ?? "") as Content;
const colors = new Colors();
const turnList = new TurnList(byId("turns", HTMLElement), (from) => void timeline.play(from));
const timeline = player((seconds) => turnList.mark(seconds));

function main(): void {
  const people = speakers(content.turns).length;
  document.title = content.name;
  byId("name", HTMLElement).textContent = content.name;
  byId("facts", HTMLElement).textContent =
    `${clock(content.seconds)} · ${people} ${people === 1 ? "speaker" : "speakers"} · ${content.turns.length} turns`;
  const result = band(content.reference ? "Result" : "", content.turns, true, (name) => colors.of(name));
  const reference = content.reference && band("Reference", content.reference, false, (name) => colors.of(content.same[name] ?? `reference ${name}`));
  drawSpeakers(byId("people", HTMLElement), content.turns, (name) => colors.of(name));
  turnList.draw(content.turns, (name) => colors.of(name));
  void loaded().then(() => timeline.draw(reference ? [reference, result] : [result]));
}

async function loaded(): Promise<void> {
  const peaks = Float32Array.from(content.peaks);
  if (content.audio === null) {
    byId("play", HTMLButtonElement).disabled = true;
    await timeline.outline(peaks, content.seconds);
    return;
  }
  const letters = atob(content.audio.data);
  const bytes = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place++) bytes[place] = letters.charCodeAt(place);
  await timeline.load(new Blob([bytes], { type: content.audio.type }), content.seconds, peaks);
}

function band(title: string, turns: readonly Turn[], tinted: boolean, color: (name: string) => string): Band {
  const lanes = speakers(turns).map((name) => ({ name, color: color(name), turns: turns.filter((turn) => turn.speaker === name) }));
  return { title, lanes, tinted };
}

main();
