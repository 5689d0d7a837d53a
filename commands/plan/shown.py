"""The plan as text: a table of the stages, and what it comes to."""

import os
from collections.abc import Iterator, Sequence

from commands.plan.estimates import Estimate, Plan, in_bytes, member_seconds, total_seconds
from commands.plan.graph import Stage
from commands.plan.work import Trainings, Work, full_training
from stages.shared.running import engine

OF_A_SEARCH = ("train_ensemble", "predict_pool", "score", "select")
BUSY = 1.25  # processes that want a core, for each core
LONGEST_WHY = 28  # characters: the whole table has 100
COUNTED = {
    "changed": "will run",
    "follows": "will run unless a result above stays equal",
    "restored": "in DVC's cache",
    "unchanged": "up to date",
}


def lines(stages: Sequence[Stage], estimates: Sequence[Estimate], plan: Plan) -> Iterator[str]:
    """Yield the plan of a pipeline in which something is to run."""
    yield from _head(plan)
    yield ""
    yield text_table([("stage", "runs because of", "work", "seconds"), *map(_row, estimates)])
    yield ""
    yield _stages_in_words(stages)
    yield from _totals(estimates, plan)
    yield from _full_training(estimates, plan)
    load, cores = os.getloadavg()[0], engine.num_cores()
    if load > BUSY * cores:
        yield (
            f"Other work runs here (load {load:.1f} on {cores} cores): a quiet machine is faster."
        )


def nothing_to_do(stages: Sequence[Stage]) -> str:
    """Return what to say where no stage runs."""
    return f"Nothing to run: DVC has the results of all {len(stages)} stages."


def _head(plan: Plan) -> Iterator[str]:
    params, num = plan.params, plan.data.num_samples
    known = "prepared" if plan.data.is_prepared else "not prepared yet"
    yield (
        f"{params.dataset.name} ({known}): {num['train']:,} train, {num['validation']:,} "
        f"validation, {num['test']:,} test {params.rules.inputs}"
    )
    models = ", ".join(params.compare.models)
    yield f"{params.train_ensemble.model} chooses for {models}; on {plan.machine.device}"


def _row(each: Estimate) -> tuple[str, ...]:
    why = each.stage.why if each.stage.state == "changed" else f"after {each.stage.why}"
    if len(why) > LONGEST_WHY:
        why = f"…{why[1 - LONGEST_WHY :]}"
    return each.stage.name, why, _in_words(each.work), f"{each.seconds:.1f}"


def _in_words(work: Work) -> str:
    if work is None:
        return ""
    if isinstance(work, Trainings):
        return f"{work.num_members} x {work.updates:,} updates"
    return f"{work.num_models} x {work.num_samples:,} samples"


def _stages_in_words(stages: Sequence[Stage]) -> str:
    counts = {state: sum(stage.state == state for stage in stages) for state in COUNTED}
    found = [f"{num} {COUNTED[state]}" for state, num in counts.items() if num]
    return f"{len(stages)} stages: {'; '.join(found)}."


def _totals(estimates: Sequence[Estimate], plan: Plan) -> Iterator[str]:
    num = sum(each.work.num_members for each in estimates if isinstance(each.work, Trainings))
    memory = in_bytes(max(each.memory_bytes for each in estimates))
    disk = in_bytes(sum(each.disk_bytes for each in estimates))
    yield (
        f"{num} trainings: about {in_time(total_seconds(estimates, plan))} in all, with DVC's own; "
        f"at most {memory} of memory, {disk} on disk."
    )


def _full_training(estimates: Sequence[Estimate], plan: Plan) -> Iterator[str]:
    """Yield what one training on everything takes, beside the search."""
    search = [each for each in estimates if each.stage.kind in OF_A_SEARCH]
    is_whole = len(search) == len(OF_A_SEARCH) * len(plan.params.rounds)
    seconds = in_time(sum(each.seconds for each in search))
    beside = f"; the search: {seconds}" if is_whole else ""
    for model in plan.params.compare.models:
        full = member_seconds(full_training(model, plan.params, plan.data.meta), plan)
        yield f"One training of {model} on everything: {in_time(full)}{beside}."


def in_time(seconds: float) -> str:
    """Return a duration for people."""
    if seconds < 100:  # noqa: PLR2004 - two digits
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004
    minutes = round(seconds / 60)
    if minutes < 100:  # noqa: PLR2004
        return f"{minutes} min"
    return f"{seconds / 3600:.1f} h"


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a table with aligned columns: words to the left, the last to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([*map(str.ljust, row[:-1], widths), row[-1].rjust(widths[-1])]) for row in rows
    )
