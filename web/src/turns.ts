/** Who spoke when, as the server tells it, and what a person may change of it. Times are seconds. */

export interface Turn {
  readonly start: number;
  readonly end: number;
  readonly speaker: string;
  readonly confidence: number | null;
}

export interface Diarization {
  readonly uri: string;
  readonly seconds: number | null;
  readonly speakers_probability: number | null;
  readonly turns: readonly Turn[];
  readonly warnings: readonly string[];
}

/** The people heard, in order of their first turn. */
export function speakers(turns: readonly Turn[]): string[] {
  return [...new Set(turns.map((turn) => turn.speaker))];
}

/** How long each person speaks, in order of their first turn. */
export function talk(turns: readonly Turn[]): Map<string, number> {
  const seconds = new Map<string, number>();
  for (const turn of turns) seconds.set(turn.speaker, (seconds.get(turn.speaker) ?? 0) + turn.end - turn.start);
  return seconds;
}

/** The same turns with one person called `to`; where somebody has that name already, the two become one. */
export function renamed(found: Diarization, from: string, to: string): Diarization {
  return { ...found, turns: found.turns.map((turn) => (turn.speaker === from ? { ...turn, speaker: to } : turn)) };
}

/** A time as a person reads it: 1:02.3, or 1:00:02. */
export function clock(seconds: number, tenths = false): string {
  const whole = Math.max(0, tenths ? Math.floor(seconds * 10) / 10 : Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = (whole % 60).toFixed(tenths ? 1 : 0).padStart(tenths ? 4 : 2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}
