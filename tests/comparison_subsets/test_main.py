"""The stage: what the target models are trained on."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from stages.comparison_subsets.__main__ import main
from stages.seed_subset.__main__ import main as draw_seed
from stages.shared import artifacts
from stages.shared.artifacts import Subset
from stages.shared.artifacts.subsets import AS_LONG_AS, load_as_long_as
from stages.shared.errors import ArtifactError, ParamsError
from stages.shared.samples.randomness import permutation_by_id
from stages.shared.settings.params import load_params

PREPARED, SEED, LAST = Path("prepared"), Path("subsets/seed"), Path("subsets")
BALANCED = {"select.balanced": True}


class Comparing:
    """The stage on the toy project, after a seed subset of 20 and a last subset of 50 picks."""

    def __init__(self, project):
        self.project = project
        self.selected = list(range(49, -1, -1))
        self.size = 0.5

    def run(self, *names, **changes):
        """Run the stage and return the subset of each name."""
        rounds = [{"from": 0.2, "to": self.size}]
        if isinstance(self.size, int):
            rounds, changes = [{"from": 20, "to": self.size}], {"seed_size": 20, **changes}
        self.project.change({"rounds": rounds, "compare.subsets": list(names), **changes})
        index_P = np.array(self.selected, dtype=np.int64)
        self.last = Subset(index_P, np.ones_like(index_P), index_P / 7)
        path = LAST / str(self.size) / f"{load_params().draw}.csv"
        artifacts.save_subset(path, self.last)
        main(str(self.size), PREPARED, LAST, Path("comparison"))
        return {
            name: self.project.load_subset(f"comparison/{name}/{load_params().draw}.csv")
            for name in names
        }

    def rows(self, name, **changes):
        """Run the stage for one subset and return its rows."""
        return self.run(name, **changes)[name].index_P.tolist()

    def seed(self):
        """Draw the seed subset and return its rows."""
        draw_seed("0.2", PREPARED, SEED)
        return self.project.load_subset(SEED / "seed-0.csv").index_P.tolist()


@pytest.fixture
def compare(project):
    return Comparing(project)


def test_exactly_the_named_subsets_are_written(compare):
    Path("comparison").mkdir()
    Path("comparison/left-over.csv").touch()
    compare.run("selected", "full")
    assert sorted(path.name for path in Path("comparison").iterdir()) == ["full", "selected"]


def test_selected_is_the_last_rounds_file(compare):
    compare.run("selected")
    assert (
        Path("comparison/selected/seed-0.csv").read_bytes()
        == (LAST / "0.5/seed-0.csv").read_bytes()
    )


def test_full_is_every_row_once_in_order(compare):
    assert compare.rows("full") == list(range(100))


def test_matched_subsets_are_everything_for_the_updates_of_a_size(compare):
    names = ["full-matched", "full-matched-0.3", "full"]
    found = compare.run(*names, **{"train_subset_model.length": {"epochs": 4}})
    assert all(one.index_P.tolist() == list(range(100)) for one in found.values())
    picks = [load_as_long_as(Path("comparison") / name) for name in names]
    assert picks == [50, 30, None]


def test_everything_is_what_may_be_picked(compare):
    """Without the exclude list, for as many updates as before; the include list changes nothing."""
    compare.project.write_list("exclude", [compare.project.sample_ids[row] for row in (3, 98)])
    compare.project.write_list("include", [compare.project.sample_ids[50]])
    compare.selected = [row for row in range(52) if row not in {3, 50}]
    names = ["full", "full-matched", "full-matched-0.3"]
    found = compare.run(*names, **{"train_subset_model.length": {"epochs": 4}})
    allowed = [row for row in range(100) if row not in {3, 98}]
    assert all(one.index_P.tolist() == allowed for one in found.values())
    picks = [load_as_long_as(Path("comparison") / name) for name in names]
    assert picks == [None, 50, 30]


@pytest.mark.parametrize("content", ['{"picks": 0}', '{"picks": "3"}', "{}"])
def test_a_damaged_number_of_picks_is_an_error(tmp_path, content):
    (tmp_path / AS_LONG_AS).write_text(content)
    with pytest.raises(ArtifactError, match="it must be a whole number from 1"):
        load_as_long_as(tmp_path)


def test_random_is_the_first_part_of_the_permutation(compare):
    expected = permutation_by_id(compare.project.sample_ids, 0, "permutation")[:50]
    assert compare.rows("random") == expected.tolist()


def test_random_and_full_have_round_0_and_no_score(compare):
    for subset in compare.run("random", "full").values():
        assert not subset.round_P.any()
        assert np.all(np.isnan(subset.score_P))


def test_a_size_in_a_name_is_the_first_part(compare):
    found = compare.run("selected", "selected-0.3", "random", "random-0.3", "random-0.8")
    assert (
        Path("comparison/selected-0.3/seed-0.csv").read_text()
        in Path("comparison/selected/seed-0.csv").read_text()
    )
    assert found["selected-0.3"].index_P.tolist() == compare.selected[:30]
    assert found["random-0.3"].index_P.tolist() == found["random"].index_P.tolist()[:30]
    assert found["random-0.8"].index_P.tolist()[:50] == found["random"].index_P.tolist()


@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize("minimum", [0, 2])
def test_random_shares_the_seed_subset(compare, stratified, minimum):
    compare.project.write_list("include", ["042.png"])
    changes = {"seed_subset.stratified": stratified, "select.min_per_class": minimum}
    compare.project.change(changes)
    seed = compare.seed()
    assert compare.rows("random")[:20] == compare.rows("random-0.2") == seed


def test_balanced_random_subsets_are_nested_share_the_seed_and_are_in_proportion(compare):
    found = compare.run("random-0.1", "random-0.2", "random", "random-1.0", **BALANCED)
    rows = [subset.index_P.tolist() for subset in found.values()]
    assert [compare.project.count_classes(picks) for picks in (rows[0], rows[2], rows[3])] == [
        [6, 3, 1],
        [30, 15, 5],
        [60, 30, 10],
    ]
    assert all(larger[: len(smaller)] == smaller for smaller, larger in pairwise(rows))
    assert sorted(rows[1]) == sorted(compare.seed())


def test_a_random_subset_that_a_shrinking_round_is_compared_with_is_balanced_like_it(compare):
    compare.project.change({"seed_size": 1.0})
    compare.project.change({"rounds": [{"from": 1.0, "to": 0.5}], "compare.subsets": ["random"]})
    compare.project.change(BALANCED)
    artifacts.save_subset(
        LAST / "0.5/seed-0.csv", Subset(np.arange(50), np.ones(50, np.int64), np.zeros(50))
    )
    main("0.5", PREPARED, LAST, Path("comparison"))
    picks = compare.project.load_subset("comparison/random/seed-0.csv").index_P
    assert compare.project.count_classes(picks) == [30, 15, 5]


def test_random_holds_the_include_list_and_nothing_of_the_exclude_list(compare):
    before = compare.rows("random")
    included = next(row for row in range(100) if row not in before)
    compare.project.write_list("include", [compare.project.sample_ids[included]])
    compare.project.write_list("exclude", [compare.project.sample_ids[before[3]]])
    picks = compare.rows("random")
    assert picks[0] == included
    assert before[3] not in picks
    assert len(set(picks)) == 50


def test_random_starts_from_the_users_own_seed_subset(compare):
    own = list(range(60, 80))
    compare.project.write_list("seed", [compare.project.sample_ids[row] for row in own])
    picks = compare.rows("random", **{"select.min_per_class": 4})
    assert sorted(picks[:20]) == own
    assert len(set(picks)) == 50
    assert min(compare.project.count_classes(picks)) >= 4


def test_random_is_another_one_for_another_random_seed_and_the_same_bytes_for_the_same(compare):
    first = compare.rows("random")
    content = Path("comparison/random/seed-0.csv").read_bytes()
    assert compare.rows("random") == first
    assert Path("comparison/random/seed-0.csv").read_bytes() == content
    assert compare.rows("random", random_seed=1) != first


# --- subsets with duplicates ---------------------------------------------------------------------


def test_random_has_as_many_picks_and_random_unique_as_many_samples(compare):
    compare.selected = [*range(30), *range(20)]
    found = compare.run("random", "random-unique", **{"select.candidates": "all"})
    assert len(np.unique(found["random"].index_P)) == 50
    assert np.array_equal(found["random-unique"].index_P, found["random"].index_P[:30])


def test_random_goes_through_its_order_again_when_there_are_more_picks_than_samples(compare):
    compare.size = 120
    compare.selected = [*range(100), *range(20)]
    picks = compare.rows("random", **{"select.candidates": "all"})
    assert sorted(picks[:100]) == list(range(100))
    assert picks[100:] == picks[:20]


def test_a_size_that_the_last_subset_does_not_contain_is_an_error(compare):
    compare.selected = list(range(40))
    with pytest.raises(ParamsError, match=r"selected-0\.45, 45 picks; .* subset has 40"):
        compare.run("selected-0.45")


def test_a_random_size_beyond_the_allowed_samples_is_an_error_and_writes_nothing(compare):
    compare.project.write_list("exclude", compare.project.sample_ids[70:])
    with pytest.raises(ParamsError, match=r"random-0\.8, 80 picks; 70 can be had"):
        compare.run("random", "random-0.8")
    assert not Path("comparison").exists()


def test_random_subsets_go_on_differently_from_a_seed_subset_that_draws_share(compare):
    shared = {"seed_subset.random_seed": 3}
    first = compare.rows("random", random_seed=0, **shared)
    other = compare.rows("random", random_seed=1, **shared)

    assert set(first[:20]) == set(other[:20])
    assert set(first[20:]) != set(other[20:])


def test_a_rounds_size_is_that_rounds_subset_and_another_a_first_part_of_the_last(compare):
    """After a race a later subset need not begin with an earlier one."""
    own = Subset(np.arange(60, 90), np.ones(30, np.int64), np.zeros(30))
    artifacts.save_subset(LAST / "0.3/seed-0.csv", own)
    rounds = [{"from": 0.2, "to": 0.3}, {"from": 0.3, "to": 0.5}]
    last = Subset(np.arange(50), np.ones(50, np.int64), np.zeros(50))
    artifacts.save_subset(LAST / "0.5/seed-0.csv", last)
    names = ["selected-0.3", "selected-0.4"]
    compare.project.change({"rounds": rounds, "compare.subsets": names})
    main("0.5", PREPARED, LAST, Path("comparison"))
    found = [
        compare.project.load_subset(f"comparison/selected-{size}/seed-0.csv").index_P.tolist()
        for size in (0.3, 0.4)
    ]
    assert found == [list(range(60, 90)), list(range(40))]
