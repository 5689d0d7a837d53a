"""Compare selected, random and full.

`python -m stages.report PREPARED SUBSETS SIGNALS SCORES CORRELATIONS DYNAMICS HISTORIES COMPARISON
EVALUATION RACES NEAR_DUPLICATES EMBEDDINGS SUMMARY VERDICT TABLES IMAGES PAGE SUSPECTS`.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from stages.report.page.document import save_page
from stages.report.pictures import save_pictures
from stages.report.raced import race_sentences
from stages.report.results import Folders, Results, load_draws
from stages.report.seconds import Seconds
from stages.report.size_wording import size_sentences
from stages.report.speedups import budgets, in_sentences
from stages.report.summary import sentences, summarise
from stages.report.suspected import save_suspects
from stages.report.tables import all_tables, save_tables
from stages.report.wording import verdict_sentences
from stages.shared import artifacts
from stages.shared.artifacts.files import atomic_folder, write_atomically
from stages.shared.running import command, timings
from stages.shared.settings.params import load_params


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
    save_suspects(suspects, draws[0])
    artifacts.save_json(summary, summarise(draws))
    others = [*race_sentences(draws), *size_sentences(draws)]
    told = [*verdict_sentences(draws), *others]
    write_atomically(verdict, "".join(f"{sentence}\n" for sentence in told).encode())
    seconds = Seconds(timings.of_workspace(), params.random_seeds)
    told = [*verdict_sentences(draws, seconds), *others]
    for sentence in (*sentences(draws), *told, *_speedups(draws, seconds)):
        sys.stdout.write(f"{sentence}\n")


def _speedups(draws: Sequence[Results], seconds: Seconds) -> Iterator[str]:
    """Yield what the largest budget saves each target model, where its seconds are known."""
    last = {budget.model: budget for budget in budgets(draws[0], seconds)}
    yield from in_sentences(last.values())
    yield "python -m commands.costs shows the seconds of every stage, training and budget"


if __name__ == "__main__":
    command.run(main)
