"""Does a target model still learn where its training ends?

The accuracy on validation at the end is held against that at the validation nearest to two thirds
of the updates: each training against itself. It still rises if the lower end of the rise's 95 %
interval is above the margin. The interval is over the trainings, and over the validation samples as
if all that changed had changed for the better, the least that their part of the error can be.

Where the learning rate is constant at the end, that part alone is looked at, since a drop of the
rate lifts the accuracy by itself. Where it falls to the end, as in one_cycle, some of a rise may be
due to that, so the warning is of what may be.

Measured on 15 kinds of one_cycle trainings of known gains (docs/results.md): of seven that twice as
many updates make better by 2 points or more on test, six are warned of; of eight others one, which
gains 0.8.
"""

from collections.abc import Sequence

import numpy as np

from stages.report.formulas.statistics import Estimate
from stages.shared.artifacts import Epoch

FROM = 2 / 3  # of the updates, and
NEAR = 1 / 5  # of them that the validation may lie off


def rise(histories: Sequence[Sequence[Epoch]], num_validation: int) -> Estimate | None:
    """Return by how many points validation accuracy rose at the end; None where that is unknown.

    Args:
        histories: of each draw those of all members.
        num_validation: samples.
    """
    found = [
        _rise([epoch for epoch in history if epoch.member == member])
        for history in histories
        for member in {epoch.member: None for epoch in history}
    ]
    rises = [share for share in found if share is not None]
    if not rises or num_validation <= 1:
        return None
    share, num = float(np.mean(rises)), len(rises)
    return Estimate(
        value=100 * share,
        rows=100**2 * float(np.var(rises, ddof=1)) / num if num > 1 else 0.0,
        rows_freedom=max(num - 1.0, 1.0),
        samples=100**2 * abs(share) * (1 - abs(share)) / num_validation,
        num_samples=num_validation,
        both=0.0,
        num_draws=len(histories),
    )


def _rise(training: Sequence[Epoch]) -> float | None:
    """Return the rise of one training, as a share; None where two validations are missing."""
    known = [
        (epoch.updates, epoch.learning_rate, epoch.validation_accuracy)
        for epoch in sorted(training, key=lambda epoch: epoch.epoch)
        if epoch.validation_accuracy is not None
    ]
    if not known:
        return None
    updates, rate, last = known[-1]
    before = known[:-1]
    constant = [entry for entry in before if entry[1] == rate]
    start, _, first = min(
        constant or before, key=lambda entry: abs(entry[0] / updates - FROM), default=(0, 0.0, 0.0)
    )
    return last - first if abs(start / updates - FROM) <= NEAR else None
