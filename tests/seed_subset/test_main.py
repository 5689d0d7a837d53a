"""The stage: the subset that the first ensemble is trained on."""

from pathlib import Path

import numpy as np
import pytest

from stages.seed_subset.__main__ import main
from stages.shared import artifacts
from stages.shared.errors import ArtifactError, ParamsError
from stages.shared.samples.randomness import permutation_by_id
from stages.shared.settings.params import load_params

PREPARED, SUBSET = Path("prepared"), Path("subsets/seed/seed-0.csv")


def draw_seed(project, size=0.2, **changes):
    """Run the stage and return the rows it picked."""
    last = 2 * size if isinstance(size, int) else 0.9
    rounds = [{"from": size, "to": last if last != size else 0.5}]
    project.change({"seed_size": size, "rounds": rounds, **changes})
    main(str(size), PREPARED, SUBSET.parent)
    path = SUBSET.with_name(f"{load_params().draw}.csv")
    return project.load_subset(path).index_P.tolist()


def test_the_seed_subset_is_the_first_part_of_the_permutation(project):
    expected = permutation_by_id(project.sample_ids, 0, "permutation")[:20].tolist()
    assert draw_seed(project) == expected


def test_a_pick_has_round_0_and_no_score(project):
    draw_seed(project)
    subset = project.load_subset(SUBSET)
    assert subset.round_P.tolist() == [0] * 20
    assert np.all(np.isnan(subset.score_P))
    assert SUBSET.read_text().splitlines()[0] == "index,round,score"


@pytest.mark.parametrize(("size", "count"), [(0.125, 13), (0.2, 20), (1.0, 100), (7, 7)])
def test_a_size_is_a_fraction_rounded_half_up_or_a_count(project, size, count):
    assert len(draw_seed(project, size)) == count


@pytest.mark.parametrize(("size", "last"), [(1.0, 0.5), (100, 50)])
def test_the_whole_split_is_all_that_is_not_excluded(project, size, last):
    project.write_list("exclude", ["042.png", "007.png"])
    drawn = draw_seed(project, size, rounds=[{"from": size, "to": last}])
    assert sorted(drawn) == [row for row in range(100) if row not in {7, 42}]


@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize("minimum", [0, 1])
def test_seed_subsets_of_rising_size_are_nested(project, stratified, minimum):
    changes = {"seed_subset.stratified": stratified, "select.min_per_class": minimum}
    project.write_list("include", ["042.png"])
    whole = draw_seed(project, 1.0, **changes)
    assert sorted(whole) == list(range(100))
    for size in (0.05, 0.1, 0.3, 0.7):
        assert draw_seed(project, size, **changes) == whole[: round(100 * size)]


def test_a_stratified_seed_subset_holds_the_classes_in_proportion(project):
    picks = draw_seed(project, **{"seed_subset.stratified": True})
    assert project.count_classes(picks) == [12, 6, 2]


def test_a_least_number_of_each_class_is_in_the_seed_subset(project):
    picks = draw_seed(project, 0.1, **{"select.min_per_class": 3})
    assert min(project.count_classes(picks)) == 3
    assert len(set(picks)) == 10


def test_a_least_number_that_has_no_room_is_an_error_and_writes_nothing(project):
    with pytest.raises(
        ParamsError, match=r"min_per_class is 5; seed_size 0\.1, 10 picks, has room"
    ):
        draw_seed(project, 0.1, **{"select.min_per_class": 5})
    assert not SUBSET.exists()


def test_the_same_random_seed_gives_the_same_bytes_and_another_one_another_subset(project):
    first = draw_seed(project)
    content = SUBSET.read_bytes()
    assert draw_seed(project) == first
    assert SUBSET.read_bytes() == content
    assert draw_seed(project, random_seed=1) != first


@pytest.mark.parametrize("stratified", [False, True])
def test_the_same_samples_are_drawn_in_whatever_order_they_stand(project, stratified):
    before = draw_seed(project, **{"seed_subset.stratified": stratified})
    project.write_samples(project.sample_ids[::-1], project.targets_N[::-1])
    assert draw_seed(project) == [99 - row for row in before]


def test_the_include_list_comes_first_and_the_exclude_list_never(project):
    first, second = draw_seed(project)[:2]
    project.write_list("exclude", [project.sample_ids[first]])
    left_out = next(row for row in range(100) if row not in draw_seed(project))
    project.write_list("include", [project.sample_ids[left_out]])
    picks = draw_seed(project)
    assert picks[:2] == [left_out, second]
    assert first not in picks


def test_too_few_samples_after_exclusions_are_an_error(project):
    project.write_list("exclude", project.sample_ids[:50])
    with pytest.raises(ParamsError, match=r"seed_size 0\.6 asks for 60 picks; 50 samples"):
        draw_seed(project, 0.6)


@pytest.mark.parametrize(
    ("changes", "excluded", "says"),
    [
        (
            {},
            11,
            "the round 0.2 to 0.9 asks for 70 picks; 69 samples can be picked (lists/exclude",
        ),
        (
            {"select.outliers": {"fraction": 0.11}},
            0,
            "asks for 70 picks; 69 samples can be picked (select.outliers skips 11)",
        ),
        ({"compare.subsets": ["random-0.001"]}, 0, "has random-0.001; size 0.001 of 100 train sa"),
        (
            {"compare.subsets": ["full-matched-0.001"], "train_subset_model.length": {"epochs": 3}},
            0,
            "has full-matched-0.001; size 0.001 of 100 train samples is no pick",
        ),
        ({"compare.subsets": ["random-0.95"]}, 10, "has random-0.95, 95 picks; 90 can be had"),
        (
            {"select.outliers": "all_voters_disagree", "train_ensemble.members": 4},
            0,
            "all_voters_disagree with 4 voters and 3 classes; allowed are 2 to 3 voters",
        ),
    ],
)
def test_what_a_later_stage_would_trip_over_stops_this_one(project, changes, excluded, says):
    project.write_list("exclude", project.sample_ids[:excluded])
    with pytest.raises(ParamsError) as raised:
        draw_seed(project, **changes)
    assert says in str(raised.value)
    assert not SUBSET.exists()


def test_a_shrinking_round_that_outliers_leave_too_little_stops_this_stage(project):
    project.change(
        {
            "seed_size": 0.9,
            "rounds": [{"from": 0.9, "to": 0.8}],
            "compare.subsets": ["selected"],
            "select.min_per_class": 30,
            "select.outliers": {"fraction": 0.2},
        }
    )
    project.write_samples(project.sample_ids, np.arange(100) % 3)
    with pytest.raises(ParamsError) as raised:
        main("0.9", PREPARED, SUBSET.parent)
    assert str(raised.value) == (
        "params.yaml: the round 0.9 to 0.8 asks for 80 picks; 70 samples can be picked "
        "(select.outliers skips 20); and select.min_per_class is 30, which takes 90 "
        "picks for 3 classes; size 0.8 has 80"
    )


RACE = {"race.entrants": {"hardest": {}, "cut": {"outliers": {"fraction": 0.1}}}}


def growing(project, to, **changes):
    """Run the stage before a growing round that strategies race for; return what it says."""
    rounds = [{"from": 0.2, "to": to}]
    project.change({"seed_size": 0.2, "rounds": rounds, "race.holdout": 0.0, **RACE, **changes})
    with pytest.raises(ParamsError) as raised:
        main("0.2", PREPARED, SUBSET.parent)
    return str(raised.value).removeprefix("params.yaml: ")


def test_an_entrant_whose_outliers_leave_too_little_stops_this_stage(project):
    assert growing(project, 0.95) == (
        "the round 0.2 to 0.95 asks for 75 picks; 70 samples can be picked "
        "(race.entrants.cut.outliers skips 10)"
    )


def test_a_holdout_that_leaves_judged_proposals_too_little_stops_this_stage(project):
    project.write_list("exclude", project.sample_ids[:2])
    assert growing(project, 0.8, **{"race.holdout": 0.25}) == (
        "the round 0.2 to 0.8 asks for 60 picks; 53 samples can be picked (lists/exclude.csv "
        "excludes 2, race.holdout keeps 25); and the round 0.2 to 0.8 asks for 60 picks; 43 "
        "samples can be picked (lists/exclude.csv excludes 2, race.entrants.cut.outliers skips 10, "
        "race.holdout keeps 25)"
    )


def test_nothing_is_said_of_a_holdout_where_groups_fill_it(project):
    artifacts.save_groups(PREPARED, "train", ["all"] * 100)
    rounds = [{"from": 0.2, "to": 0.8}]
    project.change({"seed_size": 0.2, "rounds": rounds, "race.holdout": 0.25, **RACE})
    main("0.2", PREPARED, SUBSET.parent)


def test_from_everything_a_shrinking_round_loses_the_whole_holdout(project):
    race = {**RACE, "race.holdout": 0.3, "compare.subsets": ["selected"]}
    project.change({"seed_size": 1.0, "rounds": [{"from": 1.0, "to": 0.65}], **race})
    with pytest.raises(ParamsError) as raised:
        main("1.0", PREPARED, SUBSET.parent)
    assert str(raised.value) == (
        "params.yaml: the round 1.0 to 0.65 asks for 65 picks; 60 samples can be picked "
        "(race.entrants.cut.outliers skips 10, race.holdout keeps 30)"
    )
    project.change({"race.entrants": {"hardest": {}}})
    main("1.0", PREPARED, SUBSET.parent)


def test_an_entrants_own_minimum_stops_this_stage(project):
    entrants = {"hardest": {}, "even": {"min_per_class": 11}}
    assert growing(project, 0.3, **{"race.entrants": entrants}) == (
        "race.entrants.even.min_per_class is 11; class 'single' has 10 samples to pick; and "
        "race.entrants.even.min_per_class is 11, which takes 33 picks for 3 classes; size 0.3 has "
        "30"
    )


def test_an_entrants_voters_that_can_never_disagree_stop_this_stage(project):
    entrants = {"hardest": {}, "cut": {"outliers": "all_voters_disagree"}}
    said = growing(project, 0.3, **{"race.entrants": entrants, "train_ensemble.members": 4})
    assert said.startswith("race.entrants.cut.outliers is all_voters_disagree with 4 voters")


def test_a_shrinking_round_of_random_centres_alone_stops_this_stage(project):
    changes = {
        "seed_size": 0.5,
        "rounds": [{"from": 0.5, "to": 0.1}],
        "compare.subsets": ["selected"],
        "predict_pool.signals": ["features"],
        "select.rule": "k_centers",
        "select.k_centers_start": 10,
    }
    project.change(changes)
    with pytest.raises(ParamsError, match=r"k_centers_start is 10; it must be below the 10 picks"):
        main("0.5", PREPARED, SUBSET.parent)
    project.change({"select.k_centers_start": 9})
    main("0.5", PREPARED, SUBSET.parent)


def test_classes_without_a_pick_are_named_in_a_warning(project, capsys):
    common = np.flatnonzero(project.targets_N == 0)[:3]
    project.write_list("seed", [project.sample_ids[row] for row in common])
    draw_seed(project, 3)
    assert "2 of 3 classes have no sample in the subset: rare, single" in capsys.readouterr().err


# --- the user's own seed subset ------------------------------------------------------------------


def test_the_users_own_subset_is_taken_as_it_is(project):
    project.write_list("seed", ["050.png", "007.png", "030.png"])
    assert draw_seed(project, 3) == [50, 7, 30]


def test_the_users_own_subset_must_have_the_seed_size(project):
    project.write_list("seed", ["050.png", "007.png", "030.png"])
    with pytest.raises(ArtifactError, match=r"seed\.csv: names 3 samples; seed_size 0\.2 is 20"):
        draw_seed(project, 0.2)


def test_the_users_own_subset_must_hold_samples_of_the_train_split(project):
    project.write_list("seed", ["050.png", "nowhere.png", "007.png"])
    with pytest.raises(
        ArtifactError, match=r"seed\.csv: line 3 names nowhere\.png, which is in no"
    ):
        draw_seed(project, 3)


def test_the_users_own_subset_must_agree_with_the_other_lists(project):
    project.write_list("seed", ["050.png", "007.png", "030.png"])
    project.write_list("exclude", ["007.png"])
    with pytest.raises(ArtifactError, match=r"seed\.csv: names 007\.png, and so does .*exclude"):
        draw_seed(project, 3)
    project.write_list("exclude", [])
    project.write_list("include", ["008.png"])
    with pytest.raises(ArtifactError, match=r"seed\.csv: lacks 008\.png"):
        draw_seed(project, 3)


def test_draws_may_share_the_seed_subset(project):
    """A seed of its own decides it in place of that of the draw, whose trainings it leaves."""
    first = draw_seed(project, random_seed=3)
    assert draw_seed(project, random_seed=0) != first
    assert draw_seed(project, random_seed=0, **{"seed_subset.random_seed": 3}) == first
    assert draw_seed(project, random_seed=7, **{"seed_subset.random_seed": 3}) == first
