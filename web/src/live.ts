/** The microphone, heard by the server while somebody speaks: turns are told as they grow, and corrected later. */

import { Refused, token } from "./api";
import capture from "./capture?worker&url";
import type { Diarization, Turn } from "./turns";

const RATE = 16_000;
const PEAKS_PER_SECOND = 20;

type Event =
  | { event: "turn"; turn: number; start: number; end: number; speaker: string }
  | { event: "relabel"; turn: number; speaker: string }
  | { event: "final"; seconds: number; turns: Turn[] };

/** A microphone that is on. `changed` is called when there is more to draw. */
export class Live {
  /** The loudest of each twentieth of a second. */
  readonly peaks: number[] = [];
  private readonly told = new Map<number, Turn>();
  private readonly parts: Blob[] = [];
  private samples = 0;
  private final: ((found: Diarization) => void) | undefined;
  /** Comes true when the server ends the stream, with its reason. */
  readonly ended: Promise<Refused>;

  private constructor(
    private readonly context: AudioContext,
    private readonly microphone: MediaStream,
    private readonly socket: WebSocket,
    private readonly changed: () => void,
  ) {
    socket.addEventListener("message", ({ data }) => this.heard(JSON.parse(String(data)) as Event));
    this.ended = new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => resolve(new Refused(code, reason || "The server ended the stream.")));
    });
  }

  /** Ask for the microphone and for the server's ear; raises what the browser or the server says against it. */
  static async start(changed: () => void): Promise<Live> {
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, autoGainControl: false } });
    try {
      const context = new AudioContext({ sampleRate: RATE });
      await context.audioWorklet.addModule(capture);
      const live = new Live(context, microphone, await opened(context.sampleRate), changed);
      const node = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
      node.port.onmessage = ({ data }) => live.spoke(data as Int16Array<ArrayBuffer>);
      context.createMediaStreamSource(microphone).connect(node);
      return live;
    } catch (error) {
      for (const track of microphone.getTracks()) track.stop();
      throw error;
    }
  }

  get seconds(): number {
    return this.samples / this.context.sampleRate;
  }

  get turns(): Turn[] {
    return [...this.told.values()].sort((one, other) => one.start - other.start);
  }

  /** Switch the microphone off. */
  async silence(): Promise<void> {
    for (const track of this.microphone.getTracks()) track.stop();
    await this.context.close();
  }

  /** The server's last word on the whole; raises `Refused` where it has none. */
  async last(): Promise<Diarization> {
    const final = new Promise<Diarization>((resolve) => (this.final = resolve));
    this.socket.send("end");
    const last = await Promise.race([final, this.ended]);
    if (last instanceof Refused) throw last;
    return last;
  }

  /** What was said, as a WAV file. */
  get recording(): Blob {
    return new Blob([wavHeader(this.samples, this.context.sampleRate), ...this.parts], { type: "audio/wav" });
  }

  private spoke(block: Int16Array<ArrayBuffer>): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.send(block);
    this.parts.push(new Blob([block]));
    this.samples += block.length;
    const step = Math.round(this.context.sampleRate / PEAKS_PER_SECOND);
    for (let from = 0; from < block.length; from += step) {
      this.peaks.push(block.subarray(from, from + step).reduce((most, each) => Math.max(most, Math.abs(each)), 0) / 32768);
    }
    this.changed();
  }

  private heard(told: Event): void {
    if (told.event === "turn") {
      this.told.set(told.turn, { start: told.start, end: told.end, speaker: told.speaker, confidence: null });
    } else if (told.event === "relabel") {
      const turn = this.told.get(told.turn);
      if (turn) this.told.set(told.turn, { ...turn, speaker: told.speaker });
    } else {
      this.final?.({ uri: "microphone", seconds: told.seconds, speakers_probability: null, turns: told.turns, warnings: [] });
      return;
    }
    this.changed();
  }
}

export { PEAKS_PER_SECOND };

function opened(rate: number): Promise<WebSocket> {
  const address = new URL(`/v1/stream?rate=${rate}`, location.href.replace(/^http/, "ws"));
  const known = token.get();
  const socket = known ? new WebSocket(address, ["bearer", known]) : new WebSocket(address);
  socket.binaryType = "arraybuffer";
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", () => resolve(socket), { once: true });
    socket.addEventListener("close", ({ code, reason }) => reject(new Refused(code, reason || "The server takes no stream.")), { once: true });
  });
}

function wavHeader(samples: number, rate: number): ArrayBuffer {
  const header = new DataView(new ArrayBuffer(44));
  const text = (place: number, letters: string) => [...letters].forEach((letter, each) => header.setUint8(place + each, letter.charCodeAt(0)));
  text(0, "RIFF");
  header.setUint32(4, 36 + 2 * samples, true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true);
  header.setUint16(22, 1, true);
  header.setUint32(24, rate, true);
  header.setUint32(28, 2 * rate, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  text(36, "data");
  header.setUint32(40, 2 * samples, true);
  return header.buffer;
}
