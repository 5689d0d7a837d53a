"""Scoring and selecting at scale: seconds and memory of both stages, and k-centers against a loop.

    OMP_NUM_THREADS=1 python -m benchmarks.bench_select --write

`score` and `select` run as dvc.yaml calls them, each in a process of its own, on generated signals
(generated.py): 1.28 million samples, 100 voters, the last round of presets/imagenet.yaml. Their
time counts from the start of the process to its end, their memory is the most that was resident,
mapped files included.

k-centers picks from points in rectified clusters, as features after a ReLU are, both ways in
float64. Ours is `farthest_first`; the ordinary loop lowers every minimum by each pick's distances,
`np.minimum(m, cdist(X[j:j+1], X)[0], out=m)`. Each pick costs the loop the same, so it makes a
share of them and its seconds are multiplied; the picks it makes must be ours.
"""

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML
from scipy.spatial.distance import cdist

from benchmarks import side_by_side
from benchmarks.generated import ROOT, Scale, write_round
from benchmarks.side_by_side import Seconds, Way
from stages.select.k_centers_search import NumpyMinima, farthest_first
from stages.shared.artifacts import Array, Ints
from stages.shared.samples.randomness import generator

STAGES = ("score", "select")


@dataclass(frozen=True)
class Usage:
    """What a process took."""

    seconds: Seconds
    peak_mb: float  # most resident memory, in 2^20 bytes


def main(arguments: list[str] | None = None) -> None:
    """Measure both stages and k-centers, and show the result."""
    parsed = _parse(arguments)
    scale = Scale(parsed.train, parsed.members, parsed.checkpoints, acquisition=parsed.acquisition)
    measured = {
        num: run_stages(replace(scale, num_classes=num), parsed.repetitions)
        for num in parsed.classes
    }
    points_ND = clusters(parsed.points, parsed.features)
    ways = {
        "ours": lambda: _ours(points_ND, parsed.picks),
        "loop": _loop(points_ND, parsed.picks, parsed.loop_share),
    }
    in_turns = side_by_side.run(ways, parsed.repetitions)
    parts = [
        f"score and select: {scale.num_train:,} samples, {scale.num_voters} voters, "
        f"{scale.acquisition}, {scale.from_size} to {scale.to_size}, "
        f"{parsed.repetitions} runs: median (least to most)",
        stage_table(measured),
        f"k-centers: {parsed.picks:,} of {parsed.points:,} points with {parsed.features} features; "
        f"the loop made 1/{parsed.loop_share} of the picks, the same ones; "
        f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', '')}",
        side_by_side.table(in_turns, parsed.picks, "picks"),
    ]
    side_by_side.show("select", parts, parsed.write)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = side_by_side.parser(__doc__)
    parser.add_argument("--train", type=int, default=1_280_000, help="samples to choose from")
    parser.add_argument("--classes", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--members", type=int, default=5)
    parser.add_argument("--checkpoints", type=int, default=20, help="voters of each member")
    parser.add_argument("--acquisition", default="variation_ratios", help="counts all votes")
    parser.add_argument("--points", type=int, default=50_000, help="candidates of k-centers")
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--picks", type=int, default=12_500)
    parser.add_argument("--loop-share", type=int, default=5, help="the loop makes picks / this")
    return parser.parse_args(arguments)


# --- the stages -----------------------------------------------------------------------------------


def run_stages(scale: Scale, repetitions: int) -> list[dict[str, Usage]]:
    """Return what each stage took in each repetition, on one generated round."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own: a child's peak is counted from what its parent holds.
        writer = multiprocessing.get_context("spawn").Process(
            target=write_round, args=(folder, scale)
        )
        writer.start()
        writer.join()
        if writer.exitcode:
            raise SystemExit("no round could be generated")
        return [
            {stage: run_stage(folder, stage, scale) for stage in STAGES} for _ in range(repetitions)
        ]


def run_stage(folder: Path, stage: str, scale: Scale) -> Usage:
    """Run a stage as dvc.yaml calls it, in a folder, to its end."""
    pipeline = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    command = pipeline["stages"][stage]["cmd"]
    for key in ("from", "to"):
        command = command.replace(f"${{item.round.{key}}}", str(getattr(scale, f"{key}_size")))
    start = side_by_side.now()
    process = subprocess.Popen(
        [sys.executable, *command.split()[1:]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command}: exited with {process.returncode}")
    return Usage(side_by_side.since(start), used.ru_maxrss / 1024)


def stage_table(measured: dict[int, list[dict[str, Usage]]]) -> str:
    """Return seconds and memory by number of classes and stage, as Markdown."""
    lines = ["| classes | stage | seconds | processor seconds | peak MB |", "|---|---|---|---|---|"]
    for num_classes, runs in measured.items():
        for stage in STAGES:
            used = [run[stage] for run in runs]
            peaks = _spread([usage.peak_mb for usage in used], 0)
            lines.append(f"| {num_classes} | {stage} | {_clocks(used)} | {peaks} |")
        sums = [_sum([run[stage].seconds for stage in STAGES]) for run in runs]
        both = [Usage(seconds, 0) for seconds in sums]
        lines.append(f"| {num_classes} | both | {_clocks(both)} |  |")
    return "\n".join(lines)


def _clocks(used: Sequence[Usage]) -> str:
    wall = _spread([usage.seconds.wall for usage in used], 1)
    return f"{wall} | {_spread([usage.seconds.processor for usage in used], 1)}"


def _sum(seconds: Sequence[Seconds]) -> Seconds:
    return Seconds(sum(one.wall for one in seconds), sum(one.processor for one in seconds))


def _spread(values: Sequence[float], decimals: int) -> str:
    median, least, most = (
        f"{value:.{decimals}f}" for value in (statistics.median(values), min(values), max(values))
    )
    return f"{median} ({least} to {most})"


# --- k-centers ------------------------------------------------------------------------------------


def clusters(num_points: int, num_features: int) -> Array:
    """Return points in a hundred clusters of a third as many dimensions, rectified, float64."""
    rng = generator(0, "clusters")
    inner = max(1, num_features // 3)
    centre_CD = rng.normal(size=(100, inner))
    point_ND = centre_CD[rng.integers(0, 100, num_points)]
    point_ND = point_ND + 0.7 * rng.normal(size=(num_points, inner))
    return np.maximum(point_ND @ rng.normal(size=(inner, num_features)), 0.0)


def _ours(points_ND: Array, num_picks: int) -> Seconds:
    start = side_by_side.now()
    pick_all(points_ND, num_picks)
    return side_by_side.since(start)


def _loop(points_ND: Array, num_picks: int, share: int) -> Way:
    """Return the loop as a way: the seconds of its part of the picks, multiplied."""
    few = num_picks // share
    expected = pick_all(points_ND, few)

    def way() -> Seconds:
        start = side_by_side.now()
        picks = pick_in_a_loop(points_ND, int(expected[0]), few)
        took = side_by_side.since(start)
        if not np.array_equal(picks, expected):
            raise SystemExit("the loop makes other picks than ours")
        factor = num_picks / few
        return Seconds(factor * took.wall, factor * took.processor)

    return way


def pick_all(points_ND: Array, num_picks: int) -> Ints:
    """Return the picks of `farthest_first`, which starts from the point nearest the mean."""
    return farthest_first(points_ND, points_ND[:0], num_picks, minima=NumpyMinima)


def pick_in_a_loop(points_ND: Array, first: int, num_picks: int) -> Ints:
    """Return the same picks by the definition, from the first one on."""
    picks = [first]
    minimum_N = cdist(points_ND[first : first + 1], points_ND)[0]
    while len(picks) < num_picks:
        pick = int(minimum_N.argmax())
        picks.append(pick)
        np.minimum(minimum_N, cdist(points_ND[pick : pick + 1], points_ND)[0], out=minimum_N)
    return np.array(picks, dtype=np.int64)


if __name__ == "__main__":
    main()
