/** The picture: a waveform, and below it a lane for each person with what they say. Shared by the page and by `fastdiar view`. */

import WaveSurfer from "wavesurfer.js";

import { element } from "./dom";
import type { Turn } from "./turns";

/** Pixels. `WAVE` is told to the build too, which allows wavesurfer's own styles by their checksum. */
const WAVE = 96;
const LANE = 22;
const MARGIN = 3;
const GAP = 6;
const TITLE = 20;
/** A recording of more bytes is played and drawn without its waveform, which would have to be decoded whole. */
const MOST_DECODED = 300 << 20;
const MOST_ZOOM = 400;
const FLAT = new Float32Array(2);

export interface Lane {
  readonly name: string;
  readonly color: string;
  readonly turns: readonly Turn[];
}

/** Lanes that belong together, such as those of a reference; `tinted` ones colour the waveform too. */
export interface Band {
  readonly title: string;
  readonly lanes: readonly Lane[];
  readonly tinted: boolean;
}

export interface Listener {
  moved(seconds: number): void;
  playing(plays: boolean): void;
}

export class Timeline {
  private readonly names = element("div", { class: "names", "aria-hidden": "true" });
  private readonly wave: WaveSurfer;
  private readonly turns = element("div");
  private zoomed = 0;

  constructor(host: HTMLElement, listener: Listener) {
    const drawing = element("div", { class: "drawing" });
    host.replaceChildren(this.names, drawing);
    this.wave = WaveSurfer.create({
      container: drawing,
      height: WAVE,
      normalize: true,
      barWidth: 2,
      barGap: 1,
      barRadius: 2,
      cursorWidth: 2,
      ...paints(),
    });
    // Clicks go through to the waveform, which knows what time they are at.
    Object.assign(this.turns.style, { position: "absolute", inset: "0", zIndex: "4", overflow: "hidden", pointerEvents: "none" });
    this.wave.getWrapper().append(this.turns);
    this.wave.getWrapper().style.cursor = "pointer";
    this.wave.on("ready", () => listener.moved(0));
    this.wave.on("timeupdate", (seconds) => listener.moved(seconds));
    this.wave.on("play", () => listener.playing(true));
    this.wave.on("pause", () => listener.playing(false));
    this.wave.on("finish", () => listener.playing(false));
    this.wave.on("click", () => void this.play());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.wave.setOptions(paints()));
  }

  /** Show a recording of so many seconds; the waveform is of `peaks`, or of the recording where the browser can decode it. */
  async load(audio: Blob, seconds: number, peaks?: Float32Array): Promise<void> {
    this.zoomed = 0;
    try {
      if (peaks) await this.wave.loadBlob(audio, [peaks], seconds);
      else if (audio.size <= MOST_DECODED) await this.wave.loadBlob(audio);
      else await this.wave.loadBlob(audio, [FLAT], seconds);
    } catch {
      await this.outline(peaks ?? FLAT, seconds);
    }
  }

  /** Show peaks `[any number]` of so many seconds, with nothing to play. */
  async outline(peaks: Float32Array, seconds: number): Promise<void> {
    await this.wave.load("", [peaks], seconds);
  }

  /** Draw bands below one another on the recording that is shown, in place of those before. */
  draw(bands: readonly Band[]): void {
    const labels: HTMLElement[] = [];
    const bars: HTMLElement[] = [];
    let top = WAVE + GAP;
    for (const band of bands) {
      if (band.title) {
        labels.push(label("title", band.title, top));
        top += TITLE;
      }
      for (const lane of band.lanes) {
        labels.push(label("name", lane.name, top));
        for (const turn of lane.turns) {
          if (band.tinted) bars.push(this.bar("tint", turn, lane.color, 0, WAVE));
          bars.push(this.bar("turn", turn, lane.color, top + MARGIN, LANE - 2 * MARGIN));
        }
        top += LANE;
      }
      top += GAP;
    }
    this.wave.getWrapper().style.height = `${top}px`;
    this.names.style.height = `${top}px`;
    this.names.replaceChildren(...labels);
    this.turns.replaceChildren(...bars);
  }

  get seconds(): number {
    return this.wave.getDuration();
  }

  get time(): number {
    return this.wave.getCurrentTime();
  }

  /** From the whole recording (0) to its tenths of seconds (1). */
  get zoom(): number {
    return this.zoomed;
  }

  set zoom(share: number) {
    if (this.seconds === 0) return;
    this.zoomed = Math.min(1, Math.max(0, share));
    const whole = this.wave.getWidth() / this.seconds;
    this.wave.zoom(whole * (Math.max(MOST_ZOOM, whole) / whole) ** this.zoomed);
  }

  async play(from?: number): Promise<void> {
    if (from !== undefined) this.seek(from);
    await this.wave.play().catch(() => undefined); // a format that this browser cannot play
  }

  async toggle(): Promise<void> {
    if (this.wave.isPlaying()) this.wave.pause();
    else await this.play();
  }

  stop(): void {
    this.wave.pause();
  }

  seek(seconds: number): void {
    this.wave.setTime(Math.min(this.seconds, Math.max(0, seconds)));
  }

  private bar(part: "tint" | "turn", turn: Turn, color: string, top: number, height: number): HTMLElement {
    const made = element("div", { part });
    const share = (seconds: number) => `${(100 * seconds) / this.seconds}%`;
    Object.assign(made.style, { position: "absolute", left: share(turn.start), width: share(turn.end - turn.start), minWidth: "2px" });
    Object.assign(made.style, { top: `${top}px`, height: `${height}px`, background: color, borderRadius: "3px" });
    if (part === "tint") made.style.opacity = "0.22";
    return made;
  }
}

function label(kind: string, text: string, top: number): HTMLElement {
  const made = element("div", { class: kind }, text);
  made.style.top = `${top}px`;
  return made;
}

/** The waveform's colours, which a canvas must be told. */
function paints(): { waveColor: string; progressColor: string; cursorColor: string } {
  const style = getComputedStyle(document.documentElement);
  const [waveColor, progressColor, cursorColor] = ["--wave", "--played", "--ink"].map((name) => style.getPropertyValue(name).trim());
  return { waveColor: waveColor ?? "", progressColor: progressColor ?? "", cursorColor: cursorColor ?? "" };
}
