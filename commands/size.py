"""How much data is needed, as far as the run that lies here can tell.

    python -m commands.size             what the verdict says of it, and the bands by size
    python -m commands.size 500 0.75    and what so many samples, or so large a share, would bring

Learning curves of what was trained anyway, on validation; see docs/methods.md for the formula. It
writes nothing.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from commands import console
from commands.compare.comment import text_table
from commands.compare.markdown import Row
from commands.same_data import RESULTS, require_same_data
from stages.report.formulas.learning_curve import LEVEL
from stages.report.formulas.rounding import points
from stages.report.numbers.how_much_data import LearningCurve, learning_curves
from stages.report.run.reading import Folders, load_draws
from stages.report.words.size_wording import size_sentences
from stages.shared.errors import DataError
from stages.shared.running import command
from stages.shared.settings.params import load_params
from stages.shared.sizes import num_picks, parse_size

BAND = f"{100 * LEVEL:g} % band"
MOST = 2**40  # samples, more than anybody has: numbers of any length can be written


def told(sizes: Sequence[str], data: Path = Path("data")) -> Iterator[str]:
    """Yield the sentences of the verdict and a table of bands, at these sizes too.

    Raises:
        DataError: a size is no positive number, or the results are of other data (`same_data`).
        ArtifactError: a file is missing, or does not fit the others.
    """
    require_same_data(*RESULTS)
    draws = load_draws(load_params(), Folders.below(data))
    num_train = draws[0].meta.num_samples["train"]
    asked = [_samples(size, num_train) for size in sizes]
    yield from size_sentences(draws)
    curves = learning_curves(draws)
    has_bands = any(curve.curve for curve in curves)
    rows = [row for curve in curves for row in _rows(curve, asked, has_bands=has_bands)]
    if rows:
        yield ""
        yield text_table(rows, 2).rstrip("\n")
    measured = {point.size for curve in curves for point in curve.points}
    if not has_bands and (unknown := {num: f"{num:,}" for num in asked if num not in measured}):
        yield ""
        yield f"Of {', '.join(unknown.values())} samples nothing can be said yet."


def _samples(size: str, num_train: int) -> int:
    """Return a size as a number of samples; a share of them has a dot, as in params.yaml."""
    try:
        num = num_picks(parse_size(size), num_train)
    except ValueError as error:
        raise DataError(f"size {size!r} cannot be asked for: {error}") from None
    if num > MOST:
        raise DataError(f"size {size!r} cannot be asked for; it must be {MOST} at most")
    return num


def _rows(curve: LearningCurve, asked: Sequence[int], *, has_bands: bool) -> list[Row]:
    """Return what was measured of a curve and what was asked, with bands where it has them."""
    known = {point.size: points(point.mean) for point in curve.points}
    sizes = sorted({*known, *asked, 2 * max(known)}) if curve.curve else sorted(known)
    bands = curve.curve.bands(sizes) if curve.curve else [None] * len(sizes)
    return [
        {
            "model": curve.model,
            "trained as": curve.trained_as,
            "subset": curve.kind,
            "samples": size,
            "share": f"{100 * size / curve.num_train:.3g} %",
            "on validation": known.get(size, ""),
            **({BAND: f"{band.low:.1f} to {band.high:.1f}" if band else ""} if has_bands else {}),
        }
        for size, band in zip(sizes, bands, strict=True)
    ]


def main() -> None:
    """Run the command line; an error of the user's ends it with code 1 and one line."""
    parser = console.parser(
        "size",
        "Say how much data is needed, as far as the run that lies here can tell, and what so many "
        "samples, or so large a share of them, would bring.",
        "500 0.75",
    )
    parser.add_argument("sizes", nargs="*", metavar="SIZE", help="such as 500, or 0.75 of train")
    arguments = parser.parse_args()
    with command.errors_in_one_line():
        for line in told(arguments.sizes):
            console.say(line)


if __name__ == "__main__":
    main()
