"""The table of benchmarks/groceries.py."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

from benchmarks.rows import Row

EVERYTHING = "everything"
RANDOM = "random"


def shown(found: Sequence[Row]) -> str:
    """Return the table in Markdown: means over the seeds, and differences with 95 % t-intervals."""
    lines = [
        "| target | kept | subset | seeds | accuracy | minus random | minus everything | seconds |",
        "|---|---|---|---|---|---|---|---|",
        *_lines(found),
    ]
    return "\n".join(lines) + "\n"


def _lines(found: Sequence[Row]) -> Iterator[str]:
    cells = dict.fromkeys((row["target"], row["size"], row["subset"]) for row in found)
    for target, size, subset in sorted(cells, key=lambda cell: (cell[0], -float(cell[1]))):
        own = _by_seed(found, target, size, subset)
        random = _by_seed(found, target, size, RANDOM)
        everything = _by_seed(found, target, "1.0", EVERYTHING)
        seconds = np.mean(
            [
                float(row["seconds"])
                for row in found
                if (row["target"], row["size"], row["subset"]) == (target, size, subset)
            ]
        )
        yield (
            f"| {target} | {100 * float(size):g} % | {subset} | {len(own)} "
            f"| {np.mean([*own.values()]):.2f} "
            f"| {'' if subset == RANDOM else difference(own, random)} "
            f"| {'' if subset == EVERYTHING else difference(own, everything)} "
            f"| {seconds:.1f} |"
        )


def _by_seed(found: Sequence[Row], target: str, size: str, subset: str) -> dict[str, float]:
    return {
        row["seed"]: float(row["accuracy"])
        for row in found
        if (row["target"], row["size"], row["subset"]) == (target, size, subset)
    }


def difference(one: dict[str, float], other: dict[str, float]) -> str:
    """Return the mean paired difference over the seeds that both have, and half its t-interval.

    Nothing without a seed in common; with one seed no interval.
    """
    both = [one[seed] - other[seed] for seed in one if seed in other]
    if not both:
        return ""
    text = f"{np.mean(both):+.2f}".replace("-", "\N{MINUS SIGN}")
    if len(both) == 1:
        return text
    half = stats.t.ppf(0.975, len(both) - 1) * np.std(both, ddof=1) / len(both) ** 0.5
    return f"{text} ± {half:.2f}"
