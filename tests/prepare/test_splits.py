"""Samples are split by class, by their ids alone, and never across groups."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.shared.artifacts import BoxList
from stages.shared.datasets.reading import splits
from stages.shared.datasets.reading.sources import Source
from stages.shared.errors import ArtifactError, DataError

LABELLED = st.lists(st.integers(0, 3), min_size=1, max_size=80)


def source_of(targets, sample_ids=None, given_splits=None):
    targets_N = np.array(targets, dtype=np.int64)
    ids = sample_ids or [f"sample {row}" for row in range(len(targets))]
    return Source(["a", "b", "c", "d"], targets_N, ids, given_splits, SimpleNamespace())


def split_of_each(source, params):
    """The split of each sample, by its id."""
    rows = splits.assign(source, params)
    return {source.sample_ids[row]: split for split in rows for row in rows[split]}


@given(targets=LABELLED, fold=st.integers(0, 4))
def test_every_sample_is_in_exactly_one_split_and_rows_rise(dataset, targets, fold):
    rows = splits.assign(source_of(targets), dataset(fold=fold))
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(targets)))
    assert all((np.diff(rows_N) > 0).all() for rows_N in rows.values())


@given(targets=LABELLED, num_folds=st.integers(2, 7))
def test_the_folds_test_each_sample_once_and_each_class_within_one_sample(
    dataset, targets, num_folds
):
    """A class of one sample is never tested, or train would have none of it."""
    targets = [number for number in targets for _ in range(1 + (targets.count(number) == 1))]
    source = source_of(targets)
    tests = [
        splits.assign(source, dataset(num_folds=num_folds, fold=fold))["test"]
        for fold in range(num_folds)
    ]
    assert sorted(np.concatenate(tests)) == list(range(len(targets)))
    for number in set(targets):
        counts = [int((source.targets_N[rows_N] == number).sum()) for rows_N in tests]
        assert max(counts) - min(counts) <= 1


@given(targets=LABELLED, fraction=st.sampled_from([0.1, 0.25, 0.5, 0.9]))
def test_validation_is_its_fraction_of_each_class_rounded_half_up_but_for_the_last_sample(
    dataset, targets, fraction
):
    source = source_of(targets)
    rows = splits.assign(source, dataset(validation_fraction=fraction))
    for number in set(targets):
        held = {split: int((source.targets_N[rows[split]] == number).sum()) for split in rows}
        rest = held["train"] + held["validation"]
        assert held["validation"] == min(int(fraction * rest + 0.5), rest - 1)


@given(targets=LABELLED, seed=st.integers(0, 5), data=st.data())
def test_reordered_data_is_split_as_before(dataset, targets, seed, data):
    source = source_of(targets)
    order = data.draw(st.permutations(range(len(targets))))
    reordered = source_of(
        [targets[row] for row in order], [source.sample_ids[row] for row in order]
    )
    params = dataset(split_seed=seed)
    assert split_of_each(source, params) == split_of_each(reordered, params)


def test_a_data_set_that_grows_by_a_tenth_keeps_nearly_all_of_its_assignment(dataset):
    before = split_of_each(source_of([row % 4 for row in range(2000)]), dataset())
    after = split_of_each(source_of([row % 4 for row in range(2200)]), dataset())
    assert sum(before[name] != after[name] for name in before) < 0.05 * len(before)


def test_another_class_moves_no_sample_of_the_others(dataset):
    targets = [row % 3 for row in range(90)]
    before = split_of_each(source_of(targets), dataset())
    after = split_of_each(source_of([*targets, *[3] * 10]), dataset())
    assert before.items() <= after.items()


def test_split_seed_decides_the_split(dataset):
    source = source_of([row % 4 for row in range(100)])
    assert split_of_each(source, dataset()) == split_of_each(source, dataset())
    assert split_of_each(source, dataset()) != split_of_each(source, dataset(split_seed=1))


def test_classes_smaller_than_the_number_of_folds_do_not_all_leave_out_the_same_fold(dataset):
    source = Source(
        [f"class {number}" for number in range(60)],
        np.arange(120) // 2,
        [str(row) for row in range(120)],
        None,
        SimpleNamespace(),
    )
    sizes = [len(splits.assign(source, dataset(fold=fold))["test"]) for fold in range(5)]
    assert sum(sizes) == 120
    assert min(sizes) >= 12


@pytest.mark.parametrize(
    ("given_splits", "expected"),
    [
        (["train"] * 8 + ["validation"] * 2 + ["test"] * 2, (8, 2, 2)),
        (["train"] * 8 + ["test"] * 4, (6, 2, 4)),  # validation is a quarter of train
        (["train"] * 8 + ["validation"] * 4, (6, 2, 4)),  # the data's validation is the test
    ],
)
def test_splits_of_the_datas_own_are_kept_and_validation_carved_from_train_where_it_is_missing(
    dataset, given_splits, expected
):
    rows = splits.assign(source_of([0] * 12, given_splits=given_splits), dataset())
    assert tuple(len(rows[split]) for split in ("train", "validation", "test")) == expected
    assert list(rows["test"]) == list(range(12 - expected[2], 12))


def test_where_the_data_has_train_alone_test_is_a_fold(dataset):
    with_train = source_of([0] * 20, given_splits=["train"] * 20)
    assert split_of_each(with_train, dataset()) == split_of_each(source_of([0] * 20), dataset())
    rows = splits.assign(with_train, dataset())
    assert [len(rows[split]) for split in ("train", "validation", "test")] == [12, 4, 4]


def test_data_with_splits_but_without_train_is_refused(dataset):
    with pytest.raises(DataError, match="no train"):
        splits.assign(source_of([0, 1], given_splits=["test", "test"]), dataset())


def groups_file(tmp_path, groups, sample_ids):
    path = tmp_path / "groups.csv"
    lines = [f"{name},{group}" for name, group in zip(sample_ids, groups, strict=True)]
    path.write_text("\n".join(["path,group", *lines]) + "\n")
    return str(path)


@pytest.mark.parametrize("seed", range(4))
def test_a_group_never_crosses_splits_and_groups_are_split_by_their_most_common_class(
    dataset, tmp_path, seed
):
    # 40 groups of 3: two of the group's class, one of another.
    targets = [
        number % 4 if part else (number + 1) % 4 for number in range(40) for part in (0, 1, 2)
    ]
    groups = [f"group {row // 3}" for row in range(120)]
    source = source_of(targets)
    params = dataset(groups=groups_file(tmp_path, groups, source.sample_ids), split_seed=seed)
    rows = splits.assign(source, params)
    held = {split: {groups[row] for row in rows[split]} for split in rows}
    assert sum(len(names) for names in held.values()) == 40
    # 10 groups of each class: 2 are test, a quarter of the other 8 validation.
    for split, count in (("train", 6), ("validation", 2), ("test", 2)):
        assert Counter(int(name.split()[1]) % 4 for name in held[split]) == dict.fromkeys(
            range(4), count
        )


def test_groups_are_assigned_by_their_names_whatever_the_order_of_samples(dataset, tmp_path):
    source = source_of([row // 2 % 4 for row in range(64)])
    groups = [f"group {row // 2}" for row in range(64)]
    params = dataset(groups=groups_file(tmp_path, groups, source.sample_ids))
    backwards = source_of(source.targets_N[::-1].tolist(), source.sample_ids[::-1])
    assert split_of_each(source, params) == split_of_each(backwards, params)


def test_a_group_in_two_of_the_datas_own_splits_is_refused(dataset, tmp_path):
    source = source_of([0, 0, 0], given_splits=["train", "train", "test"])
    path = groups_file(tmp_path, ["x", "y", "y"], source.sample_ids)
    with pytest.raises(DataError, match="group 'y' stands in train and in test"):
        splits.assign(source, dataset(groups=path))


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("path,group\nsample 0,x\n", DataError, "1 samples have no group, the first is 'sample 1'"),
        (
            "path,group\nsample 0,x\nsample 1,x\nsample 0,y\n",
            DataError,
            "line 4 names 'sample 0' again, as line 2",
        ),
        ("file,group\n", ArtifactError, "must be path,group"),
    ],
)
def test_a_list_of_groups_that_cannot_be_followed_is_refused(tmp_path, text, error, says):
    path = tmp_path / "groups.csv"
    path.write_text(text)
    with pytest.raises(error, match=says):
        splits.load_groups(path, tmp_path, ["sample 0", "sample 1"])


@pytest.mark.parametrize(
    "written",
    [
        *("./a/é.jpg", " a/é.jpg ", "a\\é.jpg"),
        *("a/e\u0301.jpg", "{root}/a/é.jpg", "a/../a/é.jpg"),
    ],
)
def test_a_path_in_the_list_of_groups_may_be_written_as_in_a_manifest(tmp_path, written):
    path = tmp_path / "groups.csv"
    path.write_text(f"path,group\n{written.replace('{root}', str(tmp_path))},x\ntrain/1,y\n")
    assert splits.load_groups(path, tmp_path, ["train/1", "a/é.jpg"]) == ["y", "x"]


@pytest.mark.parametrize("name", ["http://x/a.jpg", "a//b", " a", "..", "b\\c"])
def test_a_sample_id_that_is_no_path_stands_as_it_is(tmp_path, name):
    path = tmp_path / "groups.csv"
    path.write_text(f"path,group\n{name},x\n")
    assert splits.load_groups(path, tmp_path, [name]) == ["x"]


def test_problems_name_each_class_without_train_samples_and_each_empty_split():
    source = source_of([0, 0, 1, 3, 3])
    rows = {"train": np.array([0, 1]), "validation": np.array([2, 3]), "test": np.array([4])}
    assert splits.problems(source, rows) == [
        "class 'b' is missing from train (1 in validation)",
        "class 'c' is empty",
        "class 'd' is missing from train (1 in validation, 1 in test)",
    ]
    rows = {"train": np.arange(5), "validation": np.arange(0), "test": np.arange(0)}
    found = splits.problems(source, rows)
    assert ["validation" in found[0], "test" in found[1], found[2:]] == [
        True,
        True,
        ["class 'c' is empty"],
    ]


# --- small classes -------------------------------------------------------------------------------


@given(targets=LABELLED, fold=st.integers(0, 4), fraction=st.sampled_from([0.1, 0.5, 0.9]))
def test_every_class_has_a_sample_in_train_whatever_is_drawn(dataset, targets, fold, fraction):
    source = source_of(targets)
    rows = splits.assign(source, dataset(fold=fold, validation_fraction=fraction))
    assert {*source.targets_N[rows["train"]]} == {*targets}


def test_a_class_of_two_samples_is_tested_by_two_folds_and_learnt_in_all(dataset):
    source = source_of([0] * 20 + [1] * 2)
    tested = []
    for fold in range(5):
        rows = splits.assign(source, dataset(fold=fold))
        held = {split: int((source.targets_N[rows[split]] == 1).sum()) for split in rows}
        assert held["train"] >= 1
        tested.append(held["test"])
    assert sorted(tested) == [0, 0, 0, 1, 1]


def test_one_sample_alone_moves_where_a_class_would_be_lost(dataset):
    """The others are split as they would be without that class."""
    common = split_of_each(source_of([0] * 30), dataset(fold=0))
    for fold in range(5):
        rare = split_of_each(source_of([0] * 30 + [1]), dataset(fold=fold))
        assert rare["sample 30"] == "train"
        if fold == 0:
            assert common.items() <= rare.items()


@given(seed=st.integers(0, 9), fold=st.integers(0, 4), data=st.data())
def test_a_class_within_one_group_is_learnt_and_its_group_stays_whole(
    dataset, tmp_path_factory, seed, fold, data
):
    targets = [0, 1] * 12 + [2, 2, 0]  # class 2 lies in the last group, with one of class 0
    groups = [f"group {row // 2}" for row in range(24)] + ["rare"] * 3
    source = source_of(targets)
    path = groups_file(tmp_path_factory.mktemp("groups"), groups, source.sample_ids)
    params = dataset(groups=path, split_seed=seed, fold=fold)
    order = data.draw(st.permutations(range(27)))
    again = source_of([targets[row] for row in order], [source.sample_ids[row] for row in order])
    found = split_of_each(source, params)
    assert {found[f"sample {row}"] for row in (24, 25, 26)} == {"train"}
    assert split_of_each(again, params) == found


def test_what_the_data_itself_gives_to_test_stays_there(dataset):
    source = source_of([0] * 10 + [1], given_splits=["train"] * 10 + ["test"])
    assert split_of_each(source, dataset())["sample 10"] == "test"
    assert splits.problems(source, splits.assign(source, dataset()))[0] == (
        "class 'b' is missing from train (1 in test)"
    )


def test_the_data_s_own_train_split_keeps_its_last_sample_of_a_class_from_validation(dataset):
    given_splits = ["train"] * 9 + ["test"] * 3
    source = source_of([0] * 8 + [1] + [0, 0, 1], given_splits=given_splits)
    assert split_of_each(source, dataset(validation_fraction=0.9))["sample 8"] == "train"


def test_an_object_s_class_that_train_would_lack_brings_an_image_back(dataset):
    """Images are split by their rarest class; a more common one may lie in such images alone."""
    for fold in range(5):
        objects = [[0]] * 20 + [[1, 1, 1, 2]]
        class_A = np.array([number for image in objects for number in image])
        offset_N1 = np.cumsum([0, *map(len, objects)])
        boxes = BoxList(np.zeros((len(class_A), 4), np.float32), class_A, offset_N1)
        source = Source(
            ["a", "b", "c"],
            np.array([0] * 20 + [2]),
            [str(row) for row in range(21)],
            None,
            SimpleNamespace(),
            boxes,
        )
        rows = splits.assign(source, dataset(fold=fold))
        assert 20 in rows["train"]
        assert splits.problems(source, rows) == []


def test_classes_without_samples_are_named_in_a_warning_that_says_what_it_means(capsys):
    source = source_of([0, 0, 1, 1, 2, 3])
    rows = {
        "train": np.array([0, 2, 4, 5]),
        "validation": np.array([1, 3]),
        "test": np.array([1, 3, 4]),
    }
    splits.warn_of_absent_classes(source, rows)
    assert capsys.readouterr().err.splitlines() == [
        "warning: 2 of 4 classes have no validation sample, so what is chosen by validation does "
        "not see them: 'c'; 'd'",
        "warning: 1 of 4 classes have no test sample, so every metric is one of the other "
        "classes: 'd'",
    ]
    splits.warn_of_absent_classes(source, dict.fromkeys(rows, np.arange(6)))
    assert capsys.readouterr().err == ""


def test_sound_splits_have_no_problems(dataset):
    source = source_of([row % 4 for row in range(100)])
    assert splits.problems(source, splits.assign(source, dataset())) == []
