"""Signals: data/signals/<from>."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.shared.artifacts.csv_files import load_records, save_records
from stages.shared.artifacts.formats import (
    Array,
    load_array,
    load_record,
    no_other_keys,
    require_finite,
    save_json,
)
from stages.shared.errors import ArtifactError


@dataclass(frozen=True)
class Voter:
    """A checkpoint that voted; the fields are the columns of voters.csv."""

    column: int  # its row in votes_MN
    member: int
    epoch: int
    validation_accuracy: float


SIGNAL_DTYPES: dict[str, type[np.generic]] = {
    "votes_MN": np.int16,
    "predicted_class_N": np.int16,
    "predictive_entropy_N": np.float32,
    "expected_entropy_N": np.float32,
    "confidence_N": np.float32,
    "margin_N": np.float32,
    "label_probability_N": np.float32,
}


# Costlier ones, written where predict_pool.signals names them.
OPTIONAL_SIGNAL_DTYPES: dict[str, type[np.generic]] = {
    "features_ND": np.float32,  # of the first voter
    "gradient_norm_N": np.float32,
}

# Of samples with many outputs, such as an image with a map of probabilities for each class: what
# an acquisition function says of each output, already reduced to one value of the sample.
REDUCTIONS = ("max", "mean", "top_k_mean")
REDUCED_ACQUISITIONS = ("entropy", "error_count", "mutual_information", "variation_ratios")
REDUCED_SIGNALS = tuple(
    f"{name}_{reduction}_N" for name in REDUCED_ACQUISITIONS for reduction in REDUCTIONS
)


def signal_dtype(name: str) -> type[np.generic]:
    """Return the dtype of a signal."""
    if name in REDUCED_SIGNALS:
        return np.float32
    return {**SIGNAL_DTYPES, **OPTIONAL_SIGNAL_DTYPES}[name]


def has_signal(signals: Path, name: str) -> bool:
    """Return whether predict_pool wrote a signal; the folder holds what it wrote alone."""
    return (signals / f"{name}.npy").exists()


def save_voters(signals: Path, voters: Iterable[Voter]) -> None:
    """Write which checkpoint stands in which row of votes_MN."""
    save_records(signals / "voters.csv", Voter, voters)


def load_voters(signals: Path) -> list[Voter]:
    """Return which checkpoint stands in which row of votes_MN.

    Raises:
        ArtifactError: a field is no number.
    """
    return load_records(signals / "voters.csv", Voter)


def load_signal(signals: Path, name: str, num_train: int) -> Array:
    """Return one signal over the train split, shape by the suffix of its name.

    Raises:
        ArtifactError: it is missing, of another shape, or not finite somewhere.
    """
    shapes = {"_MN": (None, num_train), "_ND": (num_train, None)}
    shape = shapes.get(name[-3:], (num_train,))
    path = signals / f"{name}.npy"
    if name in OPTIONAL_SIGNAL_DTYPES and not path.exists():
        raise ArtifactError(
            f"{path}: missing; predict_pool.signals must hold {name.rpartition('_')[0]}"
        )
    array = load_array(path, signal_dtype(name), shape)
    if array.dtype.kind == "f":
        require_finite(signals / f"{name}.npy", array)
    return array


def load_signals(signals: Path, num_train: int) -> dict[str, Array]:
    """Return all signals over the train split by name."""
    return {name: load_signal(signals, name, num_train) for name in SIGNAL_DTYPES}


@no_other_keys
@dataclass(frozen=True)
class ValidationResult:
    """How well the voters do on the validation split, and what predicting cost."""

    ensemble_accuracy: float  # of the mean probability, in [0, 1]
    voter_accuracy: list[float]  # of each voter alone, in the order of voters.csv
    flops: float  # floating-point operations of all predictions


def save_validation(signals: Path, result: ValidationResult) -> None:
    """Write validation.json of a folder of signals."""
    save_json(signals / "validation.json", vars(result))


def load_validation(signals: Path) -> ValidationResult:
    """Return what validation.json of a folder of signals says.

    Raises:
        ArtifactError: a key is missing or unknown.
    """
    return load_record(signals / "validation.json", ValidationResult)


def load_validation_signal(signals: Path, name: str, num_validation: int) -> Array:
    """Return classes that were predicted on the validation split, int16, shape by the suffix."""
    shape = (None, num_validation) if name.endswith("_MV") else (num_validation,)
    return load_array(signals / f"{name}.npy", np.int16, shape)


@dataclass(frozen=True)
class GradientBatch:
    """Gradients of one mini-batch; the fields are the columns of gradient_batches.csv."""

    batch: int
    sum_of_norms: float
    norm_of_sum: float  # at most sum_of_norms, but for rounding


def save_gradient_batches(signals: Path, batches: Iterable[GradientBatch]) -> None:
    """Write gradient_batches.csv of a folder of signals, one row for each mini-batch."""
    save_records(signals / "gradient_batches.csv", GradientBatch, batches)


def load_gradient_batches(signals: Path) -> list[GradientBatch]:
    """Return the mini-batches of a folder of signals.

    Raises:
        ArtifactError: the file is missing, or a field is no number.
    """
    return load_records(signals / "gradient_batches.csv", GradientBatch)
