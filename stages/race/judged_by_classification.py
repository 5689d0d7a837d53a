"""What each judged sample says of a classifier.

Shapes: M judges, V judged samples, H held-out rows of train, B batch, C classes.
"""

from pathlib import Path

import numpy as np

from stages.race.judged import predictions
from stages.shared import artifacts, tasks
from stages.shared.artifacts import Floats, Ints
from stages.shared.measuring import jackknife
from stages.shared.prediction.forward_passes import Voters
from stages.shared.settings.sections import Evaluate


def values(
    prepared: Path, voters: Voters, held_out_H: Ints, metric: str, settings: Evaluate
) -> Floats:
    """Return whether each sample is right, or its pseudo-value of the metric, float64 [M, V]."""
    task = tasks.load(artifacts.load_meta(prepared).task)
    predicted, targets = [], []
    for split, rows, probs_MBC in predictions(task, voters, prepared, held_out_H, settings):
        predicted.append(probs_MBC.argmax(dim=2).cpu().numpy())
        targets.append(artifacts.load_targets(prepared, split)[rows])
    predicted_MV, targets_V = np.concatenate(predicted, axis=1), np.concatenate(targets)
    if metric == "accuracy":
        return (predicted_MV == targets_V).astype(np.float64)
    return np.stack([jackknife.of_classes(metric, row_V, targets_V) for row_V in predicted_MV])
