"""The plan as text: a table of the stages, what it comes to, and what will not fit."""

import os
from collections.abc import Iterator, Sequence

from commands.plan.estimates import (
    Estimate,
    Machine,
    member_seconds,
    total_seconds,
)
from commands.plan.graph import Graph
from commands.plan.limits import in_bytes
from commands.plan.work import full_training
from stages.shared.running import engine

Row = dict[str, str | int | float]

OF_A_SEARCH = ("train_ensemble", "predict_pool", "score", "select")
BUSY = 1.25  # processes that want a core, for each core


def lines(graph: Graph, estimates: Sequence[Estimate], machine: Machine) -> Iterator[str]:
    """Yield the plan of a pipeline in which something is to run."""
    yield _head(machine)
    yield ""
    yield text_table([_row(each) for each in estimates])
    yield ""
    yield from _stages_in_words(graph)
    yield from _totals(graph, estimates, machine)
    yield from _full_training(estimates, machine)
    if busy := _load():
        yield busy


def nothing_to_do(graph: Graph) -> str:
    """Return what to say where no stage runs."""
    return f"Nothing to run: DVC has the results of all {len(graph.stages)} stages."


def _head(machine: Machine) -> str:
    params, data, calibration = machine
    num = data.meta.num_samples
    known = "prepared" if data.is_prepared else "counted, not prepared yet"
    return (
        f"{params.dataset.name} ({known}): {num['train']:,} train, {num['validation']:,} "
        f"validation, {num['test']:,} test {params.rules.inputs}; {params.train_ensemble.model} "
        f"chooses for {', '.join(params.compare.models)}; on {calibration.device}"
    )


def _row(each: Estimate) -> Row:
    why = each.stage.why if each.stage.state == "changed" else f"after {each.stage.why}"
    return {
        "stage": each.stage.name,
        "runs because of": why,
        "trainings": str(each.work.num_trainings or ""),
        "images": f"{each.work.images:,}" if each.work.images else "",
        "FLOPs": f"{each.flops:.1e}" if each.flops else "",
        "seconds": f"{each.seconds:.1f}",
        "memory": in_bytes(each.memory_bytes),
        "disk": in_bytes(each.disk_bytes),
    }


def _stages_in_words(graph: Graph) -> Iterator[str]:
    counts = {state: sum(s.state == state for s in graph.stages) for state in COUNTED}
    found = [f"{num} {COUNTED[state]}" for state, num in counts.items() if num]
    yield f"{len(graph.stages)} stages: {'; '.join(found)}."


COUNTED = {
    "changed": "will run",
    "follows": "will run unless a result above stays equal",
    "restored": "in DVC's cache",
    "unchanged": "up to date",
}


def _totals(graph: Graph, estimates: Sequence[Estimate], machine: Machine) -> Iterator[str]:
    trainings = sum(each.work.num_trainings for each in estimates)
    images = sum(each.work.images for each in estimates)
    seconds = total_seconds(estimates, graph.dvc_seconds)
    yield (
        f"{trainings} trainings, {images:,} {machine.params.rules.inputs}, "
        f"{sum(each.flops for each in estimates):.1e} FLOPs: about {in_time(seconds)}, "
        f"{in_time(graph.dvc_seconds)} of them DVC's own."
    )
    memory, gpu = (
        max(getattr(each, name) for each in estimates) for name in ("memory_bytes", "gpu_bytes")
    )
    on_gpu = f", {in_bytes(gpu)} on the GPU" if gpu else ""
    disk = in_bytes(sum(each.disk_bytes for each in estimates))
    yield f"At most {in_bytes(memory)} of memory{on_gpu}, and {disk} on disk."


def _full_training(estimates: Sequence[Estimate], machine: Machine) -> Iterator[str]:
    """Yield what one training on everything takes, and the search in such trainings."""
    for model in machine.params.compare.models:
        full = full_training(model, machine.params, machine.data)
        rate = machine.calibration.of_training(full)
        seconds, flops = member_seconds(full, machine), full.passes * rate.flops_per_pass
        text = f"One training of {model} on everything: {in_time(seconds)}, {flops:.1e} FLOPs"
        search = [each for each in estimates if each.stage.kind in OF_A_SEARCH]
        if len(search) == len(OF_A_SEARCH) * len(machine.params.rounds):
            in_flops = sum(each.flops for each in search) / flops
            in_seconds = sum(each.seconds for each in search) / seconds
            text += f"; the search: {in_flops:.2f} of that in FLOPs, {in_seconds:.2f} in seconds"
        yield f"{text}."


def _load() -> str:
    """Return what to say where other work runs on this machine."""
    load, cores = os.getloadavg()[0], engine.num_cores()
    if load < BUSY * cores:
        return ""
    return f"Other work runs here (load {load:.1f} on {cores} cores): a quiet machine is faster."


def in_time(seconds: float) -> str:
    """Return a duration for people."""
    if seconds < 100:  # noqa: PLR2004 - two digits
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004
    minutes = round(seconds / 60)
    if minutes < 100:  # noqa: PLR2004
        return f"{minutes} min"
    return f"{seconds / 3600:.1f} h"


def text_table(rows: Sequence[Row]) -> str:
    """Return rows as a table with aligned columns: words to the left, numbers to the right."""
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    is_text = [isinstance(value, str) for value in rows[0].values()]
    lines = [
        "  ".join(
            cell.ljust(width) if text else cell.rjust(width)
            for cell, width, text in zip(line, widths, is_text, strict=True)
        )
        for line in cells
    ]
    return "\n".join(line.rstrip() for line in lines)
