"""Which samples stand where in the order of a round's scores.

Shapes: N train samples, K candidates, C classes.
"""

import numpy as np

from stages.report.run.results import Results, Round
from stages.shared.artifacts import Ints, Rows

NUM_POINTS = 30  # of a curve over k
DECIMALS = 4


def ranked_candidates(results: Results, entry: Round) -> Ints:
    """Return the rows that the round could choose from, highest score first, int64 [K].

    In a shrinking round those of its subset, in a growing one all others, or with
    `select.candidates: all` every row; never one of the exclude list. Outliers stay, although the
    round skipped them. Equal scores stand in the order in which `select` prefers them.
    """
    source, target = results.subsets[entry.source], results.subsets[entry.target]
    competes_N = np.zeros(len(results.targets_N), dtype=np.bool_)
    competes_N[source.index_P] = True
    if len(target) >= len(source):
        competes_N = ~competes_N | (results.params.select.candidates == "all")
    row_K = np.flatnonzero(competes_N & ~results.is_excluded_N)
    return row_K[np.lexsort((entry.tie_N[row_K], -entry.score_N[row_K]))]


def label_entropy(results: Results, entry: Round) -> Rows:
    """Return the entropy of the labels among the k highest-scored candidates, in nats, by k.

    From 0, one class alone, to `uniform`, log C (Vodrahalli et al. 2018, Fig. 7 and 12). Without
    candidates, or without one label for each sample, no row.
    """
    if not results.params.rules.has_labels:
        return []
    label_K = results.targets_N[ranked_candidates(results, entry)]
    if not len(label_K):
        return []
    grid = np.unique(np.geomspace(1, len(label_K), NUM_POINTS).round().astype(np.int64))
    num_classes = results.meta.num_classes
    return [
        {
            "ensemble": entry.source,
            "k": k,
            "fraction": round(k / len(label_K), DECIMALS),
            "label_entropy": round(entropy(np.bincount(label_K[:k])), DECIMALS),
            "uniform": round(float(np.log(num_classes)), DECIMALS),
        }
        for k in grid.tolist()
    ]


def entropy(count_C: Ints) -> float:
    """Return the entropy of the shares of counts, in nats, from 0 to log C."""
    share_C = count_C[count_C > 0] / count_C.sum()
    return float(-(share_C * np.log(share_C)).sum()) + 0.0
