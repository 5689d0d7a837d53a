"""Every file that passes between stages: one `save_x` and one `load_x` side by side.

Formats are .npy without pickle, .csv, .json and (in weights.py, which needs torch) .safetensors.
Both sides check dtype, shape and what the shapes have in common. Equal content gives equal bytes:
DVC then stops where a result did not change.

Shapes: N train samples (rows of the prepared train split), P picks of a subset, M voters or
members, T test samples, V validation samples, S sampled train samples, H x W x K pixels and
channels, E epochs.
"""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from numpy.lib.format import open_memmap

from stages.shared.errors import ArtifactError
from stages.shared.files import atomic, write_atomically

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Record = TypeVar("Record")


# --- the formats ---------------------------------------------------------------------------------


def save_array(path: Path, array: Array) -> None:
    """Write one array."""
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def load_array(path: Path, dtype: npt.DTypeLike, shape: tuple[int | None, ...]) -> Array:
    """Return an array as a read-only memory map, its dtype and shape checked (None: any length).

    Raises:
        ArtifactError: the file is missing, cut short, or holds something else.
    """
    try:
        # np.load would also take an archive, and for anything else speak of pickle.
        array: Array = open_memmap(path, mode="r")
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; run `dvc repro`") from None
    except (OSError, ValueError, EOFError) as error:
        raise ArtifactError(f"{path}: cannot be read ({error}); it must be a .npy file") from None
    fits = len(array.shape) == len(shape) and all(
        wanted in (None, found) for found, wanted in zip(array.shape, shape, strict=True)
    )
    if array.dtype != np.dtype(dtype) or not fits:
        wanted_shape = ["any" if length is None else length for length in shape]
        raise ArtifactError(
            f"{path}: found {array.dtype} {list(array.shape)}; it must be "
            f"{np.dtype(dtype)} {wanted_shape}"
        )
    return array


def save_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object, keys as given; floats are written in full."""
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    write_atomically(path, text.encode("utf-8", "surrogateescape"))


def load_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        ArtifactError: the file is missing or no JSON object.
    """
    try:
        content = json.loads(path.read_bytes().decode("utf-8", "surrogateescape"))
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; run `dvc repro`") from None
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: cannot be read ({error}); it must be JSON") from None
    if not isinstance(content, dict):
        raise ArtifactError(f"{path}: found a {type(content).__name__}; it must be an object")
    return content


def _load_record(path: Path, kind: type[Record]) -> Record:
    """Return the dataclass whose fields are the keys of a JSON object."""
    content = load_json(path)
    if set(content) != set(kind.__annotations__):
        raise ArtifactError(
            f"{path}: has the keys {', '.join(content)}; they must be "
            f"{', '.join(kind.__annotations__)}"
        )
    return kind(**content)


def save_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file: line feeds at line ends, floats in the shortest form that is exact."""
    text = io.StringIO(newline="")
    plain = csv.writer(text, lineterminator="\n")
    # Before Python 3.13 a carriage return in a name is not quoted by itself.
    quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    plain.writerow(header)
    for row in rows:
        has_return = any(isinstance(field, str) and "\r" in field for field in row)
        (quoted if has_return else plain).writerow(row)
    write_atomically(path, text.getvalue().encode("utf-8", "surrogateescape"))


def load_table(path: Path, header: Sequence[str]) -> list[list[str]]:
    """Return the rows of a CSV file below its header.

    Raises:
        ArtifactError: the file is missing, has another header, or rows of another length.
    """
    try:
        # Spreadsheets put a byte-order mark before the first name.
        text = path.read_bytes().decode("utf-8", "surrogateescape").removeprefix("\ufeff")
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; it must be CSV with {','.join(header)}") from None
    except (OSError, csv.Error) as error:
        raise ArtifactError(f"{path}: cannot be read ({error}); it must be CSV") from None
    if not rows or rows[0] != list(header):
        found = ",".join(rows[0]) if rows else "nothing"
        raise ArtifactError(f"{path}: its first line is {found}; it must be {','.join(header)}")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise ArtifactError(
                f"{path}: row {number} has {len(row)} fields; it must have {len(header)}"
            )
    return rows[1:]


# --- prepare: data/prepared ----------------------------------------------------------------------


@dataclass(frozen=True)
class Meta:
    """What all stages need to know of the prepared data."""

    task: str
    dataset: str
    class_names: list[str]
    image_shape: list[int]  # H, W, K
    mean: list[float]  # of the train split, one for each channel, in [0, 1]
    std: list[float]
    num_samples: dict[str, int]  # of each split
    fingerprint: str  # of the inputs and targets of train and validation

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)


def save_meta(prepared: Path, meta: Meta) -> None:
    """Write data/prepared/meta.json."""
    save_json(prepared / "meta.json", vars(meta))


def load_meta(prepared: Path) -> Meta:
    """Return what data/prepared/meta.json says.

    Raises:
        ArtifactError: a key is missing or unknown.
    """
    return _load_record(prepared / "meta.json", Meta)


def save_targets(prepared: Path, split: Split, targets_N: Ints) -> None:
    """Write the class of each sample of a split, int64 [N]."""
    save_array(prepared / split / "targets.npy", targets_N)


def load_targets(prepared: Path, split: Split) -> Ints:
    """Return the class of each sample of a split, int64 [N]."""
    return load_array(prepared / split / "targets.npy", np.int64, (None,))


def save_sample_ids(prepared: Path, split: Split, sample_ids: Sequence[str]) -> None:
    """Write the id of each sample of a split: a relative path or the row in the source."""
    save_table(prepared / split / "sample_ids.csv", ["sample_id"], [[name] for name in sample_ids])


def load_sample_ids(prepared: Path, split: Split) -> list[str]:
    """Return the id of each sample of a split."""
    return [row[0] for row in load_table(prepared / split / "sample_ids.csv", ["sample_id"])]


def load_inputs(prepared: Path, split: Split) -> npt.NDArray[np.uint8]:
    """Return the images of a split, uint8 [N, H, W, K], read from disk as they are used."""
    return load_array(prepared / split / "inputs.npy", np.uint8, (None, None, None, None))


# --- the user's lists ----------------------------------------------------------------------------


def load_sample_list(path: Path, header: Sequence[str]) -> list[str]:
    """Return the sample ids that a list of the user's names in its first column.

    Raises:
        ArtifactError: the list names a sample twice.
    """
    names = [row[0] for row in load_table(path, header)]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ArtifactError(f"{path}: names {twice} twice; once is allowed")
    return names


# --- subsets: data/subsets/<size>.csv, data/comparison/<name>.csv --------------------------------


@dataclass(frozen=True)
class Subset:
    """Picks in the order of picking; an index that stands twice is trained on twice."""

    index_P: Ints  # rows of the train split
    round_P: Ints  # 0 for the seed subset
    score_P: Floats  # NaN where no score chose the sample

    def __len__(self) -> int:
        """Return the number of picks, duplicates counted."""
        return len(self.index_P)

    def first(self, count: int) -> "Subset":
        """Return the subset of the first picks."""
        return Subset(self.index_P[:count], self.round_P[:count], self.score_P[:count])


SUBSET_HEADER = ["index", "round", "score"]


def save_subset(path: Path, subset: Subset) -> None:
    """Write a subset; a pick without a score has an empty field."""
    rows = zip(
        subset.index_P.tolist(), subset.round_P.tolist(), subset.score_P.tolist(), strict=True
    )
    save_table(
        path,
        SUBSET_HEADER,
        ([index, number, "" if math.isnan(score) else score] for index, number, score in rows),
    )


def load_subset(path: Path, num_train: int) -> Subset:
    """Return a subset.

    Raises:
        ArtifactError: an index is no row of the train split, or a field is no finite number.
    """
    rows = load_table(path, SUBSET_HEADER)
    try:
        subset = Subset(
            np.array([int(row[0]) for row in rows], dtype=np.int64),
            np.array([int(row[1]) for row in rows], dtype=np.int64),
            np.array([float(row[2] or "nan") for row in rows], dtype=np.float64),
        )
    except ValueError as error:
        raise ArtifactError(f"{path}: {error}; fields must be numbers") from None
    outside = np.flatnonzero((subset.index_P < 0) | (subset.index_P >= num_train))
    if len(outside):
        raise ArtifactError(
            f"{path}: row {outside[0] + 2} has index {subset.index_P[outside[0]]}; the train split "
            f"has the rows 0 to {num_train - 1}"
        )
    has_score_P = np.array([bool(row[2]) for row in rows], dtype=np.bool_)
    infinite = np.flatnonzero(has_score_P & ~np.isfinite(subset.score_P))
    if len(infinite):
        raise ArtifactError(
            f"{path}: row {infinite[0] + 2} has score {subset.score_P[infinite[0]]}; it must be "
            "finite, or empty"
        )
    return subset


# --- ensembles and their histories ---------------------------------------------------------------


@dataclass(frozen=True)
class Checkpoint:
    """The weights of one member after one epoch."""

    member: int
    epoch: int  # passes over the subset that were done, from 1
    validation_accuracy: float | None  # in [0, 1]; None: this epoch was not validated
    is_best: bool  # the member's best on validation, the earliest of equals
    is_last: bool  # one of those that `checkpoints.last` and `every` keep

    @property
    def path(self) -> Path:
        """Where the weights lie inside the ensemble's folder."""
        return Path(f"member-{self.member:02d}/epoch-{self.epoch:04d}.safetensors")


@dataclass(frozen=True)
class Ensemble:
    """The trained members of one stage: how to build their model, and which weights there are."""

    model: str
    num_classes: int
    image_shape: list[int]  # H, W, K
    checkpoints: list[Checkpoint]

    def of_member(self, member: int) -> list[Checkpoint]:
        """Return one member's checkpoints by epoch."""
        chosen = [entry for entry in self.checkpoints if entry.member == member]
        return sorted(chosen, key=lambda entry: entry.epoch)

    @property
    def num_members(self) -> int:
        """How many members there are."""
        return len({entry.member for entry in self.checkpoints})


def save_ensemble(folder: Path, ensemble: Ensemble) -> None:
    """Write model.json of an ensemble; the weights lie beside it."""
    content = {**vars(ensemble), "checkpoints": [vars(entry) for entry in ensemble.checkpoints]}
    save_json(folder / "model.json", content)


def load_ensemble(folder: Path) -> Ensemble:
    """Return what model.json says of an ensemble.

    Raises:
        ArtifactError: the file does not describe an ensemble.
    """
    content = load_json(folder / "model.json")
    try:
        checkpoints = [Checkpoint(**entry) for entry in content.pop("checkpoints")]
        return Ensemble(**content, checkpoints=checkpoints)
    except (KeyError, TypeError) as error:
        raise ArtifactError(
            f"{folder / 'model.json'}: {error}; it must be written by a training stage"
        ) from None


@dataclass(frozen=True)
class Epoch:
    """What one epoch of one member's training showed; the fields are the history's columns."""

    member: int
    epoch: int  # passes that were done, from 1
    updates: int  # optimizer steps that were done
    images_seen: int  # draws that were done
    flops: float  # floating-point operations up to here, validation included
    learning_rate: float  # of the last step
    train_loss: float  # mean over the epoch, as trained
    train_accuracy: float  # in [0, 1], on the augmented images as they were seen
    validation_loss: float | None  # None: this epoch was not validated
    validation_accuracy: float | None


HISTORY_HEADER = list(Epoch.__annotations__)


def save_history(path: Path, epochs: Iterable[Epoch]) -> None:
    """Write a training's history, one row for each member and epoch."""
    rows = ([getattr(epoch, name) for name in HISTORY_HEADER] for epoch in epochs)
    save_table(path, HISTORY_HEADER, (["" if x is None else x for x in row] for row in rows))


def load_history(path: Path) -> list[Epoch]:
    """Return a training's history.

    Raises:
        ArtifactError: a field is no number.
    """
    rows = load_table(path, HISTORY_HEADER)
    try:
        return [
            Epoch(
                *(int(field) for field in row[:4]),
                *(float(field) for field in row[4:8]),
                *(float(field) if field else None for field in row[8:]),
            )
            for row in rows
        ]
    except ValueError as error:
        raise ArtifactError(f"{path}: {error}; fields must be numbers") from None


# --- signals: data/signals/<from> ----------------------------------------------------------------


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


def save_voters(signals: Path, voters: Iterable[Voter]) -> None:
    """Write which checkpoint stands in which row of votes_MN."""
    header = list(Voter.__annotations__)
    save_table(signals / "voters.csv", header, (list(vars(voter).values()) for voter in voters))


def load_voters(signals: Path) -> list[Voter]:
    """Return which checkpoint stands in which row of votes_MN.

    Raises:
        ArtifactError: a field is no number.
    """
    rows = load_table(signals / "voters.csv", list(Voter.__annotations__))
    try:
        return [Voter(int(row[0]), int(row[1]), int(row[2]), float(row[3])) for row in rows]
    except ValueError as error:
        raise ArtifactError(f"{signals / 'voters.csv'}: {error}; fields must be numbers") from None


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
    array = load_array(path, {**SIGNAL_DTYPES, **OPTIONAL_SIGNAL_DTYPES}[name], shape)
    if array.dtype.kind == "f":
        _require_finite(signals / f"{name}.npy", array)
    return array


def load_signals(signals: Path, num_train: int) -> dict[str, Array]:
    """Return all signals over the train split by name."""
    return {name: load_signal(signals, name, num_train) for name in SIGNAL_DTYPES}


VALIDATION_SIGNALS = ("validation_votes_MV", "validation_predicted_V")


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
    return _load_record(signals / "validation.json", ValidationResult)


def load_validation_signal(signals: Path, name: str, num_validation: int) -> Array:
    """Return classes that were predicted on the validation split, int16, shape by the suffix."""
    shape = (None, num_validation) if name.endswith("_MV") else (num_validation,)
    return load_array(signals / f"{name}.npy", np.int16, shape)


# --- training dynamics: data/dynamics/<from> -----------------------------------------------------


@dataclass(frozen=True)
class Dynamics:
    """What training showed of each sample it saw; a sample that was drawn twice stands once."""

    row_R: Ints  # rows of the train split, rising: the samples of the subset
    forgetting_events_MR: Array  # int32; the epochs trained where a member was never right
    aum_MR: Array  # float32, true logit minus the largest other, mean over the epochs
    el2n_MR: Array  # float32, length of the error vector in epoch el2n_epoch, in [0, sqrt 2]


DYNAMICS_DTYPES: dict[str, type[np.generic]] = {
    "forgetting_events_MR": np.int32,
    "aum_MR": np.float32,
    "el2n_MR": np.float32,
}


def no_dynamics() -> Dynamics:
    """Return the dynamics of an ensemble that was not trained."""
    empty = {name: np.zeros((0, 0), dtype) for name, dtype in DYNAMICS_DTYPES.items()}
    return Dynamics(np.zeros(0, dtype=np.int64), **empty)


def save_dynamics(folder: Path, dynamics: Dynamics) -> None:
    """Write the dynamics of an ensemble's training."""
    for name, array in vars(dynamics).items():
        save_array(folder / f"{name}.npy", array)


def load_dynamics(folder: Path, num_train: int) -> Dynamics:
    """Return the dynamics of an ensemble's training.

    Raises:
        ArtifactError: a row is none of the train split, a value is not finite, or shapes differ.
    """
    row_R = load_array(folder / "row_R.npy", np.int64, (None,))
    rises = bool((np.diff(row_R) > 0).all())
    if not rises or (len(row_R) and not 0 <= row_R[0] <= row_R[-1] < num_train):
        raise ArtifactError(
            f"{folder / 'row_R.npy'}: is {row_R[:5].tolist()}...; it must rise from 0 or more to "
            f"{num_train - 1} at most"
        )
    arrays = {
        name: load_array(folder / f"{name}.npy", dtype, (None, len(row_R)))
        for name, dtype in DYNAMICS_DTYPES.items()
    }
    for name in ("aum_MR", "el2n_MR"):
        _require_finite(folder / f"{name}.npy", arrays[name])
    return Dynamics(row_R, **arrays)


# --- scores: data/scores/<from> ------------------------------------------------------------------


def save_scores(folder: Path, score_N: Floats) -> None:
    """Write one score for each train sample, float64 [N]; a higher score is selected first.

    Raises:
        ArtifactError: a score is not finite.
    """
    _require_finite(folder / "score_N.npy", score_N)
    save_array(folder / "score_N.npy", score_N)


def load_scores(folder: Path, num_train: int) -> Floats:
    """Return one score for each train sample, float64 [N].

    Raises:
        ArtifactError: a score is not finite, or there are not as many as train samples.
    """
    score_N = load_array(folder / "score_N.npy", np.float64, (num_train,))
    _require_finite(folder / "score_N.npy", score_N)
    return score_N


# --- evaluations: data/evaluation/<model>-<subset> -----------------------------------------------

METRICS = (
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "log_loss",
    "calibration_error",
    "validation_accuracy",
)


@dataclass(frozen=True)
class Evaluation:
    """How well a target model does; shares are in [0, 1], log loss in nats."""

    members: list[dict[str, float]]  # member, epoch and METRICS of each
    mean: dict[str, float]  # METRICS, mean over the members
    ensemble: dict[str, float]  # METRICS, of the members' mean probability
    by_class: dict[str, dict[str, float | None]]  # num of test samples, accuracy over the members
    correct_MT: npt.NDArray[np.bool_]  # whether each member is right on each test sample


def save_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Write metrics.json and correct_MT.npy of an evaluation."""
    content = dict(vars(evaluation))
    save_array(folder / "correct_MT.npy", content.pop("correct_MT"))
    save_json(folder / "metrics.json", content)


def load_evaluation(folder: Path, num_test: int) -> Evaluation:
    """Return an evaluation.

    Raises:
        ArtifactError: a metric is missing, or the two files speak of different members.
    """
    path = folder / "metrics.json"
    content = load_json(path)
    try:
        evaluation = Evaluation(
            **content,
            correct_MT=load_array(folder / "correct_MT.npy", np.bool_, (None, num_test)),
        )
    except TypeError as error:
        raise ArtifactError(f"{path}: {error}; it must be written by evaluate") from None
    for name in METRICS:
        if any(name not in values for values in [*evaluation.members, evaluation.mean]):
            raise ArtifactError(f"{path}: {name} is missing; it must be written by evaluate")
    accuracies = [values["accuracy"] for values in evaluation.members]
    shares = evaluation.correct_MT.mean(axis=1)
    if len(accuracies) != len(shares) or not np.allclose(accuracies, shares, atol=1e-5):
        raise ArtifactError(
            f"{path}: the members' accuracies are {accuracies}; those of correct_MT.npy are "
            f"{shares.tolist()}"
        )
    return evaluation


def _require_finite(path: Path, array: Array) -> None:
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        place = wrong[0].tolist()
        raise ArtifactError(
            f"{path}: {'sample' if len(place) == 1 else 'entry'} {', '.join(map(str, place))} has "
            f"{array[tuple(place)]}; every value must be finite"
        )
