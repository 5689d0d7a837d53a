"""Correlations, and the labels and images of what stands where in a round's order."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stages.report.numbers.round_correlations import round_correlations
from stages.report.numbers.tables import all_tables
from stages.report.pictures import charts, galleries, gallery_of_images
from stages.report.pictures.tiles import scaled
from stages.report.samples import ranking
from stages.select import competing as candidates_of_select
from stages.shared import artifacts
from stages.shared.choosing.limits import load_limits
from stages.shared.errors import ArtifactError
from stages.shared.samples.randomness import uniform_by_id


def with_round(run, number, **changes):
    """Return results and one round of them, which has other scores or the like."""
    results = run.results()
    rounds = list(results.rounds)
    rounds[number - 1] = replace(rounds[number - 1], **changes)
    results = replace(results, rounds=rounds)
    return results, rounds[number - 1]


# --- correlations --------------------------------------------------------------------------------


def test_the_correlations_of_two_rounds_are_those_done_by_hand(finished):
    first, second = finished.results().rounds
    # Ranks 1 2 3 4 and 1 3 2 4: 1 - 6 (0 + 1 + 1 + 0) / (4 (16 - 1)) = 0.8. Pearson's: deviations
    # -1.5 -0.5 0.5 1.5 and -2 0 -1 3, products 7, squares 5 and 14.
    first = replace(first, score_N=np.array([1.0, 2.0, 3.0, 4.0]))
    second = replace(second, score_N=np.array([0.0, 2.0, 1.0, 5.0]))
    assert round_correlations([first, second]) == [
        {
            "first": "0.0625",
            "second": "0.125",
            "spearman": 0.8,
            "pearson": round(7 / math.sqrt(5 * 14), 4),
        }
    ]


def test_a_single_round_has_no_correlations_and_constant_scores_an_empty_one(finished):
    first, second = finished.results().rounds
    assert round_correlations([first]) == []
    (row,) = round_correlations([first, replace(second, score_N=np.ones(80))])
    assert (row["spearman"], row["pearson"]) == (None, None)


def test_the_tables_of_a_round_are_what_score_wrote(with_extras):
    tables = all_tables([with_extras.results()])
    assert tables["correlations/0.125"] == [
        {"first": "entropy", "second": "margin", "spearman": 0.9, "pearson": 0.8},
        {"first": "entropy", "second": "random", "spearman": None, "pearson": None},
        {"first": "margin", "second": "random", "spearman": -0.1, "pearson": 0.0},
    ]
    assert tables["voter_correlations/0.125"][0] == {
        "first_member": 0,
        "first_epoch": 8,
        "second_member": 1,
        "second_epoch": 8,
        "spearman": 0.5,
        "pearson": 0.6,
    }
    reference = tables["reference_correlations/0.125"]
    assert reference[0] == {"member": 0, "epoch": 6, "spearman": 0.3, "pearson": 0.5}
    assert reference[-1] == {"member": None, "epoch": None, "spearman": 0.85, "pearson": 0.9}
    assert tables["forgetting_correlations/0.125"][:2] == [
        {"member": 0, "epoch": 2, "spearman": None, "pearson": None},
        {"member": 0, "epoch": 8, "spearman": 0.6, "pearson": 0.7},
    ]


def test_forgetting_events_have_a_line_for_each_member_over_the_epochs_that_it_kept(with_extras):
    results = with_extras.results()
    rows = all_tables([results])["forgetting_correlations/0.125"]
    (axes,) = charts.drawn("forgetting_correlations/0.125", rows, results).axes
    found = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert found == {"member 0": [[8, 0.6]], "member 1": [[2, 0.3], [4, 0.5]]}


def test_a_word_for_a_correlation_is_one_line(run):
    folder = run.folders.correlations / "0.125/seed-0"
    header = ["first", "second", "spearman", "pearson"]
    artifacts.save_table(folder / "acquisitions.csv", header, [("a", "b", "high", 1)])
    with pytest.raises(ArtifactError, match=r"acquisitions\.csv: .*'high'; fields must be numbers"):
        artifacts.load_correlations(folder)


# --- the order of a round ------------------------------------------------------------------------


def test_a_growing_round_ranks_what_its_subset_does_not_hold_and_a_shrinking_one_what_it_does(
    finished,
):
    results, entry = with_round(finished, 1, score_N=np.arange(80.0))
    held = set(results.subsets["0.0625"].index_P.tolist())
    ranked = ranking.ranked_candidates(results, entry).tolist()
    assert ranked == [row for row in range(79, -1, -1) if row not in held]

    everything = artifacts.Subset(np.arange(80), np.zeros(80, int), np.full(80, np.nan))
    shrinking = replace(results, subsets={**results.subsets, "0.0625": everything})
    assert ranking.ranked_candidates(shrinking, entry).tolist() == list(range(79, -1, -1))


@pytest.mark.parametrize("candidates", ["remaining", "all"])
@pytest.mark.parametrize("grows", [True, False])
def test_the_ranked_candidates_are_those_that_select_lets_compete(run, candidates, grows):
    run.set(select__candidates=candidates)
    excluded = [(str(row), "blurred") for row in (0, 7, 79)]
    artifacts.save_table(run.root / "lists/exclude.csv", ["sample_id", "reason"], excluded)
    results, entry = with_round(run, 1, score_N=np.arange(80.0))
    source, target = (results.subsets[size] for size in ("0.0625", "0.125"))
    if not grows:  # and hold an excluded sample, and one twice
        source, target = target, source
        source = replace(source, index_P=np.append(source.index_P[:8], [7, source.index_P[0]]))
    results = replace(results, subsets={"0.0625": source, "0.125": target})
    ids = [str(row) for row in range(80)]
    settings = results.params.select
    limits = load_limits(run.folders.prepared, ids, settings)

    ranked = ranking.ranked_candidates(results, entry)

    competing = candidates_of_select.competing(source, grows, limits, settings)
    assert ranked.tolist() == sorted(set(competing.tolist()), reverse=True)


def test_outliers_stay_in_the_ranking_and_excluded_samples_do_not(run):
    run.set(select__outliers={"fraction": 0.1}, select__candidates="all")
    artifacts.save_table(run.root / "lists/exclude.csv", ["sample_id", "reason"], [("79", "torn")])
    results, entry = with_round(run, 2, score_N=np.arange(80.0))
    assert ranking.ranked_candidates(results, entry).tolist() == list(range(78, -1, -1))


def test_equal_scores_stand_in_the_order_in_which_select_prefers_them(finished):
    results, entry = with_round(finished, 2, score_N=np.zeros(80))
    ids = [str(row) for row in range(80)]
    tie_N = uniform_by_id(ids, results.params.random_seed, "ties", 2)
    held = set(results.subsets["0.125"].index_P.tolist())
    expected = [row for row in np.argsort(tie_N).tolist() if row not in held]
    assert ranking.ranked_candidates(results, entry).tolist() == expected


def test_the_label_entropy_of_the_first_samples_is_that_done_by_hand(finished):
    results, entry = with_round(finished, 1, score_N=np.arange(80.0))
    targets_N = np.zeros(80, dtype=np.int64)
    ranked = ranking.ranked_candidates(results, entry)
    targets_N[ranked[1]] = 1
    rows = ranking.label_entropy(replace(results, targets_N=targets_N), entry)
    by_k = {row["k"]: row["label_entropy"] for row in rows}
    assert by_k[1] == 0.0
    assert by_k[2] == round(math.log(2), 4)
    assert by_k[3] == round(-(1 / 3 * math.log(1 / 3) + 2 / 3 * math.log(2 / 3)), 4)
    assert {row["uniform"] for row in rows} == {round(math.log(3), 4)}
    assert (rows[-1]["k"], rows[-1]["fraction"]) == (75, 1.0)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(any))
def test_the_entropy_of_counts_is_that_of_scipy_and_at_most_log_c(counts):
    found = ranking.entropy(np.array(counts))
    assert found == pytest.approx(stats.entropy(counts))
    assert -1e-12 <= found <= math.log(len(counts)) + 1e-12


def test_without_candidates_there_is_no_label_entropy_and_no_gallery(finished):
    results, entry = with_round(finished, 1)
    everything = artifacts.Subset(np.arange(80), np.zeros(80, int), np.full(80, np.nan))
    subsets = {"0.0625": everything, "0.125": everything}
    results = replace(results, subsets=subsets)
    assert ranking.label_entropy(results, entry) == []
    assert galleries.by_score(results, entry) == {}
    assert galleries.by_choice(results, entry) == {}


# --- galleries -----------------------------------------------------------------------------------


def test_images_by_score_are_the_ends_and_the_middle_of_the_ranking(finished):
    results, entry = with_round(finished, 1, score_N=np.arange(80.0))
    ranked = ranking.ranked_candidates(results, entry).tolist()
    rows = {name: index.tolist() for name, index in galleries.by_score(results, entry).items()}
    assert rows == {"highest": ranked[:8], "middle": ranked[33:41], "lowest": ranked[-8:]}


def test_images_by_choice_are_the_last_picks_and_those_that_were_left(finished):
    results, entry = with_round(finished, 2)
    picked = results.subsets["0.25"].index_P[10:]
    score_N = np.arange(80.0) / 1000
    score_N[picked] = 1.0
    left = np.setdiff1d(np.arange(80), results.subsets["0.25"].index_P).tolist()
    outliers = [left.pop(5), left.pop(3)]
    score_N[outliers] = [3.0, 2.0]
    results, entry = with_round(finished, 2, score_N=score_N)
    rows = {name: index.tolist() for name, index in galleries.by_choice(results, entry).items()}
    assert rows == {
        "selected": picked[-8:].tolist(),
        "skipped": outliers,
        "dropped": left[:8][::-1],
    }


def test_with_duplication_a_sample_of_the_subset_that_was_not_picked_again_was_left(run):
    run.set(select__candidates="all")
    subset = run.results().subsets["0.25"]
    again, left = subset.index_P[:2].tolist()
    index_P = np.append(subset.index_P[:-1], again)
    score_N = np.zeros(80)
    score_N[[again, left]] = [2.0, 3.0]
    results, entry = with_round(run, 2, score_N=score_N)
    results = replace(
        results, subsets={**results.subsets, "0.25": replace(subset, index_P=index_P)}
    )
    rows = galleries.by_choice(results, entry)
    assert rows["selected"].tolist() == index_P[-8:].tolist()
    assert rows["skipped"].tolist() == [left]


def test_a_round_that_took_the_highest_scores_skipped_none(finished):
    score_N = np.zeros(80)
    score_N[finished.results().subsets["0.25"].index_P] = 1.0
    results, entry = with_round(finished, 2, score_N=score_N)
    assert list(galleries.by_choice(results, entry)) == ["selected", "dropped"]


def test_every_image_of_a_gallery_has_label_prediction_and_score_above(finished):
    results, entry = with_round(finished, 1, score_N=np.arange(80.0))
    figure = gallery_of_images.gallery({"highest": np.array([3, 7])}, "a title", results, entry)
    names = results.meta.class_names
    found = [text.get_text() for text in figure.texts]
    for row in (3, 7):
        label, predicted = names[results.targets_N[row]], names[entry.votes.predicted_class_N[row]]
        assert f"{label}\n{predicted}\n{row}" in found
    assert len(figure.images) == 2


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((8, 8, 1), (96, 96, 3)), ((28, 28, 1), (96, 96, 3)), ((150, 200, 3), (72, 96, 3))],
)
def test_every_image_is_as_wide_as_asked_and_keeps_its_shape_and_colours(shape, expected):
    level = np.array([60, 120, 180][: shape[-1]], dtype=np.uint8)
    tile = scaled(np.broadcast_to(level, shape), 96)
    assert tile.shape == expected
    assert (tile == level).all()
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert scaled(image, 96).mean() == pytest.approx(image.mean(), abs=3)
