"""Show what a finished run took, in seconds, with FLOPs beside.

python -m commands.costs                    every stage, its trainings, and every budget
python -m commands.costs --own-proxy EXP    against a run whose proxy is the target, as measured

Speed-ups are those of Coleman et al. 2020 (arXiv 1906.11829, Tables 1 and 2), of one draw and one
target model: `selection` is what the target would take as its own proxy over what the proxy takes,
`total` the same with one training on the subset, `full` one training on everything over both.
Trainings count one after the other, however many ran side by side, members that were found
finished with what they took when they were trained.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path

from commands import console
from commands.compare.revision_files import WORKSPACE, Files, MissingError, opened
from commands.console import text_table
from commands.same_data import RESULTS, require_same_data
from stages.report.numbers.own_proxy import COSTLY, is_proxy
from stages.report.numbers.seconds import Seconds, in_words, of_ensemble, of_target
from stages.report.numbers.speedups import DASH, Budget, budgets, ratio_in_words
from stages.report.run.reading import Folders, load_draws
from stages.report.run.results import Results, training_flops
from stages.shared.errors import DataError
from stages.shared.running import command, timings
from stages.shared.running.timings import StageTiming
from stages.shared.settings.params import Params, load_params

Table = list[tuple[str, ...]]


def stage_table(stages: Mapping[str, StageTiming], flops: Mapping[str, float]) -> Table:
    """Return a line for each stage: seconds of its last run, its trainings, and FLOPs."""
    return [
        ("stage", "last run", "trainings", "found finished", "FLOPs"),
        *(
            (
                name,
                in_words(stage.seconds),
                f"{len(stage.trainings)} of {_or_dash(stage.training)}" if stage.trainings else "",
                str(stage.members_found or ""),
                f"{flops[name]:.3g}" if name in flops else "",
            )
            for name, stage in sorted(stages.items())
        ),
    ]


def budget_table(found: Sequence[Budget]) -> Table:
    """Return a line for each budget: seconds."""
    return [
        ("model", "picks", "selection", "own proxy", "training", "total", "full"),
        *(
            (
                one.model,
                f"{one.size:,}",
                _or_dash(one.seconds.selection),
                _or_dash(one.seconds.own_proxy) + ("" if one.is_measured else " estimated"),
                _or_dash(one.seconds.target),
                _or_dash(one.seconds.total),
                _or_dash(one.seconds.full),
            )
            for one in found
        ),
    ]


def speedup_table(found: Sequence[Budget]) -> Table:
    """Return a line for each budget: speed-ups, with those of FLOPs beside."""
    names = ("selection", "total", "full")
    return [
        ("model", "picks", *names),
        *(
            (one.model, f"{one.size:,}", *(ratio_in_words(one, name) for name in names))
            for one in found
        ),
    ]


def flops_of(draws: Sequence[Results]) -> dict[str, float]:
    """Return the FLOPs of all draws by stage: of trainings, and of predictions for the choice."""
    found = {}
    for entries in zip(*(results.rounds for results in draws), strict=True):
        name = of_ensemble(entries[0].number)
        found[name] = sum(sum(training_flops(entry.history).values()) for entry in entries)
        of_prediction = name.replace("train_ensemble", "predict_pool")
        found[of_prediction] = sum(entry.validation.flops for entry in entries)
    for model, subset in draws[0].targets:
        trained = [training_flops(results.targets[model, subset].history) for results in draws]
        found[of_target(model, subset)] = sum(sum(flops.values()) for flops in trained)
    return found


def baseline(name: str, params: Params) -> dict[str, Seconds]:
    """Return the seconds of a revision whose proxy is one of the target models, by that model.

    Raises:
        DataError: there is no such revision, or it does not fit (`require_baseline`).
    """
    with opened(name) as files:
        own = files.read(lambda root: load_params(root / "params.yaml"), "params.yaml")
        require_baseline(name, own, params)
        return {own.train_ensemble.model: seconds_of(files, own)}


def require_baseline(name: str, own: Params, params: Params) -> None:
    """Stop unless a run is the same search with the target as its own proxy.

    Raises:
        DataError: its proxy is no target model here or trained otherwise, or its rounds differ.
    """
    model, models = own.train_ensemble.model, params.compare.models
    if model not in models or not is_proxy(own.train_ensemble, params.train_subset_model):
        raise DataError(
            f"{name}: its proxy {model} must be one of {', '.join(models)}, and "
            f"{', '.join(COSTLY)} of train_ensemble there those of train_subset_model here"
        )
    for key in ("task", "dataset", "rounds", "train_ensemble.members"):
        found, wanted = (attrgetter(key)(each) for each in (own, params))
        if found != wanted:
            raise DataError(f"{name}: has another {key}; it must be that of params.yaml")


def seconds_of(files: Files, params: Params) -> Seconds:
    """Return what a revision's stages took, as far as the resume folder has it."""
    try:
        stages = files.read(lambda root: timings.of_lock(root / "dvc.lock"), "dvc.lock")
    except MissingError:  # it was not run by DVC
        stages = {}
    return Seconds(stages, params.random_seeds)


def lines(own_proxy: str | None) -> Iterator[str]:
    """Yield what to show of the run in the working folder.

    Raises:
        DataError: the run of the baseline does not fit, or the results are of other data.
        ArtifactError: the run is not finished.
    """
    require_same_data(*RESULTS)
    params = load_params()
    draws = load_draws(params, Folders.below(Path("data")))
    seconds = Seconds(timings.of_workspace(), params.random_seeds)
    yield f"on {seconds.machine}" if seconds.machine else "no stage's seconds are known"
    yield from _different_machines(seconds)
    yield ""
    yield text_table(stage_table(seconds.stages, flops_of(draws)))
    yield ""
    draws_in_words = "one draw" if len(draws) == 1 else f"mean of {len(draws)} draws"
    yield f"By budget ({draws_in_words}, trainings one after the other):"
    found = budgets(draws[0], seconds, baseline(own_proxy, params) if own_proxy else {})
    yield text_table(budget_table(found), num_words=1)
    yield ""
    yield "Speed-ups:"
    yield text_table(speedup_table(found), num_words=1)


def _different_machines(seconds: Seconds) -> Iterator[str]:
    for name, stage in seconds.stages.items():
        if stage.machine != seconds.machine:
            yield f"{name} on {stage.machine}: it is not added to the others"


def _or_dash(seconds: float | None) -> str:
    return DASH if seconds is None or math.isnan(seconds) else in_words(seconds)


def main() -> None:
    """Run the command line; an error of the user's ends it with code 1 and one line."""
    parser = console.parser(
        "costs",
        "Show what a finished run took, in seconds with FLOPs beside: every stage, its trainings, "
        "and what choosing the subset saves.",
        "--own-proxy exp-a",
    )
    parser.add_argument(
        "--own-proxy",
        metavar="EXP",
        help=f"name of a DVC experiment, git revision, or {WORKSPACE}, whose train_ensemble.model "
        "is the target, trained as the target is",
    )
    with command.errors_in_one_line():
        for line in lines(parser.parse_args().own_proxy):
            console.say(line)


if __name__ == "__main__":
    main()
