"""What near duplicates across train and test are worth: heads on splits by groups and by chance.

    python -m benchmarks.grouped_splits data/prepared data/embeddings --write grouped_splits.csv

All samples are split anew, as many to train and to test as the data set's own splits have: by
chance, or so that no group of near duplicates crosses. Logistic regression on the embeddings is
then measured on test. A row is one split by one random seed; the first is the data set's own.

Shapes: N samples of all splits, D numbers of a vector.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import rows
from stages.near_duplicates.all_samples import load
from stages.near_duplicates.search import Search
from stages.shared import artifacts
from stages.shared.artifacts import SPLITS, Array, Ints
from stages.shared.samples.randomness import generator

HEADER = ("threshold", "seed", "train", "test", "near", "accuracy", "of_others")
NEAR = 0.95  # cosine to a train sample
OWN, CHANCE = "own", "chance"


def split(first_N: Ints, num_test: int, seed: int) -> tuple[Ints, Ints]:
    """Return train and test rows: whole groups in random order until test is full."""
    groups = np.unique(first_N)
    order = generator(seed, "grouped splits").permutation(groups)
    rank_N = np.argsort(order)[np.searchsorted(groups, first_N)]
    rows_N = np.argsort(rank_N, kind="stable")
    end = int(np.searchsorted(rank_N[rows_N], rank_N[rows_N[num_test - 1]], side="right"))
    return rows_N[end:], rows_N[:end]


def measured(vectors_ND: Array, targets_N: Ints, train: Ints, test: Ints) -> tuple[object, ...]:
    """Return sizes, test samples with a near one in train, and accuracies in percent."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
    right = model.fit(vectors_ND[train], targets_N[train]).predict(vectors_ND[test])
    is_right = right == targets_N[test]
    unit_ND = vectors_ND / np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    is_near = (unit_ND[test] @ unit_ND[train].T).max(axis=1) >= NEAR
    share = (f"{100 * some.mean():.2f}" for some in (is_right, is_right[~is_near]))
    return (len(train), len(test), int(is_near.sum()), *share)


def _rows(
    prepared: Path, embeddings: Path, thresholds: Sequence[float], seeds: int
) -> Iterator[tuple[object, ...]]:
    samples = load(prepared, embeddings, "images")
    assert samples.vectors_ND is not None
    targets = [artifacts.load_targets(prepared, split) for split in SPLITS]
    vectors_ND, targets_N = samples.vectors_ND[:].astype(np.float32), np.concatenate(targets)
    of_N = np.repeat(np.arange(len(SPLITS)), [len(each) for each in targets])
    train, test = (np.flatnonzero(of_N == SPLITS.index(split)) for split in ("train", "test"))
    yield (OWN, 0, *measured(vectors_ND, targets_N, train, test))
    firsts = {CHANCE: np.arange(len(targets_N))}
    for threshold in thresholds:
        firsts[str(threshold)] = Search(samples, len(train), threshold).first_N
    for name, first_N in firsts.items():
        for seed in range(seeds):
            rest, held_out = split(first_N, len(test), seed)
            some = generator(seed, "grouped train").permutation(rest)[: len(train)]
            yield (name, seed, *measured(vectors_ND, targets_N, some, held_out))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("prepared", type=Path)
    parser.add_argument("embeddings", type=Path)
    parser.add_argument("--thresholds", type=float, nargs="+", default=(0.95, 0.9))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--write", type=Path, metavar="FILE", help="add the rows to this table")
    parsed = parser.parse_args(arguments)
    found = _rows(parsed.prepared, parsed.embeddings, parsed.thresholds, parsed.seeds)
    for row in found:
        sys.stdout.write(",".join(map(str, row)) + "\n")
        sys.stdout.flush()
        if parsed.write:
            rows.append(parsed.write, HEADER, [row])


if __name__ == "__main__":
    main()
