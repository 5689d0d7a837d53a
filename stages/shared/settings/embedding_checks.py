"""What settings may not say where a model reads embeddings, which are as they are.

The check raises a ValueError of one line.
"""

from collections.abc import Iterator, Sequence

from stages.shared import models
from stages.shared.settings.content import Content
from stages.shared.settings.messages import AND, as_written
from stages.shared.settings.training_sections import Training
from stages.shared.tasks import NOT_AUGMENTED


def embedded_models(params: Content) -> None:
    """Check the settings of models that read embeddings."""
    evaluated = {f"compare.models.{n}": name for n, name in enumerate(params.compare.models)}
    if params.race.entrants:
        evaluated["race.judge"] = params.race.judge
    wrong: list[str] = []
    for place, name in {"train_ensemble.model": params.train_ensemble.model, **evaluated}.items():
        wrong += _of(place, name, params)
    for section, trained in params.trainings:
        for name in _probes(params, trained)[:1]:
            wrong += _of_training(section, getattr(params, section), name)
    for name in _probes(params, [params.train_ensemble.model]):
        wrong += _of_views("predict_pool", params.predict_pool.views, name)
    for name in _probes(params, [*evaluated.values()])[:1]:
        wrong += _of_views("evaluate", params.evaluate.views, name)
    if wrong:
        raise ValueError(AND.join(wrong))


def _probes(params: Content, names: Sequence[str]) -> list[str]:
    return [name for name in names if models.takes_embeddings(params.task, name)]


def _of(place: str, name: str, params: Content) -> Iterator[str]:
    if params.embed.model == "none" and models.takes_embeddings(params.task, name):
        yield f"{place} is {name}, which reads embeddings; embed.model must be a network, not none"


def _of_training(section: str, settings: Training, name: str) -> Iterator[str]:
    content = settings.model_dump()
    for key, allowed in NOT_AUGMENTED.items():
        where, _, path = key.partition(".")
        if where == section:
            found = content
            for part in path.split("."):
                found = found[part]
            if found != allowed:
                yield (
                    f"{key} is {as_written(found)}; it must be {as_written(allowed)} with {name}, "
                    "which reads embeddings"
                )


def _of_views(section: str, views: Sequence[str], name: str) -> Iterator[str]:
    if list(views) != ["identity"]:
        yield (
            f"{section}.views is {as_written(views)}; it must be [identity] with {name}, which "
            "reads embeddings"
        )
