"""Drawing the first of a preference order, under what binds every subset."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.shared.artifacts import save_sample_ids
from stages.shared.choosing.absent_classes import warn_of_absent_classes
from stages.shared.choosing.limits import (
    NOTHING,
    Limits,
    require_minimum,
    warn_of_absent_excluded,
)
from stages.shared.choosing.sampling import draw, random_order
from stages.shared.errors import ArtifactError, ParamsError
from stages.shared.settings.params import load_params


def rows(*numbers):
    return np.array(numbers, dtype=np.int64)


def limits_of(targets, included=(), excluded=(), min_per_class=0):
    return Limits(rows(*targets), rows(*included), rows(*excluded), min_per_class)


def draw_all(order_K, count, limits, balanced=False, taken_P=NOTHING):
    """Draw, with a name for the setting."""
    picks = draw(
        rows(*order_K), count, limits, balanced=balanced, setting="size 9", taken_P=rows(*taken_P)
    )
    return picks.tolist()


# --- order of preference -------------------------------------------------------------------------


def test_too_few_candidates_are_an_error_with_both_numbers_and_the_setting():
    message = "size 9 asks for 5 picks; 4 samples can be picked"
    with pytest.raises(ParamsError, match=message):
        draw_all([3, 1, 0, 2], 5, limits_of([0, 0, 1, 1]))


def by_definition(order_K, limits, balanced, taken_P):
    """Return the order of picking as the docstring of `draw` says it, candidate by candidate."""
    included = set(limits.included.tolist()) - set(taken_P)
    first = [row for row in order_K if row in included]
    order_K = first + [row for row in order_K if row not in included]
    seen = Counter(limits.targets_N[list(taken_P)].tolist())
    size = Counter(limits.targets_N.tolist())
    keys = []
    for place, row in enumerate(order_K):
        target = int(limits.targets_N[row])
        tier = 0 if row in included else 1 if seen[target] < limits.min_per_class else 2
        key = (seen[target] + 0.5) / size[target] if balanced else 0
        keys.append((tier, key, place))
        seen[target] += 1
    return [order_K[place] for _, _, place in sorted(keys)]


@settings(max_examples=60)
@given(st.data())
def test_whatever_is_demanded_the_draw_is_that_of_the_definition(data):
    targets = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=20))
    some_rows = st.lists(st.integers(0, len(targets) - 1), max_size=25)
    order_K, taken_P = data.draw(some_rows), sorted(set(data.draw(some_rows)))
    included = sorted(set(data.draw(some_rows)))[:4]
    limits = limits_of(targets, included, min_per_class=data.draw(st.integers(0, 3)))
    balanced = data.draw(st.booleans())
    expected = by_definition(order_K, limits, balanced, taken_P)
    assert draw_all(order_K, len(order_K), limits, balanced, taken_P) == expected


# --- include list --------------------------------------------------------------------------------


def test_the_include_list_comes_first_in_order_of_preference():
    assert draw_all([3, 1, 0, 2], 3, limits_of([0, 0, 1, 1], included=[2, 0])) == [0, 2, 3]


def test_an_include_list_that_is_longer_than_the_draw_is_an_error():
    with pytest.raises(ParamsError, match=r"asks for 1 picks; select\.include names 2 samples"):
        draw_all([3, 1, 0, 2], 1, limits_of([0, 0, 1, 1], included=[2, 0]))


# --- balanced classes ----------------------------------------------------------------------------

# Ten samples of class 0 (rows 0-9), five of class 1 (10-14), one of class 2 (15).
IMBALANCED = [0] * 10 + [1] * 5 + [2]


def test_a_balanced_draw_follows_the_hand_computed_keys():
    # Keys: class 0 .05 .15 .25 ..., class 1 .1 .3 .5 ..., class 2 .5. At .5 the rows are equal and
    # preference decides: 15, the most preferred row, comes before 12.
    order_K = [15, *range(15)]
    expected = [0, 10, 1, 2, 11, 3, 4, 15, 12, 5]
    assert draw_all(order_K, 10, limits_of(IMBALANCED), balanced=True) == expected


def test_a_balanced_draw_makes_up_for_what_the_subset_has_too_much_of():
    # Four picks of class 0 and none of class 1: its samples come first until 5 a / 10 a = 2 / 4.
    picks = draw_all(range(4, 16), 3, limits_of(IMBALANCED), balanced=True, taken_P=[0, 1, 2, 3])
    assert picks == [10, 11, 4]


@settings(max_examples=25)
@given(st.data())
def test_every_balanced_draw_is_a_prefix_of_the_longest_and_in_proportion(data):
    targets_N = np.array(data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=40)))
    order_K = data.draw(st.permutations(range(len(targets_N))))
    limits = limits_of(targets_N)
    whole = draw_all(order_K, len(order_K), limits, balanced=True)
    assert sorted(whole) == list(range(len(order_K)))
    share_C = np.bincount(targets_N) / len(targets_N)
    for count in range(len(order_K) + 1):
        picks = draw_all(order_K, count, limits, balanced=True)
        assert picks == whole[:count]
        # Four classes: the divisor method stays within two picks of the exact share.
        drawn_C = np.bincount(targets_N[picks], minlength=len(share_C))
        assert np.all(np.abs(drawn_C - count * share_C) < 2)


# --- least number of each class ------------------------------------------------------------------


def test_what_a_class_needs_to_reach_its_minimum_comes_before_all_others():
    limits = limits_of(IMBALANCED, min_per_class=1)
    assert draw_all(range(16), 4, limits) == [0, 10, 15, 1]


def test_the_minimum_counts_what_the_subset_has():
    limits = limits_of(IMBALANCED, min_per_class=2)
    assert draw_all(range(2, 15), 3, limits, taken_P=[0, 15, 1]) == [10, 11, 2]


def test_a_class_below_its_minimum_is_an_error_that_names_it():
    limits = limits_of(IMBALANCED, min_per_class=2)
    message = r"min_per_class is 2; size 9, 5 picks, has room or candidates for 1 of class 2"
    with pytest.raises(ParamsError, match=message):
        require_minimum(rows(0, 1, 10, 11, 15), limits, "size 9")


def test_a_minimum_that_is_reached_is_no_error():
    require_minimum(rows(0, 10, 15), limits_of(IMBALANCED, min_per_class=1), "size 9")


# --- the random order ----------------------------------------------------------------------------


def test_the_random_order_holds_every_allowed_row_once(project):
    project.write_list("exclude", ["003.png", "097.png"])
    order = random_order(project.sample_ids, 0, project.limits)
    assert sorted([*order.tolist(), 3, 97]) == list(range(100))


def test_the_random_order_belongs_to_the_sample_ids_and_to_the_random_seed(project):
    order = random_order(project.sample_ids, 0, project.limits)
    assert np.array_equal(random_order(project.sample_ids[::-1], 0, project.limits), 99 - order)
    assert not np.array_equal(random_order(project.sample_ids, 1, project.limits), order)


# --- the user's lists ----------------------------------------------------------------------------


def test_lists_name_rows_by_sample_id(project):
    project.write_list("include", ["010.png", "007.png"])
    project.write_list("exclude", ["003.png"])
    assert project.limits.included.tolist() == [10, 7]
    assert project.limits.excluded.tolist() == [3]


def test_an_include_list_that_names_unknown_samples_is_an_error_that_says_where_each_is(project):
    save_sample_ids(Path("prepared"), "test", ["t.png"])
    project.write_list("include", ["007.png", "nowhere.png", "t.png"])
    with pytest.raises(ArtifactError) as raised:
        _ = project.limits
    assert str(raised.value) == (
        "lists/include.csv: line 3 names nowhere.png, which is in no split; line 4 names t.png, "
        "which is in test; each must be the sample_id of a sample in the train split"
    )


def test_excluded_samples_of_other_splits_and_deleted_ones_are_ignored_with_a_count(
    project, capsys
):
    save_sample_ids(Path("prepared"), "test", ["t.png"])
    project.write_list("exclude", ["t.png", "007.png", "gone.png"])
    assert project.limits.excluded.tolist() == [7]
    path = Path("lists/exclude.csv")
    warn_of_absent_excluded(Path("prepared"), project.sample_ids, path)
    assert capsys.readouterr().err == (
        "warning: lists/exclude.csv: 2 of 3 samples are not in the train split and are ignored: "
        "line 2 names t.png, which is in test; line 4 names gone.png, which is in no split\n"
    )


def test_nothing_is_said_of_an_exclude_list_that_the_train_split_has_whole(project, capsys):
    project.write_list("exclude", ["007.png"])
    warn_of_absent_excluded(Path("prepared"), project.sample_ids, Path("lists/exclude.csv"))
    assert capsys.readouterr().err == ""


def test_a_sample_in_both_lists_is_an_error(project):
    project.write_list("include", ["007.png", "008.png"])
    project.write_list("exclude", ["008.png"])
    with pytest.raises(ArtifactError, match=r"include\.csv: names 008\.png, and so does .*exclude"):
        _ = project.limits


def test_the_minimum_of_params_yaml_is_a_limit(project):
    project.change({"select.min_per_class": 3})
    assert load_params().select.min_per_class == project.limits.min_per_class == 3


# --- classes that are absent ---------------------------------------------------------------------


def test_absent_classes_are_named_in_a_warning_of_one_line(capsys):
    warn_of_absent_classes([rows(0, 1)], np.array([0, 0, 1, 2]), ["cat", "dog", "owl"])
    expected = "warning: 2 of 3 classes have no sample in the subset: dog, owl\n"
    assert capsys.readouterr().err == expected


def test_classes_that_some_draws_lack_are_named_once(capsys):
    draws = [rows(0, 2, 3), rows(0, 1), rows(2, 3, 1)]
    warn_of_absent_classes(draws, np.array([0, 0, 1, 2]), ["cat", "dog", "owl"])
    expected = "2 of 3 classes have no sample in 1 of 3 draws of the subset: dog, owl\n"
    assert capsys.readouterr().err == f"warning: {expected}"


def test_many_absent_classes_are_counted(capsys):
    warn_of_absent_classes([rows(0)], np.array(range(20)), [f"c{number}" for number in range(20)])
    assert capsys.readouterr().err.endswith(
        ": c1, c2, c3, c4, c5, c6, c7, c8, c9, c10 and 9 more\n"
    )


def test_nothing_is_said_when_no_class_is_absent(capsys):
    warn_of_absent_classes([rows(0, 2)], np.array([0, 0, 1]), ["cat", "dog"])
    assert capsys.readouterr().err == ""
