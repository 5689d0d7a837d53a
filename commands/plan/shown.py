"""The plan as text: a table of the stages, and what it comes to."""

from collections.abc import Iterator, Sequence

from commands.plan.estimates import Estimate, Plan, in_bytes, total_seconds
from commands.plan.graph import Stage
from commands.plan.work import Trainings, Work

OF_A_SEARCH = ("embed", "train_ensemble", "predict_pool", "score", "select", "race")
LONGEST_WHY = 28  # characters: the whole table has 100
COUNTED = {
    "changed": "will run",
    "follows": "will run unless a result above stays equal",
    "restored": "in DVC's cache",
    "unchanged": "up to date",
}


def lines(stages: Sequence[Stage], estimates: Sequence[Estimate], plan: Plan) -> Iterator[str]:
    """Yield the plan of a pipeline in which something is to run."""
    params, num = plan.params, plan.data.num_samples
    known = "prepared" if plan.data.is_prepared else "not prepared yet"
    models = ", ".join(params.compare.models)
    yield (
        f"{params.dataset.name} ({known}): {num['train']:,} train, {num['validation']:,} "
        f"validation, {num['test']:,} test {params.rules.inputs}"
    )
    yield f"{params.train_ensemble.model} chooses for {models}; on {plan.machine.device}"
    yield ""
    yield text_table([("stage", "runs because of", "work", "time"), *map(_row, estimates)])
    yield ""
    yield _stages_in_words(stages)
    yield from _totals(estimates, plan)


def nothing_to_do(stages: Sequence[Stage]) -> str:
    """Return what to say where no stage runs."""
    return f"Nothing to run: DVC has the results of all {len(stages)} stages."


def _row(each: Estimate) -> tuple[str, ...]:
    why = each.stage.why if each.stage.state == "changed" else f"after {each.stage.why}"
    if len(why) > LONGEST_WHY:
        why = f"…{why[1 - LONGEST_WHY :]}"
    return each.stage.name, why, _in_words(each.work), in_time(each.seconds)


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
    search = [each for each in estimates if each.stage.kind in OF_A_SEARCH]
    whole, of_search = (in_time(total_seconds(some, plan)) for some in (estimates, search))
    yield f"{num} trainings: about {whole} in all, {of_search} of them to choose the subset."
    memory = in_bytes(max(each.memory_bytes for each in estimates))
    disk = in_bytes(sum(each.disk_bytes for each in estimates))
    yield f"At most {memory} of memory, and {disk} on disk."


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
