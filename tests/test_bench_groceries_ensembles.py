"""Heads against fine-tuned networks: their settings are valid, and what is said is by hand."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import groceries_ensembles, rows
from benchmarks.groceries_ensembles import (
    ENSEMBLES,
    HEADER,
    Compared,
    agreement,
    settings_of,
    shown,
)
from benchmarks.groceries_runs import Target
from stages.shared.settings.params import load_params
from stages.shared.settings.training_sections import AdamW, Sgd

FOUND = dict.fromkeys(HEADER, "1") | {
    "seed": "0",
    "overlap": "0.5",
    "overlap_by_chance": "0.25",
    "accuracy_heads": "90",
    "accuracy_fine_tuned": "92",
    "accuracy_random": "88",
}


@pytest.mark.parametrize("kind", ENSEMBLES)
def test_an_ensemble_is_trained_as_the_preset_says(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Compared, "__post_init__", lambda work: None)
    work = Compared(tmp_path, tmp_path, Path("my.pth"), 112)
    work._write(Target("fine_tuned", 0.25, kind, 3), races=False, more=settings_of(kind))
    params = load_params()
    trained = params.train_ensemble
    assert trained.model == ENSEMBLES[kind]
    assert trained.members == 4
    assert isinstance(trained.optimizer, Sgd if kind == "heads" else AdamW)
    assert trained.batch_norm == ("batch" if kind == "heads" else "frozen")
    assert [str(size) for size in params.sizes] == ["0.125", "0.25"]


def test_agreement_is_of_what_is_not_in_the_first_subset():
    first = np.array([0, 9])
    score = np.array([50.0, 8, 7, 6, 5, 4, 3, 2, 1, 50])
    other = np.array([-50.0, 7, 8, 6, 5, 4, 3, 2, 1, -50])
    picks = {"heads": np.array([0, 9, 1, 2]), "fine_tuned": np.array([0, 9, 2, 3])}
    assert agreement({"heads": score, "fine_tuned": other}, picks, first) == {
        "overlap": "0.5000",
        "overlap_by_chance": "0.2500",
        "spearman": f"{1 - 6 * 2 / (8 * 63):.4f}",  # Spearman 1904: two ranks differ by one
    }


def test_what_all_seeds_say_is_shown():
    lines = shown([FOUND, FOUND | {"seed": "1"}]).splitlines()
    assert lines[2:5] == [
        "| heads | 1.00 | 1.0 | 90.00 | +2.00 ± 0.00 |",
        "| fine_tuned | 1.00 | 1.0 | 92.00 | +4.00 ± 0.00 |",
        "| random | | | 88.00 | |",
    ]
    assert lines[-1].startswith(
        "2 random seeds. Heads minus fine-tuned networks: \N{MINUS SIGN}2.00 ± 0.00; overlap of "
        "their new picks 50.0 % (25.0 by chance)"
    )


def test_a_seed_that_is_there_is_not_run_again(tmp_path, monkeypatch, capsys):
    asked = []

    class Fake:
        def __init__(self, *paths):
            pass

        def compared(self, seed):
            asked.append(seed)
            return FOUND | {"seed": seed}

    monkeypatch.setattr(groceries_ensembles, "Compared", Fake)
    given = ["--images", ".", "--weights", "x", "--out", str(tmp_path), "--seeds"]
    groceries_ensembles.main([*given, "1"])
    groceries_ensembles.main([*given, "3"])
    assert asked == [0, 1, 2]
    assert len(rows.load(next(tmp_path.iterdir()))) == 3
    assert "3 random seeds" in capsys.readouterr().out
