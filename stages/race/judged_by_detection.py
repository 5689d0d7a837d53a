"""What each group of judged images says of a detector.

Shapes: M judges, V groups of judged images, H held-out rows of train, B batch.
"""

from pathlib import Path

from stages.race.judged import predictions, rows_of
from stages.shared import artifacts, tasks
from stages.shared.artifacts import Floats, Ints
from stages.shared.measuring import found_objects, user_groups
from stages.shared.prediction.forward_passes import Voters
from stages.shared.settings.sections import Evaluate


def values(
    prepared: Path, voters: Voters, held_out_H: Ints, metric: str, settings: Evaluate
) -> Floats:
    """Return the pseudo-value of each group of images, float64 [M, V]."""
    meta = artifacts.load_meta(prepared)
    task = tasks.load(meta.task)
    predicted = predictions(task, voters, prepared, held_out_H, settings)
    maps = ((rows, maps_MBKHW) for _, rows, maps_MBKHW in predicted)
    *found, _ = found_objects.found_in(maps, len(voters.weights), meta.input_shape)
    truth, sample_ids = [], []
    for split, rows in rows_of(meta, held_out_H):
        objects = found_objects.load_truth(prepared, split)
        names = artifacts.load_sample_ids(prepared, split)
        truth += [objects[row] for row in rows.tolist()]
        sample_ids += [names[row] for row in rows.tolist()]
    part = found_objects.PARTS[metric]
    group_V = user_groups.of_rows(prepared, rows_of(meta, held_out_H))
    return found_objects.pseudo_values(sample_ids, group_V, found, truth)[part]
