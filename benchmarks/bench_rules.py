"""Selection rules at scale: seconds and memory of each, and how uncertainty herding grows.

    OMP_NUM_THREADS=1 python -m benchmarks.bench_rules --write

`select` runs as dvc.yaml calls it, once with each rule that is not greedy, in a process of its own,
on one generated round (generated.py) of 1.28 million samples and 1,000 classes, with features for
the rules that read them. Its time counts from the start of the process to its end, its memory is
the most that was resident, mapped files included.

Uncertainty herding picks from points in rectified clusters, all of which are looked at for a
hundredth or a quarter of them.
"""

import argparse
import multiprocessing
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from benchmarks import clones, side_by_side
from benchmarks.bench_select import Usage, clusters, run_stage
from benchmarks.generated import BLOCK, Scale, write_round
from benchmarks.side_by_side import Seconds
from stages.select.herding import herd
from stages.shared import artifacts
from stages.shared.samples.randomness import generator
from stages.shared.settings import menu

GREEDY = ("facility_location", "k_centers", "message_passing", "uncertainty_herding")
NOT_GREEDY = tuple(rule for rule in menu.RULES if rule not in GREEDY)
NUM_VALIDATION = 10_000


def main(arguments: list[str] | None = None) -> None:
    """Measure the rules and herding, and show the result."""
    parsed = _parse(arguments)
    scale = Scale(parsed.train, num_members=2, num_checkpoints=1, num_classes=parsed.classes)
    used = run_rules(scale, parsed.features, parsed.rules)
    growth = {
        (num_points, picks): run_herding(num_points, parsed.features, picks)
        for num_points in parsed.points
        for picks in (num_points // 100, num_points // 4)
    }
    parts = [
        f"select: {scale.num_train:,} samples, {scale.num_classes:,} classes, {scale.from_size} to "
        f"{scale.to_size}, features of {parsed.features}; one run each",
        rule_table(used),
        f"uncertainty herding: points with {parsed.features} features, "
        f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', '')}; one run each",
        growth_table(growth),
    ]
    side_by_side.show("rules", parts, parsed.write)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = side_by_side.parser(__doc__)
    parser.add_argument("--train", type=int, default=1_280_000, help="samples to choose from")
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--rules", nargs="+", choices=NOT_GREEDY, default=NOT_GREEDY)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--points", type=int, nargs="+", default=[12_500, 25_000, 50_000])
    return parser.parse_args(arguments)


# --- the stage ------------------------------------------------------------------------------------


def run_rules(scale: Scale, num_features: int, rules: Sequence[str]) -> dict[str, Usage]:
    """Return what `select` took with each of these rules."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own: a child's peak is counted from what its parent holds.
        writer = multiprocessing.get_context("spawn").Process(
            target=write_all, args=(folder, scale, num_features)
        )
        writer.start()
        writer.join()
        if writer.exitcode:
            raise SystemExit("no round could be generated")
        run_stage(folder, "score", scale)
        plain, used = (folder / "params.yaml").read_text(encoding="utf-8"), {}
        for rule in rules:
            changes = [f"select.rule={rule}", "predict_pool.signals=[features]"]
            (folder / "params.yaml").write_text(clones.changed(plain, changes), encoding="utf-8")
            used[rule] = run_stage(folder, "select", scale)
        return used


def write_all(folder: Path, scale: Scale, num_features: int) -> None:
    """Write a round, and what only some rules read: features, and predictions on validation."""
    write_round(folder, scale)
    rng = generator(0, "features and validation")
    signals = folder / f"data/signals/{scale.from_size}/seed-0"
    shape = scale.num_train, num_features
    features_ND = open_memmap(signals / "features_ND.npy", "w+", np.float32, shape)
    for first in range(0, scale.num_train, BLOCK):
        rows = slice(first, first + BLOCK)
        features_ND[rows] = rng.normal(size=features_ND[rows].shape)
    target_V = rng.integers(0, scale.num_classes, NUM_VALIDATION)
    is_right_V = rng.random(NUM_VALIDATION) < 0.7  # noqa: PLR2004 - about as on ImageNet
    predicted_V = np.where(is_right_V, target_V, rng.permutation(target_V)).astype(np.int16)
    artifacts.save_targets(folder / "data/prepared", "validation", target_V)
    artifacts.save_array(signals / "validation_predicted_V.npy", predicted_V)


def rule_table(used: dict[str, Usage]) -> str:
    """Return seconds and memory by rule, as Markdown."""
    lines = ["| rule | seconds | processor seconds | peak MB |", "|---|---|---|---|"]
    lines += [
        f"| {rule} | {usage.seconds.wall:.1f} | {usage.seconds.processor:.1f} | "
        f"{usage.peak_mb:.0f} |"
        for rule, usage in used.items()
    ]
    return "\n".join(lines)


# --- herding --------------------------------------------------------------------------------------


def run_herding(num_points: int, num_features: int, num_picks: int) -> Seconds:
    """Return the seconds of so many picks from so many points."""
    points_ND = clusters(num_points, num_features).astype(np.float32)
    weight_N = generator(0, "uncertainty").beta(0.4, 2.0, num_points)
    start = side_by_side.now()
    herd(points_ND, weight_N, points_ND[:0], num_picks)
    return side_by_side.since(start)


def growth_table(growth: dict[tuple[int, int], Seconds]) -> str:
    """Return seconds by points and picks, as Markdown."""
    lines = ["| points | picks | seconds | processor seconds |", "|---|---|---|---|"]
    lines += [
        f"| {num_points:,} | {num_picks:,} | {seconds.wall:.1f} | {seconds.processor:.1f} |"
        for (num_points, num_picks), seconds in growth.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
