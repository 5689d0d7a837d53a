"""A draw of unsure samples whose difficulty fits the budget."""

import numpy as np

from stages.select.rules.candidates import Candidates, first_to_arrive, smallest_first
from stages.shared.artifacts import Ints

NUM_ANCHORS = 10  # the samples of highest score, whose probability is the centre of a large budget
LEAST = 1e-6  # of a probability and of one minus it: at 0 and 1 the density may be infinite


def order(candidates: Candidates) -> Ints:
    """Drawn one by one, each with probability in proportion to score x beta density.

    DUAL pruning with beta sampling (Cho et al. 2025, arXiv 2502.06905, section 3.3): the density is
    of the mean probability of the label, mu, and its parameters follow the share r that is pruned:

        b = C (1 - mu_D) (1 - r^c),  a = C + 1 - b,

    with C `beta.concentration`, c `beta.exponent` and mu_D the mean of mu over the ten candidates
    of highest score. Where little is pruned the density is centred at mu_D, on what is hard; the
    smaller the budget, the nearer to 1, on what is easy. An order is therefore that of its budget.

    The score is DUAL's with `acquisition: dual`, and mu then the mean over epochs and members,
    where they trained on every candidate. Elsewhere, as in rounds that grow, any score that is 0 or
    more stands for DUAL's, and mu is what the ensemble says of the label out of sample. That orders
    samples less alike than another ensemble's training would, and lies higher (docs/methods.md).

    Raises:
        ParamsError: a score is negative.
    """
    row_K = candidates.row_K
    if not len(row_K):
        return np.empty(0, dtype=np.int64)
    easy_K = np.clip(candidates.label_probability_N()[row_K], LEAST, 1 - LEAST, dtype=np.float64)
    highest = smallest_first(candidates, -candidates.score_N[row_K])[:NUM_ANCHORS]
    a, b = parameters(candidates, float(easy_K[np.sort(highest)].mean()))
    density_K = (a - 1) * np.log(easy_K) + (b - 1) * np.log1p(-easy_K)  # but for its constant
    return first_to_arrive(candidates, "beta", density_K)


def parameters(candidates: Candidates, anchor: float) -> tuple[float, float]:
    """Return a and b of the density for the budget; `anchor` is mu_D, in (0, 1)."""
    settings, num_kept = candidates.settings.beta, len(candidates.kept_P)
    num_all = num_kept + len(candidates.row_K)
    pruned = 1 - min(num_kept + candidates.count, num_all) / num_all
    b = settings.concentration * (1 - anchor) * (1 - pruned**settings.exponent)
    return settings.concentration + 1 - b, b
