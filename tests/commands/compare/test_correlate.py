"""Mean correlations over pairs of draws: values done by hand, and those of the library."""

import shutil
from contextlib import contextmanager
from itertools import product

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from commands import correlate
from commands.compare.revisions import Revision, Round
from commands.correlate import mean_correlations
from stages.shared import artifacts
from stages.shared.artifacts import Subset
from stages.shared.errors import DataError

IDS = list("abcdefgh")
PICKED = Subset(np.arange(4), np.ones(4, dtype=np.int64), np.zeros(4))


def draws_of(name, scores, ids=IDS, **orders):
    """Return a revision of one round by draw, each with its scores or its order of all samples."""
    made = {}
    for draw, values in scores.items():
        order_K = orders.get(draw)
        entry = Round("0.5", np.array(values, dtype=float), PICKED, order_K)
        made[draw] = Revision(name, "digits", list(ids), [entry])
    return made


def random_scores(seed, num_draws, num=8):
    rng = np.random.default_rng(seed)
    return {f"seed-{draw}": rng.exponential(size=num).tolist() for draw in range(num_draws)}


def test_draws_of_one_run_are_taken_in_pairs_once():
    # 1 2 3 4 against 1 3 2 4, and both against the reverse of the first: 0.8, -1 and -0.8.
    scores = {"seed-0": [1, 2, 3, 4], "seed-1": [1, 3, 2, 4], "seed-2": [4, 3, 2, 1]}
    draws = draws_of("run", scores, ids="abcd")
    (row,) = mean_correlations(draws, draws)
    assert row["pairs"] == 3
    assert row["spearman"] == row["pearson"] == pytest.approx((0.8 - 1 - 0.8) / 3)
    assert row["spearman_deviation"] == pytest.approx(np.std([0.8, -1, -0.8], ddof=1))


def test_five_draws_of_each_of_two_runs_are_twenty_pairs_that_differ_by_random_seed():
    one, other = random_scores(1, 5), random_scores(2, 5)
    (row,) = mean_correlations(draws_of("one", one), draws_of("other", other))
    pairs = [(one[a], other[b]) for a, b in product(one, other) if a != b]
    assert (row["pairs"], row["ranked_by"]) == (len(pairs), "scores") == (20, "scores")
    assert row["spearman"] == pytest.approx(np.mean([spearmanr(*pair)[0] for pair in pairs]))
    assert row["pearson"] == pytest.approx(np.mean([pearsonr(*pair)[0] for pair in pairs]))
    assert row["spearman"] != pytest.approx(row["pearson"])


def test_orders_count_where_both_have_one_and_samples_are_matched_by_id():
    scores = dict.fromkeys(("seed-0", "seed-1"), range(8))
    order = {"seed-0": np.arange(8), "seed-1": np.arange(8)}
    back = {draw: order_K[::-1].copy() for draw, order_K in order.items()}
    forwards, backwards = draws_of("a", scores, **order), draws_of("b", scores, IDS[::-1], **back)
    (row,) = mean_correlations(forwards, backwards)
    assert row["ranked_by"] == "order"
    # The last row of the one is the first of the other, and is picked first there.
    assert row["spearman"] == pytest.approx(1)
    assert row["pairs"] == 2


def test_a_single_draw_is_compared_with_others_alone():
    one, other = (draws_of(f"run-{seed}", random_scores(seed, 1)) for seed in (1, 2))
    assert mean_correlations(one, one) == []
    other = {"seed-7": next(iter(other.values()))}
    (row,) = mean_correlations(one, other)
    assert row["pairs"] == 1


def add_draw(root):
    """Let a finished run have a second draw of the same subsets, with other scores."""
    params = root / "params.yaml"
    params.write_text(params.read_text().replace("random_seeds: 1", "random_seeds: 2"))
    for path in [*root.glob("data/subsets/*/seed-0.csv"), *root.glob("data/scores/*/seed-0.npy")]:
        shutil.copyfile(path, path.with_stem("seed-1"))
    for number, path in enumerate(sorted(root.glob("data/scores/*/seed-1.npy"))):
        artifacts.save_scores(path, np.random.default_rng(number).random(80))


def test_runs_that_are_one_draw_together_have_nothing_to_be_compared(
    first, files_of, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        correlate, "opened", contextmanager(lambda name: iter([files_of(name, first)]))
    )
    with pytest.raises(DataError, match="exp-a, exp-b: have no two draws from different random se"):
        correlate.run(["exp-a", "exp-b"], tmp_path / "table.csv")


def test_every_two_revisions_and_each_with_itself_are_printed(
    first, second, files_of, tmp_path, monkeypatch, capsys
):
    folders = {"exp-a": first, "exp-b": second}
    for root in folders.values():
        add_draw(root)
    monkeypatch.setattr(
        correlate, "opened", contextmanager(lambda name: iter([files_of(name, folders[name])]))
    )

    correlate.run(["exp-a", "exp-b"], tmp_path / "table.csv")

    columns = ["first", "second", "first_size", "second_size", "ranked_by", "pairs", "spearman"]
    header = [*columns, "spearman_deviation", "pearson", "pearson_deviation"]
    rows = artifacts.load_table(tmp_path / "table.csv", header)
    assert [tuple(row[:6]) for row in rows] == [
        (*pair, size, size, "scores", num_pairs)
        for pair, num_pairs in (
            (("exp-a", "exp-a"), "1"),
            (("exp-a", "exp-b"), "2"),
            (("exp-b", "exp-b"), "1"),
        )
        for size in ("0.125", "0.25")
    ]
    # Both are copies of one run: what differs is the random seed alone.
    assert rows[0][6] == rows[2][6] == rows[4][6]
    said = capsys.readouterr().out
    assert said.count("exp-a") == 6
    assert max(map(len, said.splitlines())) <= 100
