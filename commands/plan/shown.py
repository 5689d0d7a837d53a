"""The plan as text: a table of the stages, and what it comes to."""

from collections.abc import Iterator, Sequence

from commands.console import shortened, text_table
from commands.plan.estimates import Estimate, Plan, in_bytes, total_seconds
from commands.plan.graph import Stage
from commands.plan.work import Trainings, Work
from stages.shared.running.whole_run import in_time

OF_A_SEARCH = ("embed", "train_ensemble", "predict_pool", "score", "select", "race")
LONGEST_WHY = 28  # characters
COUNTED = {
    "changed": "will run",
    "follows": "will run unless a result above stays equal",
    "restored": "in DVC's cache",
    "unchanged": "up to date",
}


def lines(
    stages: Sequence[Stage], estimates: Sequence[Estimate], plan: Plan, *, wide: bool = False
) -> Iterator[str]:
    """Yield the plan of a pipeline in which something is to run; `wide`: with nothing cut."""
    params, num = plan.params, plan.data.num_samples
    known = "prepared" if plan.data.is_prepared else "not prepared yet"
    models = ", ".join(params.compare.models)
    yield (
        f"{params.dataset.name} ({known}): {num['train']:,} train, {num['validation']:,} "
        f"validation, {num['test']:,} test {params.rules.inputs}"
    )
    yield f"{params.train_ensemble.model} chooses for {models}; on {plan.machine.device}"
    yield ""
    yield _wide_table(estimates) if wide else _table(estimates)
    yield ""
    yield _stages_in_words(stages)
    yield from _totals(estimates, plan)


def nothing_to_do(stages: Sequence[Stage]) -> str:
    """Return what to say where no stage runs."""
    return f"Nothing to run: DVC has the results of all {len(stages)} stages."


def _table(estimates: Sequence[Estimate]) -> str:
    heads = ("stage", "runs because of", "work", "time")
    rows = [
        (
            each.stage.name,
            shortened(_why(each.stage), LONGEST_WHY),
            _in_words(each.work),
            in_time(each.seconds),
        )
        for each in estimates
    ]
    return text_table([heads, *rows])


def _wide_table(estimates: Sequence[Estimate]) -> str:
    heads = ("stage", "runs because of", "work", "memory", "on disk", "time")
    rows = [
        (
            each.stage.name,
            _why(each.stage),
            _in_words(each.work),
            in_bytes(each.memory_bytes),
            in_bytes(each.disk_bytes) if each.disk_bytes else "",
            in_time(each.seconds),
        )
        for each in estimates
    ]
    return text_table([heads, *rows], None, 3)


def _why(stage: Stage) -> str:
    return stage.why if stage.state == "changed" else f"after {stage.why}"


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
