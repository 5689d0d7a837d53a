"""What each judged sample says of a classifier.

Shapes: M judges, V judged samples, H held-out rows of train, B batch, C classes.
"""

from pathlib import Path

import numpy as np

from stages.race.judged import predictions, rows_of
from stages.shared import artifacts, tasks
from stages.shared.artifacts import Floats, Ints
from stages.shared.measuring import jackknife, user_groups
from stages.shared.prediction.forward_passes import Voters
from stages.shared.settings.sections import Evaluate


def values(
    prepared: Path, voters: Voters, held_out_H: Ints, metric: str, settings: Evaluate
) -> Floats:
    """Return whether each sample is right, or its pseudo-value of the metric, float64 [M, V].

    Where samples have groups, V are these.
    """
    meta = artifacts.load_meta(prepared)
    task = tasks.load(meta.task)
    predicted, targets = [], []
    for split, rows, probs_MBC in predictions(task, voters, prepared, held_out_H, settings):
        predicted.append(probs_MBC.argmax(dim=2).cpu().numpy())
        targets.append(artifacts.load_targets(prepared, split)[rows])
    predicted_MV, targets_V = np.concatenate(predicted, axis=1), np.concatenate(targets)
    group_V = user_groups.of_rows(prepared, rows_of(meta, held_out_H))
    values_MV = (predicted_MV == targets_V).astype(np.float64)
    if metric != "accuracy":
        values_MV = np.stack(
            [jackknife.of_classes(metric, row_V, targets_V) for row_V in predicted_MV]
        )
    return user_groups.by_group(values_MV, group_V)
