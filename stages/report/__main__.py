"""Compare selected, random and full.

`python -m stages.report PREPARED SUBSETS SIGNALS SCORES CORRELATIONS DYNAMICS HISTORIES COMPARISON
EVALUATION RACES NEAR_DUPLICATES EMBEDDINGS SUMMARY VERDICT TABLES IMAGES PAGE SUSPECTS`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from stages.report.numbers.conclusions import conclusions
from stages.report.numbers.raced import race_sentences
from stages.report.numbers.seconds import Seconds
from stages.report.numbers.summary import summarise
from stages.report.numbers.tables import all_tables, save_tables
from stages.report.page.data_problems import in_short
from stages.report.page.document import save_page
from stages.report.pictures.charts import save_pictures
from stages.report.run.reading import Folders, load_draws
from stages.report.run.results import Results
from stages.report.samples.suspected import save_suspects
from stages.report.verdict_lines import verdict_lines
from stages.report.words.next_step import of_run
from stages.report.words.shown_in_words import shown_in_words
from stages.report.words.size_wording import size_answers
from stages.report.words.wording import unvalidated_in_words
from stages.shared import artifacts
from stages.shared.artifacts.files import atomic_folder, write_atomically
from stages.shared.running import command, timings
from stages.shared.settings.params import load_params

COSTS = "python -m commands.costs shows the seconds of every stage, training and budget"


def main(  # noqa: PLR0913, PLR0917 - the arguments are those of dvc.yaml
    prepared: Path,
    subsets: Path,
    signals: Path,
    scores: Path,
    correlations: Path,
    dynamics: Path,
    histories: Path,
    comparison: Path,
    evaluation: Path,
    races: Path,
    near_duplicates: Path,
    embeddings: Path,
    summary: Path,
    verdict: Path,
    tables: Path,
    images: Path,
    page: Path,
    suspects: Path,
) -> None:
    """Write all that is read of a run; print what may be said of it."""
    inputs = (prepared, subsets, signals, scores, correlations, dynamics, histories)
    folders = Folders(*inputs, comparison, evaluation, races, near_duplicates, embeddings)
    params = load_params()
    draws = load_draws(params, folders)
    content = all_tables(draws)
    with atomic_folder(tables) as folder:
        save_tables(folder, content)
    with atomic_folder(images) as folder:
        save_pictures(folder, content, draws[0])
    save_page(page, draws, content)
    save_suspects(suspects, draws)
    artifacts.save_json(summary, summarise(draws))
    write_atomically(verdict, f"{_verdict(draws)}\n".encode())
    seconds = Seconds(timings.of_workspace(), params.random_seeds)
    sys.stdout.write(f"{_verdict(draws, seconds)}\n{COSTS}\n")


def _verdict(draws: Sequence[Results], seconds: Seconds | None = None) -> str:
    """Return the verdict; seconds are for terminals, not for outputs."""
    found = conclusions(draws, seconds)
    results = draws[0]
    more = [*unvalidated_in_words(results), *race_sentences(draws), *size_answers(draws)]
    more += [f"{words}." for words in shown_in_words(results.shown)]
    stages = seconds.stages if seconds else None
    return "\n".join(verdict_lines(found, of_run(draws, found), more, in_short(draws), stages))


if __name__ == "__main__":
    command.run(main)
