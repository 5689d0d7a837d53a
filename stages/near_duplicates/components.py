"""Connected components of pairs that come some at a time, in memory that grows with samples alone.

Shapes: N samples, P pairs.
"""

from collections.abc import Iterator

import numpy as np

from stages.shared.artifacts import Ints

AT_A_TIME = 2**20  # pairs, before they are joined


class Components:
    """Samples that pairs have joined so far."""

    def __init__(self, num_samples: int) -> None:
        self._first_N = np.arange(num_samples)
        self._waiting: list[Ints] = []
        self._num_waiting = 0

    def add(self, pairs_P2: Ints) -> None:
        """Join the two samples of each pair."""
        self._waiting.append(pairs_P2)
        self._num_waiting += len(pairs_P2)
        if self._num_waiting >= AT_A_TIME:
            self._join()

    def first(self) -> Ints:
        """Return the first sample of each one's component, int64 [N]."""
        self._join()
        return self._first_N

    def _join(self) -> None:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        if not self._num_waiting:
            return
        one_P, other_P = self._first_N[np.concatenate(self._waiting).T]
        num = len(self._first_N)
        graph = coo_array((np.ones(len(one_P), np.bool_), (one_P, other_P)), shape=(num, num))
        part_N = connected_components(graph, directed=False)[1][self._first_N]
        _, first, number_N = np.unique(part_N, return_index=True, return_inverse=True)
        self._first_N = first[number_N].astype(np.int64)
        self._waiting, self._num_waiting = [], 0


def groups(first_N: Ints) -> Iterator[Ints]:
    """Yield the samples of each component of two or more, rising, by their first one."""
    order_N = np.argsort(first_N, kind="stable")
    ends = np.flatnonzero(np.diff(first_N[order_N])) + 1
    yield from (rows for rows in np.split(order_N, ends) if len(rows) > 1)
