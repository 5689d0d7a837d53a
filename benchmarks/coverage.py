"""How often the 95 % intervals hold what is true: every metric, by members and draws.

    python -m benchmarks.coverage --simulations 1000 500 --seconds 170 --out coverage.csv

Experiments are simulated in which the two compared subsets are worth the same, so an interval must
hold 0. Pseudo-values and intervals are the project's own (stages/shared/measuring/jackknife.py,
stages/report/formulas/statistics.py). A sample is right where the sum of normal effects is above 0:
of the sample, of the sample on that kind of subset, of the draw, of the member, and of this one
answer.
With a single draw the interval speaks of that draw alone, so there the draw has no effect.

even    359 test samples of 10 classes, as many as presets/digits.yaml has; a random subset
        differs from the next by 1.2 points, or with large draws by 3
rare    the same number of 5 classes, of which one has 2 %
scenes  150 images with 2.5 objects each in the mean, of 2 classes and three sizes, a tenth large;
        which found boxes are right at which overlap is simulated, their matching is not

The numbers of simulations are of classes and of scenes. Blocks of them are drawn from seeds of
their own and kept in the work folder, so a series that ended goes on there.

Shapes: R draws, M members, T test samples, C classes, G true objects, A found ones, I thresholds.
"""

import argparse
import json
import math
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.report.formulas.statistics import Measured, paired_difference
from stages.report.run.results import over_draws
from stages.shared.artifacts import Ints, save_table
from stages.shared.measuring import jackknife
from stages.shared.measuring.object_matches import ALL, IOU_I, Matches
from stages.shared.samples.randomness import generator

Values = npt.NDArray[np.float64]
Side = dict[str, Values]  # of one kind of subset: by metric pseudo-values [R, M, T]

DRAWS, MEMBERS = (1, 2, 3, 5), (2, 4, 8)
BLOCKS = {"classes": 20, "scenes": 5}  # simulations of one seed: some seconds
NUM_TEST, NUM_IMAGES = 359, 150
# Standard deviations of effects; that of one answer is 1.
EASY, TASTE, MEMBER = 1.0, 0.5, 0.1
DRAW, LARGE_DRAW = 0.06, 0.15  # 1.2 and 3 points of accuracy
ACCURACY_MEAN = 1.2  # of the effect of a sample
OBJECTS_OF_IMAGE, CLUTTER_OF_IMAGE = 2.5, 1.0
SIZES = ("map_small", "map_medium", "map_large")
# The classes' shares, and the effect of a draw.
CLASSES = {
    "even": ([0.1] * 10, DRAW),
    "even, large draws": ([0.1] * 10, LARGE_DRAW),
    "rare": ([0.245] * 4 + [0.02], DRAW),
}
DETECTION = {"whole": "mAP", "weighted": "wMAP"}


def main() -> None:
    """Simulate what is missing until time is up; write the table of what there is."""
    arguments = _parse()
    end = time.monotonic() + arguments.seconds
    arguments.work.mkdir(exist_ok=True)
    for kind, simulations in zip(KINDS, arguments.simulations, strict=True):
        for block in range(math.ceil(simulations / BLOCKS[kind])):
            path = arguments.work / f"{kind}-{block}.json"
            if not path.exists() and time.monotonic() < end:
                path.write_text(json.dumps(covered(kind, block)), encoding="utf-8")
    rows = table(arguments.work)
    save_table(arguments.out, list(rows[0]), [list(row.values()) for row in rows])


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--simulations", type=int, nargs=2, required=True)
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no block after them")
    parser.add_argument(
        "--work", type=Path, default=Path(".coverage"), help="where blocks are kept"
    )
    parser.add_argument("--out", type=Path, required=True, help="the table, CSV")
    return parser.parse_args()


def covered(kind: str, block: int) -> dict[str, int]:
    """Return in how many of a block's simulations each cell's interval holds 0."""
    rng = generator(block, f"coverage {kind}")
    counts: Counter[str] = Counter()
    for _ in range(BLOCKS[kind]):
        alone, together = KINDS[kind](rng, 1), KINDS[kind](rng, max(DRAWS))
        for num_draws in DRAWS:
            sides = alone if num_draws == 1 else together
            for metric in sides[0]:
                for num_members in MEMBERS:
                    key = f"{metric};{num_draws};{num_members}"
                    counts[key] += holds_nought(
                        *(side[metric][:num_draws, :num_members] for side in sides)
                    )
    return dict(counts)


def holds_nought(first_RMT: Values, second_RMT: Values) -> bool:
    """Return whether the interval of first minus second holds 0."""
    low, high = paired_difference(
        *(
            over_draws([Measured(draw_MT.mean(axis=1), draw_MT, unit=1.0) for draw_MT in side_RMT])
            for side_RMT in (first_RMT, second_RMT)
        )
    ).interval
    return low <= 0 <= high


def table(work: Path) -> list[dict[str, object]]:
    """Return what all blocks say: coverage and its own standard error, in percent."""
    counts: Counter[str] = Counter()
    simulations: Counter[str] = Counter()
    for path in work.glob("*.json"):
        for cell, number in json.loads(path.read_text(encoding="utf-8")).items():
            counts[cell] += number
            simulations[cell] += BLOCKS[path.stem.partition("-")[0]]
    rows: list[dict[str, object]] = []
    for cell, number in sorted(counts.items()):
        metric, draws, members = cell.split(";")
        share = number / simulations[cell]
        rows.append(
            {
                "metric": metric,
                "draws": int(draws),
                "members": int(members),
                "simulations": simulations[cell],
                "covered": round(100 * share, 2),
                "error": round(100 * math.sqrt(share * (1 - share) / simulations[cell]), 2),
            }
        )
    return rows


# --- classes -------------------------------------------------------------------------------------


def classes(rng: np.random.Generator, num_draws: int) -> list[Side]:
    """Return two equally good kinds of subset, by `<metric> <classes>`."""
    sides: list[Side] = [{}, {}]
    for name, (share_C, draw) in CLASSES.items():
        targets_T = rng.choice(len(share_C), NUM_TEST, p=share_C)
        easy_T = rng.normal(ACCURACY_MEAN, EASY, NUM_TEST)
        for side in sides:
            is_right_RMT = _effects(rng, easy_T, num_draws, draw) > 0
            other_RMT = rng.integers(1, len(share_C), is_right_RMT.shape)
            predicted_RMT = (targets_T + ~is_right_RMT * other_RMT) % len(share_C)
            side[f"accuracy {name}"] = is_right_RMT.astype(np.float64)
            for metric in ("balanced_accuracy", "macro_f1"):
                side[f"{metric} {name}"] = np.array(
                    [
                        [jackknife.of_classes(metric, row_T, targets_T) for row_T in rows_MT]
                        for rows_MT in predicted_RMT
                    ]
                )
    return sides


def _effects(rng: np.random.Generator, easy_T: Values, num_draws: int, draw: float) -> Values:
    """Return the sum of effects of each draw, member and sample on one kind of subset."""
    shape = (num_draws, max(MEMBERS), len(easy_T))
    effects_RMT = easy_T + TASTE * rng.normal(size=len(easy_T)) + rng.normal(size=shape)
    if num_draws > 1:
        effects_RMT += draw * rng.normal(size=(num_draws, 1, 1))
    return effects_RMT + MEMBER * rng.normal(size=(*shape[:2], 1))


# --- objects -------------------------------------------------------------------------------------


def scenes(rng: np.random.Generator, num_draws: int) -> list[Side]:
    """Return two equally good kinds of subset, by metric of detection."""
    image_G = np.repeat(np.arange(NUM_IMAGES), rng.poisson(OBJECTS_OF_IMAGE, NUM_IMAGES))
    class_G = rng.choice(2, len(image_G), p=[0.7, 0.3])
    size_G = rng.choice(3, len(image_G), p=[0.5, 0.4, 0.1])
    easy_G = rng.normal(0.8, EASY, len(image_G)) + 0.3 * rng.normal(size=NUM_IMAGES)[image_G]
    groups_T = rng.permutation(NUM_IMAGES) % jackknife.NUM_GROUPS
    sides: list[Side] = []
    for _ in range(2):
        found: dict[str, list[list[Values]]] = {name: [] for name in DETECTION.values()}
        for effects_MG in _effects(rng, easy_G, num_draws, DRAW):
            members = [
                _of_member(rng, row_G, image_G, class_G, size_G, groups_T) for row_G in effects_MG
            ]
            for part, name in DETECTION.items():
                found[name].append([values[part] for values in members])
        sides.append({name: np.array(values) for name, values in found.items()})
    return sides


def _of_member(
    rng: np.random.Generator,
    effect_G: Values,
    image_G: Ints,
    class_G: Ints,
    size_G: Ints,
    groups_T: Ints,
) -> dict[str, Values]:
    """Return the pseudo-values of what one member finds; boxes beside every object are clutter."""
    num_clutter = rng.poisson(CLUTTER_OF_IMAGE * NUM_IMAGES)
    # The larger the effect, the more of the object a box covers: from 0.45 at none.
    iou_A = np.append(np.clip(0.45 + 0.2 * effect_G, 0, 1), np.zeros(num_clutter))
    image_A = np.append(image_G, rng.integers(0, NUM_IMAGES, num_clutter))
    class_A = np.append(class_G, rng.choice(2, num_clutter, p=[0.7, 0.3]))
    size_A = np.append(size_G, rng.choice(3, num_clutter, p=[0.5, 0.4, 0.1]))
    score_A = np.append(effect_G, rng.normal(-0.8, 1.0, num_clutter)) + 0.5 * rng.normal(
        size=len(iou_A)
    )
    order_A = np.argsort(-score_A)
    matches: dict[str, list[Matches]] = {}
    for size, name in enumerate((*SIZES, ALL)):
        of_size_G, of_size_A = (
            np.ones(len(sizes), dtype=bool) if name == ALL else sizes == size
            for sizes in (size_G, size_A[order_A])
        )
        matches[name] = [
            _matches(order_A[of_size_A & (class_A[order_A] == label)], image_A, iou_A, counted_T)
            for label in range(2)
            for counted_T in [
                np.bincount(image_G[of_size_G & (class_G == label)], minlength=NUM_IMAGES)
            ]
            if counted_T.any()
        ]
    return jackknife.of_matches(matches, groups_T)


def _matches(rows_A: Ints, image_A: Ints, iou_A: Values, num_T: Ints) -> Matches:
    is_right_AI = iou_A[rows_A, None] >= IOU_I
    return Matches(image_A[rows_A], is_right_AI, np.ones_like(is_right_AI), num_T)


KINDS: dict[str, Callable[[np.random.Generator, int], list[Side]]] = {
    "classes": classes,
    "scenes": scenes,
}


if __name__ == "__main__":
    main()
