/** The server, asked as a job: the recording goes up, how far it is comes back, then who spoke when. */

import type { Diarization } from "./turns";

const POLL_MILLISECONDS = 400;
const TOKEN = "token";

/** What the server answered that is an error; `status` is that of HTTP. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

interface Job {
  readonly id: string;
  readonly state: "queued" | "running" | "done" | "failed";
  readonly progress: number;
  readonly result: Diarization | null;
  readonly error: string | null;
}

/** The token that this server wants, for as long as the page is open. */
export const token = {
  get: () => sessionStorage.getItem(TOKEN),
  set: (value: string) => sessionStorage.setItem(TOKEN, value),
};

/** Who spoke when in a recording; `told` hears a share from 0 to 1. Raises `Refused`. */
export async function diarized(
  recording: Blob,
  wishes: { name: string; speakers: number | null },
  told: (share: number) => void,
  stopped: AbortSignal,
): Promise<Diarization> {
  const query = new URLSearchParams({ name: wishes.name.slice(0, 100) || "recording" });
  if (wishes.speakers !== null) query.set("num_speakers", String(wishes.speakers));
  const type = { "Content-Type": "application/octet-stream" };
  let job = await asked<Job>(`/v1/jobs?${query}`, { method: "POST", body: recording, headers: type, signal: stopped });
  const address = `/v1/jobs/${encodeURIComponent(job.id)}`;
  try {
    while (job.state === "queued" || job.state === "running") {
      told(job.progress);
      await pause(POLL_MILLISECONDS, stopped);
      job = await asked<Job>(address, { signal: stopped });
    }
  } finally {
    void asked(address, { method: "DELETE" }).catch(() => undefined);
  }
  if (job.result === null) throw new Refused(422, job.error ?? "The recording could not be diarized.");
  return job.result;
}

/** The name of the server's model. */
export async function model(): Promise<string> {
  return (await asked<{ model: string }>("/v1/health")).model;
}

async function asked<Answer>(address: string, request: RequestInit = {}): Promise<Answer> {
  const headers = new Headers(request.headers);
  const known = token.get();
  if (known) headers.set("Authorization", `Bearer ${known}`);
  const answer = await fetch(address, { ...request, headers });
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => ({}))) as { detail?: string };
    throw new Refused(answer.status, problem.detail ?? answer.statusText);
  }
  return answer.status === 204 ? (undefined as Answer) : ((await answer.json()) as Answer);
}

function pause(milliseconds: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    stopped.throwIfAborted();
    const timer = setTimeout(resolve, milliseconds);
    stopped.addEventListener("abort", () => (clearTimeout(timer), reject(stopped.reason)), { once: true });
  });
}
