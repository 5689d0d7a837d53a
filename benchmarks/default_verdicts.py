"""How often the default's verdict says what: its runs with other random seeds.

    python -m benchmarks.default_verdicts --first 0 --runs 20 --out verdicts.csv

Run r of the default has the random seeds first + 5 r and the four after it. Several runs are made
at once, as draws of one `dvc repro` in a clone of the committed project: a draw has the same bytes
whatever stands beside it. Finished parts are kept in the clone, and the table is written after
each of them, so a broken-off series goes on where it stopped.

An answer is better, as good as or worse; or a bound: where an interval cannot tell, it still says
that the subset is at most so much worse than everything, or not better than random by more than the
margin. Bounds of more than ONE_POINT answer nothing.
"""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks import clones
from stages.report.formulas.statistics import CANNOT_TELL
from stages.report.numbers.conclusions import Against, conclude
from stages.report.numbers.draws import Draw
from stages.report.run.reading import Folders, load_comparison, load_races, load_targets
from stages.shared import artifacts
from stages.shared.settings.params import load_params

DRAWS = 5  # of a run
ONE_POINT = 1.0
HEADER = (
    *("random_seed", "selected", "random", "everything"),
    *("minus_everything", "reach_everything", "word_everything", "says_everything"),
    *("minus_random", "reach_random", "word_random", "says_random", "winners", "judges"),
)


def main() -> None:
    """Run the series and write its table."""
    arguments = _parse()
    clone = arguments.work.absolute()
    clones.prepare(clone)
    preset = clones.committed(clone, "presets/default.yaml")
    rows: list[Mapping[str, object]] = []
    for place in range(0, arguments.runs, arguments.at_once):
        first = arguments.first + DRAWS * place
        count = DRAWS * min(arguments.at_once, arguments.runs - place)
        changes = [f"random_seed={first}", f"random_seeds={count}", *arguments.set]
        name = "-".join([f"seeds{first}-{count}", *arguments.set])
        rows += clones.run(clone, name, clones.changed(preset, changes), read)["rows"]
        if arguments.out:
            fields = [[row[name] for name in HEADER] for row in rows]
            artifacts.save_table(arguments.out, HEADER, fields)
        print(table(rows), flush=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--first", type=int, default=0, help="random seed of the first run")
    parser.add_argument("--runs", type=int, default=20, help="of five draws each")
    parser.add_argument("--at-once", type=int, default=2, help="runs in one dvc repro")
    parser.add_argument("--set", nargs="*", default=[], help="other settings, as dvc's -S")
    parser.add_argument("--work", type=Path, default=Path(".default_verdicts"), help="the clone")
    parser.add_argument("--out", type=Path, help="write the table as CSV")
    return parser.parse_args()


def read(clone: Path) -> clones.Shown:
    """Return a row of the table for every run."""
    params = load_params(clone / "params.yaml")
    folders = Folders.below(clone / "data")
    meta = artifacts.load_meta(folders.prepared)
    draws = [
        Draw(draw, meta, load_comparison(draw, meta, folders), load_targets(draw, meta, folders), 1)
        for draw in params.draws
    ]
    return {"rows": [_row(draws[k : k + DRAWS], folders) for k in range(0, len(draws), DRAWS)]}


def _row(draws: Sequence[Draw], folders: Folders) -> dict[str, object]:
    params = draws[0].params
    (model,) = params.compare.models
    found = conclude(draws, model)
    assert found is not None, "the default compares the selected subset"
    races = [race for draw in draws for race in load_races(draw.params, folders).values()]
    full, random = found.against["full"], found.against["random"]
    return {
        "random_seed": params.random_seed,
        **{
            column: round(float(np.mean([_accuracy(draw, model, name) for draw in draws])), 2)
            for column, name in zip(HEADER[1:4], ("selected", "random", "full"), strict=True)
        },
        **_columns("everything", full, found.margin),
        **_columns("random", random, found.margin),
        "winners": "; ".join(race.winner.partition("-")[0] for race in races),
        "judges": sum(race.trainings for race in races),
    }


def _accuracy(draw: Draw, model: str, name: str) -> float:
    return 100 * draw.targets[model, name].evaluation.mean["accuracy"]


def _columns(other: str, entry: Against, margin: float) -> dict[str, object]:
    return {
        f"minus_{other}": round(entry.value, 2),
        f"reach_{other}": round(entry.reach, 2),
        f"word_{other}": entry.word,
        f"says_{other}": says(other, entry, margin),
    }


def says(other: str, entry: Against, margin: float) -> str:
    """Return what a newcomer learns of the subset against `everything` or `random`."""
    worst, best = entry.reach - entry.value, entry.reach + entry.value
    if entry.word != CANNOT_TELL:
        return entry.word
    if other == "random" and best <= margin:
        return "random is as good"
    if worst <= ONE_POINT:
        return f"at most {ONE_POINT:g} point worse"
    return CANNOT_TELL


def table(rows: Sequence[Mapping[str, object]]) -> str:
    """Return how often the verdict says what, in Markdown."""
    counts = {
        other: Counter(str(row[f"says_{other}"]) for row in rows)
        for other in ("everything", "random")
    }
    lines = [
        f"| {word} | {counts['everything'][word]} | {counts['random'][word]} |"
        for word in sorted({*counts["everything"], *counts["random"]})
    ]
    heads = [f"| of {len(rows)} runs | everything | a random subset |", "|---|---|---|"]
    return "\n".join([*heads, *lines])


if __name__ == "__main__":
    main()
