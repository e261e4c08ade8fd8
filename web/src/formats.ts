/** Turns as files, in the same words as `fastdiar.core.formats`. */

import { talk, type Diarization } from "./turns";

export interface Format {
  readonly name: string;
  readonly suffix: string;
  readonly type: string;
  readonly write: (found: Diarization) => string;
}

export const FORMATS: readonly Format[] = [
  { name: "RTTM", suffix: ".rttm", type: "text/plain", write: rttm },
  { name: "JSON", suffix: ".json", type: "application/json", write: json },
  { name: "SRT", suffix: ".srt", type: "application/x-subrip", write: srt },
  { name: "Audacity", suffix: ".txt", type: "text/plain", write: audacity },
];

function rttm(found: Diarization): string {
  const uri = words(found.uri, "_");
  return found.turns
    .map(({ start, end, speaker }) => `SPEAKER ${uri} 1 ${start.toFixed(3)} ${(end - start).toFixed(3)} <NA> <NA> ${words(speaker, "_")} <NA> <NA>\n`)
    .join("");
}

function json(found: Diarization): string {
  const { uri, seconds, speakers_probability, turns, warnings } = found;
  const speakers = [...talk(turns)].map(([speaker, time]) => ({ speaker, seconds: Number(time.toFixed(3)) }));
  return JSON.stringify({ uri, seconds, speakers_probability, speakers, turns, warnings }, null, 2) + "\n";
}

function srt(found: Diarization): string {
  return found.turns
    .map(({ start, end, speaker }, place) => {
      const name = words(speaker, " ").replaceAll("[", "(").replaceAll("]", ")");
      return `${place + 1}\n${time(start)} --> ${time(end)}\n[${name}]\n\n`;
    })
    .join("");
}

function audacity(found: Diarization): string {
  return found.turns.map(({ start, end, speaker }) => `${start.toFixed(6)}\t${end.toFixed(6)}\t${words(speaker, " ")}\n`).join("");
}

function words(name: string, between: string): string {
  return name.trim().split(/\s+/).join(between) || "_";
}

function time(seconds: number): string {
  const milliseconds = Math.round(seconds * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const whole = Math.floor(milliseconds / 1000);
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)},${String(milliseconds % 1000).padStart(3, "0")}`;
}
