"""Say what `dvc repro` will do and take: `python -m commands.plan`."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import replace

import commands.plan
from commands.plan import finished, shown
from commands.plan.data_sets import load_data
from commands.plan.estimates import Plan, estimate, will_not_fit
from commands.plan.graph import load_graph
from commands.plan.trials import measure
from commands.plan.work import Trainings, work_of
from stages.shared import artifacts
from stages.shared.running import command
from stages.shared.settings.params import check_counts, load_params


def run() -> None:
    """Print the plan of the project in the working folder."""
    params = load_params()
    artifacts.check_lists(params)
    stages = load_graph()
    running = [stage for stage in stages if stage.runs]
    if not running:
        sys.stdout.write(f"{shown.nothing_to_do(stages)}\n")
        return
    data = load_data(params, stages)
    check_counts(params, data.num_samples["train"], data.meta.num_classes)
    work = {stage.name: work_of(stage, params, data.meta) for stage in running}
    # First of all: it times the start of the processes that others then find running.
    machine = measure(work.values(), data, params.dataset)
    for name, num in finished.count(running, params).items():
        trainings = work[name]
        assert isinstance(trainings, Trainings)
        work[name] = replace(trainings, num_members=trainings.num_members - num)
    plan = Plan(params, data, machine)
    estimates = [estimate(stage, work[stage.name], plan) for stage in running]
    for line in [*shown.lines(stages, estimates, plan), *will_not_fit(estimates)]:
        sys.stdout.write(f"{line}\n")


def main() -> None:
    """Run the command line; an error of the user's ends it with code 1 and one line."""
    parser = ArgumentParser(
        prog="python -m commands.plan",
        description=commands.plan.__doc__,
        formatter_class=RawDescriptionHelpFormatter,
    )
    with command.errors_in_one_line():
        parser.parse_args()
        run()


if __name__ == "__main__":
    main()
