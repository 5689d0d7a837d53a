"""Beside what strategies propose: random subsets to race against, and samples that nobody holds.

Shapes: N train samples, H held out, P picks.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from stages.shared.artifacts import Ints, Subset
from stages.shared.choosing import sampling
from stages.shared.choosing.limits import Limits, require_minimum
from stages.shared.samples.randomness import permutation_by_id
from stages.shared.settings.params import Params


def random_subsets(
    params: Params, sample_ids: Sequence[str], limits: Limits, count: int, number: int
) -> Iterator[Subset]:
    """Yield the plain random subsets of `count` picks that a round's judges train on beside others.

    None is nested in another or keeps the round's first subset; lists and shares of classes bind
    them as they bind every subset.
    """
    setting = f"the round to {params.rounds[number - 1].to}"
    for place in range(params.race.judges * params.race.random):
        order_N = permutation_by_id(sample_ids, params.random_seed, "race", number, place)
        order_K = limits.allowed(order_N)
        # A subset with more picks than samples goes through the order again.
        order_K = np.resize(order_K, max(count, len(order_K)))
        index_P = sampling.draw(
            order_K, count, limits, balanced=params.select.balanced, setting=setting
        )
        require_minimum(index_P, limits, setting)
        yield Subset(index_P, np.full(count, number), np.full(count, np.nan))


def held_out(
    params: Params,
    sample_ids: Sequence[str],
    group_N: Ints,
    limits: Limits,
    kept_P: Ints,
    number: int,
) -> Ints:
    """Return the rows that judge a round's race and that no proposal holds, ascending, int64 [H].

    A share of train, `race.holdout`, drawn from what neither the kept subset nor a list of the
    user's holds; fewer where there are not so many. Groups of the user's stay whole: one whose
    frames train would judge what it has taught.
    """
    order_N = permutation_by_id(sample_ids, params.random_seed, "holdout", number)
    bound = np.concatenate([kept_P, limits.included, limits.excluded])
    order_K = order_N[~np.isin(group_N[order_N], group_N[bound])]
    group_G, first_G, size_G = np.unique(group_N[order_K], return_index=True, return_counts=True)
    room, fitting = int(params.race.holdout * len(sample_ids)), []
    for place in np.argsort(first_G).tolist():
        if size_G[place] <= room:
            fitting.append(group_G[place])
            room -= int(size_G[place])
    return np.sort(order_K[np.isin(group_N[order_K], fitting)])
