"""Damaged files between stages: how one is damaged, and above it the line that is said of it.

The folder is that of test_artifacts.py: a toy project of 100 samples in three classes with scores
and signals, and in `toy` images and an ensemble. In a line … stands for what another library's
version decides.
"""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from stages.shared import artifacts

ARGUMENTS = {
    "comparison_subsets": ("0.5", "prepared", "subsets", "comparison"),
    "evaluate": ("toy", "none", "toy/ensemble", "evaluation"),
    "predict_pool": ("toy", "none", "toy/ensemble", "signals"),
    "race": ("0.5", "prepared", "none", "proposals/0.5", "weights", "subsets/0.5", "races/0.5"),
    "score": ("0.5", "prepared", "signals", "dynamics", "scores", "correlations"),
    "seed_subset": ("0.2", "prepared", "subsets/0.2"),
    "select": (
        *("0.2", "0.5", "prepared", "signals", "dynamics", "scores"),
        *("subsets/0.2", "near_duplicates", "proposals/0.5", "orders/0.5"),
    ),
    "train_ensemble": ("toy", "none", "subsets/0.2", "weights", "ensemble", "history", "dynamics"),
    "train_subset_model": (
        *(
            "resnet8",
            "toy",
            "none",
            "comparison/selected",
            "scratch",
            "weights",
            "models",
            "history",
        ),
    ),
}


@dataclass(frozen=True)
class Case:
    """What is wrong with a file, and which stage reads it."""

    damage: Callable[[], object]
    stage: str
    line: str


CASES: dict[str, Case] = {}


def case(stage: str, line: str) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Say what a stage says of the files that a function damages."""

    def add(damage: Callable[[], object]) -> Callable[[], object]:
        CASES[damage.__name__.replace("_", " ")] = Case(damage, stage, line)
        return damage

    return add


# --- arrays ---------------------------------------------------------------------------------------

SCORES = Path("scores/seed-0.npy")
NPY = "it must be a .npy file"


def scores(*values: object) -> None:
    """Write scores of which the first are others."""
    score_N = np.load(SCORES)
    score_N[: len(values)] = values
    artifacts.save_array(SCORES, score_N)


@case("select", f"{SCORES}: missing; run `dvc repro`")
def an_array_that_is_missing():
    SCORES.unlink()


@case("select", f"{SCORES}: cannot be read (…); {NPY}")
def an_array_whose_header_is_no_python():
    SCORES.write_bytes(SCORES.read_bytes().replace(b"{'descr'", b"['descr'"))


@case("select", f"{SCORES}: sample 1 has nan; every value must be finite")
def scores_with_nan():
    scores(0.5, np.nan)


@case(
    "select",
    f"{SCORES}: cannot be read (Array can't be memory-mapped: Python objects in dtype.); {NPY}",
)
def an_array_of_pickled_objects():
    np.save(SCORES, np.array([Planted()] * 100, dtype=object))


@case("select", f"{SCORES}: cannot be read (…); {NPY}")
def a_pickle_in_the_place_of_an_array():
    SCORES.write_bytes(pickle.dumps(Planted()))


@case("select", "prepared/train/targets.npy: entry 1 is class 3; it must be from 0 to 2")
def a_label_beyond_the_classes():
    artifacts.save_targets(Path("prepared"), "train", np.array([0, 3] + [1] * 98))


@case(
    "comparison_subsets", "prepared/train/targets.npy: entry 0 is class -1; it must be from 0 to 2"
)
def a_label_below_the_classes():
    artifacts.save_targets(Path("prepared"), "train", np.array([-1] + [1] * 99))


@case(
    "score", "signals/seed-0/predictive_entropy_N.npy: sample 3 has nan; every value must be finite"
)
def a_signal_with_nan():
    path = Path("signals/seed-0/predictive_entropy_N.npy")
    signal_N = np.load(path)
    signal_N[3] = np.nan
    artifacts.save_array(path, signal_N)


# --- subsets --------------------------------------------------------------------------------------


def subset(*rows: str, path: str = "subsets/0.2/seed-0.csv") -> None:
    """Write a subset of these rows."""
    Path(path).write_text("\n".join(["index,round,score", *rows]) + "\n")


@case(
    "train_ensemble",
    "subsets/0.2/seed-0.csv: row 2 has index -1; the train split has the rows 0 to 59",
)
def an_index_below_the_train_split():
    subset("-1,0,")


ONCE = "again; with select.candidates: remaining, once is allowed"


@case("select", f"subsets/0.2/seed-0.csv: row 4 has index 7 {ONCE}")
def an_index_that_stands_twice():
    subset("7,0,", "8,0,", "7,0,", "8,0,")


@case("train_ensemble", f"subsets/0.2/seed-0.csv: row 3 has index 7 {ONCE}")
def an_index_that_an_ensemble_would_train_on_twice():
    subset("7,0,", "7,0,")


@case("train_subset_model", f"comparison/selected/seed-0.csv: row 3 has index 7 {ONCE}")
def an_index_that_a_target_would_train_on_twice():
    subset("7,0,", "7,0,", path="comparison/selected/seed-0.csv")


@case("race", "proposals/0.5/seed-0/top.csv: missing; run `dvc repro`")
def a_proposal_that_is_missing():
    Path("proposals/0.5/seed-0/top.csv").unlink()


@case("comparison_subsets", f"subsets/0.5/seed-0.csv: row 3 has index 7 {ONCE}")
def an_index_that_stands_twice_in_the_last_subset():
    subset("7,0,", "7,0,", path="subsets/0.5/seed-0.csv")


@case(
    "select",
    "subsets/0.2/seed-0.csv: Python int too large to convert to C long; fields must be numbers",
)
def a_pick_beyond_64_bits():
    subset(f"{2**64},0,")


# --- the user's lists -----------------------------------------------------------------------------


def write_list(name: str, *rows: str) -> None:
    header = {"reference": "sample_id,score", "seed": "sample_id"}.get(name, "sample_id,reason")
    Path(f"lists/{name}.csv").write_text("\n".join([header, *rows]) + "\n")


@case("select", "lists/include.csv: line 4 names a\\nb again, as line 2 does; once is allowed")
def a_list_whose_names_hold_line_ends():
    write_list("include", '"a\nb",fine', '"a\nb",fine')


@case("select", "lists/include.csv: names 001.png, and so does lists/exclude.csv; one of them may")
def two_lists_that_contradict_each_other():
    write_list("include", "001.png,fine")
    write_list("exclude", "001.png,ugly")


@case("score", "lists/reference.csv: line 3 has score 'nan'; it must be a finite number")
def a_reference_of_nan():
    write_list("reference", "001.png,0.5", "002.png,nan")


@case("score", "lists/reference.csv: line 2 has score 'high'; it must be a finite number")
def a_reference_that_is_no_number():
    write_list("reference", "001.png,high")


# --- objects --------------------------------------------------------------------------------------

MODEL = Path("toy/ensemble/seed-0/model.json")
KEYS = "the keys must be model, num_classes, input_shape, checkpoints, as the stage wrote them"


@case("predict_pool", f"{MODEL}: found a list; it must be an object")
def a_list_in_the_place_of_an_object():
    MODEL.write_text("[]")


@case("predict_pool", f"{MODEL}: num_classes is 'three' (…); {KEYS}")
def an_object_with_a_value_of_another_type():
    artifacts.save_json(MODEL, {**artifacts.load_json(MODEL), "num_classes": "three"})


@case(
    "predict_pool", f"{MODEL}: cannot be read (maximum recursion depth exceeded …); it must be JSON"
)
def an_object_nested_without_end():
    MODEL.write_text('{"a":' * 100_000)


# --- weights --------------------------------------------------------------------------------------

WEIGHTS = Path("toy/ensemble/seed-0/member-00/epoch-0002.safetensors")


@case(
    "evaluate", f"{WEIGHTS}: tensor classifier.bias is float64 [3]; in the model it is float32 [3]"
)
def weights_of_another_dtype():
    save_file({**load_file(WEIGHTS), "classifier.bias": np.zeros(3)}, WEIGHTS)


@case("predict_pool", f"{WEIGHTS}: cannot be read (…); it must be .safetensors")
def a_pickle_in_the_place_of_weights():
    WEIGHTS.write_bytes(pickle.dumps(Planted()))


class Planted:
    """A pickle that leaves a file behind when somebody loads it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("planted"),)
