"""Errors where samples belong to groups of the user's, such as the frames of one video.

Samples of a group are right or wrong together, so that they say less than as many independent ones.
The unit of the error is then the group.

Shapes: M models, T samples, G groups; P parts, which are some rows of a split each.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stages.shared import artifacts
from stages.shared.artifacts import Array, Floats, Ints, Split


def of_rows(prepared: Path, parts: Sequence[tuple[Split, Ints]]) -> Ints | None:
    """Return the group of each sample of some rows, int64 [T] from 0 on; None: there are none.

    No group crosses splits, so those of two splits are apart.

    Args:
        prepared: a prepared data set, of samples or embeddings.
        parts: split and rows, in the order in which the samples are asked for.
    """
    if not all(artifacts.has_groups(prepared, split) for split, _ in parts):
        return None
    num_samples = artifacts.load_meta(prepared).num_samples
    pairs_T2 = np.concatenate(
        [
            [(place, group) for group in artifacts.load_groups(prepared, split, num)[rows].tolist()]
            for place, (split, rows) in enumerate(parts)
            for num in [num_samples[split]]
        ]
    )
    group_T: Ints = np.unique(pairs_T2, axis=0, return_inverse=True)[1].reshape(-1)
    return group_T


def of_split(prepared: Path, split: Split) -> Ints | None:
    """Return the group of each sample of a split, int64 [T] from 0 on; None: there are none."""
    num = artifacts.load_meta(prepared).num_samples[split]
    return of_rows(prepared, [(split, np.arange(num))])


def by_group(values_MT: Array, group_T: Ints | None) -> Array:
    """Return what each group says of each model, float64 [M, G]; without groups the values.

    With m the mean of a model's values, a group's is m + G / T times the sum over its samples of
    (value - m). Their mean is m, and their variance over G is that of a ratio of two sums over
    groups (Cochran 1977, Sampling Techniques, chapter 9): groups may have any size.

    Args:
        values_MT: of each sample, whether it is right or a pseudo-value of a metric.
        group_T: of each sample, from 0 on, none left out.
    """
    if group_T is None:
        return values_MT
    mean_M1 = values_MT.mean(axis=1, keepdims=True)
    num = int(group_T.max()) + 1
    sums_MG = np.stack([np.bincount(group_T, row, num) for row in values_MT - mean_M1])
    found: Floats = mean_M1 + num / len(group_T) * sums_MG
    return found
