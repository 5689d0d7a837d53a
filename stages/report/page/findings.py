"""*Found in your data*: what is wrong, on the first screens, with small pictures of it."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from stages.report.page.data_problems import blank_check
from stages.report.page.labels_to_check import in_validation, learnt_least
from stages.report.page.trust import of_splits
from stages.report.pictures.tiles import scaled
from stages.report.run import files_of_samples
from stages.report.run.reading import drawing_of
from stages.report.run.results import Results
from stages.report.samples import alike
from stages.report.samples.beliefs import Beliefs, beliefs, right_on_validation
from stages.report.samples.suspected import contradicted, label_suspects
from stages.report.words.next_step import SPLITS, SUSPECTS
from stages.shared.artifacts import Array

LABELS = "labels"  # the section that says more
MOST = 10  # pictures of a finding
PIXELS = 96  # their width


class Small(NamedTuple):
    """A sample of a finding."""

    name: str
    is_taken: bool  # the subset holds it
    picture: Array | None  # uint8 [H, W, 3]; None: its name has to do
    told: str


class Finding(NamedTuple):
    """Something wrong, or doubtful."""

    title: str
    note: str
    num: int  # samples, or groups of them
    samples: list[Small]  # the first of them
    section: str  # of the page, that says more
    step: str = ""  # that helps, as next_step names it


def findings(draws: Sequence[Results]) -> list[Finding]:
    """Return what is wrong with the data, as far as it was looked for, the surest first."""
    return [*_broken(draws[0]), *_crossing(draws[0]), *_labels(draws), *_validation(draws)]


def _broken(results: Results) -> Iterator[Finding]:
    """Yield blank samples, and equal ones with several labels."""
    blank = {*alike.blank(results)}
    rows = [*alike.broken(results)]
    of_blank = [row for row in rows if results.sample_ids[row] in blank]
    others = [row for row in rows if results.sample_ids[row] not in blank]
    if blank:
        title = f"Blank: {blank_check(results).found}"
        yield _of_rows(results, title, of_blank, results.labels.said_of, SUSPECTS)
    if others:
        title = f"Equal samples with different labels: {len(others):,}"
        yield _of_rows(results, title, others, results.labels.said_of, SUSPECTS)


def _crossing(results: Results) -> Iterator[Finding]:
    """Yield the groups that cross splits: of each a sample, and one of another split."""
    check, groups = of_splits(results), alike.crossing(alike.groups(results))
    if check.is_fine:
        return
    picked = {results.sample_ids[row] for row in results.last_subset.index_P.tolist()}
    shown = []
    for group in groups[:MOST]:
        one = next((each for each in group if each.split == "train"), group[0])
        other = next(each for each in group if each.split != one.split)
        told, name = f"also in {other.split}: {_end(other.sample_id)}", one.sample_id
        shown.append(Small(name, name in picked, _picture(results, name), told))
    title = f"In two splits: {check.found}"
    yield Finding(title, check.consequence, len(groups), shown, "problems", SPLITS)


def _labels(draws: Sequence[Results]) -> Iterator[Finding]:
    """Yield labels that no model believes, and those that were learnt least surely."""
    results, believed = draws[0], beliefs(draws)
    if believed is None:
        return
    told, num_sure = _believed(results, believed), len(label_suspects(draws))
    row_S, learnt_S = contradicted(draws), learnt_least(draws)
    if len(row_S):
        sure = f", {num_sure or 'none'} likely wrong" if num_sure < len(row_S) else ""
        title = f"Labels that no model believes: {len(row_S):,}{sure}"
        found = _of_rows(results, title, row_S.tolist(), told, SUSPECTS if num_sure else "")
        right = 100 * right_on_validation(draws)
        note = f"{found.note} These models are right on {right:.0f} % of validation.".strip()
        if 0 < num_sure < len(row_S):
            note += f" Step and list are of the {num_sure:,} alone: look at the others here."
        yield found._replace(section=LABELS, note=note)
    if len(learnt_S):
        title = "Labels that every draw learnt, the least sure first: some may be wrong"
        yield _of_rows(results, title, learnt_S.tolist(), told)._replace(section=LABELS)


def _validation(draws: Sequence[Results]) -> Iterator[Finding]:
    """Yield labels of validation that every model contradicts."""
    found = in_validation(draws)
    if found:
        title = f"Labels of validation that every model contradicts: {len(found):,}"
        note = "Models are judged by validation: look, and correct in your files what is wrong."
        shown = [
            Small(
                one["name"],
                False,
                _picture(draws[0], one["name"]),
                f"{one['label']}, or {one['predicted']}?",
            )
            for one in found[:MOST]
        ]
        yield Finding(title, note, len(found), shown, LABELS)


def _of_rows(
    results: Results, title: str, rows: Sequence[int], told: Callable[[int], str], step: str = ""
) -> Finding:
    """Return a finding of train samples; where a step helps it says how many the subset holds."""
    picked, names = {*results.last_subset.index_P.tolist()}, results.sample_ids
    taken = len(picked.intersection(rows))
    note = f"{taken or 'None'} of them in the subset." if step and rows else ""
    shown = [
        Small(names[row], row in picked, _picture(results, names[row]), told(row))
        for row in rows[:MOST]
    ]
    return Finding(title, note, len(rows), shown, "problems", step)


def _believed(results: Results, believed: Beliefs) -> Callable[[int], str]:
    """Return what says of a row its label, and which one the models believe in, or how much."""
    names = results.meta.class_names

    def told(row: int) -> str:
        label, predicted = results.targets_N[row], believed.predicted_N[row]
        if label != predicted:
            return f"{names[label]}, or {names[predicted]}?"
        return f"{names[label]}, {100 * believed.quality_N[row]:.0f} % sure"

    return told


def _picture(results: Results, name: str) -> Array | None:
    """Return a small picture of a sample of any split; None where there is none."""
    drawing = drawing_of(results.params.rules.gallery)
    if not drawing.HAS_PICTURES:
        return None
    found = files_of_samples.picture(results, name)
    if found is not None:
        return scaled(found.picture_HW3, PIXELS)
    row_of = {one: row for row, one in enumerate(results.sample_ids)}
    if name not in row_of:
        return None
    row = row_of[name]
    return scaled(results.inputs_N[row : row + 1][0], PIXELS)


def _end(name: str) -> str:
    return name.rpartition("/")[2]
