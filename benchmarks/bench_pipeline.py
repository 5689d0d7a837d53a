"""The whole pipeline in fresh clones: seconds by stage, of DVC itself, and what the search costs.

    python -m benchmarks.bench_pipeline --repetitions 3 --write
    python -m benchmarks.bench_pipeline --preset presets/cifar10_cpu.yaml --raw data/raw

Each repetition clones the committed project, runs `dvc repro` in it, and once more, when nothing is
left to do. The seconds of a stage are those of metrics/timings.json, from its first import to its
end; all else of the wall time, the start of Python included, is DVC's. The search is all stages of
all rounds, for one of the draws. One full training is a member's share of training the first target
model on everything, where members train side by side. Processor seconds are without those of the
workers that train: the server they are forked from is ended by nobody who could count them.
"""

import argparse
import csv
import os
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks import clones, side_by_side
from benchmarks.side_by_side import Seconds
from stages.shared.artifacts import load_json

OF_A_ROUND = ("train_ensemble", "predict_pool", "score", "select")


@dataclass(frozen=True)
class Run:
    """What one fresh clone showed."""

    whole: Seconds  # of the first `dvc repro`
    nothing: Seconds  # of the second
    stages: dict[str, float]  # wall seconds of each
    flops: dict[str, float]  # "search", and "full" where everything was compared
    full_training: float | None  # wall seconds
    num_draws: int = 1

    @property
    def dvc(self) -> float:
        """Wall seconds that no stage took."""
        return self.whole.wall - sum(self.stages.values())

    @property
    def search(self) -> float:
        """Wall seconds of all rounds, for one draw."""
        names = [name for name in self.stages if name.partition("@")[0] in OF_A_ROUND]
        return sum(self.stages[name] for name in names) / self.num_draws


def main(arguments: list[str] | None = None) -> None:
    """Run the pipeline in so many clones and show what it took."""
    parsed = _parse(arguments)
    if "SUBSET_RESUME" in os.environ:
        raise SystemExit("SUBSET_RESUME is set; unset it, or finished members are not trained")
    runs = [run(parsed) for _ in range(parsed.repetitions)]
    parts = [
        f"{parsed.preset} {' '.join(parsed.set)}, {parsed.repetitions} fresh clones: median (least "
        "to most)",
        pipeline_table(runs),
        stage_table(runs),
        cost_table(runs),
    ]
    side_by_side.show("pipeline", parts, parsed.write)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = side_by_side.parser(__doc__)
    parser.add_argument("--preset", default="params.yaml", help="as it is committed")
    parser.add_argument("--set", nargs="*", default=[], help="other settings, as dvc's -S")
    parser.add_argument("--raw", type=Path, help="your data/raw, if the data set is there already")
    parser.set_defaults(repetitions=3)
    return parser.parse_args(arguments)


def run(parsed: argparse.Namespace) -> Run:
    """Run the pipeline twice in a fresh clone."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "project"
        clones.prepare(clone, parsed.raw)
        params = clones.committed(clone, parsed.preset)
        if parsed.preset != "params.yaml" or parsed.set:
            (clone / "params.yaml").write_text(clones.changed(params, parsed.set), encoding="utf-8")
        whole, nothing = _timed_repro(clone), _timed_repro(clone)
        return read(clone, whole, nothing)


def _timed_repro(clone: Path) -> Seconds:
    start = side_by_side.now()
    clones.repro(clone)
    return side_by_side.since(start)


def read(clone: Path, whole: Seconds, nothing: Seconds) -> Run:
    """Return what a finished clone shows."""
    timings = load_json(clone / "metrics/timings.json")
    stages = {name: entry["seconds"] for name, entry in timings.items() if "seconds" in entry}
    with (clone / "plots/tables/costs.csv").open(encoding="utf-8") as file:
        flops = {row["part"]: float(row["flops"]) for row in csv.DictReader(file)}
    params: dict[str, Any] = YAML(typ="safe", pure=True).load(
        (clone / "params.yaml").read_text(encoding="utf-8")
    )
    model = params["compare"]["models"][0]
    full = stages.get(f"train_subset_model@{model}-full")
    return Run(
        whole,
        nothing,
        stages,
        {
            "search": flops["search"],
            **({"full": flops[f"train one {model} on full"]} if full else {}),
        },
        full / (params["train_subset_model"]["members"] * params["random_seeds"]) if full else None,
        params["random_seeds"],
    )


def pipeline_table(runs: Sequence[Run]) -> str:
    """Return the seconds of both runs, and DVC's own part of the first, as Markdown."""
    rows = {
        "`dvc repro`": _clocks([run.whole for run in runs]),
        "its stages": f"{_spread([run.whole.wall - run.dvc for run in runs])} |",
        "DVC itself": f"{_spread([run.dvc for run in runs])} |",
        "again, nothing to do": _clocks([run.nothing for run in runs]),
    }
    share = statistics.median(run.dvc / run.whole.wall for run in runs)
    lines = ["| | seconds | processor seconds |", "|---|---|---|"]
    lines += [f"| {name} | {fields} |" for name, fields in rows.items()]
    return "\n".join([*lines, "", f"DVC's share: {share:.0%}"])


def stage_table(runs: Sequence[Run]) -> str:
    """Return the wall seconds of each stage, the longest first, as Markdown."""
    values = {name: [run.stages[name] for run in runs] for name in runs[0].stages}
    longest_first = sorted(values, key=lambda name: -statistics.median(values[name]))
    rows = [f"| {name} | {_spread(values[name])} |" for name in longest_first]
    return "\n".join(["| stage | seconds |", "|---|---|", *rows])


def cost_table(runs: Sequence[Run]) -> str:
    """Return the search against one full training of one target member, as Markdown."""
    lines = ["| | search | one full training | search / training |", "|---|---|---|---|"]
    flops = runs[0].flops  # the same in all runs
    if "full" in flops:
        ratio = flops["search"] / flops["full"]
        lines.append(f"| FLOPs | {flops['search']:.3g} | {flops['full']:.3g} | {ratio:.2f} |")
    full = [run.full_training for run in runs if run.full_training]
    if full:
        ratios = [run.search / run.full_training for run in runs if run.full_training]
        search = _spread([run.search for run in runs])
        lines.append(f"| seconds | {search} | {_spread(full)} | {_spread(ratios)} |")
    return "\n".join(lines)


def _clocks(used: Sequence[Seconds]) -> str:
    wall = _spread([seconds.wall for seconds in used])
    return f"{wall} | {_spread([seconds.processor for seconds in used])}"


def _spread(values: Sequence[float]) -> str:
    median, least, most = statistics.median(values), min(values), max(values)
    return f"{median:.1f} ({least:.1f} to {most:.1f})"


if __name__ == "__main__":
    main()
