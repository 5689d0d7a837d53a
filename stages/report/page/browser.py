"""Every sample with what the search said of it: the page filters, sorts and shows them.

The columns lie in the page as JSON, and stages/report/templates/browser.js makes cards of those
that are looked at. What is told of a sample is of the first draw's last round.

Shapes: N train samples, S shown samples.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from stages.report.numbers.raced import taken_in_words
from stages.report.pages import base64_webp
from stages.report.pictures.tiles import scaled
from stages.report.run.files_of_samples import linked_folder
from stages.report.run.reading import drawing_of
from stages.report.run.results import Results
from stages.report.samples.beliefs import Beliefs, beliefs
from stages.report.samples.ranking import ranked_candidates
from stages.report.samples.suspected import flagged
from stages.shared.artifacts import Ints
from stages.shared.samples.randomness import uniform_by_id

MOST = 10_000  # samples: the page stays under 15 MB
PIXELS = 56  # the width of a picture
QUALITY = 50  # of it
LEFT_OUT = -1  # instead of the number of the round that took a sample


def browsed(draws: Sequence[Results]) -> dict[str, Any]:
    """Return the columns, and how many samples there are in all."""
    results, entry = draws[0], draws[0].rounds[-1]
    row_S = shown_rows(draws)
    round_N = taken_in(results)
    rank_N = np.zeros(len(results.targets_N), dtype=np.int64)
    ranked_K = ranked_candidates(results, entry)
    rank_N[ranked_K] = np.arange(1, len(ranked_K) + 1)
    believed = beliefs(draws)
    told = [reason(results, believed, row) for row in row_S.tolist()]
    reasons = sorted(set(told))
    numbers = {words: number for number, words in enumerate(reasons)}
    flagged_N = np.zeros(len(results.targets_N), dtype=np.int64)
    flagged_N[flagged(draws)] = 1
    return {
        "total": len(results.targets_N),
        "draws": len(draws),
        "classes": results.meta.class_names,
        "reasons": reasons,
        "taken": [taken_in_words(results, number) for number in range(len(results.rounds) + 1)],
        "folder": linked_folder(results),
        "name": [results.sample_ids[row] for row in row_S],
        "label": _labels(results, row_S),
        "round": round_N[row_S].tolist(),
        "rank": rank_N[row_S].tolist(),  # by score, from 1; 0: it did not compete
        "quality": _qualities(believed, row_S),
        "flagged": flagged_N[row_S].tolist(),
        "reason": [numbers[words] for words in told],
        "picked": num_draws_with(draws, entry.target)[row_S].tolist(),
        **_shown(results, row_S),
    }


def as_json(content: dict[str, Any]) -> str:
    """Return what a script element may hold: no name in it ends the element."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def shown_rows(draws: Sequence[Results]) -> Ints:
    """Return the rows that the page has, ascending: of many a random part, and whatever is flagged.

    The order is that of ids, so a data set that grew shows most of what it showed before.
    """
    results = draws[0]
    num = len(results.targets_N)
    if num <= MOST:
        return np.arange(num)
    order_N = np.argsort(uniform_by_id(results.sample_ids, 0, "shown"), kind="stable")
    first_N = np.concatenate([flagged(draws)[:MOST], order_N])
    _, place = np.unique(first_N, return_index=True)
    return np.sort(first_N[np.sort(place)[:MOST]])


def taken_in(results: Results) -> Ints:
    """Return in which round each train sample was taken, from 0, or LEFT_OUT, int64 [N]."""
    subset = results.last_subset
    round_N = np.full(len(results.targets_N), LEFT_OUT, dtype=np.int64)
    round_N[subset.index_P[::-1]] = subset.round_P[::-1]
    return round_N


def num_draws_with(draws: Sequence[Results], size: str) -> Ints:
    """Return how many draws' subsets of a size hold each train sample, int64 [N]."""
    count_N = np.zeros(len(draws[0].targets_N), dtype=np.int64)
    for draw in draws:
        count_N[np.unique(draw.subsets[size].index_P)] += 1
    return count_N


def reason(results: Results, believed: Beliefs | None, row: int) -> str:
    """Say what the models think of a sample, those that did not learn it where there are some."""
    if believed is None:
        return results.labels.said_of(row)
    names = results.meta.class_names
    predicted, label = int(believed.predicted_N[row]), int(results.targets_N[row])
    agree, num = int(believed.num_agree_N[row]), int(believed.num_voters_N[row])
    who = "the model says" if num == 1 else f"all {num} models say" if agree == num else None
    who = who or f"{agree} of {num} models say"
    says = f"{who} {names[predicted]}"
    return f"{says}, as its label" if predicted == label else f"{says}, its label is {names[label]}"


def _labels(results: Results, row_S: Ints) -> list[int] | None:
    """Return the class of each, or nothing where a sample has no single one."""
    return None if results.boxes is not None else results.targets_N[row_S].tolist()


def _qualities(believed: Beliefs | None, row_S: Ints) -> list[int] | None:
    """Return the mean probability of each label, in percent."""
    if believed is None:
        return None
    return np.rint(100 * believed.quality_N[row_S]).astype(int).tolist()


def _shown(results: Results, row_S: Ints) -> dict[str, list[str]]:
    """Return a picture or the words of each."""
    drawing = drawing_of(results.params.rules.gallery)
    if drawing.HAS_PICTURES:
        return {
            "picture": [
                base64_webp(scaled(results.inputs_N[row : row + 1][0], PIXELS), QUALITY)
                for row in row_S.tolist()
            ]
        }
    return {"text": [drawing.on_page(results.inputs_N, results.labels, row) for row in row_S]}
