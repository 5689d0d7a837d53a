"""Scoring and selecting a hundred million samples: seconds and memory of each function on arrays.

    OMP_NUM_THREADS=1 python -m benchmarks.bench_hundred_million --write

The functions of `score` and `select` without their files: everything of a sample is a number in an
array, and no list holds all sample ids. Signals are generated (generated.py), a tenth of the
samples is in the subset already and a fifth is added to it. The random numbers by id are measured
once, with the making of the ids; `proportional` takes a second set of them, drawn here instead.

All of it is one process, whose data Linux limits: with more than `--limit-gb` it fails. Peaks are
what was resident, with all that the process held at that time.

Shapes: N train samples, M voters, P picks.
"""

import multiprocessing
import re
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks import side_by_side
from benchmarks.generated import Scale, fill_signals
from benchmarks.side_by_side import Seconds
from stages.score.acquisition import Signals, score
from stages.select.competing import competing, in_order
from stages.select.rules import Candidates
from stages.shared.artifacts import Floats, Ints
from stages.shared.artifacts.signals import SIGNAL_DTYPES
from stages.shared.choosing import sampling
from stages.shared.choosing.limits import NOTHING, Limits
from stages.shared.choosing.sampling import unscored
from stages.shared.samples.randomness import generator, uniform_by_id
from stages.shared.settings.sections import (
    Beta,
    MessagePassing,
    Mixed,
    OutlierFraction,
    Prototypes,
    Select,
    Stratified,
    Window,
)

GB = 2**30
NUM_VOTERS, NUM_CLASSES = 5, 10
IN_SUBSET = 10  # one of so many samples is in the subset before
ADDED = 5  # and one of so many is added to it
ACQUISITIONS = ("entropy", "mutual_information", "variation_ratios")
PLAIN = Select(
    rule="top",
    window=Window(start=0.0),
    stratified=Stratified(cut=0.0, strata=50),
    mixed=Mixed(random=0.5, rule="top"),
    beta=Beta(concentration=15.0, exponent=5.5),
    prototypes=Prototypes(prefer="nearest"),
    message_passing=MessagePassing(neighbours=5, gamma=0.1),
    k_centers_start=0,
    order="picks",
    candidates="remaining",
    outliers=OutlierFraction(fraction=0.0),
    near_duplicates="all",
    balanced=False,
    min_per_class=0,
    include="",
    exclude="",
)
# By which score, and with what else than is plain.
SELECTIONS: dict[str, tuple[str, dict[str, object]]] = {
    "top, outliers, balanced": (
        "variation_ratios",
        {"outliers": OutlierFraction(fraction=0.125), "balanced": True},
    ),
    "proportional": ("mutual_information", {"rule": "proportional"}),
}

T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """What one function took."""

    name: str
    seconds: Seconds
    peak_gb: float  # most resident memory of the process meanwhile, in 2^30 bytes


@dataclass
class Steps:
    """Functions that were called, in their order."""

    taken: list[Step] = field(default_factory=list)

    def run(self, name: str, function: Callable[[], T]) -> T:
        """Return what a function returns, and note what it took."""
        Path("/proc/self/clear_refs").write_text(
            "5", encoding="utf-8"
        )  # the peak is counted from here
        start = side_by_side.now()
        result = function()
        self.taken.append(Step(name, side_by_side.since(start), peak_gb()))
        sys.stderr.write(f"{self.taken[-1]}\n")
        return result


def peak_gb() -> float:
    """Return the most memory that was resident since the peak was cleared, in 2^30 bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    return int(found[1]) * 1024 / GB if found else float("nan")


def main(arguments: list[str] | None = None) -> None:
    """Measure every function, and show the result."""
    parser = side_by_side.parser(__doc__)
    parser.add_argument("--train", type=int, default=100_000_000, help="samples to choose from")
    parser.add_argument("--limit-gb", type=float, default=16.0, help="of data, in 2^30 bytes")
    parser.add_argument("--without-ids", action="store_true", help="random numbers are drawn")
    parsed = parser.parse_args(arguments)
    # A process of its own: it alone is limited.
    with ProcessPoolExecutor(
        1, multiprocessing.get_context("spawn"), limit_data, (parsed.limit_gb,)
    ) as process:
        steps = process.submit(measure, parsed.train, not parsed.without_ids).result()
    parts = [
        f"{parsed.train:,} samples, {NUM_VOTERS} voters, {NUM_CLASSES} classes; "
        f"{parsed.train // IN_SUBSET:,} in the subset, {parsed.train // ADDED:,} added; "
        f"one thread, one run, data limited to {parsed.limit_gb:g} GB (of 2^30 bytes)",
        table(steps, parsed.train),
    ]
    side_by_side.show("hundred-million", parts, parsed.write)


def limit_data(gb: float) -> None:
    """Let no allocation of this process go beyond that much data."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (int(gb * GB), most))


def measure(num_train: int, by_id: bool) -> list[Step]:
    """Return what scoring, the random numbers and each way of selecting took."""
    steps = Steps()
    targets_N, signals = generate(num_train)
    scores = {
        name: steps.run(f"score: {name}", partial(score, name, signals, "max"))
        for name in ACQUISITIONS
    }
    del signals
    if by_id:
        numbers_of = partial(uniform_by_id, sample_ids(num_train), 0, "ties", 1)
        tie_N = steps.run("random numbers by id", numbers_of)
    else:
        tie_N = generator(0, "ties").random(num_train)
    for name, (acquisition, changes) in SELECTIONS.items():
        settings, score_N = PLAIN.model_copy(update=changes), scores.pop(acquisition)
        picks = steps.run(
            f"select: {name}, by {acquisition}",
            partial(select, settings, score_N, targets_N, tie_N),
        )
        require_all_different(picks, num_train)
    return steps.taken


def generate(num_train: int) -> tuple[Ints, Signals]:
    """Return labels and the signals that the acquisition functions read."""
    scale = Scale(num_train, NUM_VOTERS, 1, NUM_CLASSES)
    rng = generator(0, "generated signals")
    targets_N = rng.integers(0, NUM_CLASSES, num_train)
    names = ("predictive_entropy_N", "expected_entropy_N", "votes_MN")
    signals = {
        name: np.empty((NUM_VOTERS, num_train) if "M" in name else num_train, SIGNAL_DTYPES[name])
        for name in names
    }
    fill_signals(signals, targets_N, scale, rng)
    return targets_N, signals


def sample_ids(num_train: int) -> Iterator[str]:
    """Yield ids as those of files, one by one."""
    return (f"train/{row}.jpg" for row in range(num_train))


def select(settings: Select, score_N: Floats, targets_N: Ints, tie_N: Floats) -> Ints:
    """Return the rows that a round adds to the subset, as the stage does."""
    limits = Limits(targets_N, NOTHING, NOTHING, settings.min_per_class)
    old, count = unscored(np.arange(0, len(score_N), IN_SUBSET)), len(score_N) // ADDED
    candidates = Candidates(
        row_K=competing(old, True, limits, settings),
        kept_P=old.index_P,
        count=count,
        length=count,
        score_N=score_N,
        tie_N=tie_N,
        target_N=targets_N,
        random_N=lambda purpose: generator(0, purpose).random(len(score_N)),
        features_ND=lambda: np.empty((len(score_N), 0), dtype=np.float32),
        label_probability_N=lambda: np.empty(0, dtype=np.float32),
        recall_C=lambda: np.empty(0),
        settings=settings,
    )
    order_K = in_order(candidates, Path(), limits, settings)
    return sampling.draw(
        order_K,
        count,
        limits,
        balanced=settings.balanced,
        setting="the round",
        taken_P=old.index_P,
    )


def require_all_different(picks_P: Ints, num_train: int) -> None:
    """Check that as many as were asked for were added, and none that was there.

    Raises:
        SystemExit: it is not so.
    """
    is_in_N = np.zeros(num_train, dtype=np.bool_)
    is_in_N[::IN_SUBSET] = True
    before = int(is_in_N.sum())
    is_in_N[picks_P] = True
    if int(is_in_N.sum()) != before + num_train // ADDED:
        raise SystemExit("a pick stands twice, or was in the subset before")


def table(steps: Sequence[Step], num_train: int) -> str:
    """Return seconds and memory of each step, and of all, as Markdown."""
    lines = [
        "| function | seconds | processor seconds | ns per sample | peak GB |",
        "|---|---|---|---|---|",
    ]
    clocks = [(step.seconds.wall, step.seconds.processor) for step in steps]
    rows = [(step.name, *clock, step.peak_gb) for step, clock in zip(steps, clocks, strict=True)]
    walls, processors = zip(*clocks, strict=True)
    rows.append(("all", sum(walls), sum(processors), max(step.peak_gb for step in steps)))
    for name, wall, processor, peak in rows:
        nanoseconds = 1e9 * processor / num_train
        lines.append(f"| {name} | {wall:.1f} | {processor:.1f} | {nanoseconds:.0f} | {peak:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
