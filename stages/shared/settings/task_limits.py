"""What the task of params.yaml allows in the rest of it: names of files, values of settings.

Each task says it in its own `rules.py`.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from stages.shared import models, tasks
from stages.shared.errors import ParamsError
from stages.shared.settings.menu import ACQUISITIONS
from stages.shared.settings.messages import as_written, choice
from stages.shared.tasks import Rules as Rules

DATASETS = Path(__file__).parent.parent / "datasets"


def rules_of(task: str) -> Rules:
    """Return what a task allows.

    Raises:
        ParamsError: there is none of this name.
    """
    if task not in tasks.names():
        raise ParamsError(f"task is {as_written(task)}; {choice(task, tasks.names())}")
    return tasks.rules(task)


def problems(task: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each thing that the task does not allow; `content` is the whole file."""
    rules = tasks.rules(task)
    yield from _wrong_names(task, rules, content)
    for key, allowed in rules.only.items():
        if (found := _at(content, key)) != allowed:
            yield f"{key} is {as_written(found)}; it must be {as_written(allowed)} with task {task}"
    for key, refused in rules.never.items():
        if _at(content, key) == refused:
            yield f"{key} is {as_written(refused)}; it must be another with task {task}"


def wrong_names_anyhow(content: object) -> Iterator[str]:
    """Yield what `problems` says of names, of a content that may lack anything else."""
    if not isinstance(content, dict) or content.get("task") not in tasks.names():
        return
    task = content["task"]
    try:
        yield from _wrong_names(task, tasks.rules(task), content)
    except (KeyError, TypeError, AttributeError):
        return  # what lacks is told already


def _wrong_names(task: str, rules: Rules, content: Mapping[str, Any]) -> Iterator[str]:
    data_sets = sorted(path.stem for path in (DATASETS / task).glob("[!_]*.py"))
    model_names = models.names(task)
    embeds = content["embed"]["model"] != "none"
    acquisition = content["acquisition"]
    by_size = acquisition if isinstance(acquisition, dict) else {"": acquisition}
    allowed: dict[str, Iterable[str]] = {
        "dataset.name": data_sets,
        "train_ensemble.model": model_names,
        "race.judge": model_names,
        "embed.model": ["none", *(_embedding(task, model_names) if embeds else [])],
        "report.metric": rules.metrics,
    }
    found = {key: _at(content, key) for key in allowed}
    for size, name in by_size.items():
        if not isinstance(size, str):  # it is refused, and may have more digits than can be told
            continue
        key = f"acquisition.{size}".rstrip(".")
        found[key], allowed[key] = name, rules.acquisitions or ACQUISITIONS
    for number, name in enumerate(content["compare"]["models"]):
        key = f"compare.models.{number}"
        found[key], allowed[key] = name, model_names
    for number, name in enumerate(content["predict_pool"]["signals"]):
        key = f"predict_pool.signals.{number}"
        found[key], allowed[key] = name, rules.signals
    for key, name in found.items():
        if name not in allowed[key]:
            yield f"{key} is {as_written(name)}; {choice(name, allowed[key])} (task {task})"


def _embedding(task: str, names: Iterable[str]) -> list[str]:
    """Return the models that may embed: of images those that read them."""
    if task != "image_classification":
        return []
    return [name for name in names if not models.takes_embeddings(task, name)]


def _at(content: Mapping[str, Any], key: str) -> Any:
    """Return the value at a dotted key."""
    value: Any = content
    for part in key.split("."):
        value = value[part]
    return value
