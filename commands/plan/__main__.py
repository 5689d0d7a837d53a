"""Say what `dvc repro` will do and take: `python -m commands.plan`."""

from collections.abc import Sequence
from dataclasses import replace

from commands import console
from commands.plan import finished, shown
from commands.plan.data_sets import load_data
from commands.plan.estimates import Plan, estimate, will_not_fit
from commands.plan.graph import load_graph
from commands.plan.overrides import overridden
from commands.plan.trials import measure
from commands.plan.work import Trainings, work_of
from stages.shared import artifacts
from stages.shared.running import command, ending
from stages.shared.settings.params import check_counts, load_params


def run(settings: Sequence[str] = (), *, wide: bool = False) -> None:
    """Print the plan of the project in the working folder.

    Args:
        settings: changes of params.yaml, as `dvc exp run -S` takes them.
        wide: print everything of the table, however wide that is.
    """
    with overridden(settings) as path:
        params = load_params(path)
        artifacts.check_lists(params)
        stages = load_graph(params, path)
    running = [stage for stage in stages if stage.runs]
    if not running:
        console.say(shown.nothing_to_do(stages))
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
    for line in [*shown.lines(stages, estimates, plan, wide=wide), *will_not_fit(estimates)]:
        console.say(line)


def main() -> None:
    """Run the command line; an error of the user's ends it with code 1 and one line."""
    parser = console.parser(
        "plan",
        "Say what `dvc repro` will run, how long that takes on this machine, and what will not "
        "fit. Nothing is run or written.",
        "-S train_ensemble.members=8",
    )
    parser.add_argument(
        "-S",
        "--set-param",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="plan with this setting in place of that of params.yaml, as `dvc exp run -S` would "
        "run it; may be repeated",
    )
    parser.add_argument(
        "--wide",
        action="store_true",
        help="cut nothing, and say the memory and disk of each stage",
    )
    with command.errors_in_one_line(), ending.on_interrupt():
        arguments = parser.parse_args()
        run(arguments.set_param, wide=arguments.wide)


if __name__ == "__main__":
    main()
