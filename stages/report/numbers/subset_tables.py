"""The tables of what subsets hold: classes, samples that draws share, and duplicates.

Shares are percent. Shapes: N train samples, P picks of a subset.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import permutations

import numpy as np

from stages.report.formulas.rounding import percent, points
from stages.report.numbers.summary import mean
from stages.report.run.results import KINDS, Results
from stages.shared.artifacts import Rows


def class_shares(draws: Sequence[Results]) -> Rows:
    """Return each class's share of the picks of all draws, or of their objects, in percent."""
    results = draws[0]
    picks = {
        "full": np.flatnonzero(~results.is_excluded_N),
        "selected": np.concatenate([draw.last_subset.index_P for draw in draws]),
    }
    if "random" in results.comparison:
        picks["random"] = np.concatenate([draw.comparison["random"].index_P for draw in draws])
    targets = {name: results.labels.classes_of(index_P) for name, index_P in picks.items()}
    return [
        {
            "class": label,
            **{
                name: percent(targets[name] == index) if name in targets else None for name in KINDS
            },
        }
        for index, label in enumerate(results.meta.class_names)
    ]


def overlap(draws: Sequence[Results]) -> Rows:
    """Return how alike the draws' subsets of each size are, beside random ones of that size.

    shared: the percentage of a subset's samples that another draw's holds too, mean over all pairs;
    by_chance: what samples drawn at random share. A single draw has no rows.
    """
    if len(draws) == 1:
        return []
    rows: Rows = []
    for size in draws[0].subsets:
        samples = [np.unique(draw.subsets[size].index_P) for draw in draws]
        shares = [np.isin(one, other).mean() for one, other in permutations(samples, 2)]
        by_chance = mean([len(one) for one in samples]) / draws[0].num_everything
        rows.append(
            {
                "subset": size,
                "draws": len(draws),
                "shared": points(100 * mean(shares)),
                "by_chance": points(100 * by_chance),
            }
        )
    return rows


def duplicates(results: Results) -> Rows:
    """Return how often each subset holds its samples (Chitta et al. 2020, Table VII)."""
    rows: Rows = []
    for size, subset in results.subsets.items():
        times = Counter(subset.index_P.tolist())
        samples = Counter(min(count, 4) for count in times.values())
        rows.append(
            {
                "subset": size,
                "total": len(subset),
                "unique": len(times),
                "once": samples[1],
                "twice": samples[2],
                "three_times": samples[3],
                "four_times_or_more": samples[4],
            }
        )
    return rows
