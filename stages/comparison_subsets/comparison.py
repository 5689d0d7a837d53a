"""The subsets that are compared, each found by its name.

Shapes: N train samples, P picks of a subset, K rows that may be picked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stages.shared.artifacts import Ints, Subset
from stages.shared.choosing.limits import Limits
from stages.shared.choosing.sampling import draw, random_order, seed_rows, unscored
from stages.shared.errors import ParamsError
from stages.shared.settings.params import Params
from stages.shared.sizes import MATCHED, kind_and_size, num_picks, parse_size


def order_of_random_subsets(params: Params, sample_ids: Sequence[str], limits: Limits) -> Ints:
    """Return the rows of which each random subset is the first part: the seed subset, then others.

    Raises:
        ParamsError: the seed subset cannot be drawn, or a class has too few samples.
        ArtifactError: a list of the user's is not allowed.
    """
    order_K = random_order(sample_ids, params.random_seed, limits)
    seed_P = seed_rows(params.seed_size, params, sample_ids, limits)
    balanced = params.select.balanced
    # A part of the seed subset is drawn as the seed subset is and as a shrinking round selects.
    is_seed_K = np.isin(order_K, seed_P)
    first_P = draw(
        order_K[is_seed_K],
        len(seed_P),
        limits,
        balanced=balanced or params.seed_subset.stratified,
        setting="compare.subsets",
    )
    rest = draw(
        order_K[~is_seed_K],
        len(order_K) - len(seed_P),
        limits,
        balanced=balanced,
        setting="compare.subsets",
        taken_P=first_P,
    )
    return np.concatenate([first_P, rest])


@dataclass(frozen=True)
class Comparison:
    """The last round's subset and what stands beside it."""

    selected: Subset
    of_rounds: Mapping[str, Subset]  # by size, of those whose name is compared
    random_K: Ints  # all rows that may be picked; each random subset is the first part
    num_train: int

    def subset(self, name: str) -> Subset:
        """Return the subset of this name.

        Raises:
            ParamsError: there are not as many picks as the size in the name says.
        """
        kind, size = kind_and_size(name)
        if kind in {"full", MATCHED}:
            return unscored(np.sort(self.random_K))
        if name == "random-unique":
            return self._random(name, len(np.unique(self.selected.index_P)))
        count = num_picks(parse_size(size), self.num_train) if size else len(self.selected)
        if kind == "random":
            return self._random(name, count)
        return self.of_rounds.get(size) or self._selected(name, count)

    def _selected(self, name: str, count: int) -> Subset:
        if count > len(self.selected):
            raise ParamsError(
                f"params.yaml: compare.subsets has {name}, {count} picks; the last round's subset "
                f"has {len(self.selected)}"
            )
        return self.selected.first(count)

    def _random(self, name: str, count: int) -> Subset:
        # A selected subset may hold more picks than there are samples; a random one of its size
        # then goes through the same order again.
        most = max(len(self.random_K), len(self.selected))
        if count > most:
            raise ParamsError(
                f"params.yaml: compare.subsets has {name}, {count} picks; {most} can be had"
            )
        return unscored(np.resize(self.random_K, count))
