"""Tests for benchmarks/."""

import math

from benchmarks import clones, digits_folds, gradient_mnist


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


def test_settings_are_changed_in_the_text_of_a_params_yaml():
    params = "rounds:\n- from: 0.1\n  to: 0.2\ndataset:\n  fold: 0 # which\n"

    text = clones.changed(params, ["dataset.fold=3", "rounds.0.to=0.25"])

    assert "fold: 3 # which" in text
    assert "to: 0.25" in text


def test_a_run_that_is_finished_is_not_run_again(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(clones, "repro", ran.append)

    for _ in range(2):
        shown = clones.run(tmp_path, "seed/0", "random_seed: 0\n", lambda clone: {"found": 1})

    assert ran == [tmp_path]
    assert shown["found"] == 1
    assert (tmp_path / "params.yaml").read_text() == "random_seed: 0\n"


# --- MNIST by the gradient ------------------------------------------------------------------------


MNIST = {
    "max-gradient": {
        "accuracy": {
            "cnn-selected": [90.0, 90.0],
            "cnn-random": [80.0, 90.0],
            "cnn-full": [99.0, 99.0],
            "cnn-selected-0.1": [50.0, 60.0],
            "cnn-random-0.1": [60.0, 60.0],
        },
        "size": {
            "selected": 20,
            "random": 20,
            "full": 100,
            "selected-0.1": 10,
            "random-0.1": 10,
        },
    }
}


def test_rules_stand_beside_random_by_size_with_paired_differences():
    assert gradient_mnist.table(MNIST).splitlines() == [
        "| picks | random | max-gradient | minus random |",
        "|---|---|---|---|",
        "| 10 | 60.00 | 55.00 | -5.00 ± 5.00 |",
        "| 20 | 85.00 | 90.00 | +5.00 ± 5.00 |",
        "",
        "everything: 99.00 ± 0.00",
    ]


def test_rules_are_drawn_by_size():
    (axes,) = gradient_mnist.draw(MNIST).axes
    labels = axes.get_legend_handles_labels()[1]
    assert sorted(labels) == ["everything", "max-gradient", "random"]
    error_by_rule = {drawn.get_label(): drawn[0].get_xydata().tolist() for drawn in axes.containers}
    assert error_by_rule["max-gradient"] == [[10.0, 45.0], [20.0, 10.0]]
