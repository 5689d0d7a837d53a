"""Toy reviews: a hundred short texts in the CSV form, whose words tell their class."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import toy

WORDS = [["bad", "poor", "awful", "dull"], ["good", "great", "fine", "lovely"]]
OTHERS = ["a", "the", "film", "book", "it", "was", "very", "and"]


def reviews(num: int, seed: int = 0) -> list[tuple[int, str, str]]:
    """Return class, title and text of each; three of the words of a text tell the class."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(num):
        label = number % 2
        words = [*rng.choice(OTHERS, 7), *rng.choice(WORDS[label], 3)]
        rows.append((label + 1, words[0], " ".join(rng.permutation(words[1:]))))
    return rows


def write_csv(path: Path, rows: list[tuple[int, str, str]]) -> None:
    """Write rows in the Amazon reviews' form."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)


def params(root: Path) -> dict[str, Any]:
    """Return the content of a params.yaml for toy reviews: fastText chooses for fastText."""
    content = toy.resolved("svp_polarity_cpu")
    content["dataset"] |= {"root": str(root), "text_length": 60}
    content["rounds"] = [{"from": 0.2, "to": 0.5}]
    content["seed_size"] = 0.2
    content["compare"]["models"] = ["fasttext"]
    for section in ("train_ensemble", "train_subset_model"):
        content[section] |= {"members": 1, "batch_size": 8, "length": {"epochs": 4}}
        content[section]["optimizer"] |= {"learning_rate": 4.0, "momentum": 0.0}
        content[section]["precision"] = "fp32"
    return content
