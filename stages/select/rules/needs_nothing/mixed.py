"""A share at random, the rest by another rule."""

import numpy as np

from stages.select import rules
from stages.select.rules.candidates import Candidates, smallest_first
from stages.shared.artifacts import Ints


def order(candidates: Candidates) -> Ints:
    """Of the first n, round(n x `mixed.random`) at random, and the best of the others by a rule.

    `mixed.rule` names it, and its own numbers stand beside. Without a random share every choice by
    scores loses to a random one where the budget is small (Ayed and Hayou 2023, arXiv 2302.06960,
    section 4). A candidate that both prefer counts as the one that came to it first.
    """
    settings = candidates.settings.mixed
    by_rule = rules.RULES[settings.rule](candidates)
    by_chance = smallest_first(candidates, candidates.random_N("mixed")[candidates.row_K])
    num_random = np.floor(settings.random * np.arange(len(by_rule) + 1) + 0.5)
    sources = {True: iter(by_chance.tolist()), False: iter(by_rule.tolist())}
    is_taken = np.zeros(len(by_chance), dtype=np.bool_).tolist()
    order = []
    for is_random in (np.diff(num_random) > 0).tolist():
        pick = next(sources[is_random])
        if is_taken[pick]:
            pick = next(other for other in sources[False] if not is_taken[other])
        is_taken[pick] = True
        order.append(pick)
    return np.array(order, dtype=np.int64)
