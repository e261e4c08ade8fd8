/** The list of people: each with a colour, a name that can be changed, and the time they speak. */

import { element } from "./dom";
import { clock, talk, type Turn } from "./turns";

const LONGEST_NAME = 100;

export interface Change {
  rename(from: string, to: string): void;
}

/** Draw the people of these turns into `list`; without `change` the names stand fast. */
export function drawSpeakers(list: HTMLElement, turns: readonly Turn[], color: (speaker: string) => string, change?: Change): void {
  const seconds = talk(turns);
  const all = [...seconds.values()].reduce((sum, each) => sum + each, 0);
  list.replaceChildren(
    ...[...seconds].map(([speaker, time]) => {
      const share = element("div", { class: "share" }, element("span"));
      const bar = share.firstElementChild as HTMLElement;
      Object.assign(bar.style, { width: `${(100 * time) / all}%`, background: color(speaker) });
      const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
      swatch.style.background = color(speaker);
      const told = element("span", { class: "soft" }, `${clock(time)} · ${Math.round((100 * time) / all)} %`);
      const name = change ? nameField(speaker, change) : element("span", { class: "named" }, speaker);
      const others = [...seconds.keys()].filter((other) => other !== speaker);
      const row = element("div", { class: "person" }, swatch, name, told, share);
      if (change && others.length > 0) row.append(mergeChoice(speaker, others, change));
      return element("li", { "data-speaker": speaker }, row);
    }),
  );
}

function nameField(speaker: string, change: Change): HTMLElement {
  const field = element("input", { type: "text", class: "named", "aria-label": `Name of ${speaker}`, maxlength: LONGEST_NAME });
  field.value = speaker;
  field.spellcheck = false;
  field.autocomplete = "off";
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") field.value = speaker;
    if (event.key === "Enter" || event.key === "Escape") field.blur();
  });
  field.addEventListener("change", () => {
    const name = field.value.trim();
    if (name && name !== speaker) change.rename(speaker, name);
    else field.value = speaker;
  });
  return field;
}

function mergeChoice(speaker: string, others: readonly string[], change: Change): HTMLElement {
  const choice = element("select", { "aria-label": `Merge ${speaker} with` }, element("option", { value: "" }, "Merge with…"));
  for (const other of others) choice.append(element("option", { value: other }, other));
  choice.addEventListener("change", () => choice.value && change.rename(speaker, choice.value));
  return choice;
}
