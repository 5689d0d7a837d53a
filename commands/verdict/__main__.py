"""Say what several runs show: `python -m commands.verdict [EXP ...]`; see `--help`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np

from commands import console
from commands.compare.parameters import flat
from commands.compare.revision_files import WORKSPACE, experiments, opened
from commands.costs import seconds_of
from commands.same_data import RESULTS, require_same_data
from commands.verdict.groups import grouped, titles
from stages.report.numbers.conclusions import conclude, conclusions
from stages.report.numbers.draws import Draw
from stages.report.numbers.raced import is_random
from stages.report.numbers.seconds import Seconds
from stages.report.numbers.summary import round_flops
from stages.report.run.reading import Folders, load_comparison, load_races, load_targets
from stages.report.run.reading import load_draws as load_results
from stages.report.run.results import Target
from stages.report.verdict_lines import verdict_lines
from stages.report.words.next_step import Step, of_run
from stages.shared import artifacts
from stages.shared.artifacts import ENSEMBLE
from stages.shared.artifacts.saved_embeddings import load_flops
from stages.shared.errors import DataError, UserError
from stages.shared.running import command
from stages.shared.settings.params import Params, load_params

EVALUATION_FILES = ("metrics.json", "values")


def load_draws(name: str) -> dict[str, Draw]:
    """Read what the verdict needs of each draw of a revision, by its name.

    Raises:
        DataError: there is no such revision, or its data is neither here nor on the remote.
        ParamsError: its params.yaml is not one of today's.
        ArtifactError: a file holds something else than its stage writes.
    """
    with opened(name) as files:
        params = files.read(lambda root: load_params(root / "params.yaml"), "params.yaml")
        seconds = seconds_of(files, params)
        return {
            name if params.random_seeds == 1 else f"{name} {draw.draw}": files.read(
                partial(_load_draw, draw, seconds), *_paths(draw)
            )
            for draw in params.draws
        }


def _load_draw(params: Params, seconds: Seconds, root: Path) -> Draw:
    folders = Folders.below(root / "data")
    meta = artifacts.load_meta(folders.prepared)
    targets = load_targets(params, meta, folders)
    return Draw(
        params=params,
        meta=meta,
        comparison=load_comparison(params, meta, folders),
        targets={key: _in_memory(target) for key, target in targets.items()},
        search_flops=_search_flops(params, folders),
        took_random=is_random(load_races(params, folders)[str(params.sizes[-1])]),
        seconds=seconds,
    )


def _paths(params: Params) -> Iterator[str]:
    yield "data/prepared/meta.json"
    draw = params.draw
    for size in params.sizes[:-1]:
        yield f"data/histories/ensemble-{size}/{draw}.csv"
        yield f"data/signals/{size}/{draw}/validation.json"
    yield "data/embeddings/cost.json"
    for entry in params.rounds:
        yield f"data/races/{entry.to}/{draw}.json"
    for subset in params.compare.subsets:
        yield f"data/comparison/{subset}/{draw}.csv"
        for model in params.compare.models:
            yield f"data/histories/{model}-{subset}/{draw}.csv"
            for file in EVALUATION_FILES:
                yield f"data/evaluation/{model}-{subset}/{draw}/{file}"


def _in_memory(target: Target) -> Target:
    """Return the same without a map of a file that will be gone."""
    values = {name: np.array(values_MT) for name, values_MT in target.evaluation.values.items()}
    return replace(target, evaluation=replace(target.evaluation, values=values))


def _search_flops(params: Params, folders: Folders) -> float:
    of_rounds = sum(
        round_flops(
            artifacts.load_history(folders.histories / f"ensemble-{size}" / f"{params.draw}.csv"),
            artifacts.load_validation(folders.signals / str(size) / params.draw),
        )
        for size in params.sizes[:-1]
    )
    of_races = sum(race.flops for race in load_races(params, folders).values())
    return load_flops(folders.embeddings) + of_rounds + of_races


def require_alike(draws: Mapping[str, Draw]) -> None:
    """Stop unless the draws differ by their random seed, each from each, and by nothing else.

    Raises:
        DataError: two have the same random seed, other parameters or other data.
    """
    for (first, one), (second, other) in combinations(draws.items(), 2):
        where = f"{first} and {second}"
        if one.params.random_seed == other.params.random_seed:
            raise DataError(
                f"{where}: have the same random_seed {one.params.random_seed}; each draw must "
                "have one of its own"
            )
        settings, others = (flat(draw.params.model_dump(by_alias=True)) for draw in (one, other))
        for name in dict.fromkeys([*settings, *others]):
            found = [str(values.get(name, "absent")) for values in (settings, others)]
            if name != "random_seed" and found[0] != found[1]:
                raise DataError(
                    f"{where}: differ in {name} ({found[0]} and {found[1]}); they may differ by "
                    "random_seed alone"
                )
        if one.meta != other.meta:
            raise DataError(f"{where}: have other prepared data; it must be the same")


def with_metric(draw: Draw, metric: str) -> Draw:
    """Return the same draw as if `report.metric` named this, of the members or of their ensemble.

    Raises:
        DataError: the task has no such metric.
    """
    allowed = [*draw.params.rules.metrics, *map(ENSEMBLE.__add__, draw.params.rules.metrics)]
    if metric not in allowed:
        raise DataError(f"--metric is {metric!r}; it must be {', '.join(allowed)}")
    report = draw.params.report.model_copy(update={"metric": metric})
    return replace(draw, params=draw.params.model_copy(update={"report": report}))


def verdicts(names: Sequence[str], metric: str | None = None) -> Iterator[str]:
    """Yield the lines of the verdict over these revisions, and what to do after the one here.

    Args:
        names: of them, one at least.
        metric: instead of `report.metric`.

    Raises:
        DataError: they differ by more than their random seed, or have no such metric; or the
            results here are of other data (`same_data`).
    """
    if WORKSPACE in names:
        require_same_data(*RESULTS)
    draws: dict[str, Draw] = {}
    for name in names:
        draws |= load_draws(name)
    require_alike(draws)
    steps: list[Step] = []
    if list(names) == [WORKSPACE] and metric is None:
        folders = Folders.below(Path("data"))
        results = load_results(load_params(), folders)
        steps = of_run(results, conclusions(results))
    yield from _lines(draws, metric, steps)


def verdicts_of_groups(names: Sequence[str], metric: str | None = None) -> Iterator[str]:
    """Yield the lines of each group of experiments that have equal settings, and its title.

    What cannot be read, as of an experiment that failed, is said in a line and left out.

    Raises:
        DataError: there is no experiment, or there is no such metric.
    """
    if not names:
        raise DataError("the current commit has no experiments; name revisions, or workspace")
    found, problems = {}, []
    for name in names:
        try:
            found[name] = load_draws(name)
        except UserError as error:
            problems.append(f"left out: {error}")
    groups = grouped(found)
    for title, group in zip(titles(groups), groups, strict=True):
        yield title
        yield from _lines(group.draws, metric)
        yield ""
    yield from problems


def _lines(
    draws: Mapping[str, Draw], metric: str | None, steps: Sequence[Step] = ()
) -> Iterator[str]:
    if metric is not None:
        draws = {name: with_metric(draw, metric) for name, draw in draws.items()}
    first = next(iter(draws.values()))
    found = [conclude(list(draws.values()), model) for model in first.params.compare.models]
    stages = first.seconds.stages if first.seconds else None
    yield from verdict_lines([one for one in found if one], steps, stages=stages)


def main() -> None:
    """Run the command line; an error of the user's ends it with code 1 and one line."""
    parser = console.parser(
        "verdict",
        "Say whether the subset is worth it, over all draws of several runs with equal settings. "
        "Without names: all experiments of the current commit, those with equal settings together.",
        "exp-a exp-b exp-c",
    )
    parser.add_argument(
        "revisions",
        nargs="*",
        metavar="EXP",
        help="name of a DVC experiment, git revision, or workspace",
    )
    parser.add_argument(
        "--metric",
        metavar="NAME",
        help="instead of report.metric; ensemble_<metric>: of all members of a draw together",
    )
    with command.errors_in_one_line():
        arguments = parser.parse_args()
        if arguments.revisions:
            lines = verdicts(arguments.revisions, arguments.metric)
        else:
            lines = verdicts_of_groups(experiments(), arguments.metric)
        for line in lines:
            console.say(line)


if __name__ == "__main__":
    main()
