"""Tables of other stages that report alone reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stages.shared.artifacts import load_table
from stages.shared.errors import ArtifactError

Rows = list[dict[str, object]]  # of a table; all have the same columns


@dataclass(frozen=True)
class Correlations:
    """How alike a round's samples are ordered; a correlation is in [-1, 1], None if there is none.

    acquisitions: of the scores of two acquisition functions: first, second, spearman, pearson.
    voters: of the entropies of two voters: first_member, first_epoch, second_member, second_epoch,
        spearman, pearson.
    reference: of a voter's entropies and the reference list: member, epoch, spearman, pearson; the
        row of the round's own scores has neither member nor epoch. No row without such a list.
    """

    acquisitions: Rows
    voters: Rows
    reference: Rows


def load_correlations(scores: Path) -> Correlations:
    """Return the correlations that lie beside the scores of a round.

    Raises:
        ArtifactError: a file is missing, or a field is no number.
    """
    values: dict[str, _Convert] = {"spearman": _maybe(float), "pearson": _maybe(float)}
    pair = ("first_member", "first_epoch", "second_member", "second_epoch")
    voter: dict[str, _Convert] = {"member": _maybe(int), "epoch": _maybe(int)}
    return Correlations(
        acquisitions=_load(scores / "acquisitions.csv", {"first": str, "second": str, **values}),
        voters=_load(scores / "voters.csv", {**dict.fromkeys(pair, int), **values}),
        reference=_load(scores / "reference.csv", {**voter, **values}),
    )


def load_gradient_batches(signals: Path) -> Rows:
    """Return, of random batches: batch, sum_of_norms and norm_of_sum of the gradients.

    Raises:
        ArtifactError: the file is missing, or a field is no number.
    """
    columns = {"batch": int, "sum_of_norms": float, "norm_of_sum": float}
    return _load(signals / "gradient_batches.csv", columns)


_Convert = Callable[[str], object]


def _load(path: Path, columns: Mapping[str, _Convert]) -> Rows:
    rows = load_table(path, list(columns))
    try:
        return [
            {
                name: convert(field)
                for (name, convert), field in zip(columns.items(), row, strict=True)
            }
            for row in rows
        ]
    except ValueError as error:
        raise ArtifactError(f"{path}: {error}; fields must be numbers") from None


def _maybe(convert: _Convert) -> _Convert:
    """Convert a field that may be empty."""
    return lambda field: convert(field) if field else None
