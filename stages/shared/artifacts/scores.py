"""Scores, data/scores/<from>, and how alike samples are ordered, data/correlations/<from>."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.shared.artifacts.csv_files import Columns, Rows, load_rows, maybe, save_rows
from stages.shared.artifacts.formats import Floats, load_array, require_finite, save_array


def save_scores(path: Path, score_N: Floats) -> None:
    """Write one score for each train sample, float64 [N]; a higher score is selected first.

    Raises:
        ArtifactError: a score is not finite.
    """
    require_finite(path, score_N)
    save_array(path, score_N)


def load_scores(path: Path, num_train: int) -> Floats:
    """Return one score for each train sample, float64 [N].

    Raises:
        ArtifactError: a score is not finite, or there are not as many as train samples.
    """
    score_N = load_array(path, np.float64, (num_train,))
    require_finite(path, score_N)
    return score_N


_PAIR: Columns = {"spearman": maybe(float), "pearson": maybe(float)}
CORRELATION_COLUMNS: dict[str, Columns] = {
    "acquisitions": {"first": str, "second": str, **_PAIR},
    "voters": {
        "first_member": int,
        "first_epoch": int,
        "second_member": int,
        "second_epoch": int,
        **_PAIR,
    },
    "reference": {"member": maybe(int), "epoch": maybe(int), **_PAIR},
    "forgetting": {"member": int, "epoch": int, **_PAIR},
}


@dataclass(frozen=True)
class Correlations:
    """How alike a round's samples are ordered; a correlation is in [-1, 1], None if there is none.

    acquisitions: of the scores of two acquisition functions.
    voters: of the entropies of two voters.
    reference: of a voter's entropies and the reference list; the row of the round's own scores has
        neither member nor epoch. No row without such a list.
    forgetting: of a member's forgetting events up to the end of a kept epoch and the reference
        list. No row without such a list or without a training.
    """

    acquisitions: Rows
    voters: Rows
    reference: Rows
    forgetting: Rows


def save_correlations(folder: Path, correlations: Correlations) -> None:
    """Write a table for each kind."""
    for name, columns in CORRELATION_COLUMNS.items():
        save_rows(folder / f"{name}.csv", columns, getattr(correlations, name))


def load_correlations(folder: Path) -> Correlations:
    """Return the correlations of a round.

    Raises:
        ArtifactError: a file is missing, or a field is no number.
    """
    tables = {
        name: load_rows(folder / f"{name}.csv", columns)
        for name, columns in CORRELATION_COLUMNS.items()
    }
    return Correlations(**tables)
