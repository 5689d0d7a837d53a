"""The verdict as lines of at most 100 columns: metrics/verdict.txt, and what commands print.

Two lines first, what was found and what to do next; then a table, and the details behind it.
"""

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from stages.report.formulas.rounding import digits_of, with_interval
from stages.report.numbers.conclusions import Conclusion
from stages.report.pages import NO_BREAK
from stages.report.pictures.figures import in_words
from stages.report.words import wording
from stages.report.words.headline import decision, finding
from stages.report.words.next_step import Step, in_line, in_seconds
from stages.shared.running.timings import StageTiming

COLUMNS = 100
BETWEEN = "  "  # columns of a table
NOT_COMPARED = "The selected subset was not compared."


def verdict_lines(
    found: Sequence[Conclusion],
    steps: Sequence[Step] = (),
    more: Iterable[str] = (),
    data: str = "",
    stages: Mapping[str, StageTiming] | None = None,
) -> Iterator[str]:
    """Yield the lines of a verdict.

    Args:
        found: of each target model.
        steps: what to do next, one after the other.
        more: details of other kinds, as sentences.
        data: what is wrong with the data, as a sentence.
        stages: what the stages took, for terminals alone: outputs hold no seconds.
    """
    for one in found:
        yield from wrapped(f"{decision(one)}. {one.model}: {finding(one)}.")
    if not found:
        yield NOT_COMPARED
    yield from _next(steps, stages)
    for one in found:
        yield ""
        yield from table(one)
        yield from wrapped(wording.basis_in_words(one))
    if data:
        yield from ("", *wrapped(data))
    of_models = [
        f"{one.model}: {words}." if len(found) > 1 else f"{words[0].upper()}{words[1:]}."
        for one in found
        for words in wording.details(one)
    ]
    yield ""
    for words in [*of_models, *more]:
        yield from wrapped(f"- {words}", "  ")


def _next(steps: Sequence[Step], stages: Mapping[str, StageTiming] | None) -> Iterator[str]:
    """Yield what to do: one line, or several that are numbered."""
    if len(steps) == 1:
        yield f"Next: {in_line(steps[0], stages)}"
    elif steps:
        yield "Next:"
        for number, step in enumerate(steps, 1):
            yield f"{number}. {step.command}"
            yield from wrapped(f"   # {step.why}{in_seconds(step, stages)}", "   # ")


def table(found: Conclusion) -> Iterator[str]:
    """Yield the compared subsets as lines with aligned columns."""
    rows = result_table(found)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *map(str.rjust, others, widths[1:])]
        yield BETWEEN.join(cells).rstrip()


def result_table(found: Conclusion) -> list[tuple[str, ...]]:
    """Return the compared subsets as cells, the heads first; accuracies in points on test."""
    digits = min((digits_of(entry.reach) for entry in found.against.values()), default=1) or 1
    rows: list[tuple[str, ...]] = [
        (found.model, found.unit, found.metric.replace("_", " "), "selected minus this")
    ]
    rows += [
        (
            in_words(name),
            f"{picks:,}",
            f"{value:.{digits}f}",
            with_interval(entry.value, entry.reach) if (entry := found.against.get(name)) else "",
        )
        for name, (value, picks) in found.reached.items()
    ]
    return rows


def wrapped(words: str, indent: str = "") -> list[str]:
    """Return words in lines; those after the first are indented."""
    held = re.sub("(?<=\\d) (?=%)|(?<=±) | (?=±)", NO_BREAK, words)  # numbers and their units
    lines = textwrap.wrap(
        held, COLUMNS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace(NO_BREAK, " ") for line in lines]
