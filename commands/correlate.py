"""How alike trainings order the samples, in the mean over pairs of runs by different random seeds.

    python -m commands.correlate                      the draws of this run with each other
    python -m commands.correlate small medium large   revisions or experiments of three models

For every two of the revisions, and each with itself, Spearman's and Pearson's correlation of each
round: of the pick orders, where both were run with select.order: all, otherwise of the scores. The
mean is over all pairs of a draw of the one and a draw of the other that differ by random seed, so
neither share first weights; five draws of each give 20 pairs, and 10 of a revision with itself
(Coleman et al. 2020, Fig. 3, 9, 10 and 13). `deviation` is the standard deviation over the pairs.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np

from commands import console
from commands.compare.markdown import Cell, Row
from commands.compare.rankings import ranks
from commands.compare.revision_files import WORKSPACE, opened
from commands.compare.revisions import Revision, common_rounds, load_revision, sample_numbers
from commands.same_data import RESULTS, require_same_data
from stages.shared.artifacts import save_table
from stages.shared.choosing.correlation import pearson, spearman
from stages.shared.errors import DataError
from stages.shared.running import command

MEASURES = ("spearman", "pearson")
Draws = dict[str, Revision]  # of one revision, by the name of the draw
Key = tuple[str, str, str]  # the sizes that a round of both leads to, and what is correlated


def mean_correlations(first: Draws, second: Draws) -> list[Row]:
    """Return a row for each round that two revisions have in common; both may be the same.

    None where no draw of the one has another random seed than one of the other.
    """
    found: dict[Key, list[tuple[float, float]]] = defaultdict(list)
    for one, other in _pairs(first, second):
        for key, correlations in _correlated(one, other):
            found[key].append(correlations)
    names = [next(iter(draws.values())).name for draws in (first, second)]
    return [_row(names, key, np.array(values_P2)) for key, values_P2 in found.items()]


def _pairs(first: Draws, second: Draws) -> Iterator[tuple[Revision, Revision]]:
    """Yield each two draws from different random seeds, of a revision with itself once."""
    for place, (one, revision) in enumerate(first.items()):
        for number, (other, another) in enumerate(second.items()):
            if one != other and (first is not second or place < number):
                yield revision, another


def _correlated(one: Revision, other: Revision) -> Iterator[tuple[Key, tuple[float, float]]]:
    number_N = sample_numbers(one, other)
    common_N = number_N < len(one.sample_ids)
    for first, second in common_rounds(one.rounds, other.rounds):
        ranked_by, rank_N, other_rank_N = ranks(first, second)
        both_2N = np.stack([rank_N[number_N[common_N]], other_rank_N[common_N]])
        both_2N = both_2N[:, np.isfinite(both_2N).all(axis=0)]
        correlations = float(spearman(both_2N)[0, 1]), float(pearson(both_2N)[0, 1])
        yield (first.size, second.size, ranked_by), correlations


def _row(names: Sequence[str], key: Key, values_P2: np.ndarray) -> Row:
    spread_2 = values_P2.std(axis=0, ddof=1) if len(values_P2) > 1 else np.full(2, np.nan)
    of_pairs = zip(MEASURES, values_P2.mean(axis=0), spread_2, strict=True)
    row: Row = {
        **dict(zip(("first", "second"), names, strict=True)),
        **dict(zip(("first_size", "second_size", "ranked_by"), key, strict=True)),
        "pairs": len(values_P2),
    }
    for name, mean, spread in of_pairs:
        row |= {name: float(mean), f"{name}_deviation": float(spread)}
    return row


def _table(rows: Sequence[Row]) -> str:
    """Return the rows for a terminal, each deviation beside its mean."""
    heads = ("first", "second", "round to", "ranked by", "pairs", "Spearman", "Pearson")
    cells = [
        (
            *(str(row[name]) for name in ("first", "second")),
            ", ".join(dict.fromkeys([str(row["first_size"]), str(row["second_size"])])),
            str(row["ranked_by"]),
            str(row["pairs"]),
            *(_with_deviation(row[name], row[f"{name}_deviation"]) for name in MEASURES),
        )
        for row in rows
    ]
    return console.text_table([heads, *cells], num_words=4)


def _with_deviation(mean: Cell, deviation: Cell) -> str:
    return f"{mean:.3f}" if math.isnan(float(deviation)) else f"{mean:.3f} ± {deviation:.3f}"


def run(names: Sequence[str], table: Path | None) -> None:
    """Print the correlations of every two revisions, and write them where a table is wanted."""
    names = [WORKSPACE if name == "." else name for name in names]
    if WORKSPACE in names:
        require_same_data(*RESULTS)
    with ExitStack() as stack:
        revisions = [
            {files.draw: load_revision(files) for files in opened_files.draws}
            for opened_files in (stack.enter_context(opened(name)) for name in names)
        ]
        rows = [
            row
            for pair in combinations_with_replacement(revisions, 2)
            for row in mean_correlations(*pair)
        ]
    if not rows:
        raise DataError(
            f"{', '.join(names)}: have no two draws from different random seeds; random_seeds must "
            "be 2 at least"
        )
    console.say(_table(rows))
    if table:
        save_table(table, list(rows[0]), (list(row.values()) for row in rows))


def main() -> None:
    """Run the command line; an error of the user's ends it with code 1 and one line."""
    parser = console.parser(
        "correlate",
        "Show how alike models order the samples: correlations of each round, mean over all pairs "
        "of draws that differ by random seed (± the standard deviation over the pairs).",
        "exp-a exp-b",
    )
    parser.add_argument(
        "revisions",
        nargs="*",
        default=[WORKSPACE],
        metavar="REV",
        help=f"git revision, name of a DVC experiment, or {WORKSPACE} (also .; the default)",
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table as CSV, too")
    with command.errors_in_one_line():
        arguments = parser.parse_args()
        run(arguments.revisions, arguments.csv)


if __name__ == "__main__":
    main()
