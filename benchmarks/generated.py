"""A round's inputs as large as one likes: what stages before `score` would have written.

Of a training of members that predicted a train split: each sample has a class and a difficulty, and
a voter is wrong with that probability. Everything is drawn from one seed.

Shapes: N train samples, M voters, R samples of the subset, S sampled rows, E kept epochs.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from benchmarks import clones
from stages.shared import artifacts
from stages.shared.artifacts import Dynamics, Floats, Ints, Meta, Voter
from stages.shared.artifacts.signals import SIGNAL_DTYPES
from stages.shared.choosing.sampling import unscored
from stages.shared.samples.randomness import generator

ROOT = Path(__file__).parent.parent
BLOCK = 2**16  # samples that are drawn at a time
NUM_SAMPLED = 10_000  # rows of which each voter's entropy is kept, as predict_pool does


@dataclass(frozen=True)
class Scale:
    """How much a round has to choose from, and by what."""

    num_train: int = 1_280_000
    num_members: int = 5
    num_checkpoints: int = 20  # of each member, every one of which votes
    num_classes: int = 1000
    acquisition: str = "mutual_information"
    from_size: float = 0.4  # the last round of presets/imagenet.yaml
    to_size: float = 0.8

    @property
    def num_voters(self) -> int:
        """How many votes each sample gets."""
        return self.num_members * self.num_checkpoints

    @property
    def num_picks(self) -> int:
        """How many samples the ensemble was trained on."""
        return round(self.from_size * self.num_train)


def write_round(folder: Path, scale: Scale) -> None:
    """Write all that `score` and `select` read of one round, into an empty folder."""
    shutil.copytree(ROOT / "lists", folder / "lists")
    (folder / "params.yaml").write_text(_params(scale), encoding="utf-8")
    rng = generator(0, "generated round")
    targets_N = rng.integers(0, scale.num_classes, scale.num_train)
    _write_prepared(folder / "data/prepared", scale, targets_N)
    signals = folder / f"data/signals/{scale.from_size}/seed-0"
    _write_signals(signals, scale, targets_N, rng)
    _write_voters(signals, scale, rng)
    rows_P = rng.permutation(scale.num_train)[: scale.num_picks]
    artifacts.save_subset(folder / f"data/subsets/{scale.from_size}/seed-0.csv", unscored(rows_P))
    dynamics = _dynamics(np.sort(rows_P), scale, rng)
    artifacts.save_dynamics(folder / f"data/dynamics/{scale.from_size}/seed-0", dynamics)


def _params(scale: Scale) -> str:
    rounds = f"[{{from: {scale.from_size}, to: {scale.to_size}}}]"
    text = (ROOT / "presets/default.yaml").read_text(encoding="utf-8")
    return clones.changed(
        text,
        [
            "random_seeds=1",
            "race.entrants={}",
            f"seed_size={scale.from_size}",
            f"rounds={rounds}",
            f"acquisition={scale.acquisition}",
            f"train_ensemble.members={scale.num_members}",
            f"train_ensemble.checkpoints.last={scale.num_checkpoints}",
            f"predict_pool.voters.count={scale.num_checkpoints}",
        ],
    )


def _write_prepared(prepared: Path, scale: Scale, targets_N: Ints) -> None:
    # Names as those of ImageNet's files.
    names = [
        f"train/n{10_000_000 + target}/n{10_000_000 + target}_{row}.JPEG"
        for row, target in enumerate(targets_N.tolist())
    ]
    artifacts.save_sample_ids(prepared, "train", names)
    artifacts.save_targets(prepared, "train", targets_N)
    meta = Meta(
        task="image_classification",
        dataset="generated",
        class_names=[f"class {number}" for number in range(scale.num_classes)],
        input_shape=[224, 224, 3],
        mean=[0.5] * 3,
        std=[0.25] * 3,
        num_samples={"train": scale.num_train, "validation": 1, "test": 1},
        fingerprint="generated",
    )
    artifacts.save_meta(prepared, meta)


def _write_signals(signals: Path, scale: Scale, targets_N: Ints, rng: np.random.Generator) -> None:
    signals.mkdir(parents=True)
    shapes = dict.fromkeys(SIGNAL_DTYPES, (scale.num_train,))
    arrays = {
        name: open_memmap(
            signals / f"{name}.npy",
            "w+",
            dtype,
            (scale.num_voters, scale.num_train) if name == "votes_MN" else shapes[name],
        )
        for name, dtype in SIGNAL_DTYPES.items()
    }
    fill_signals(arrays, targets_N, scale, rng)


def fill_signals(
    arrays: Mapping[str, artifacts.Array], targets_N: Ints, scale: Scale, rng: np.random.Generator
) -> None:
    """Draw the signals of every sample, and put those into the arrays that have one, by name."""
    for start in range(0, len(targets_N), BLOCK):
        rows = slice(start, start + BLOCK)
        drawn = _signals(targets_N[rows], scale, rng)
        for name, array in arrays.items():
            array[..., rows] = drawn[name]


def _signals(targets_B: Ints, scale: Scale, rng: np.random.Generator) -> dict[str, artifacts.Array]:
    """Return the signals of some samples: the more difficult, the less do voters agree."""
    difficulty_B = rng.beta(0.4, 2.0, len(targets_B))
    votes_MB = np.broadcast_to(targets_B, (scale.num_voters, len(targets_B))).copy()
    wrong_MB = rng.random(votes_MB.shape, dtype=np.float32) < difficulty_B
    votes_MB[wrong_MB] = rng.integers(0, scale.num_classes, int(wrong_MB.sum()))
    noise_B: Floats = rng.uniform(0.8, 1.0, len(targets_B))
    entropy_B = difficulty_B * np.log(scale.num_classes)
    return {
        "votes_MN": votes_MB,
        "predicted_class_N": votes_MB[0],
        "predictive_entropy_N": entropy_B,
        "expected_entropy_N": entropy_B * noise_B,
        "confidence_N": 1 - difficulty_B * noise_B,
        "margin_N": (1 - difficulty_B) * noise_B,
        "label_probability_N": 1 - difficulty_B,
    }


def _write_voters(signals: Path, scale: Scale, rng: np.random.Generator) -> None:
    voters = [
        Voter(member * scale.num_checkpoints + epoch, member, epoch + 1, 0.75)
        for member in range(scale.num_members)
        for epoch in range(scale.num_checkpoints)
    ]
    artifacts.save_voters(signals, voters)
    num_sampled = min(NUM_SAMPLED, scale.num_train)
    sampled_S = np.sort(rng.permutation(scale.num_train)[:num_sampled])
    artifacts.save_array(signals / "sampled_S.npy", sampled_S)
    entropy_MS = rng.random((scale.num_voters, num_sampled), dtype=np.float32)
    artifacts.save_array(signals / "voter_entropy_MS.npy", entropy_MS)


def _dynamics(row_R: Ints, scale: Scale, rng: np.random.Generator) -> Dynamics:
    shape = scale.num_members, len(row_R)
    sampled_S = row_R[: min(NUM_SAMPLED, len(row_R))]
    return Dynamics(
        row_R=row_R,
        sampled_S=sampled_S,
        forgetting_events_MR=rng.integers(0, 20, shape, dtype=np.int32),
        aum_MR=rng.normal(size=shape).astype(np.float32),
        el2n_MR=rng.random(shape, dtype=np.float32),
        label_probability_MR=rng.random(shape, dtype=np.float32),
        dual_MR=rng.random(shape, dtype=np.float32),
        kept_member_E=np.repeat(np.arange(scale.num_members), scale.num_checkpoints),
        kept_epoch_E=np.tile(np.arange(1, scale.num_checkpoints + 1), scale.num_members),
        kept_events_ES=rng.integers(0, 20, (scale.num_voters, len(sampled_S)), dtype=np.int32),
    )
