/** A colour for each person: kept while people are renamed, the next free one for whoever is new. */

/** How many colours `style.css` has, as `--speaker-0`… */
const COLORS = 10;

export class Colors {
  private readonly given = new Map<string, number>();

  /** The colour of a person, as CSS. */
  of(speaker: string): string {
    let number = this.given.get(speaker);
    if (number === undefined) {
      const taken = new Set([...this.given.values()].map((each) => each % COLORS));
      const free = [...Array(COLORS).keys()].find((each) => !taken.has(each));
      number = free ?? this.given.size;
      this.given.set(speaker, number);
    }
    return `var(--speaker-${number % COLORS})`;
  }

  /** A person has another name; where that is somebody else's, that person's colour stays. */
  rename(from: string, to: string): void {
    const number = this.given.get(from);
    if (number === undefined) return;
    this.given.delete(from);
    if (!this.given.has(to)) this.given.set(to, number);
  }

  clear(): void {
    this.given.clear();
  }
}
