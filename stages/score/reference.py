"""The reference list: what another model, or another run, gives the same samples for a score.

Shapes: N train samples.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stages.shared import artifacts
from stages.shared.artifacts import Floats
from stages.shared.artifacts.user_lists import REFERENCE_HEADER
from stages.shared.artifacts.user_names import as_known, name_hint
from stages.shared.errors import ArtifactError


def load_reference(path: Path, sample_ids: Sequence[str]) -> Floats:
    """Return the score of each train sample in the list, float64 [N]; NaN where it is not there.

    Raises:
        ArtifactError: a score is no finite number, a sample is named twice, or none of those that
            are named is in the train split. A list that names none is in order.
    """
    scores: dict[str, float] = {}
    known = set(sample_ids)
    for number, (field, score) in artifacts.load_list(path, REFERENCE_HEADER):
        sample_id = as_known(field, known)
        if sample_id in scores:
            raise ArtifactError(f"{path}: line {number} names {sample_id} again; once is allowed")
        scores[sample_id] = _finite(path, number, score)
    if not scores:
        return np.full(len(sample_ids), np.nan)
    if scores.keys().isdisjoint(sample_ids):
        first = next(iter(scores))
        raise ArtifactError(
            f"{path}: names {first} and none of its {len(scores)} sample ids is in the train "
            f"split; they must be such as {sample_ids[0]}{name_hint(first, known)}"
        )
    return np.fromiter((scores.get(name, math.nan) for name in sample_ids), dtype=np.float64)


def _finite(path: Path, number: int, field: str) -> float:
    try:
        score = float(field)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise ArtifactError(
            f"{path}: line {number} has score {field!r}; it must be a finite number"
        )
    return score
