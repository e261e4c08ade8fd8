/** What stands above and below the picture, on the page and in a file of `fastdiar view`: play, time, zoom, keys. */

import { byId } from "./dom";
import { Timeline } from "./timeline";
import { clock } from "./turns";

const STEP = 5;
const ZOOM_STEP = 0.1;

/** A timeline with its controls, which are on the page already. */
export function player(moved: (seconds: number) => void): Timeline {
  const host = byId("timeline", HTMLElement);
  const button = byId("play", HTMLButtonElement);
  const time = byId("time", HTMLElement);
  const zoom = byId("zoom", HTMLInputElement);
  const timeline = new Timeline(host, {
    moved(seconds) {
      time.textContent = `${clock(seconds, true)} / ${clock(timeline.seconds, true)}`;
      moved(seconds);
    },
    playing(plays) {
      button.textContent = plays ? "Pause" : "Play";
      button.classList.toggle("plays", plays);
    },
  });
  button.addEventListener("click", () => void timeline.toggle());
  zoom.addEventListener("input", () => (timeline.zoom = Number(zoom.value) / 100));
  const zoomTo = (share: number) => {
    timeline.zoom = share;
    zoom.value = String(100 * timeline.zoom);
  };
  host.addEventListener("keydown", (event) => {
    const acts: Record<string, () => void> = {
      " ": () => void timeline.toggle(),
      ArrowLeft: () => timeline.seek(timeline.time - STEP),
      ArrowRight: () => timeline.seek(timeline.time + STEP),
      Home: () => timeline.seek(0),
      End: () => timeline.seek(timeline.seconds),
      "+": () => zoomTo(timeline.zoom + ZOOM_STEP),
      "-": () => zoomTo(timeline.zoom - ZOOM_STEP),
    };
    const act = acts[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  return timeline;
}
