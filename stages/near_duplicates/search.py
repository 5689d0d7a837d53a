"""The search for near duplicates: all pairs where there are few samples, else those that meet.

Shapes: N samples of all splits, T train samples, P pairs, B samples of a block.
"""

from collections.abc import Iterator
from itertools import chain

import numpy as np

from stages.near_duplicates.all_samples import Compared
from stages.near_duplicates.components import Components
from stages.near_duplicates.meeting_places import meeting_places
from stages.near_duplicates.similar_pairs import (
    BLOCK,
    MOST_EXACT,
    ROUNDING,
    Vectors,
    similar_pairs,
    unit,
)
from stages.shared.artifacts import Array, Ints
from stages.shared.running import progress
from stages.shared.samples.randomness import generator

NUM_PROBED = 500  # samples of which every pair is looked up, to tell the recall
COPIES, THUMBNAILS, EXACT, APPROXIMATE = "copies", "thumbnails", "exact", "approximate"


class Search:
    """Groups of near duplicates in all splits, and in train alone.

    Attributes:
        method: copies (there are no vectors, so what is nearly the same is not looked for),
            thumbnails (every pair of them was compared), exact or approximate.
        recall: of some random samples that have near duplicates the share that is in one group
            with all of them; None: none has any. 1 where every pair was compared.
        copy_N: the first of the samples that are equal to each bit by bit, int64 [N].
        first_N: the first sample of each one's group, int64 [N].
        train_T: the same by the train samples alone, which stand first, int64 [T].
    """

    def __init__(self, samples: Compared, num_train: int, threshold: float) -> None:
        num, vectors_ND = len(samples.digest_N), samples.vectors_ND
        self.method = EXACT if num <= MOST_EXACT else APPROXIMATE
        if vectors_ND is None:
            self.method = COPIES
        elif samples.are_thumbnails:
            self.method = THUMBNAILS
        self.copy_N = first_of_equals(samples.digest_N)
        of_all, of_train = Components(num), Components(num_train)
        similar = [] if vectors_ND is None else self._pairs(vectors_ND, threshold)
        for pairs_P2 in chain([_to_first(self.copy_N)], similar):
            of_all.add(pairs_P2)
            of_train.add(pairs_P2[(pairs_P2 < num_train).all(axis=1)])
        self.first_N, self.train_T = of_all.first(), of_train.first()
        self.recall: float | None = 1.0
        if vectors_ND is not None and self.method == APPROXIMATE:
            self.recall = self._recall(vectors_ND, threshold)

    def _pairs(self, vectors_ND: Vectors, threshold: float) -> Iterator[Ints]:
        if self.method != APPROXIMATE:
            yield from similar_pairs(vectors_ND, np.arange(len(vectors_ND)), threshold)
            return
        places = meeting_places(vectors_ND)
        sized = ((len(row_B), row_B) for row_B in places)
        for row_B in progress.shown(sized, sum(map(len, places)), "near duplicates"):
            yield from similar_pairs(vectors_ND, row_B, threshold)

    def _recall(self, vectors_ND: Vectors, threshold: float) -> float | None:
        num = len(vectors_ND)
        probed = generator(0, "near duplicates").choice(num, min(num, NUM_PROBED), replace=False)
        probed_BD = unit(vectors_ND[probed])
        has_near_P, has_lost_P = np.zeros((2, len(probed)), dtype=bool)
        for start in range(0, num, BLOCK):
            row_B = np.arange(start, min(start + BLOCK, num))
            products = probed_BD @ unit(vectors_ND[row_B]).T
            is_near_PB = (products >= threshold + ROUNDING) & (probed[:, np.newaxis] != row_B)
            is_apart_PB = self.first_N[probed][:, np.newaxis] != self.first_N[row_B]
            has_near_P |= is_near_PB.any(axis=1)
            has_lost_P |= (is_near_PB & is_apart_PB).any(axis=1)
        return float(1 - has_lost_P[has_near_P].mean()) if has_near_P.any() else None


def first_of_equals(value_N: Array) -> Ints:
    """Return the first place of each one's value, int64 [N]."""
    _, first, number_N = np.unique(value_N, return_index=True, return_inverse=True)
    return first[number_N].astype(np.int64)


def _to_first(first_N: Ints) -> Ints:
    """Return as pairs what stands behind the first of its kind, int64 [P, 2]."""
    others = np.flatnonzero(first_N != np.arange(len(first_N)))
    return np.stack([first_N[others], others], axis=1)
