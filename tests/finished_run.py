"""A small finished run, written as the other stages would write it."""

import contextlib
import json
import shutil
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import in_process
import numpy as np
import pytest
import toy
from ruamel.yaml import YAML

from stages.race.__main__ import unraced
from stages.report.__main__ import main
from stages.report.run.reading import Folders, load_draws
from stages.shared import artifacts
from stages.shared.artifacts import Epoch, Evaluation, Meta, Subset, ValidationResult, Voter
from stages.shared.artifacts.duplicate_groups import Found, save_found
from stages.shared.artifacts.races import RaceResult, Runner, save_race
from stages.shared.artifacts.saved_dynamics import no_dynamics
from stages.shared.artifacts.saved_embeddings import save_flops
from stages.shared.artifacts.tracking import Tracked, save_tracked
from stages.shared.settings.params import load_params

NUM = {"train": 80, "validation": 40, "test": 60}
CLASSES = ["ant", "bee", "cat"]
METRICS = (
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "log_loss",
    "validation_accuracy",
    "above_chance",
)
MEMBERS = 3
EPOCHS = (2, 4, 6, 8)
OUTPUTS = (
    "metrics/summary.json",
    "metrics/verdict.txt",
    "plots/tables",
    "plots/images",
    "plots/report.html",
    "plots/suspects.csv",
)
RIGHT = {"selected": 0.9, "random": 0.8, "full": 0.92}


@dataclass(frozen=True)
class Run:
    """Where the pieces of the finished run lie."""

    root: Path
    is_kept: bool = False  # nobody changes it, so it is read once

    @property
    def folders(self):
        return Folders.below(self.root / "data")

    def set(self, **changes):
        """Change params.yaml: keys are dotted with two underscores."""
        path = self.root / "params.yaml"
        text = path.read_text()
        content = json.loads(text) if text.startswith("{") else YAML(typ="safe").load(text)
        toy.set_values(content, changes)
        path.write_text(json.dumps(content))

    def results(self):
        return self.draws()[0]

    def draws(self):
        if not self.is_kept:
            return _read(self)
        # Which samples are left out some tests change.
        return [replace(draw, is_excluded_N=draw.is_excluded_N.copy()) for draw in _kept(self)]

    def report(self, *, draw=True):
        """Run the stage, without drawings if told so; return every file by its path."""
        outputs = [self.root / name for name in OUTPUTS]
        with pytest.MonkeyPatch.context() as patch:
            if not draw:
                in_process.patch_drawing(patch)
            main(*vars(self.folders).values(), *outputs)
        written = [*self.root.glob("metrics/*"), *self.root.glob("plots/**/*.*")]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in written}


def _read(run):
    return load_draws(load_params(run.root / "params.yaml"), run.folders)


@cache
def _kept(run):
    with contextlib.chdir(run.root):  # its own lists
        return _read(run)


def write_params(path, content):
    """Write it as users do, without comments."""
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.dump(content, path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Two rounds, three members with one voting checkpoint each, one target model."""
    run = Run(tmp_path_factory.mktemp("finished"), is_kept=True)
    shutil.copytree(toy.ROOT / "lists", run.root / "lists")
    params = toy.default_params()
    for section in ("train_ensemble", "train_subset_model"):
        params[section]["members"] = MEMBERS
    write_params(run.root / "params.yaml", params)
    rng = np.random.default_rng(0)
    write_prepared(run.folders.prepared, rng)
    picks = rng.permutation(NUM["train"])
    round_P = np.repeat([0, 1, 2], [5, 5, 10])
    for size, number in ((0.0625, 5), (0.125, 10), (0.25, 20)):
        chosen = subset(picks[:number], round_P[:number])
        artifacts.save_subset(run.folders.subsets / str(size) / "seed-0.csv", chosen)
    for source, right in (("0.0625", 0.6), ("0.125", 0.7)):
        write_signals(run.folders, source, right, rng)
        write_scores(run.folders, source, rng)
        write_history(run.folders.histories / f"ensemble-{source}/seed-0.csv", 10, 1e6)
    save_flops(run.folders.embeddings, 0)
    save_found(run.folders.near_duplicates, Found("copies", 0.95, None, 180, *[0] * 8), [], [])
    for size in ("0.125", "0.25"):
        save_race(run.folders.races / size, "seed-0", unraced("top"), [])
    for name, index in (("selected", picks[:20]), ("random", picks[::-1][:20]), ("full", picks)):
        compared = subset(index, round_P if name == "selected" else None)
        artifacts.save_subset(run.folders.comparison / name / "seed-0.csv", compared)
        write_target(run.folders, f"resnet8-{name}", RIGHT[name], len(index), rng)
    return run


@pytest.fixture(scope="session")
def reported(finished, tmp_path_factory):
    """Every file that the stage writes of the finished run, by its path."""
    root = tmp_path_factory.mktemp("reported")
    shutil.copytree(finished.root, root, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        return Run(root).report()


@pytest.fixture
def run(finished, tmp_path, monkeypatch):
    """A copy of the finished run, to change and to report."""
    shutil.copytree(finished.root, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Run(tmp_path)


def subset(index_P, round_P=None):
    index_P = np.asarray(index_P, dtype=np.int64)
    round_P = np.zeros_like(index_P) if round_P is None else round_P
    return Subset(index_P, round_P, np.full(len(index_P), np.nan))


def write_prepared(folder, rng):
    meta = Meta("image_classification", "toy", CLASSES, [8, 8, 1], [0.5], [0.2], NUM, "0")
    artifacts.save_meta(folder, meta)
    for split in ("train", "validation"):
        artifacts.save_targets(folder, split, rng.integers(0, 3, NUM[split]))
        ids = [f"{split[0]}{row}" if split != "train" else str(row) for row in range(NUM[split])]
        artifacts.save_sample_ids(folder, split, ids)
    images = rng.integers(0, 256, (NUM["train"], 8, 8, 1), dtype=np.uint8)
    artifacts.save_array(folder / "train" / "inputs.npy", images)


def guesses(targets, right, rows, rng):
    """Return classes that hit the target with the given probability, int16 [rows, targets]."""
    wrong = rng.random((rows, len(targets))) > right
    return ((targets + wrong * rng.integers(1, 3, wrong.shape)) % 3).astype(np.int16)


def write_signals(folders, source, right, rng, voters=None):
    signals = folders.signals / source / "seed-0"
    voters = voters or [Voter(member, member, 8, 0.5) for member in range(MEMBERS)]
    targets_N = artifacts.load_targets(folders.prepared, "train")
    targets_V = artifacts.load_targets(folders.prepared, "validation")
    votes_MV = guesses(targets_V, right, len(voters), rng)
    artifacts.save_voters(signals, voters)
    content = {
        "votes_MN": guesses(targets_N, right, len(voters), rng),
        "predicted_class_N": guesses(targets_N, right + 0.1, 1, rng)[0],
        "validation_votes_MV": votes_MV,
        "validation_predicted_V": votes_MV[0],
    }
    for name in ("confidence_N", "label_probability_N"):
        content[name] = rng.random(NUM["train"], dtype=np.float32)
    for name, array in content.items():
        artifacts.save_array(signals / f"{name}.npy", array)
    accuracies = (votes_MV == targets_V).mean(axis=1).tolist()
    artifacts.save_dynamics(folders.dynamics / source / "seed-0", no_dynamics())
    artifacts.save_validation(signals, ValidationResult(accuracies[0], accuracies, 1e5))


def write_scores(folders, source, rng):
    """Write random scores and their correlations; there is no reference list."""
    artifacts.save_scores(folders.scores / source / "seed-0.npy", rng.random(NUM["train"]))
    folder = folders.correlations / source / "seed-0"
    values = ["spearman", "pearson"]
    artifacts.save_table(
        folder / "acquisitions.csv",
        ["first", "second", *values],
        [
            ("entropy", "margin", 0.9, 0.8),
            ("entropy", "random", "", ""),
            ("margin", "random", -0.1, 0),
        ],
    )
    artifacts.save_table(
        folder / "voters.csv",
        ["first_member", "first_epoch", "second_member", "second_epoch", *values],
        [(0, 8, 1, 8, 0.5, 0.6), (0, 8, 2, 8, 0.7, 0.8), (1, 8, 2, 8, 0.3, 0.2)],
    )
    for name in ("reference", "forgetting"):
        artifacts.save_table(folder / f"{name}.csv", ["member", "epoch", *values], [])


def write_history(path, picks, flops, right=1.0):
    """Write a history that ends near `right`; a training costs `flops`, +- 10 % by member."""
    epochs = [
        Epoch(
            member=member,
            epoch=epoch,
            updates=epoch,
            images_seen=epoch * picks,
            flops=flops * (0.9 + 0.1 * member) * epoch / EPOCHS[-1],
            learning_rate=0.1,
            train_loss=1 / epoch,
            train_accuracy=0.5,
            validation_loss=None if epoch == EPOCHS[0] else 0.5,
            validation_accuracy=None if epoch == EPOCHS[0] else right - 1 / epoch - member / 100,
        )
        for member in range(MEMBERS)
        for epoch in EPOCHS
    ]
    artifacts.save_history(path, epochs)


def write_target(folders, key, right, picks, rng):
    correct_MT = rng.random((MEMBERS, NUM["test"])) < right
    correct_MV = np.tile(np.arange(NUM["validation"]) < (right - 0.02) * NUM["validation"], (3, 1))
    metrics = [
        {"member": member, "epoch": 8}
        | dict.fromkeys(METRICS, right)
        | {
            "accuracy": float(correct_MT[member].mean()),
            "validation_accuracy": float(correct_MV[member].mean()),
        }
        for member in range(MEMBERS)
    ]
    mean = {name: float(np.mean([row[name] for row in metrics])) for name in METRICS}
    values = evaluated(correct_MT, correct_MV, right)
    ensemble = mean | {"accuracy": metrics[0]["accuracy"]}  # it says what its first member says
    artifacts.save_evaluation(
        folders.evaluation / key / "seed-0", Evaluation(metrics, mean, ensemble, {}, values)
    )
    write_history(folders.histories / key / "seed-0.csv", picks, 1e4 * picks, right)


def evaluated(correct_MT, correct_MV, other):
    """Return the values of the samples by metric; `other` is that of all but the accuracies."""
    names = ("balanced_accuracy", "macro_f1")
    of_test = {"accuracy": correct_MT} | {name: np.full(correct_MT.shape, other) for name in names}
    return {
        **of_test,
        **{f"ensemble_{name}": values_MT[:1] for name, values_MT in of_test.items()},
        "validation_accuracy": correct_MV,
        "above_chance": np.full(correct_MT.shape, other),
    }


def excluding(results, num):
    """Return results whose last train samples are excluded, so that everything lacks them."""
    kept = subset(np.arange(NUM["train"] - num))
    everything = {name: kept for name in results.comparison if name.startswith("full")}
    return replace(
        results,
        is_excluded_N=np.arange(NUM["train"]) >= len(kept),
        comparison={**results.comparison, **everything},
    )


def in_groups(found, num):
    """Return results, or a draw, whose validation samples are in so many groups."""
    targets = {}
    for key, target in found.targets.items():
        values = dict(target.evaluation.values)
        values["validation_accuracy"] = values["validation_accuracy"][:, :num]
        targets[key] = replace(target, evaluation=replace(target.evaluation, values=values))
    return replace(found, targets=targets)


def raced(winner, cut_gain=1.0):
    """Return a race of two entrants, of which `hardest` dropped out."""
    return RaceResult(
        winner=winner,
        runners={
            "hardest": Runner(1, -20.0, 1.5, None, 1),
            "cut": Runner(4, cut_gain, 0.5, cut_gain - 1.25, None),
        },
        num_samples=40,
        random_score=80.0,
        winner_gain=cut_gain if winner == "cut" else 0.5,
        smallest_gain=0.95,
        trainings=13,
        most_trainings=16,
        flops=3e6,
    )


@pytest.fixture
def with_extras(run):
    """The run with all that has to be asked for: a race, a reference list, and gradient norms."""
    run.set(race__entrants={"hardest": {}, "cut": {"outliers": {"fraction": 0.1}}})
    for size, winner in (("0.125", "random-1"), ("0.25", "cut")):
        save_race(run.folders.races / size, "seed-0", raced(winner), [])
    run.set(predict_pool__signals=["gradient_norm"], train_ensemble__track="gradient_norm")
    rng = np.random.default_rng(1)
    voters = [(member, epoch) for member in range(2) for epoch in (6, 7, 8)]
    for source in ("0.0625", "0.125"):
        rows = [(*voter, 0.3 + 0.1 * place, 0.5) for place, voter in enumerate(voters)]
        columns = ["member", "epoch", "spearman", "pearson"]
        scores = run.folders.correlations / source / "seed-0"
        artifacts.save_table(scores / "reference.csv", columns, [*rows, ("", "", 0.85, 0.9)])
        noted = [(0, 2, "", ""), (0, 8, 0.6, 0.7), (1, 2, 0.3, 0.4), (1, 4, 0.5, 0.6)]
        artifacts.save_table(scores / "forgetting.csv", columns, noted)
        sums = rng.uniform(1, 10, 20)
        norms = sums * rng.uniform(0.5, 0.9, 20)
        batches = zip(range(20), sums.tolist(), norms.tolist(), strict=True)
        artifacts.save_table(
            run.folders.signals / source / "seed-0/gradient_batches.csv",
            ["batch", "sum_of_norms", "norm_of_sum"],
            batches,
        )
        norm_MES = np.exp(-rng.uniform(0, 8, (MEMBERS, 8, 1)) * rng.random(5)).astype(np.float32)
        norm_MES[1, 6:] = np.nan
        save_tracked(run.folders.dynamics / source / "seed-0", Tracked(np.arange(5), norm_MES))
    return run


@pytest.fixture
def add_compared(run):
    """Compare one more subset, of so many picks."""

    def add(name, num_picks):
        rng = np.random.default_rng(num_picks)
        run.set(compare__subsets=[*load_params().compare.subsets, name])
        index = rng.permutation(NUM["train"])[:num_picks]
        artifacts.save_subset(run.folders.comparison / name / "seed-0.csv", subset(index))
        write_target(run.folders, f"resnet8-{name}", 0.7, num_picks, rng)

    return add


def contradicting(results, wrong, **changes):
    """Let all models contradict some labels surely, and none of the others.

    Args:
        results: of the finished run.
        wrong: rows, whose labels the models take for the next class.
        changes: of the votes, beside.
    """
    entry = results.rounds[-1]
    predicted_N = results.targets_N.copy()
    predicted_N[wrong] = (predicted_N[wrong] + 1) % 3
    told = {
        "votes_MN": np.tile(predicted_N, (3, 1)),
        "predicted_class_N": predicted_N,
        "confidence_N": np.ones(len(predicted_N)),
    }
    votes = replace(entry.votes, **{**told, **changes})
    return replace(results, rounds=[*results.rounds[:-1], replace(entry, votes=votes)])
