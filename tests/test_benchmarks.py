"""Tests for benchmarks/."""

import math

from benchmarks import digits_folds


def run_of(sample_ids, selected, random, full):
    return {
        "sample_ids": sample_ids,
        "share": {"selected": selected, "random": random, "full": full},
        "validation": {"selected": 0.9, "random": 0.8, "full": 1.0},
    }


RUNS = [
    run_of(["0", "10"], [1.0, 0.5], [0.5, 0.5], [1.0, 1.0]),  # fold 0, random seed 0
    run_of(["2"], [1.0], [0.0], [1.0]),
    run_of(["10", "0"], [1.0, 1.0], [0.5, 1.0], [1.0, 0.5]),  # fold 0, random seed 1
    run_of(["2"], [0.5], [0.5], [1.0]),
]


def test_shares_are_means_over_random_seeds_digit_by_digit():
    shares = digits_folds._shares(RUNS)

    # In the order 0, 2, 10.
    assert shares["selected"].tolist() == [1.0, 0.75, 0.75]
    assert shares["random"].tolist() == [0.75, 0.25, 0.5]
    assert shares["full"].tolist() == [0.75, 1.0, 1.0]


def test_the_table_gives_paired_differences_with_their_standard_error():
    table = digits_folds._test_table(RUNS)

    # Differences 0.25, 0.5, 0.25: mean 1/3, sd 0.1443, over three digits 0.0833.
    assert "| selected minus random | 33.33 | 8.33 |" in table
    error = 100 * math.sqrt(((-0.25 - 1 / 12) ** 2 + 2 * (0.25 - 1 / 12) ** 2) / 2 / 3)
    assert f"| full minus selected | 8.33 | {error:.2f} |" in table
    assert table.endswith("3 digits")


def test_settings_are_changed_in_a_copy_of_the_committed_params(tmp_path, monkeypatch):
    class Committed:
        stdout = b"rounds:\n- from: 0.1\n  to: 0.2\ndataset:\n  fold: 0 # which\n"

    monkeypatch.setattr(digits_folds.subprocess, "run", lambda *args, **kwargs: Committed())

    digits_folds._set_params(tmp_path / "params.yaml", ["dataset.fold=3", "rounds.0.to=0.25"])

    text = (tmp_path / "params.yaml").read_text()
    assert "fold: 3 # which" in text
    assert "to: 0.25" in text
