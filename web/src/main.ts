/** The page: a recording comes in, who spoke when is drawn, and a person may correct it. */

import "./style.css";

import { diarized, model, Refused, token } from "./api";
import { Colors } from "./colors";
import { byId, element, save } from "./dom";
import { FORMATS } from "./formats";
import { Live, PEAKS_PER_SECOND } from "./live";
import { player } from "./player";
import { drawSpeakers } from "./speakers";
import { TurnList } from "./turnlist";
import { clock, renamed, speakers, type Diarization, type Turn } from "./turns";

type Stage = "ready" | "busy" | "live" | "shown";

/** Seconds of a stream that are drawn while it goes on, and milliseconds between two drawings. */
const LIVE_WINDOW = 60;
const LIVE_REDRAW = 250;
/** Seconds of the microphone that are worth hearing. */
const SHORTEST = 0.5;

const page = {
  main: byId("main", HTMLElement),
  drop: byId("drop", HTMLElement),
  file: byId("file", HTMLInputElement),
  record: byId("record", HTMLButtonElement),
  stop: byId("stop", HTMLButtonElement),
  cancel: byId("cancel", HTMLButtonElement),
  again: byId("again", HTMLButtonElement),
  undo: byId("undo", HTMLButtonElement),
  another: byId("another", HTMLButtonElement),
  count: byId("count", HTMLInputElement),
  progress: byId("progress", HTMLProgressElement),
  doing: byId("doing", HTMLElement),
  problem: byId("problem", HTMLElement),
  token: byId("token", HTMLFormElement),
  name: byId("name", HTMLElement),
  facts: byId("facts", HTMLElement),
  people: byId("people", HTMLElement),
  downloads: byId("downloads", HTMLElement),
  said: byId("said", HTMLElement),
};
const colors = new Colors();
const turnList = new TurnList(byId("turns", HTMLElement), (from) => void timeline.play(from));
const timeline = player((seconds) => turnList.mark(seconds));
let recording: { audio: Blob; name: string } | undefined;
let history: Diarization[] = [];
let stopping = new AbortController();

function main(): void {
  show("ready");
  page.file.addEventListener("change", () => page.file.files?.[0] && void take(page.file.files[0]));
  page.record.addEventListener("click", () => void record());
  page.cancel.addEventListener("click", () => stopping.abort());
  page.again.addEventListener("click", () => void hear());
  page.undo.addEventListener("click", undo);
  page.another.addEventListener("click", forget);
  page.token.addEventListener("submit", (event) => {
    event.preventDefault();
    token.set(String(new FormData(page.token).get("token") ?? ""));
    page.token.hidden = true;
    if (recording) void hear();
  });
  for (const format of FORMATS) {
    const button = element("button", { type: "button" }, format.name);
    button.addEventListener("click", () => recording && save(stem(recording.name) + format.suffix, format.type, format.write(current())));
    page.downloads.append(button);
  }
  dropping();
  void model().then((name) => (byId("model", HTMLElement).textContent = `model ${name}`), () => undefined);
}

/** Files may be dropped anywhere. */
function dropping(): void {
  addEventListener("dragover", (event) => {
    event.preventDefault();
    page.drop.classList.add("over");
  });
  addEventListener("dragleave", (event) => event.relatedTarget === null && page.drop.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    page.drop.classList.remove("over");
    const file = event.dataTransfer?.files[0];
    if (file && ["ready", "shown"].includes(page.main.dataset["stage"] ?? "")) void take(file);
  });
}

async function take(file: File): Promise<void> {
  recording = { audio: file, name: file.name };
  page.file.value = "";
  page.count.value = "";
  await hear();
}

/** Have the server hear the recording, with as many people as somebody asks for. */
async function hear(): Promise<void> {
  if (!recording) return;
  const before = page.main.dataset["stage"] as Stage;
  const speakers = page.count.value === "" || !page.count.checkValidity() ? null : page.count.valueAsNumber;
  stopping = new AbortController();
  timeline.stop();
  show("busy");
  page.progress.removeAttribute("value");
  page.doing.textContent = "Sending the recording…";
  try {
    const found = await diarized(recording.audio, { name: stem(recording.name), speakers }, working, stopping.signal);
    await present(found);
  } catch (error) {
    show(before === "shown" ? "shown" : "ready");
    tell(error);
  }
}

function working(share: number): void {
  if (share > 0) page.progress.value = share;
  page.doing.textContent = share > 0 ? `Listening… ${Math.round(100 * share)} %` : "Listening…";
}

async function present(found: Diarization): Promise<void> {
  if (!recording) return;
  colors.clear();
  history = [found];
  show("shown");
  page.name.textContent = recording.name;
  drawWords();
  await timeline.load(recording.audio, seconds());
  drawTurns(found.turns);
  page.said.textContent = `${speakers(found.turns).length} speakers, ${found.turns.length} turns`;
}

function current(): Diarization {
  return history[history.length - 1] as Diarization;
}

function seconds(): number {
  const { seconds: told, turns } = current();
  return told ?? turns.reduce((most, turn) => Math.max(most, turn.end), 1);
}

function draw(): void {
  drawWords();
  drawTurns(current().turns);
}

/** All but the picture. */
function drawWords(): void {
  const { turns, warnings } = current();
  const people = speakers(turns);
  const color = (speaker: string) => colors.of(speaker);
  page.facts.textContent = `${clock(seconds())} · ${people.length} ${people.length === 1 ? "speaker" : "speakers"} · ${turns.length} turns`;
  page.problem.textContent = warnings.join(" ");
  page.undo.disabled = history.length < 2;
  drawSpeakers(page.people, turns, color, { rename });
  turnList.draw(turns, color);
}

function drawTurns(turns: readonly Turn[], people = speakers(turns)): void {
  const lanes = people.map((name) => ({ name, color: colors.of(name), turns: turns.filter((turn) => turn.speaker === name) }));
  timeline.draw([{ title: "", lanes, tinted: true }]);
}

function rename(from: string, to: string): void {
  const merged = speakers(current().turns).includes(to);
  history.push(renamed(current(), from, to));
  colors.rename(from, to);
  draw();
  page.said.textContent = merged ? `${from} and ${to} are one` : `${from} is now ${to}`;
  page.people.querySelector<HTMLElement>(`li[data-speaker="${CSS.escape(to)}"] .named`)?.focus();
}

function undo(): void {
  history.pop();
  draw();
}

function forget(): void {
  timeline.stop();
  recording = undefined;
  history = [];
  page.count.value = "";
  show("ready");
}

/** The microphone, drawn while it is on; then as a recording like any other. */
async function record(): Promise<void> {
  let live: Live | undefined;
  let drawn = 0;
  page.record.disabled = true;
  try {
    live = await Live.start(() => {
      if (live && page.main.dataset["stage"] === "live" && performance.now() - drawn > LIVE_REDRAW) {
        drawn = performance.now();
        void drawLive(live);
      }
    });
    colors.clear();
    page.name.textContent = "Microphone";
    page.facts.textContent = "Listening…";
    show("live");
    const stopped = new Promise<undefined>((stop) => page.stop.addEventListener("click", () => stop(undefined), { once: true }));
    await recorded(live, await Promise.race([stopped, live.ended]));
  } catch (error) {
    show("ready");
    tell(error);
  } finally {
    page.record.disabled = false;
  }
}

/** The last word on what the microphone heard; where the stream broke off, what was heard is sent as a recording. */
async function recorded(live: Live, broken: Error | undefined): Promise<void> {
  await live.silence();
  if (live.seconds < SHORTEST) throw broken ?? new Error("Nothing was recorded.");
  recording = { audio: live.recording, name: "microphone.wav" };
  show("busy");
  page.progress.removeAttribute("value");
  page.doing.textContent = "Listening once more to the whole…";
  if (broken === undefined) {
    await present(await live.last());
  } else {
    await hear();
    tell(broken);
  }
}

/** The last minute of a stream. */
async function drawLive(live: Live): Promise<void> {
  const from = Math.max(0, live.seconds - LIVE_WINDOW);
  const peaks = new Float32Array(LIVE_WINDOW * PEAKS_PER_SECOND);
  peaks.set(live.peaks.slice(Math.round(from * PEAKS_PER_SECOND)).slice(0, peaks.length));
  await timeline.outline(peaks, LIVE_WINDOW);
  const turns = live.turns.filter((turn) => turn.end > from);
  const people = speakers(live.turns);
  drawTurns(turns.map((turn) => ({ ...turn, start: Math.max(0, turn.start - from), end: turn.end - from })), people);
  page.facts.textContent = `${clock(live.seconds)} · ${people.length} ${people.length === 1 ? "speaker" : "speakers"} so far`;
}

function show(stage: Stage): void {
  page.main.dataset["stage"] = stage;
  page.problem.textContent = "";
  for (const part of document.querySelectorAll<HTMLElement>("[data-in]")) {
    part.hidden = !part.dataset["in"]?.split(" ").includes(stage);
  }
}

function tell(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  if (error instanceof Refused && error.status === 401) page.token.hidden = false;
  page.problem.textContent = error instanceof TypeError ? "The server does not answer." : error instanceof Error ? error.message : String(error);
}

function stem(name: string): string {
  return name.replace(/\.[^.]*$/, "") || name;
}

main();
