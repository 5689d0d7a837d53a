"""Compare revisions: `python -m commands.compare REV [REV ...]`; see `--help`."""

import sys
from argparse import Namespace
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path

from commands import console
from commands.compare.changes_page import page
from commands.compare.comment import comment, for_terminal
from commands.compare.locks import artifact_changes
from commands.compare.rankings import draw
from commands.compare.review import Review, review
from commands.compare.revision_files import WORKSPACE, opened
from commands.same_data import RESULTS, require_same_data
from stages.report.pictures.figures import save
from stages.shared.artifacts import save_table
from stages.shared.artifacts.files import write_atomically
from stages.shared.errors import DataError
from stages.shared.running import command


def run(options: Namespace) -> None:
    """Compare every two of the revisions; print, and write what was asked for."""
    names = [WORKSPACE if name == "." else name for name in options.revisions]
    if len(names) == 1:
        names.append(WORKSPACE)
    if options.artifacts:
        for first, second in combinations(names, 2):
            sys.stdout.write(artifact_changes(first, second))
        return
    if WORKSPACE in names:
        require_same_data(*RESULTS)
    with ExitStack() as stack:
        revisions = [stack.enter_context(opened(name, options.seed)) for name in names]
        reviews = [review(*pair) for pair in combinations(revisions, 2)]
        _write(reviews, options)


def _write(reviews: list[Review], options: Namespace) -> None:
    if options.markdown:
        write_atomically(options.markdown, comment(reviews).encode())
    else:
        sys.stdout.write(f"{for_terminal(reviews)}\n")
    if options.html:
        write_atomically(options.html, page(reviews).encode())
        sys.stderr.write(f"{options.html} has the pictures\n")
    rankings = [found for entry in reviews for found in entry.rankings]
    curves = [row for found in rankings for row in found.overlap_rows]
    if (options.csv or options.picture) and not curves:
        problems = "; ".join(line for entry in reviews for line in entry.problems)
        raise DataError(f"no picks could be compared ({problems or 'scores chose none'})")
    if options.csv:
        save_table(options.csv, list(curves[0]), (list(row.values()) for row in curves))
    if options.picture:
        save(options.picture, draw(rankings))


def main() -> None:
    """Run the command line; an error of the user's ends it with code 1 and one line."""
    parser = console.parser(
        "compare",
        "Show what changed between runs: settings, results on test, which samples were added and "
        "removed, class shares, rankings.",
        "main HEAD --html changes.html",
    )
    parser.add_argument(
        "revisions",
        nargs="+",
        metavar="REV",
        help=f"git revision, name of a DVC experiment, or {WORKSPACE} (also .); with one alone, "
        f"it is compared with the {WORKSPACE}",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="the draw of this random seed (default: the first)"
    )
    files = {
        "--markdown": "write the comment instead of printing it",
        "--html": "write a page with pictures of what was added and removed",
        "--csv": "write the overlap of the picks as CSV",
        "--picture": "draw the overlap over k, as PNG",
    }
    for name, text in files.items():
        parser.add_argument(name, type=Path, metavar="FILE", help=text)
    parser.add_argument(
        "--artifacts",
        action="store_true",
        help="say instead which stage is the first whose outputs differ, and why; REV may be a "
        "folder with a dvc.lock, too",
    )
    with command.errors_in_one_line():
        run(parser.parse_args())


if __name__ == "__main__":
    main()
