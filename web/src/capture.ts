/** In the browser's audio thread: what the microphone hears as 16-bit numbers, a tenth of a second at a time. */

declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

class Capture extends AudioWorkletProcessor {
  private block = new Int16Array(Math.round(sampleRate / 10));
  private filled = 0;

  process([channels]: Float32Array[][]): boolean {
    for (const sample of channels?.[0] ?? []) {
      this.block[this.filled++] = Math.round(Math.min(1, Math.max(-1, sample)) * 32767);
      if (this.filled === this.block.length) {
        const done = this.block;
        this.port.postMessage(done, [done.buffer]);
        this.block = new Int16Array(Math.round(sampleRate / 10));
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("capture", Capture);
