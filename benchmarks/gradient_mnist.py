"""MNIST by the gradient's norm: how good each rule is by size (Vodrahalli et al. 2018, Fig. 3).

    python -m benchmarks.gradient_mnist --raw data/raw --picture curves.png

Runs presets/gradient_mnist.yaml, with its random seeds, once for each rule of the paper in a clone
of the committed project; the rules share the proxies, the random subsets and everything. Prints
the accuracy on test by rule and size, and each rule minus random, paired by seed, with the standard
error over the seeds (sd / sqrt(seeds)).
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from benchmarks import clones
from stages.report.pictures.figures import finished, new_figure, save, style
from stages.report.run.reading import Folders, load_comparison, load_targets
from stages.shared import artifacts
from stages.shared.settings.params import load_params

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRESET = "presets/gradient_mnist.yaml"
RULES = {
    "max-gradient": [],
    "non-extreme": ["select.outliers.fraction=0.05"],
    "gradient-CDF": ["select.rule=proportional"],
}
Runs = dict[str, clones.Shown]  # by rule
Accuracies = npt.NDArray[np.float64]  # [R] one for each random seed, in points


def main() -> None:
    """Run the series, print its table, draw its curves."""
    arguments = _parse()
    clone = arguments.work.absolute()
    clones.prepare(clone, arguments.raw)
    preset = clones.committed(clone, PRESET)
    runs: Runs = {}
    for rule, settings in RULES.items():
        changes = [*arguments.set, *settings]
        name = "-".join([Path(PRESET).stem, *changes])
        runs[rule] = clones.run(clone, name, clones.changed(preset, changes), read)
    print(f"settings {arguments.set or 'of the preset'}")
    print(table(runs))
    if arguments.picture:
        save(arguments.picture, draw(runs))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--set", nargs="*", default=[], help="other settings, as dvc's -S")
    parser.add_argument("--raw", type=Path, help="your data/raw, if MNIST is there already")
    parser.add_argument("--work", type=Path, default=Path(".gradient_mnist"), help="the clone")
    parser.add_argument("--picture", type=Path, help="draw the curves, as PNG")
    return parser.parse_args()


def read(clone: Path) -> clones.Shown:
    """Return the accuracies on test in points by model and subset, one a draw, and the sizes."""
    params = load_params(clone / "params.yaml")
    folders = Folders.below(clone / "data")
    meta = artifacts.load_meta(folders.prepared)
    targets = [load_targets(draw, meta, folders) for draw in params.draws]
    return {
        "accuracy": {
            f"{model}-{subset}": [
                100 * found[model, subset].evaluation.mean["accuracy"] for found in targets
            ]
            for model, subset in targets[0]
        },
        "size": {
            name: len(found) for name, found in load_comparison(params, meta, folders).items()
        },
    }


def sizes(runs: Runs) -> dict[int, str]:
    """Return the names of the compared sizes by their picks, rising: `selected-0.01` is -0.01."""
    found = next(iter(runs.values()))["size"]
    names = {
        picks: subset.removeprefix("selected")
        for subset, picks in found.items()
        if subset.startswith("selected")
    }
    return dict(sorted(names.items()))


def accuracies(run: clones.Shown, subset: str) -> Accuracies:
    """Return the accuracies of the one target model on this subset, in points."""
    (values,) = (
        values for key, values in run["accuracy"].items() if key.partition("-")[2] == subset
    )
    return np.array(values)


def table(runs: Runs) -> str:
    """Return accuracies by size as Markdown: random, then each rule and what it has over random."""
    first = next(iter(runs.values()))
    lines = [
        f"| picks | random | {' | '.join(f'{rule} | minus random' for rule in runs)} |",
        f"|---|---|{'---|---|' * len(runs)}",
    ]
    for picks, name in sizes(runs).items():
        random = accuracies(first, f"random{name}")
        cells = [str(picks), f"{random.mean():.2f}"]
        for found in runs.values():
            selected = accuracies(found, f"selected{name}")
            cells += [f"{selected.mean():.2f}", _with_error(selected - random)]
        lines.append(f"| {' | '.join(cells)} |")
    full = accuracies(first, "full")
    return "\n".join([*lines, f"\neverything: {full.mean():.2f} ± {_error(full):.2f}"])


def _with_error(difference: Accuracies) -> str:
    return f"{difference.mean():+.2f} ± {_error(difference):.2f}"


def _error(values: Accuracies) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def draw(runs: Runs) -> "Figure":
    """Draw the error on test over the size, both on log axes, with the standard errors."""
    first = next(iter(runs.values()))
    figure, axes = new_figure()
    curves = {rule: (found, "selected") for rule, found in runs.items()}
    for place, (label, (found, kind)) in enumerate({"random": (first, "random"), **curves}.items()):
        errors = [100 - accuracies(found, f"{kind}{name}") for name in sizes(runs).values()]
        axes.errorbar(
            list(sizes(runs)),
            [error.mean() for error in errors],
            yerr=[_error(error) for error in errors],
            label=label,
            capsize=2,
            **style(place),
        )
    everything = float(100 - accuracies(first, "full").mean())
    axes.axhline(everything, color="grey", linestyle="--", label="everything")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("picks")
    axes.set_ylabel("error on test (points)")
    return finished(figure, "MNIST, chosen by the norm of the gradient")


if __name__ == "__main__":
    main()
