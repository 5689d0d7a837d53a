"""What races for a round's subset: proposals of all entrants, random subsets, samples held out."""

from pathlib import Path

import numpy as np
import pytest

from stages.select.__main__ import main
from stages.shared import artifacts
from stages.shared.choosing.sampling import unscored
from stages.shared.errors import ParamsError

PREPARED, SIGNALS, SCORES = Path("prepared"), Path("signals"), Path("scores")
DYNAMICS, GROUPS = Path("dynamics"), Path("near_duplicates")
OLD, NEW, ORDER = Path("subsets/old"), Path("proposals/new"), Path("orders/new")
OLD_ROWS = set(range(20))
ENTRANTS = {"hardest": {}, "cut": {"outliers": {"fraction": 0.1}}, "even": {"balanced": True}}


@pytest.fixture
def propose(project):
    """Run a round on the toy project, the first twenty rows chosen before; return what it wrote."""
    artifacts.save_subset(OLD / "seed-0.csv", unscored(np.arange(20)))
    artifacts.save_scores(SCORES / "seed-0.npy", np.arange(100.0))

    def run(start=0.2, size=0.4, **changes):
        rounds = [{"from": start, "to": size}]
        race = {"race.judges": 2, "race.random": 3, "race.entrants": ENTRANTS}
        project.change({"seed_size": start, "rounds": rounds, **race, **changes})
        main(str(start), str(size), PREPARED, SIGNALS, DYNAMICS, SCORES, OLD, GROUPS, NEW, ORDER)
        folder = NEW / "seed-0"
        return {
            str(path.relative_to(folder).with_suffix("")): project.load_subset(path)
            for path in sorted(folder.rglob("*.csv"))
        }

    return run


def rows(subset):
    return subset.index_P.tolist()


def test_each_entrant_proposes_what_its_settings_alone_would_select(propose, project):
    found = propose()
    assert list(found) == [*sorted(ENTRANTS), *(f"random-{place}" for place in range(6))]
    assert rows(found["hardest"])[20:] == list(range(99, 79, -1))
    assert rows(found["cut"])[20:] == list(range(89, 69, -1))
    for name, differs in ENTRANTS.items():
        alone = {f"select.{key}": value for key, value in differs.items()}
        back = {"select.outliers": {"fraction": 0.0}, "select.balanced": False}
        single = propose(**{"race.entrants": {}, **back, **alone})
        assert rows(single["top"]) == rows(found[name])
        project.change(back)


def test_the_order_is_that_of_select_itself(propose):
    propose(**{"select.order": "all"})
    assert artifacts.load_order(ORDER / "seed-0.npy", 100).tolist() == list(range(99, 19, -1))


def test_random_subsets_are_plain_draws_of_their_own(propose, project):
    found = propose()
    random = [found[f"random-{place}"] for place in range(6)]
    for subset in random:
        assert len(set(rows(subset))) == 40
        assert not set(rows(subset)) >= OLD_ROWS
        assert set(subset.round_P.tolist()) == {1}
        assert np.isnan(subset.score_P).all()
    assert len({tuple(rows(subset)) for subset in random}) == 6
    assert rows(propose(random_seed=0)["random-3"]) == rows(random[3])
    project.write_list("include", ["005.png"])
    project.write_list("exclude", ["007.png", "099.png"])
    bound = propose(**{"select.balanced": True, "select.min_per_class": 4})
    for place in range(6):
        picks = rows(bound[f"random-{place}"])
        assert 5 in picks
        assert not {7, 99} & set(picks)
        assert project.count_classes(picks) == pytest.approx([24, 12, 4], abs=1)


def test_a_random_subset_may_have_more_picks_than_there_are_samples(propose):
    found = propose(20, 110, **{"select.candidates": "all", "race.entrants": {"hardest": {}}})
    assert len(found["random-0"]) == 110
    assert len(set(rows(found["random-0"]))) == 100


def test_no_judged_proposal_holds_what_is_held_out(propose, project):
    project.write_list("exclude", ["050.png"])
    found = propose(**{"race.holdout": 0.25})
    held_out = set(artifacts.load_order(NEW / "seed-0/held_out.npy", 100).tolist())
    assert len(held_out) == 25
    assert not held_out & (OLD_ROWS | {50})
    judged = [name for name in found if name.startswith(("judged/", "random-"))]
    assert len(judged) == 3 + 6
    for name in judged:
        assert not held_out & set(rows(found[name])), name
        assert len(found[name]) == 40
    best = [row for row in range(99, 19, -1) if row not in held_out | {50}]
    assert rows(found["judged/hardest"])[20:] == best[:20]
    assert rows(found["hardest"])[20:] == list(range(99, 79, -1))  # the winner's: from all
    again = propose(**{"race.holdout": 0.1})
    fewer = set(artifacts.load_order(NEW / "seed-0/held_out.npy", 100).tolist())
    assert fewer < held_out
    assert rows(again["hardest"]) == rows(found["hardest"])


def test_groups_are_held_out_whole_and_never_where_the_subset_has_one_of_them(propose):
    """Of groups of eight rows, of which the first three hold a row of the first subset."""
    artifacts.save_groups(PREPARED, "train", [f"video {row // 8}" for row in range(100)])
    propose(**{"race.holdout": 0.25})
    held_out = artifacts.load_order(NEW / "seed-0/held_out.npy", 100)
    assert len(held_out) in (20, 24)  # the last group has four
    assert set(np.bincount(held_out // 8).tolist()) <= {0, 8, 4}
    assert held_out.min() >= 24


def test_a_group_that_is_too_large_leaves_room_for_others(propose):
    """Of 80 rows that are not taken 70 are one group, the others stand alone."""
    names = ["video" if row >= 30 else f"frame {row}" for row in range(100)]
    artifacts.save_groups(PREPARED, "train", names)
    propose(**{"race.holdout": 0.1})
    held_out = artifacts.load_order(NEW / "seed-0/held_out.npy", 100).tolist()
    assert held_out == list(range(20, 30))


@pytest.mark.parametrize("rule", ["stratified", "mixed"])
def test_draws_with_one_first_subset_choose_by_chance_of_their_own(propose, rule):
    artifacts.save_scores(SCORES / "seed-0.npy", np.zeros(100))
    chosen = []
    for seed in (0, 1):
        for folder in (OLD, SCORES):
            for path in folder.glob("seed-*"):
                path.rename(path.with_stem(f"seed-{seed}"))
        settings = {"race.entrants": {}, "random_seed": seed, "seed_subset.random_seed": 0}
        propose(**settings, **{"select.rule": rule})
        [path] = NEW.glob(f"seed-{seed}/*.csv")
        chosen.append(set(artifacts.load_subset(path, 100).index_P.tolist()) - OLD_ROWS)
    first, second = chosen
    assert len(first) == len(second) == 20
    assert len(first & second) < 15


def test_a_holdout_of_groups_that_leaves_an_entrant_too_little_is_named(propose):
    """How groups fill it nobody knows before; all else is refused before anything is trained."""
    artifacts.save_groups(PREPARED, "train", [*map(str, range(100))])
    with pytest.raises(ParamsError) as raised:
        propose(size=0.8, **{"race.holdout": 0.25, "race.entrants": {"hardest": {}}})
    assert str(raised.value) == (
        "params.yaml: the round to 0.8 asks for 60 picks; 55 samples can be picked beside the 25 "
        "of race.holdout"
    )
