"""Say what `dvc repro` will do and take: `python -m commands.plan`."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import commands.plan
from commands.plan import calibration, finished, shown
from commands.plan.data_sets import Data, load_data
from commands.plan.estimates import Machine, estimate
from commands.plan.graph import Graph, Stage, load_graph
from commands.plan.limits import limits_here, will_not_fit
from commands.plan.work import Work, full_training, work_of
from stages.shared.running import command
from stages.shared.settings.params import Params, check_counts, load_params


def run() -> None:
    """Print the plan of the project in the working folder."""
    params, graph = load_params(), load_graph()
    running = [stage for stage in graph.stages if stage.runs]
    if not running:
        sys.stdout.write(f"{shown.nothing_to_do(graph)}\n")
        return
    data = load_data(params, _prepared(graph))
    check_counts(params, data.num_train, data.meta.num_classes)
    work = {stage.name: work_of(stage, params, data) for stage in running}
    # First of all: it times the start of the processes that others then find running.
    machine = Machine(params, data, _calibration(list(work.values()), params, data))
    work |= _left(running, work, params)
    estimates = [estimate(stage, work[stage.name], machine) for stage in running]
    for line in shown.lines(graph, estimates, machine):
        sys.stdout.write(f"{line}\n")
    for line in will_not_fit(estimates, params, data, limits_here(machine.calibration.gpu_bytes)):
        sys.stdout.write(f"Will not fit: {line}.\n")


def _prepared(graph: Graph) -> Path | None:
    """Return the folder of the prepared data where it is there and stays as it is."""
    prepare = next(stage for stage in graph.stages if stage.kind == "prepare")
    folder = Path(prepare.arguments[0])
    return folder if prepare.state == "unchanged" and folder.exists() else None


def _left(running: Sequence[Stage], work: Mapping[str, Work], params: Params) -> dict[str, Work]:
    """Return what is left of trainings some of whose members are finished, by stage."""
    left = {}
    for name, num in finished.count(running, work, params).items():
        trainings = work[name].trainings
        assert trainings is not None
        unfinished = replace(trainings, num_members=trainings.num_members - num)
        left[name] = replace(work[name], trainings=unfinished)
    return left


def _calibration(work: Sequence[Work], params: Params, data: Data) -> calibration.Calibration:
    trainings = [each.trainings for each in work if each.trainings]
    predictions = [each.predictions for each in work if each.predictions]
    full = [full_training(model, params, data) for model in params.compare.models]
    return calibration.calibrate([*trainings, *full], predictions, data, params.dataset)


def main() -> None:
    """Run the command line; an error of the user's ends it with code 1 and one line."""
    ArgumentParser(
        prog="python -m commands.plan",
        description=commands.plan.__doc__,
        formatter_class=RawDescriptionHelpFormatter,
    ).parse_args()
    with command.errors_in_one_line():
        run()


if __name__ == "__main__":
    main()
