"""What is written can be read back, equal content gives equal bytes, and damage is one line."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.shared import artifacts
from stages.shared.artifacts import (
    SIGNAL_DTYPES,
    BoxList,
    Checkpoint,
    Correlations,
    Dynamics,
    Ensemble,
    Epoch,
    Evaluation,
    FileList,
    GradientBatch,
    HeatMaps,
    Meta,
    Sequences,
    Subset,
    ValidationResult,
    Voter,
    races,
)
from stages.shared.errors import ArtifactError

# Names that file systems allow: commas, quotes, line ends, bytes that are no UTF-8.
NAMES = [
    "a,b.png",
    'say "a".png',
    "two\nlines",
    "one\rreturn",
    "both\r\n",
    " b ",
    "ü",
    "a\udcffb",
    "",
]
NAN = float("nan")
TRAIN = 6
META = Meta(
    task="image_classification",
    dataset="toy",
    class_names=["a,b", "ü\udcff"],
    input_shape=[4, 4, 1],
    mean=[1 / 3],
    std=[0.1],
    num_samples={"train": TRAIN, "validation": 2, "test": 4},
    fingerprint="0f",
)
SUBSET = Subset(
    np.array([5, 0, 5, 3]), np.array([0, 0, 1, 2]), np.array([NAN, NAN, 1 / 3, -1e-300])
)
CHECKPOINTS = [
    Checkpoint(member=0, epoch=3, validation_accuracy=1 / 3, is_best=True, is_last=False),
    Checkpoint(member=0, epoch=4, validation_accuracy=None, is_best=False, is_last=True),
    Checkpoint(member=1, epoch=4, validation_accuracy=0.5, is_best=True, is_last=True),
]
HISTORY = [
    Epoch(0, 1, 5, 320, 1.5e12, 0.1, 2.3, 0.1, None, None),
    Epoch(1, 1, 5, 320, 1.5e12, 1 / 3, 2.3, 0.1, 2.2, 0.2),
]
SIGNALS = {
    name: np.arange(2 * TRAIN if name == "votes_MN" else TRAIN).astype(dtype)
    for name, dtype in SIGNAL_DTYPES.items()
}
SIGNALS["votes_MN"] = SIGNALS["votes_MN"].reshape(2, TRAIN)
OPTIONAL_SIGNALS = {
    "features_ND": np.arange(3 * TRAIN, dtype=np.float32).reshape(TRAIN, 3),
    "gradient_norm_N": np.arange(TRAIN, dtype=np.float32),
}
DYNAMICS = Dynamics(
    row_R=np.array([0, 2, 5]),
    sampled_S=np.array([0, 5]),
    forgetting_events_MR=np.array([[0, 3, 1], [9, 0, 0]], dtype=np.int32),
    aum_MR=np.array([[1.5, -2.0, 0.0], [0.1, 0.2, 0.3]], dtype=np.float32),
    el2n_MR=np.array([[0.0, 1.4, 0.5], [0.1, 0.2, 0.3]], dtype=np.float32),
    label_probability_MR=np.array([[1.0, 0.0, 0.5], [0.1, 0.2, 0.3]], dtype=np.float32),
    dual_MR=np.array([[0.0, 0.2, 0.1], [0.1, 0.0, 0.3]], dtype=np.float32),
    kept_member_E=np.array([0, 0, 1]),
    kept_epoch_E=np.array([2, 9, 7]),
    kept_events_ES=np.array([[2, 0], [0, 1], [7, 0]], dtype=np.int32),
)
SCORES = np.array([0.1, 1 / 3, -2.0, 1e-300, 0.0, 7.0])
CORRECT = np.array([[True, False, True, True], [False, False, True, False]])
METRICS = ("accuracy", "macro_f1", "validation_accuracy")
MEMBERS = [
    {
        "member": number,
        "epoch": 4,
        **dict.fromkeys(METRICS, 0.5),
        "accuracy": CORRECT[number].mean(),
    }
    for number in (0, 1)
]
VALUES = {
    "accuracy": CORRECT,
    "macro_f1": np.full(CORRECT.shape, 0.5),
    "validation_accuracy": np.tile([True, False], (2, 3)),
}
NUM = {"test": CORRECT.shape[1], "validation": 6}
EVALUATION = Evaluation(
    members=MEMBERS,
    mean=dict.fromkeys(METRICS, 0.5),
    ensemble=dict.fromkeys(METRICS, 0.5),
    by_class={"a,b": {"num": 2, "accuracy": 1 / 3}, "ü\udcff": {"num": 0, "accuracy": None}},
    values=VALUES,
)


# Three images: two objects, none, one.
BOXES = BoxList(
    np.array([[0, 0, 4, 4], [1.5, 0, 3, 2], [0, 1, 1, 4]], dtype=np.float32),
    np.array([0, 2, 1]),
    np.array([0, 2, 2, 3]),
)
# Three texts, the second empty.
TEXTS = Sequences(np.frombuffer(b"ab\xc3\xa9", dtype=np.uint8), np.array([0, 2, 2, 4]))
COLUMNS = {"name": str, "value": artifacts.maybe(float)}
PAIR = {"spearman": 0.5, "pearson": None}
CORRELATIONS = Correlations(
    acquisitions=[{"first": "entropy", "second": "margin", **PAIR}],
    voters=[{"first_member": 0, "first_epoch": 3, "second_member": 1, "second_epoch": 3, **PAIR}],
    reference=[{"member": 0, "epoch": 3, **PAIR}, {"member": None, "epoch": None, **PAIR}],
    forgetting=[{"member": 0, "epoch": 3, **PAIR}],
)


@dataclass(frozen=True)
class Pair:
    """How one kind of artifact is written into a folder and read back from it."""

    content: Any
    save: Callable[[Path, Any], None]
    load: Callable[[Path], Any]


def save_signals(folder: Path, content: dict[str, Any]) -> None:
    for name, array in content.items():
        artifacts.save_array(folder / f"{name}.npy", array)


PAIRS = {
    "array": Pair(
        SCORES,
        lambda folder, array: artifacts.save_array(folder / "a.npy", array),
        lambda folder: artifacts.load_array(folder / "a.npy", np.float64, (TRAIN,)),
    ),
    "json": Pair(
        {"b": 1 / 3, "a": ["ü", "\udcff", None]},
        lambda folder, content: artifacts.save_json(folder / "a.json", content),
        lambda folder: artifacts.load_json(folder / "a.json"),
    ),
    "table": Pair(
        [["a,b", "1"], ['"', ""], ["\n", "\r"]],
        lambda folder, rows: artifacts.save_table(folder / "a.csv", ["x", "y"], rows),
        lambda folder: artifacts.load_table(folder / "a.csv", ["x", "y"]),
    ),
    "meta": Pair(META, artifacts.save_meta, artifacts.load_meta),
    "targets": Pair(
        np.arange(TRAIN, dtype=np.int64),
        lambda folder, targets: artifacts.save_targets(folder, "train", targets),
        lambda folder: artifacts.load_targets(folder, "train"),
    ),
    "sample ids": Pair(
        NAMES,
        lambda folder, names: artifacts.save_sample_ids(folder, "test", names),
        lambda folder: artifacts.load_sample_ids(folder, "test"),
    ),
    "groups": Pair(
        np.arange(TRAIN) // 2,
        lambda folder, group_N: artifacts.save_groups(folder, "train", [*map(str, group_N)]),
        lambda folder: artifacts.load_groups(folder, "train", TRAIN),
    ),
    "inputs": Pair(
        np.arange(96, dtype=np.uint8).reshape(2, 4, 4, 3),
        lambda folder, inputs: artifacts.save_array(folder / "train/inputs.npy", inputs),
        lambda folder: artifacts.load_inputs(folder, "train"),
    ),
    "file list": Pair(
        FileList("/my/images", None, [4, 4, 3], NAMES, np.arange(len(NAMES)) + 2**32 - 5),
        lambda folder, files: artifacts.save_file_list(folder, "train", files),
        lambda folder: artifacts.load_file_list(folder, "train"),
    ),
    "subset": Pair(
        SUBSET,
        lambda folder, subset: artifacts.save_subset(folder / "0.5.csv", subset),
        lambda folder: artifacts.load_subset(folder / "0.5.csv", TRAIN),
    ),
    "heat maps": Pair(
        HeatMaps(np.array([2, 0]), np.linspace(0, 1, 12, dtype=np.float16).reshape(2, 1, 2, 3)),
        lambda folder, maps: artifacts.save_heat_maps(folder, "entropy", maps),
        lambda folder: artifacts.load_heat_maps(folder, "entropy", 3),
    ),
    "boxes": Pair(
        BOXES,
        lambda folder, boxes: artifacts.save_boxes(folder, "train", boxes),
        lambda folder: artifacts.load_boxes(folder, "train"),
    ),
    "sequences": Pair(
        TEXTS,
        lambda folder, texts: artifacts.save_sequences(
            folder, "train", "text_bytes", texts.lengths(np.arange(3)), texts.parts(np.arange(3))
        ),
        lambda folder: artifacts.load_sequences(folder, "train", "text_bytes"),
    ),
    "vectors": Pair(
        np.array([[0.5, 1.5], [2.5, 3.5], [-1.0, 0.0]], dtype=np.float16),
        lambda folder, vectors: artifacts.save_vectors(
            folder, "train", np.float16, vectors.shape, [vectors[:1], vectors[1:]]
        ),
        lambda folder: artifacts.load_vectors(folder, "train"),
    ),
    "order": Pair(
        np.array([5, 0, 5, 3]),
        lambda folder, order: artifacts.save_order(folder / "0.5.npy", order),
        lambda folder: artifacts.load_order(folder / "0.5.npy", TRAIN),
    ),
    "ensemble": Pair(
        Ensemble("resnet8", 3, [8, 8, 1], CHECKPOINTS),
        artifacts.save_ensemble,
        artifacts.load_ensemble,
    ),
    "history": Pair(
        HISTORY,
        lambda folder, history: artifacts.save_history(folder / "a.csv", history),
        lambda folder: artifacts.load_history(folder / "a.csv"),
    ),
    "voters": Pair(
        [Voter(0, 0, 3, 1 / 3), Voter(1, 2, 4, 0.5)], artifacts.save_voters, artifacts.load_voters
    ),
    "signals": Pair(SIGNALS, save_signals, lambda folder: artifacts.load_signals(folder, TRAIN)),
    "optional signals": Pair(
        OPTIONAL_SIGNALS,
        save_signals,
        lambda folder: {
            name: artifacts.load_signal(folder, name, TRAIN) for name in OPTIONAL_SIGNALS
        },
    ),
    "dynamics": Pair(
        DYNAMICS, artifacts.save_dynamics, lambda folder: artifacts.load_dynamics(folder, TRAIN)
    ),
    "validation": Pair(
        ValidationResult(1 / 3, [0.25, 0.5], 1e9),
        artifacts.save_validation,
        artifacts.load_validation,
    ),
    "validation votes": Pair(
        np.ones((3, 2), dtype=np.int16),
        lambda folder, votes: artifacts.save_array(folder / "validation_votes_MV.npy", votes),
        lambda folder: artifacts.load_validation_signal(folder, "validation_votes_MV", 2),
    ),
    "scores": Pair(
        SCORES,
        lambda folder, score_N: artifacts.save_scores(folder / "scores.npy", score_N),
        lambda folder: artifacts.load_scores(folder / "scores.npy", TRAIN),
    ),
    "correlations": Pair(CORRELATIONS, artifacts.save_correlations, artifacts.load_correlations),
    "gradient batches": Pair(
        [GradientBatch(0, 0.1 + 0.2, 1e-30), GradientBatch(1, 7.0, 1 / 3)],
        artifacts.save_gradient_batches,
        artifacts.load_gradient_batches,
    ),
    "rows": Pair(
        [{"name": "a,b", "value": 1 / 3}, {"name": "", "value": None}],
        lambda folder, rows: artifacts.save_rows(folder / "a.csv", COLUMNS, rows),
        lambda folder: artifacts.load_rows(folder / "a.csv", COLUMNS),
    ),
    "evaluation": Pair(
        EVALUATION,
        artifacts.save_evaluation,
        lambda folder: artifacts.load_evaluation(folder, METRICS, NUM),
    ),
}
each_pair = pytest.mark.parametrize("pair", PAIRS.values(), ids=list(PAIRS))


def require_equal(found: Any, expected: Any) -> None:
    """Require equality, of arrays element by element, dtype and NaN included."""
    if isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            require_equal(found[key], value)
    elif isinstance(
        expected, Subset | Evaluation | Dynamics | FileList | BoxList | HeatMaps | Sequences
    ):
        require_equal(vars(found), vars(expected))
    else:
        assert found == expected


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def line_of(load: Callable[[], object]) -> str:
    with pytest.raises(ArtifactError) as raised:
        load()
    assert "\n" not in str(raised.value)
    return str(raised.value)


# --- every kind -----------------------------------------------------------------------------------


def test_every_kind_that_is_saved_is_tested_here():
    saved = {name.removeprefix("save_") for name in vars(artifacts) if name.startswith("save_")}
    saved -= {"as_long_as"}  # which may be missing (tests/comparison_subsets)
    assert saved == {name.replace(" ", "_") for name in PAIRS} - {
        "inputs",  # written piece by piece, as they are decoded
        "signals",  # written as they are computed
        "optional_signals",
        "validation_votes",
    }


@each_pair
def test_what_is_read_is_what_was_written_and_stays_so(tmp_path, pair):
    pair.save(tmp_path, pair.content)
    written = files_of(tmp_path)
    require_equal(pair.load(tmp_path), pair.content)
    assert files_of(tmp_path) == written


@each_pair
def test_equal_content_gives_equal_bytes_and_no_other_file(tmp_path, pair):
    for name in ("first", "second"):
        pair.save(tmp_path / name, copy.deepcopy(pair.content))
    written = files_of(tmp_path / "first")

    assert written == files_of(tmp_path / "second")
    pair.save(tmp_path / "first", pair.content)  # over what is there
    assert files_of(tmp_path / "first") == written
    assert not [name for name in written if Path(name).name.startswith(".")]


@each_pair
def test_a_file_that_is_missing_or_a_folder_is_named(tmp_path, pair):
    pair.save(tmp_path, pair.content)
    for name, content in files_of(tmp_path).items():
        path = tmp_path / name
        path.unlink()
        what_to_do = ("run `dvc repro`", "predict_pool.signals must hold ")
        assert line_of(lambda: pair.load(tmp_path)).startswith(
            tuple(f"{path}: missing; {advice}" for advice in what_to_do)
        )
        path.mkdir()
        assert line_of(lambda: pair.load(tmp_path)).startswith(f"{path}: cannot be read")
        path.rmdir()
        path.write_bytes(content)


@each_pair
def test_a_damaged_file_is_named(tmp_path, pair):
    """Cut short (a table: inside a row), or of another format."""
    pair.save(tmp_path, pair.content)
    for name, content in files_of(tmp_path).items():
        cuts = [content[:5]]
        if not name.endswith(".csv"):
            cuts += [b"", content[: len(content) // 2], content[:-2], b"\x93NUMPY" * 9, b"[1]"]
        for damaged in cuts:
            (tmp_path / name).write_bytes(damaged)
            line = line_of(lambda: pair.load(tmp_path))
            assert line.startswith(f"{tmp_path / name}: ")
            assert ";" in line
        (tmp_path / name).write_bytes(content)


# --- arrays ---------------------------------------------------------------------------------------

ARRAYS = [name for name, pair in PAIRS.items() if isinstance(pair.content, np.ndarray)]


@pytest.mark.parametrize("name", [*ARRAYS, "signals", "dynamics", "evaluation"])
def test_an_array_of_another_dtype_or_number_of_axes_is_refused(tmp_path, name):
    pair = PAIRS[name]
    pair.save(tmp_path, pair.content)
    for path in sorted(tmp_path.rglob("*.npy")):
        array = np.load(path)
        other = np.int32 if array.dtype != np.int32 else np.int64
        for wrong in (array.astype(other), array[None], array.astype(array.dtype.newbyteorder())):
            if wrong.dtype == array.dtype and wrong.shape == array.shape:
                continue  # bytes have no order
            artifacts.save_array(path, wrong)
            line = line_of(lambda: pair.load(tmp_path))
            assert line.startswith(f"{path}: found {wrong.dtype} {list(wrong.shape)}; it must be ")
            assert str(array.dtype) in line
        artifacts.save_array(path, array)


@pytest.mark.parametrize("name", ["array", "signals", "validation votes", "scores", "evaluation"])
def test_an_array_of_another_number_of_samples_is_refused(tmp_path, name):
    pair = PAIRS[name]
    pair.save(tmp_path, pair.content)
    for path in sorted(tmp_path.rglob("*.npy")):
        array = np.load(path)
        artifacts.save_array(path, array[..., :-1])
        assert line_of(lambda: pair.load(tmp_path)).startswith(f"{path}: found {array.dtype} [")
        artifacts.save_array(path, array)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named_by_its_first_sample(tmp_path, wrong):
    scores_N = SCORES.copy()
    scores_N[[2, 4]] = wrong
    expected = f"sample 2 has {wrong}; every value must be finite"
    assert line_of(lambda: artifacts.save_scores(tmp_path / "scores.npy", scores_N)).endswith(
        expected
    )
    assert not list(tmp_path.iterdir())  # nothing is written

    path = tmp_path / "scores.npy"
    artifacts.save_array(path, scores_N)
    assert line_of(lambda: artifacts.load_scores(path, TRAIN)).endswith(expected)

    for name, dtype in SIGNAL_DTYPES.items():
        if np.issubdtype(dtype, np.floating):
            artifacts.save_array(tmp_path / f"{name}.npy", scores_N.astype(dtype))
            line = line_of(partial(artifacts.load_signal, tmp_path, name, TRAIN))
            assert line == f"{tmp_path / name}.npy: {expected}"


def test_pickles_and_archives_are_no_arrays(tmp_path):
    path = tmp_path / "a.npy"
    with path.open("wb") as file:
        np.save(file, np.array([{}]), allow_pickle=True)
    assert "it must be a .npy file" in line_of(lambda: artifacts.load_array(path, object, (None,)))
    with path.open("wb") as file:
        np.savez(file, a=SCORES)
    assert "it must be a .npy file" in line_of(lambda: artifacts.load_array(path, float, (None,)))


def test_an_array_is_read_from_disk_as_it_is_used_and_cannot_be_changed(tmp_path):
    artifacts.save_array(tmp_path / "a.npy", SCORES)
    found = artifacts.load_array(tmp_path / "a.npy", np.float64, (None,))
    assert isinstance(found, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1


def test_an_empty_array_is_an_array(tmp_path):
    artifacts.save_array(tmp_path / "a.npy", np.zeros((0, 4)))
    assert artifacts.load_array(tmp_path / "a.npy", np.float64, (None, 4)).shape == (0, 4)


# --- tables ---------------------------------------------------------------------------------------

TABLES = {
    "table": "a.csv",
    "sample ids": "test/sample_ids.csv",
    "subset": "0.5.csv",
    "history": "a.csv",
    "voters": "voters.csv",
}


@pytest.mark.parametrize(("name", "file"), TABLES.items())
def test_a_table_with_another_header_or_ragged_rows_is_refused(tmp_path, name, file):
    pair, path = PAIRS[name], tmp_path / file
    pair.save(tmp_path, pair.content)
    text = path.read_bytes()
    header = text.partition(b"\n")[0].decode()
    num = len(header.split(","))

    path.write_bytes(b"no" + text)
    assert line_of(lambda: pair.load(tmp_path)).startswith(
        f"{path}: its first line is no{header}; it must be {header}"
    )
    path.write_bytes(f"{header}\n{'1,' * num}1\n".encode())
    assert line_of(lambda: pair.load(tmp_path)) == (
        f"{path}: row 2 has {num + 1} fields; it must have {num}"
    )
    path.write_bytes(b"")
    assert line_of(lambda: pair.load(tmp_path)) == (
        f"{path}: its first line is nothing; it must be {header}"
    )


@pytest.mark.parametrize("name", ["subset", "history", "voters"])
def test_a_field_that_is_no_number_is_refused(tmp_path, name):
    pair, path = PAIRS[name], tmp_path / TABLES[name]
    pair.save(tmp_path, pair.content)
    header = path.read_text().partition("\n")[0]
    path.write_text(f"{header}\n{','.join(['one'] * len(header.split(',')))}\n")
    assert line_of(lambda: pair.load(tmp_path)).endswith("'one'; fields must be numbers")


@settings(max_examples=25)
@given(st.lists(st.text(st.characters(codec="utf-8") | st.sampled_from("\udc80\udcff,\"'\r\n"))))
def test_every_name_that_a_file_can_have_survives(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("names")
    artifacts.save_sample_ids(folder, "train", names)
    assert artifacts.load_sample_ids(folder, "train") == names


@settings(max_examples=25)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_every_score_survives_exactly(tmp_path_factory, scores):
    path = tmp_path_factory.mktemp("scores") / "a.csv"
    index_P = np.zeros(len(scores), dtype=np.int64)
    artifacts.save_subset(path, Subset(index_P, index_P, np.array(scores)))
    np.testing.assert_array_equal(artifacts.load_subset(path, 1).score_P, scores)


# --- subsets --------------------------------------------------------------------------------------


OUTSIDE = "index {}; the train split has the rows 0 to 5"
NOT_FINITE = "score {}; it must be finite, or empty"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("-1,0,", OUTSIDE.format(-1)),
        ("6,0,", OUTSIDE.format(6)),
        *((f"3,1,{score}", NOT_FINITE.format(score)) for score in ("nan", "inf", "-inf")),
    ],
)
def test_what_no_pick_can_be_is_named_by_its_row(tmp_path, row, says):
    path = tmp_path / "a.csv"
    path.write_text(f"index,round,score\n5,0,\n{row}\n{row}\n")
    assert line_of(lambda: artifacts.load_subset(path, TRAIN)) == f"{path}: row 3 has {says}"


@pytest.mark.parametrize("row", [-1, TRAIN])
def test_a_row_of_an_order_outside_the_train_split_is_named_by_its_place(tmp_path, row):
    path = tmp_path / "a.npy"
    artifacts.save_order(path, np.array([5, row, row]))
    assert line_of(lambda: artifacts.load_order(path, TRAIN)) == (
        f"{path}: place 1 has row {row}; the train split has the rows 0 to 5"
    )


def test_a_subset_without_picks_is_a_subset(tmp_path):
    artifacts.save_subset(tmp_path / "a.csv", SUBSET.first(0))
    assert len(artifacts.load_subset(tmp_path / "a.csv", TRAIN)) == 0


def test_the_first_picks_of_a_subset_are_a_subset():
    require_equal(
        SUBSET.first(3),
        Subset(np.array([5, 0, 5]), np.array([0, 0, 1]), np.array([NAN, NAN, 1 / 3])),
    )
    assert len(SUBSET.first(3)) == 3


# --- dynamics -------------------------------------------------------------------------------------


def test_an_ensemble_that_was_not_trained_has_empty_dynamics(tmp_path):
    artifacts.save_dynamics(tmp_path, artifacts.no_dynamics())
    found = artifacts.load_dynamics(tmp_path, TRAIN)
    require_equal(found, artifacts.no_dynamics())
    assert (found.aum_MR.shape, found.kept_epoch_E.shape) == ((0, 0), (0,))


def test_members_that_keep_different_epochs_stand_one_below_the_other():
    alone = [
        replace(
            DYNAMICS,
            **{
                name: getattr(DYNAMICS, name)[[member]]
                for name in vars(DYNAMICS)
                if name.endswith("_MR")
            },
            **{
                name: getattr(DYNAMICS, name)[DYNAMICS.kept_member_E == member]
                for name in ("kept_member_E", "kept_epoch_E", "kept_events_ES")
            },
        )
        for member in (0, 1)
    ]
    require_equal(artifacts.stack_dynamics(alone), DYNAMICS)


@pytest.mark.parametrize("name", ["el2n_MR", "aum_MR", "kept_epoch_E", "kept_events_ES"])
@pytest.mark.parametrize("rows", [slice(1), [0, 1, 0, 1]], ids=["fewer", "more"])
def test_dynamics_whose_lengths_differ_are_refused(tmp_path, name, rows):
    artifacts.save_dynamics(tmp_path, replace(DYNAMICS, **{name: getattr(DYNAMICS, name)[rows]}))
    line = line_of(lambda: artifacts.load_dynamics(tmp_path, TRAIN))
    assert line.startswith(f"{tmp_path / name}.npy: found ")


@pytest.mark.parametrize("name", ["row_R", "sampled_S"])
@pytest.mark.parametrize("rows", [[2, 0], [0, 0], [-1, 2], [0, TRAIN]])
def test_rows_that_do_not_rise_in_the_train_split_are_refused(tmp_path, name, rows):
    artifacts.save_dynamics(tmp_path, replace(DYNAMICS, **{name: np.array(rows)}))
    assert line_of(lambda: artifacts.load_dynamics(tmp_path, TRAIN)) == (
        f"{tmp_path / name}.npy: is {rows}...; it must rise from 0 or more to 5 at most"
    )


def test_a_sampled_row_outside_the_subset_is_refused(tmp_path):
    artifacts.save_dynamics(tmp_path, replace(DYNAMICS, sampled_S=np.array([2, 3])))
    assert line_of(lambda: artifacts.load_dynamics(tmp_path, TRAIN)) == (
        f"{tmp_path / 'sampled_S.npy'}: has row 3; it must be one of row_R.npy"
    )


# --- objects --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("meta", "meta.json"),
        ("ensemble", "model.json"),
        ("validation", "validation.json"),
        ("evaluation", "metrics.json"),
    ],
)
def test_a_missing_or_unknown_key_is_refused(tmp_path, name, file):
    pair, path = PAIRS[name], tmp_path / file
    pair.save(tmp_path, pair.content)
    content = artifacts.load_json(path)
    for key in content:
        artifacts.save_json(path, {other: content[other] for other in content if other != key})
        assert line_of(lambda: pair.load(tmp_path)).startswith(f"{path}: ")
    artifacts.save_json(path, {**content, "more": 1})
    assert "more" in line_of(lambda: pair.load(tmp_path))


def test_json_holds_no_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        artifacts.save_json(tmp_path / "a.json", {"a": NAN})
    assert not list(tmp_path.iterdir())


def test_an_evaluation_without_a_metric_is_refused(tmp_path):
    members = [{key: value for key, value in MEMBERS[0].items() if key != "macro_f1"}, MEMBERS[1]]
    content = {**vars(EVALUATION), "members": members}
    artifacts.save_evaluation(tmp_path, Evaluation(**content))
    line = line_of(lambda: artifacts.load_evaluation(tmp_path, METRICS, NUM))
    assert line.endswith("macro_f1 is missing; it must be written by evaluate")


def test_an_evaluation_of_other_members_than_its_array_is_refused(tmp_path):
    content = {**vars(EVALUATION), "values": {**VALUES, "accuracy": CORRECT[:1]}}
    artifacts.save_evaluation(tmp_path, Evaluation(**content))
    line = line_of(lambda: artifacts.load_evaluation(tmp_path, METRICS, NUM))
    assert "the members' accuracy is [0.75, 0.25]; the means of accuracy.npy are [0.75]" in line


def test_an_ensemble_knows_its_members_and_their_checkpoints_by_epoch():
    ensemble = Ensemble("resnet8", 3, [8, 8, 1], CHECKPOINTS[::-1])
    assert ensemble.num_members == 2
    assert ensemble.of_member(0) == CHECKPOINTS[:2]
    assert str(CHECKPOINTS[2].path) == "member-01/epoch-0004.safetensors"


def test_a_gradient_that_is_no_number_is_named(tmp_path):
    path = tmp_path / "gradient_batches.csv"
    path.write_text("batch,sum_of_norms,norm_of_sum\n0,much,1.0\n")
    with pytest.raises(ArtifactError, match=r"could not convert .*'much'; fields must be numbers"):
        artifacts.load_gradient_batches(tmp_path)


def test_the_objects_of_some_images_stand_in_their_order():
    found = BOXES.of(np.array([2, 0, 2, 1]))

    assert found.offset_N1.tolist() == [0, 1, 3, 4, 4]
    assert found.class_A.tolist() == [1, 0, 2, 1]
    np.testing.assert_array_equal(found.box_A4, BOXES.box_A4[[2, 0, 1, 2]])
    assert (len(found), found.rows(1), found.count_N.tolist()) == (4, slice(1, 3), [1, 2, 1, 0])
    assert len(BOXES.of(np.array([], dtype=np.int64))) == 0


@pytest.mark.parametrize("offsets", [[], [1, 2, 3], [0, 2, 1]])
def test_offsets_of_objects_that_do_not_rise_from_zero_are_refused(tmp_path, offsets):
    artifacts.save_boxes(tmp_path, "train", BOXES)
    artifacts.save_array(tmp_path / "train/box_offsets_N1.npy", np.array(offsets, dtype=np.int64))
    line = line_of(lambda: artifacts.load_boxes(tmp_path, "train"))
    assert line.endswith("it must rise from 0")


# --- races ----------------------------------------------------------------------------------------


def test_a_race_comes_back_as_it_was_written(tmp_path):
    result = races.RaceResult(
        winner="cut",
        runners={
            "cut": races.Runner(4, 1.5, 0.5, 0.1, None),
            "top": races.Runner(1, -9.0, None, None, 1),
        },
        num_samples=144,
        random_score=90.0,
        winner_gain=1.5,
        smallest_gain=1.1,
        trainings=13,
        most_trainings=16,
        flops=1e9,
    )
    races.save_race(tmp_path, "seed-0", result, [races.Judgement("cut", 0, 91.5)])
    assert races.load_race(tmp_path, "seed-0") == result
    assert (tmp_path / "seed-0.csv").read_text() == "proposal,judge,score\ncut,0,91.5\n"


def test_a_race_without_a_winner_is_refused(tmp_path):
    (tmp_path / "seed-0.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"seed-0\.json: winner is missing"):
        races.load_race(tmp_path, "seed-0")
