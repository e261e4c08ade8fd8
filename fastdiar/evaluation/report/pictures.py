"""Pictures of what was measured, drawn by matplotlib.

On a page they are inline SVG: `INK` becomes the colour of the text around them, so that they fit a light and a dark page.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from scipy.stats import norm

from fastdiar.core.types import Turn
from fastdiar.evaluation.closed_set import Confusion
from fastdiar.evaluation.verification import Histogram

INK = "#010203"
"""No picture has this colour by chance."""
COLOURS = ("#3b82c4", "#e07b39", "#3a9e6e", "#c94f6d", "#8a6fc9", "#b08a2e", "#2fa3a8", "#9a6b5a", "#7f8a99", "#c46fb5")
LINES = ("solid", "dashed", "dashdot", "dotted")
STYLE = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "grid.alpha": 0.25,
    "grid.color": INK,
    "legend.frameon": False,
    "savefig.transparent": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "fastdiar",
    "text.color": INK,
    "text.parse_math": False,  # a $ in a file's name is a $
    "xtick.color": INK,
    "ytick.color": INK,
}
DET_RATES = (0.001, 0.01, 0.05, 0.1, 0.2, 0.4)
LEAST_RATE, LARGEST_RATE = 5e-4, 0.6
MOST_NAMES, LONGEST_NAME = 24, 20
"""Classes of a confusion matrix that can be named at its edges, and letters of a name that a picture has room for."""
PIXELS_PER_INCH = 200
"""Of images inside a picture; lines have no pixels."""


def timeline(
    panels: Mapping[str, Sequence[Turn]], people: Mapping[str, Mapping[str, int]] | None = None, seconds: float | None = None
) -> Figure:
    """Who speaks when, one panel of turns above the other; in each, a row for each speaker.

    `people` gives each panel's speakers numbers, so that one person has one colour and place in all of them; without it, they
    stand in order of first words. `seconds` is the recording's length.
    """
    rows = [max(1, len({turn.speaker for turn in turns})) for turns in panels.values()]
    figure = Figure(figsize=(10, 0.9 * len(panels) + 0.3 * sum(rows)))
    axes = figure.subplots(len(panels), sharex=True, height_ratios=rows, squeeze=False)[:, 0]
    for (title, turns), axis in zip(panels.items(), axes, strict=True):
        first_words = {speaker: row for row, speaker in enumerate(dict.fromkeys(turn.speaker for turn in sorted(turns)))}
        numbers = people[title] if people else first_words
        speakers = sorted(first_words, key=numbers.__getitem__)
        for row, speaker in enumerate(speakers):
            spoken = [(turn.start, turn.duration) for turn in turns if turn.speaker == speaker]
            axis.broken_barh(spoken, (row - 0.35, 0.7), facecolors=COLOURS[numbers[speaker] % len(COLOURS)])
        axis.set_yticks(range(len(speakers)), map(_short, speakers))
        axis.tick_params(axis="y", length=0)
        axis.invert_yaxis()
        axis.set_title(title)
    axes[-1].set_xlim(0, seconds)
    axes[-1].set_xlabel("seconds")
    return figure


def curves(epochs: Sequence[Mapping[str, Any]]) -> Figure:
    """Figures of a training, epoch by epoch: losses, and accuracies where there are any; validation dashed."""
    names = dict.fromkeys(name for line in epochs for name in line)
    losses = [name for name in names if name in ("loss", "dev.loss")]
    rates = [name for name in names if name.endswith("accuracy")]
    panels = [(title, chosen) for title, chosen in (("loss", losses), ("accuracy", rates)) if chosen]
    figure = Figure(figsize=(5 * len(panels), 3))
    for (title, chosen), axis in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
        for number, name in enumerate(chosen):
            at = [line["epoch"] for line in epochs if isinstance(line.get(name), int | float)]
            values = [line[name] for line in epochs if isinstance(line.get(name), int | float)]
            style = "dashed" if name.startswith("dev.") else "solid"
            axis.plot(at, values, label=name, color=COLOURS[number % len(COLOURS)], linestyle=style)
        axis.set_title(title)
        axis.set_xlabel("epoch")
        axis.grid(visible=True)
        axis.legend()
    return figure


@attrs.frozen
class Det:
    """`points` (accepted, missed); curves of one `family` share a colour, those of one `kind` a dashing."""

    points: Sequence[tuple[float, float]]
    family: str
    kind: str


def det_curves(by_name: Mapping[str, Det]) -> Figure:
    """Missed over accepted, on axes where normal scores give straight lines."""
    figure = Figure(figsize=(5, 4.6))
    axis = figure.subplots()
    families, kinds = ([*dict.fromkeys(getattr(curve, part) for curve in by_name.values())] for part in ("family", "kind"))
    for name, curve in by_name.items():
        accepted, missed = np.clip(np.array(curve.points).T, LEAST_RATE / 2, 1 - LEAST_RATE)
        colour, line = COLOURS[families.index(curve.family) % len(COLOURS)], LINES[kinds.index(curve.kind) % len(LINES)]
        axis.plot(norm.ppf(accepted), norm.ppf(missed), label=name, color=colour, linestyle=line)
    bounds = norm.ppf((LEAST_RATE, LARGEST_RATE))
    axis.plot(bounds, bounds, color=INK, alpha=0.3, linewidth=0.8)
    labels = [f"{100 * rate:g}" for rate in DET_RATES]
    axis.set_xticks(norm.ppf(DET_RATES), labels)
    axis.set_yticks(norm.ppf(DET_RATES), labels)
    axis.set(xlim=bounds, ylim=bounds, xlabel="two voices taken for one, %", ylabel="one voice taken for two, %", aspect="equal")
    axis.grid(visible=True)
    axis.legend(fontsize=8)
    return figure


def histogram(scores: Histogram, label: str) -> Figure:
    """How often each score is given, to pairs of one voice and of two."""
    figure = Figure(figsize=(5, 2.6))
    axis = figure.subplots()
    for shares, name, colour in ((scores.different, "two voices", COLOURS[1]), (scores.same, "one voice", COLOURS[0])):
        axis.stairs(np.array(shares) * 100, scores.edges, fill=True, alpha=0.55, color=colour, label=name)
    axis.set(xlabel=label, ylabel="% of pairs")
    axis.legend()
    return figure


def confusion_matrix(confusions: Sequence[Confusion]) -> Figure:
    """Who was taken for whom: each row is a speaker, its cells the shares of those guessed."""
    names = sorted({name for each in confusions for name in (each.speaker, each.guessed)})
    place = {name: number for number, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)))
    for each in confusions:
        counts[place[each.speaker], place[each.guessed]] = each.utterances
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(5.4, 4.6))
    axis = figure.subplots()
    # Square-rooted, so that a single confusion among many is seen.
    image = axis.imshow(np.sqrt(shares), cmap="viridis", vmin=0, vmax=1)
    bar = figure.colorbar(image, ticks=np.sqrt((0, 0.1, 0.25, 0.5, 1)), shrink=0.8)
    bar.ax.set_yticklabels(("0", "10 %", "25 %", "50 %", "100 %"))
    if len(names) <= MOST_NAMES:
        labels = list(map(_short, names))
        axis.set_xticks(range(len(names)), labels, rotation=90, fontsize=7)
        axis.set_yticks(range(len(names)), labels, fontsize=7)
    else:
        axis.set(xticks=[], yticks=[])
    axis.set(xlabel="taken for", ylabel="speaker")
    return figure


@contextmanager
def style(**changes: Any) -> Iterator[None]:
    """How all pictures look, while they are drawn and saved; `changes` are matplotlib's rcParams."""
    with rc_context({**STYLE, **changes}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # the page's own fonts know more scripts
        yield


def svg(figure: Figure) -> str:
    """A figure as inline SVG that scales with its page. What strangers wrote in it is escaped."""
    file = io.StringIO()
    figure.savefig(file, format="svg", dpi=PIXELS_PER_INCH, metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r'(<svg [^>]*?)width="[^"]*" height="[^"]*"', r"\1", text, count=1)
    referred = set(re.findall(r"#([\w.-]+)", text))  # several pictures share a page: no name may occur twice in vain
    return re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in referred else "", text)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
