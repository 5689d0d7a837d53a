"""The stage: a subset and scores in, the round's new subset out."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from stages.seed_subset.__main__ import main as draw_seed
from stages.select.__main__ import main
from stages.shared import artifacts
from stages.shared.choosing.sampling import unscored
from stages.shared.errors import ArtifactError, ParamsError
from stages.shared.samples.randomness import uniform_by_id
from stages.shared.settings.menu import NEED_FEATURES
from stages.shared.settings.params import load_params

PREPARED, SIGNALS, SCORES = Path("prepared"), Path("signals"), Path("scores")
DYNAMICS, GROUPS = Path("dynamics"), Path("near_duplicates")
OLD, NEW = Path("subsets/old"), Path("proposals/new")
ORDER = Path("orders/new")
OLD_ROWS = list(range(20))
# One that reads nothing but scores, one with labels and one with features, and two that draw.
DIFFERENT = ["beta", "k_centers", "message_passing", "mixed", "proportional", "top"]


def chosen(draw="seed-0"):
    """Return the only proposal."""
    [path] = (NEW / draw).iterdir()
    return path


class SelectRound:
    """One round on the toy project: the subset of the first twenty rows, and random scores."""

    def __init__(self, project):
        self.project = project
        self.score_N = np.random.default_rng(5).random(100)
        self.old = OLD_ROWS
        self.features_ND = None
        self.label_probability_N = np.full(100, 0.5, dtype=np.float32)
        self.dynamics = artifacts.no_dynamics()

    def run(self, size=0.5, start=0.2, **changes):
        """Run the stage and return the new subset."""
        rounds = [{"from": start, "to": size}]
        self.project.change({"seed_size": start, "rounds": rounds, **changes})
        draw = load_params().draw
        old = unscored(np.array(self.old, dtype=np.int64))
        artifacts.save_subset(OLD / f"{draw}.csv", old)
        artifacts.save_scores(SCORES / f"{draw}.npy", self.score_N)
        if self.features_ND is not None:
            artifacts.save_array(SIGNALS / draw / "features_ND.npy", self.features_ND)
        signal = SIGNALS / draw / "label_probability_N.npy"
        artifacts.save_array(signal, self.label_probability_N)
        artifacts.save_dynamics(DYNAMICS / draw, self.dynamics)
        artifacts.save_targets(PREPARED, "validation", np.array([0, 0, 0, 0, 1, 1]))
        predicted_V = np.array([0, 0, 0, 0, 0, 1], dtype=np.int16)
        artifacts.save_array(SIGNALS / draw / "validation_predicted_V.npy", predicted_V)
        main(str(start), str(size), PREPARED, SIGNALS, DYNAMICS, SCORES, OLD, GROUPS, NEW, ORDER)
        return self.project.load_subset(chosen(draw))

    def picks(self, *sizes, **changes):
        """Run the stage and return the rows of the new subset."""
        return self.run(*sizes, **changes).index_P.tolist()

    def by_rule(self, rule, *sizes, **changes):
        """Run the stage with a selection rule and return the rows of the new subset."""
        signals = ["features"] if rule in NEED_FEATURES else []
        changes = {"select.rule": rule, "predict_pool.signals": signals, **changes}
        return self.picks(*sizes, **changes)

    def order(self):
        """Return the rows of the candidates in the order that the stage wrote last."""
        return artifacts.load_order(ORDER / "seed-0.npy", len(self.project.sample_ids)).tolist()

    def write_clusters(self):
        """Let the features be ten far clusters of ten samples, whatever their class."""
        rng = np.random.default_rng(6)
        centre_N1 = 100 * (np.arange(100)[:, None] % 10)
        self.features_ND = (centre_N1 + rng.normal(size=(100, 4))).astype(np.float32)

    def best(self, rows):
        """Return these rows, best score first."""
        return sorted(rows, key=lambda row: -self.score_N[row])


@pytest.fixture
def select(project):
    return SelectRound(project)


# --- growing rounds ------------------------------------------------------------------------------


def test_a_growing_round_keeps_the_subset_and_appends_the_best_of_the_rest(select):
    assert select.picks(0.5) == OLD_ROWS + select.best(range(20, 100))[:30]


def test_new_picks_have_the_number_of_the_round_and_their_score(select):
    subset = select.run(0.5)
    assert subset.round_P.tolist() == [0] * 20 + [1] * 30
    assert np.all(np.isnan(subset.score_P[:20]))
    assert np.array_equal(subset.score_P[20:], select.score_N[subset.index_P[20:]])


def test_a_second_round_counts_on(select):
    select.run(0.5)
    rounds = [{"from": 0.2, "to": 0.5}, {"from": 0.5, "to": 0.8}]
    select.project.change({"rounds": rounds})
    third = Path("proposals/third")
    (second := Path("subsets/second")).mkdir()
    shutil.copy(chosen(), second / "seed-0.csv")
    main("0.5", "0.8", PREPARED, SIGNALS, DYNAMICS, SCORES, second, GROUPS, third, ORDER)
    before, after = (
        select.project.load_subset(chosen()),
        select.project.load_subset(third / "seed-0/top.csv"),
    )
    assert after.round_P.tolist() == [0] * 20 + [1] * 30 + [2] * 30
    assert np.array_equal(after.index_P[:50], before.index_P)
    assert np.array_equal(after.score_P[20:50], before.score_P[20:50])


def test_all_samples_compete_again_when_asked_to(select):
    select.score_N[[3, 4]] = [9.0, 8.0]
    picks = select.picks(0.5, **{"select.candidates": "all"})
    assert picks == OLD_ROWS + select.best(range(100))[:30]
    assert picks[20:22] == [3, 4]


def test_a_round_adds_a_sample_at_most_once_and_a_subset_may_exceed_the_train_split(select):
    picks = select.picks(110, 20, **{"select.candidates": "all"})
    assert len(picks) == 110
    assert len(set(picks[20:])) == 90


def test_a_round_cannot_add_more_than_there_are_samples(select):
    with pytest.raises(ParamsError, match="round 20 to 121 asks for 101 picks; 100 samples can"):
        select.picks(121, 20, **{"select.candidates": "all"})


# --- shrinking rounds ----------------------------------------------------------------------------


def test_a_shrinking_round_keeps_the_best_of_the_subset_best_first(select):
    select.old = list(range(100))
    subset = select.run(0.3, 1.0)
    assert subset.index_P.tolist() == select.best(range(100))[:30]
    assert subset.round_P.tolist() == [1] * 30
    assert np.array_equal(subset.score_P, select.score_N[subset.index_P])


def test_a_shrinking_round_chooses_from_the_subset_alone_whatever_candidates_says(select):
    for candidates in ("remaining", "all"):
        picks = select.picks(0.1, 0.2, **{"select.candidates": candidates})
        assert picks == select.best(OLD_ROWS)[:10]


def test_a_sample_that_stands_twice_in_the_subset_may_be_kept_twice(select):
    select.old = [*range(10), *range(10)]
    best = select.best(range(10))
    twice = {"select.candidates": "all"}
    assert select.picks(5, 20, **twice) == [best[0], best[0], best[1], best[1], best[2]]


def test_a_shrinking_round_keeps_the_include_list(select):
    worst = select.best(OLD_ROWS)[-1]
    select.project.write_list("include", [select.project.sample_ids[worst]])
    assert select.picks(0.1, 0.2) == [worst, *select.best(OLD_ROWS)[:9]]


# --- ties ----------------------------------------------------------------------------------------


def test_identical_scores_are_decided_by_the_random_numbers_of_the_round(select):
    select.score_N = np.zeros(100)
    tie_N = uniform_by_id(select.project.sample_ids, 0, "ties", 1)
    expected = sorted(range(20, 100), key=lambda row: tie_N[row])[:30]
    assert select.picks(0.5) == OLD_ROWS + expected
    assert len(set(expected)) == 30


@pytest.mark.parametrize("changes", [{}, {"balanced": True, "outliers": {"fraction": 0.1}}])
def test_a_permuted_train_split_gives_the_permuted_subset(select, changes):
    changes = {f"select.{key}": value for key, value in changes.items()}
    select.score_N = np.round(select.score_N, 1)  # many ties
    before = select.picks(0.5, **changes)
    select.project.write_samples(select.project.sample_ids[::-1], select.project.targets_N[::-1])
    select.score_N, select.old = select.score_N[::-1], [99 - row for row in OLD_ROWS]
    assert select.picks(0.5, **changes) == [99 - row for row in before]


# --- rules ---------------------------------------------------------------------------------------


def farthest_first(features_ND, centres, candidates, count):
    """Return the rows that greedy k-centers picks, by its definition."""
    picks = []
    for _ in range(count):
        distance_KP = cdist(features_ND[candidates], features_ND[[*centres, *picks]])
        picks.append(candidates[distance_KP.min(axis=1).argmax()])
    return picks


def test_k_centers_grows_a_subset_by_what_is_farthest_from_it_whatever_the_scores(select):
    select.features_ND = np.random.default_rng(7).normal(size=(100, 3)).astype(np.float32)
    expected = farthest_first(select.features_ND, OLD_ROWS, list(range(20, 100)), 30)
    assert select.by_rule("k_centers", 0.5) == OLD_ROWS + expected
    subset = select.project.load_subset(chosen())
    assert np.array_equal(subset.score_P[20:], select.score_N[expected])


def test_k_centers_shrinks_a_subset_from_random_samples_that_count(select):
    select.features_ND = np.random.default_rng(7).normal(size=(100, 3)).astype(np.float32)
    select.old = list(range(100))
    tie_N = uniform_by_id(select.project.sample_ids, 0, "ties", 1)
    start = np.argsort(tie_N)[:12].tolist()
    expected = farthest_first(select.features_ND, start, list(range(100)), 18)
    changes = {"select.k_centers_start": 12}
    assert select.by_rule("k_centers", 0.3, 1.0, **changes) == start + expected
    # One order serves every budget.
    assert select.by_rule("k_centers", 0.2, 1.0, **changes) == (start + expected)[:20]


def test_a_sample_that_stands_twice_is_kept_twice_only_when_every_other_is(select):
    select.write_clusters()
    select.old = [*range(10), *range(10)]
    changes = {"select.k_centers_start": 0, "select.candidates": "all"}
    picks = select.by_rule("k_centers", 12, 20, **changes)
    assert sorted(picks[:10]) == list(range(10))
    assert len(picks) == 12


def test_a_balanced_round_obeys_the_classes_first_and_the_rule_within_each(select):
    select.write_clusters()
    select.old = list(range(100))
    for rule in DIFFERENT:
        settings = {"select.balanced": True, "select.k_centers_start": 10}
        picks = select.by_rule(rule, 0.5, 1.0, **settings)
        assert select.project.count_classes(picks) == [30, 15, 5]
        assert len(set(picks)) == 50


# So long is an order by itself of 80 candidates, of which 30 are picked.
ENDS = {
    "facility_location": 30,
    "k_centers": 30,
    "message_passing": 30,
    "proportional": 80,
    "top": 80,
    "uncertainty_herding": 30,
}


@pytest.mark.parametrize(("rule", "length"), ENDS.items())
def test_an_order_of_all_holds_every_candidate_and_changes_no_pick(select, rule, length):
    select.write_clusters()
    picks = select.by_rule(rule)
    first = select.order()
    assert select.by_rule(rule, **{"select.order": "all"}) == picks
    assert sorted(select.order()) == list(range(20, 100))
    assert select.order()[: len(first)] == first
    assert first[:30] == picks[20:]
    assert len(first) == length


def test_the_order_of_top_is_that_of_the_scores_ties_by_the_random_numbers_of_the_round(select):
    select.score_N = np.arange(100.0) // 10
    tie_N = uniform_by_id(select.project.sample_ids, 0, "ties", 1)
    select.picks(0.5, **{"select.order": "all"})
    expected = sorted(range(20, 100), key=lambda row: (-select.score_N[row], tie_N[row]))
    assert select.order() == expected


def test_the_order_is_that_of_the_rule_before_classes_and_lists_have_their_say(select):
    names = select.project.sample_ids
    worst, best = select.best(range(20, 100))[-1], select.best(range(20, 100))[0]
    select.project.write_list("include", [names[worst]])
    select.project.write_list("exclude", [names[best]])
    picks = select.picks(0.5, **{"select.balanced": True})
    assert select.order() == select.best(range(20, 100))[1:]
    assert worst in picks
    assert select.project.count_classes(picks) == [30, 15, 5]


def test_a_sample_that_competes_twice_stands_twice_in_the_order(select):
    select.old = [*range(10), *range(10)]
    select.picks(5, 20, **{"select.order": "all", "select.candidates": "all"})
    assert select.order() == [row for row in select.best(range(10)) for _ in range(2)]


def test_outliers_are_no_candidates_of_any_rule(select):
    select.write_clusters()
    outliers = select.best(range(20, 100))[:10]
    for rule in DIFFERENT:
        picks = select.by_rule(rule, 0.9, **{"select.outliers": {"fraction": 0.1}})
        assert sorted(picks) == sorted({*range(100)} - {*outliers})


def test_proportional_draws_by_numbers_of_the_random_seed_that_decide_no_ties(select):
    select.score_N = np.ones(100)
    picks = select.by_rule("proportional", 0.5)
    assert select.by_rule("top", 0.5) != picks
    assert select.by_rule("proportional", 0.5, random_seed=1) != picks


def test_beta_goes_by_what_training_showed_where_the_members_saw_every_candidate(select):
    """Else by what the ensemble says of a sample."""
    select.score_N = np.ones(100)
    select.label_probability_N[:50], select.label_probability_N[50:] = 0.01, 0.99
    shown = np.where(np.arange(100) < 50, 0.99, 0.1).astype(np.float32)
    select.dynamics = replace(
        select.dynamics,
        row_R=np.arange(100),
        label_probability_MR=np.stack([shown - 0.05, shown + 0.005]),
        forgetting_events_MR=np.zeros((2, 100), np.int32),
        **{name: np.zeros((2, 100), np.float32) for name in ("aum_MR", "el2n_MR", "dual_MR")},
    )
    select.old = list(range(100))
    assert {row < 50 for row in select.by_rule("beta", 0.2, 1.0)} == {True}
    select.dynamics = artifacts.no_dynamics()
    assert {row >= 50 for row in select.by_rule("beta", 0.2, 1.0)} == {True}
    select.old = OLD_ROWS
    assert {row >= 50 for row in select.by_rule("beta", 0.3)[20:]} == {True}


def test_quotas_of_the_classes_follow_the_recall_on_validation(select):
    select.project.write_samples(select.project.sample_ids, np.arange(100) % 3)
    select.old = list(range(100))
    picks = select.by_rule("class_quotas", 0.4, 1.0)
    # Right 5 of 6, 2 of 4 and 1 of 2, as if once more right and once wrong: 1/6, 1/2 and 1/2.
    counts = select.project.count_classes(picks)
    assert counts[0] in {5, 6}
    assert sum(counts) == 40
    assert abs(counts[1] - counts[2]) <= 1


@pytest.mark.parametrize("rule", DIFFERENT)
def test_samples_that_are_all_alike_are_picked_once_and_by_the_random_seed(select, rule):
    select.score_N = np.zeros(100)
    select.features_ND = np.full((100, 3), 0.1, dtype=np.float32)
    first = select.by_rule(rule, 0.5)
    content = chosen().read_bytes()
    assert len(set(first)) == 50
    assert select.by_rule(rule, 0.5) == first
    assert chosen().read_bytes() == content
    assert select.by_rule(rule, 0.5, random_seed=1) != first


@pytest.mark.parametrize("rule", DIFFERENT)
def test_every_rule_gives_the_permuted_subset_for_a_permuted_train_split(select, rule):
    select.score_N = np.round(select.score_N, 1)  # many ties
    select.features_ND = np.round(select.score_N)[:, None].astype(np.float32)
    before = select.by_rule(rule, 0.5)
    select.project.write_samples(select.project.sample_ids[::-1], select.project.targets_N[::-1])
    select.score_N, select.features_ND = select.score_N[::-1], select.features_ND[::-1]
    select.old = [99 - row for row in OLD_ROWS]
    assert select.by_rule(rule, 0.5) == [99 - row for row in before]


@pytest.mark.parametrize("rule", NEED_FEATURES)
def test_features_that_are_missing_stop_the_stage_and_say_what_to_set(select, rule):
    with pytest.raises(ArtifactError, match=r"features_ND\.npy: .*predict_pool\.signals"):
        select.by_rule(rule, 0.5)


def test_more_picks_than_candidates_are_an_error_for_every_rule(select):
    select.write_clusters()
    for rule in DIFFERENT:
        with pytest.raises(
            ParamsError, match=r"round 0\.2 to 0\.5 asks for 30 picks; 20 samples can"
        ):
            select.by_rule(rule, 0.5, **{"select.outliers": {"fraction": 0.6}})


# --- outliers ------------------------------------------------------------------------------------


def test_the_highest_scored_candidates_are_skipped(select):
    picks = select.picks(0.5, **{"select.outliers": {"fraction": 0.125}})
    assert picks == OLD_ROWS + select.best(range(20, 100))[12:42]


def test_outliers_of_a_shrinking_round_are_those_of_the_subset(select):
    picks = select.picks(0.1, 0.2, **{"select.outliers": {"fraction": 0.05}})
    assert picks == select.best(OLD_ROWS)[5:15]


def test_outliers_are_counted_among_samples_that_are_not_excluded(select):
    best = select.best(range(20, 100))
    select.project.write_list("exclude", [select.project.sample_ids[best[0]]])
    picks = select.picks(0.5, **{"select.outliers": {"fraction": 0.02}})
    assert picks == OLD_ROWS + best[3:33]


def test_an_included_sample_is_no_outlier(select):
    best = select.best(OLD_ROWS)
    select.project.write_list("include", [select.project.sample_ids[best[0]]])
    picks = select.picks(0.1, 0.2, **{"select.outliers": {"fraction": 0.05}})
    assert picks == [best[0], *best[5:14]]


def test_samples_on_which_all_voters_disagree_are_skipped(select):
    votes_MN = np.zeros((2, 100), dtype=np.int16)
    best = select.best(range(20, 100))
    votes_MN[1, best[:5]] = 2
    artifacts.save_array(SIGNALS / "seed-0/votes_MN.npy", votes_MN)
    changes = {"select.outliers": "all_voters_disagree", "train_ensemble.members": 2}
    assert select.picks(0.5, **changes) == OLD_ROWS + best[5:35]


# --- classes and lists ---------------------------------------------------------------------------


def test_a_balanced_round_brings_the_subset_to_the_proportions_of_train(select):
    select.old = np.flatnonzero(select.project.targets_N == 0)[:20].tolist()
    picks = select.picks(0.5, **{"select.balanced": True})
    assert select.project.count_classes(picks) == [30, 15, 5]
    for number in range(3):
        of_class = [row for row in range(100) if select.project.targets_N[row] == number]
        chosen = [row for row in picks[20:] if row in of_class]
        rest = [row for row in of_class if row not in select.old]
        assert chosen == select.best(rest)[: len(chosen)]


def test_a_least_number_of_each_class_is_kept(select):
    select.score_N[select.project.targets_N == 2] = -1.0  # the rare class is never preferred
    select.old = list(range(100))
    assert select.project.count_classes(select.picks(0.5, 1.0))[2] == 0
    counts = select.project.count_classes(select.picks(0.5, 1.0, **{"select.min_per_class": 4}))
    assert counts[2] == 4
    assert sum(counts) == 50


def test_a_least_number_that_cannot_be_had_is_an_error_and_writes_nothing(select):
    select.old = np.flatnonzero(select.project.targets_N < 2)[:20].tolist()
    with pytest.raises(ParamsError, match=r"min_per_class is 2; .* 0 of class 'single'"):
        select.picks(0.1, 0.2, **{"select.min_per_class": 2})
    assert not NEW.exists()


@pytest.mark.parametrize("rule", DIFFERENT)
def test_every_rule_obeys_the_lists_and_the_least_number_of_each_class(select, rule):
    select.write_clusters()
    names, best = select.project.sample_ids, select.best(range(100))
    select.project.write_list("include", [names[best[-1]]])
    select.project.write_list("exclude", [names[row] for row in best[:5]])
    select.score_N[select.project.targets_N == 2] /= 100  # the rare class is hardly preferred
    select.old = list(range(100))
    changes = {"select.min_per_class": 4, "select.k_centers_start": 10}
    picks = select.by_rule(rule, 0.3, 1.0, **changes)
    assert len(picks) == len({*picks}) == 30
    assert best[-1] in picks
    assert not {*best[:5]} & {*picks}
    assert select.project.count_classes(picks)[2] >= 4


def test_an_excluded_sample_is_never_selected(select):
    best = select.best(range(20, 100))
    select.project.write_list("exclude", [select.project.sample_ids[row] for row in best[:10]])
    assert select.picks(0.5) == OLD_ROWS + best[10:40]
    excluded = {*best[:10]}
    picks = select.picks(0.5, **{"select.candidates": "all"})
    assert picks == OLD_ROWS + select.best({*range(100)} - excluded)[:30]


def test_an_included_sample_of_the_subset_is_not_added_again(select):
    select.score_N[0] = -1.0
    select.project.write_list("include", [select.project.sample_ids[0]])
    picks = select.picks(0.5, **{"select.candidates": "all"})
    assert picks.count(0) == 1


def test_the_subset_may_stem_from_the_stage_before(select):
    select.project.change({"seed_size": 0.2})
    draw_seed("0.2", PREPARED, Path("subsets/drawn"))
    select.old = select.project.load_subset("subsets/drawn/seed-0.csv").index_P.tolist()
    rest = [row for row in range(100) if row not in select.old]
    assert select.picks(0.5) == select.old + select.best(rest)[:30]


def test_classes_without_a_pick_are_named_in_a_warning(select, capsys):
    select.old = np.flatnonzero(select.project.targets_N == 0)[:20].tolist()
    select.picks(0.1, 0.2)
    assert "2 of 3 classes have no sample in the subset: rare, single" in capsys.readouterr().err


def test_a_score_that_is_not_finite_stops_the_stage_and_names_the_sample(select):
    select.run(0.5)
    select.score_N[[31, 40]] = np.inf
    artifacts.save_array(SCORES / "seed-0.npy", select.score_N)
    with pytest.raises(ArtifactError, match=r"seed-0\.npy: sample 31 has inf"):
        main("0.2", "0.5", PREPARED, SIGNALS, DYNAMICS, SCORES, OLD, GROUPS, NEW, ORDER)


def test_trainings_from_several_seeds_may_share_what_k_centers_starts_from(select):
    """The features are those of the training; Fig. 10 of Coleman et al. 2020."""
    compressing = {"start": 1.0, "size": 0.3, "select.k_centers_start": 10}
    select.old = range(100)
    fixed, drawn = {}, {}
    for random_seed in (0, 1):
        rng = np.random.default_rng(random_seed)
        select.features_ND = rng.normal(size=(100, 4)).astype(np.float32)
        settings = {"random_seed": random_seed, **compressing}
        drawn[random_seed] = select.by_rule("k_centers", **settings)
        fixed[random_seed] = select.by_rule(
            "k_centers", **settings, **{"seed_subset.random_seed": 0}
        )
        select.project.change({"seed_subset.random_seed": None})

    assert drawn[0] == fixed[0]
    assert fixed[1][:10] == fixed[0][:10]
    assert fixed[1][10:] != fixed[0][10:]
    assert set(drawn[1][:10]) != set(drawn[0][:10])
