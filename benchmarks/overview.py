"""README.md's picture: the search, with the digits of a finished run of presets/digits.yaml in it.

    python -m commands.preset digits && dvc repro
    python -m benchmarks.overview benchmarks/overview.png

The samples and scores are those of the first round in data/; the accuracies are those that
benchmarks/docs/results.md measured on all digits, with their standard errors over random seeds.
"""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from stages.report.pictures.figures import COLOURS, DPI, REST, save
from stages.report.run.reading import Folders, load_draws
from stages.report.run.results import KINDS, Results, Round
from stages.report.samples.ranking import ranked_candidates
from stages.shared.artifacts import Array, Ints
from stages.shared.settings.params import load_params

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEASURED = Path(__file__).parent.parent / "docs/results.md"
ROW = re.compile(r"^\| (\w+) \| ([\d.]+) \| ([\d.]+) \|$", re.MULTILINE)
SIDE = 7  # samples in a row and in a column
NUM_BINS = 30


def draw(results: Results, measured: dict[str, tuple[float, float]]) -> "Figure":
    """Draw a round from left to right: seed subset, scores, what is taken, what it is worth."""
    from matplotlib.figure import Figure

    entry = results.rounds[0]
    seed, target = results.subsets[entry.source], results.subsets[entry.target]
    num = len(results.targets_N)
    figure = Figure(figsize=(12, 3.1), dpi=DPI)
    axes = figure.subplots(1, 5, width_ratios=[1, 1.3, 1, 1, 1.3])
    figure.subplots_adjust(left=0.015, right=0.985, top=0.8, bottom=0.22, wspace=0.22)
    ranked_K = ranked_candidates(results, entry)
    _samples(axes[0], results, seed.index_P)
    _scores(axes[1], entry, ranked_K, len(target) - len(seed))
    _samples(axes[2], results, ranked_K)
    _samples(axes[3], results, ranked_K[::-1])
    _accuracies(axes[4], measured)
    members = results.params.train_ensemble.members
    model = results.params.compare.models[0]
    heads = [
        f"1  a random seed subset:\n{len(seed)} of {num:,} samples",
        f"2  {members} cheap models, trained\non it, score all others",
        "3  the best-scored join\nthe subset",
        "the lowest-scored\nare left out",
        f"4  your real model ({model})\nis trained and compared",
    ]
    for each, head in zip(axes, heads, strict=True):
        figure.text(each.get_position().x0, 0.97, head, fontsize=10, va="top")
    _arrow(figure, axes, 2, 1, "again, with the larger subset")
    return figure


def _samples(axes: "Axes", results: Results, index_P: Ints) -> None:
    """Draw the first of some samples as a square of squares."""
    image_PHWK = np.asarray(results.inputs_N[index_P[: SIDE * SIDE]])
    axes.imshow(montage(image_PHWK[..., 0]), cmap="gray_r", interpolation="nearest")
    axes.set_axis_off()


def montage(image_PHW: Array) -> Array:
    """Place the first images in rows of SIDE, with a line between them."""
    rows = np.pad(image_PHW, ((0, 0), (1, 1), (1, 1)))
    height, width = rows.shape[1:]
    grid = rows.reshape(SIDE, SIDE, height, width).transpose(0, 2, 1, 3)
    return cast("Array", grid.reshape(SIDE * height, SIDE * width))


def _scores(axes: "Axes", entry: Round, ranked_K: Ints, num_taken: int) -> None:
    """Draw how the scores are distributed, and the part that is taken."""
    score_K = entry.score_N[ranked_K]
    bins = np.linspace(0, score_K[0], NUM_BINS).tolist()
    for part_K, colour, name in (
        (score_K[num_taken:], REST, "left out"),
        (score_K[:num_taken], COLOURS[0], "taken"),
    ):
        axes.hist(part_K, bins=bins, color=colour, label=name)
    axes.set_xlabel(entry.acquisition.replace("_", " "), fontsize=9, loc="left")
    axes.set_yticks([])
    axes.tick_params(labelsize=8)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)


def _accuracies(axes: "Axes", measured: dict[str, tuple[float, float]]) -> None:
    """Draw the accuracies, with one standard error."""
    names = {"random": "random\n25 %", "selected": "selected\n25 %", "full": "everything"}
    for place, kind in enumerate(names):
        mean, error = measured[kind]
        colour = COLOURS[KINDS.index(kind)]
        axes.errorbar(place, mean, yerr=error, fmt="o", color=colour, capsize=4, markersize=7)
        axes.annotate(f"{mean:.2f}", (place, mean), (8, 0), textcoords="offset points",
                      fontsize=9, va="center")  # fmt: skip
    axes.set_xticks(range(len(names)), list(names.values()), fontsize=9)
    axes.set_xlim(-0.4, len(names) - 0.3)
    axes.set_title("accuracy on test in %, ± standard error", fontsize=8, loc="left", pad=4)
    axes.set_yticks([])
    axes.spines[["top", "right", "left"]].set_visible(False)


def _arrow(figure: "Figure", axes: Any, start: int, end: int, text: str) -> None:
    """Draw an arrow below, back from one panel to another."""
    from matplotlib.patches import FancyArrowPatch

    boxes = [axes[place].get_position() for place in (start, end)]
    left, right = ((box.x0 + box.x1) / 2 for box in reversed(boxes))
    figure.add_artist(
        FancyArrowPatch(
            (right, 0.2), (left, 0.05), transform=figure.transFigure, arrowstyle="-|>",
            mutation_scale=14, connectionstyle="angle,angleA=90,angleB=0,rad=6", color="#555555",
        )
    )  # fmt: skip
    figure.text(right - 0.01, 0.07, text, ha="right", fontsize=9, color="#555555")


def measured_in(text: str) -> dict[str, tuple[float, float]]:
    """Return mean and standard error of selected, random and full in the first table of a text."""
    found: dict[str, tuple[float, float]] = {}
    for name, mean, error in ROW.findall(text):
        found.setdefault(name, (float(mean), float(error)))
    return {kind: found[kind] for kind in KINDS}


def main() -> None:
    """Draw what lies in data/."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("picture", type=Path, help="the PNG to write")
    arguments = parser.parse_args()
    folders = Folders.below(Path("data"))
    results = load_draws(load_params(), folders)[0]
    save(arguments.picture, draw(results, measured_in(MEASURED.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
