"""Bytes that each stage writes below data/, plots/ and the resume folder, from counts alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from commands.plan.data_sets import Data
from commands.plan.graph import Stage
from commands.plan.work import Trainings, Work, num_voters, size_of_subset
from stages.shared.artifacts import REDUCED_SIGNALS, SIGNAL_DTYPES
from stages.shared.settings.params import Params
from stages.shared.settings.training_sections import Checkpoints
from stages.shared.sizes import num_picks, parse_size

NUM_SAMPLED = 10_000  # rows of which single voters and epochs are noted
NUM_TRACKED = 512
# Of a row: of a history, of model.json, of a subset beside its index, of a list of files.
EPOCH_ROW, CHECKPOINT_ROW, PICK_ROW, CHECKSUM = 90, 150, 23, 12
PICTURES = 2 * 2**20  # of report: about two dozen, whatever the data


@dataclass(frozen=True)
class Sizes:
    """What the bytes of a stage depend on."""

    params: Params
    data: Data
    weights_bytes: int  # of one checkpoint of the stage's model
    num_epochs: int  # of one of its trainings
    num_features: int = 0  # that the model's last layer reads


def stage_bytes(stage: Stage, work: Work, sizes: Sizes) -> float:
    """Return about how many bytes a stage writes, what it leaves in the resume folder included."""
    if work.trainings is not None:
        return 2 * training_bytes(work.trainings, sizes)  # there, and in the stage's output
    measure = BYTES.get(stage.kind)
    return measure(stage, sizes) if measure else 0.0


def training_bytes(trainings: Trainings, sizes: Sizes) -> float:
    """Return what members are: weights, history and what training showed of each sample."""
    num_train, settings = sizes.data.num_train, trainings.settings
    members, rows = trainings.num_members, min(trainings.num_picks, num_train)
    sampled, kept = min(rows, NUM_SAMPLED), num_kept(settings.checkpoints, sizes.num_epochs)
    dynamics = 8 * (rows + sampled) + members * (12 * rows + kept * (16 + 4 * sampled))
    if getattr(settings, "track", "none") != "none":
        dynamics += members * sizes.num_epochs * 4 * min(rows, NUM_TRACKED)
    weights = members * kept * (sizes.weights_bytes + CHECKPOINT_ROW)
    return weights + members * sizes.num_epochs * EPOCH_ROW + dynamics


def num_kept(settings: Checkpoints, num_epochs: int) -> int:
    """Return how many checkpoints a member keeps at most: the best may be one of the last."""
    last = min(settings.last, -(-num_epochs // settings.every))
    return min(num_epochs, last + settings.best)


def prepared_bytes(data: Data) -> float:
    """Return what data/prepared takes: inputs or their list, classes and sample ids."""
    name = len(str(data.files[0])) if data.files else len(str(data.num_samples))
    inputs = data.input_bytes if data.storage == "memory" else name + CHECKSUM
    return data.num_samples * (inputs + 8 + name + 1)


def signals_bytes(params: Params, data: Data) -> float:
    """Return what predict_pool writes of one round beside features."""
    num, voters = data.meta.num_samples, num_voters(params)
    sampled = min(num["train"], NUM_SAMPLED)
    if params.rules.has_labels:
        # Votes and predicted classes, of train and validation, take two bytes; all else is float32.
        of_sample = 2 * (voters + 1) + 4 * (len(SIGNAL_DTYPES) - 2)
        validation = 2 * (voters + 1) * num["validation"]
    else:
        of_sample, validation = 4 * len(REDUCED_SIGNALS), 0
    if "gradient_norm" in params.predict_pool.signals:
        of_sample += 4
    return num["train"] * of_sample + validation + sampled * (4 * voters + 8)


def _prepare(stage: Stage, sizes: Sizes) -> float:
    return prepared_bytes(sizes.data)


def _predict_pool(stage: Stage, sizes: Sizes) -> float:
    asked_for = "features" in sizes.params.predict_pool.signals
    features = 4 * sizes.num_features * sizes.data.num_train if asked_for else 0
    return features + signals_bytes(sizes.params, sizes.data)


def _score(stage: Stage, sizes: Sizes) -> float:
    return 8 * sizes.data.num_train


def _seed_subset(stage: Stage, sizes: Sizes) -> float:
    return _subset_bytes(num_picks(parse_size(stage.arguments[0]), sizes.data.num_train), sizes)


def _select(stage: Stage, sizes: Sizes) -> float:
    picks = num_picks(parse_size(stage.arguments[1]), sizes.data.num_train)
    return _subset_bytes(picks, sizes) + 8 * sizes.data.num_train


def _comparison_subsets(stage: Stage, sizes: Sizes) -> float:
    names = sizes.params.compare.subsets
    picks = (size_of_subset(name, sizes.params, sizes.data.num_train) for name in names)
    return sum(_subset_bytes(num, sizes) for num in picks)


def _subset_bytes(picks: int, sizes: Sizes) -> float:
    return picks * (len(str(sizes.data.num_train)) + PICK_ROW)


def _evaluate(stage: Stage, sizes: Sizes) -> float:
    return sizes.params.train_subset_model.members * sizes.data.meta.num_samples["test"]


def _report(stage: Stage, sizes: Sizes) -> float:
    return PICTURES


BYTES: Mapping[str, Callable[[Stage, Sizes], float]] = {
    "comparison_subsets": _comparison_subsets,
    "evaluate": _evaluate,
    "predict_pool": _predict_pool,
    "prepare": _prepare,
    "report": _report,
    "score": _score,
    "seed_subset": _seed_subset,
    "select": _select,
}
