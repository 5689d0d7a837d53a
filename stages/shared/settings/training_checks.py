"""What two settings of trainings and what is compared may not say together.

Each check raises a ValueError of one line.
"""

from collections.abc import Iterator
from itertools import islice

from stages.shared import models
from stages.shared.errors import ParamsError
from stages.shared.settings.content import Content
from stages.shared.settings.menu import NEED_DYNAMICS
from stages.shared.settings.messages import AND, as_written, choice
from stages.shared.settings.sections import NEVER_FLIPPED
from stages.shared.settings.training_sections import NOT_OF_UNTRAINED, OneCycle, Plateau
from stages.shared.sizes import MATCHED, kind_and_size, parse_size


def _judging(params: Content) -> None:
    if not params.race.entrants and params.race.length is None:
        return
    recipe, judging = params.race.recipe, params.judging
    here = "race.length" if params.race.length else "train_subset_model.length"
    if judging.epochs is None and not isinstance(judging.schedule, OneCycle):
        raise ValueError(
            f"{here} is in updates; {recipe}.schedule {judging.schedule.name} needs {{epochs: n}}"
        )
    if params.race.entrants and getattr(params, recipe).train == "none":
        raise ValueError(
            f"race.recipe is {recipe}, whose train is none; it must be train_subset_model"
        )


def _first_weights(params: Content) -> None:
    known = models.names(params.task)
    for model in params.weights:
        if model not in known:
            raise ValueError(f"weights.{model} is unknown; {choice(model, known)}")
    target, ensemble = params.train_subset_model, params.train_ensemble
    if target.initialize_from != "scratch" and params.is_given(ensemble.model):
        raise ValueError(
            f"weights.{ensemble.model} is {params.weights[ensemble.model]}; it must be random with "
            f"train_subset_model.initialize_from: {target.initialize_from}, or that be scratch"
        )
    for here, trained in params.trainings:
        given = [name for name in trained if params.is_given(name)]
        settings = getattr(params, here)
        for key, always in (("train", "all"), ("batch_norm", "batch")):
            if getattr(settings, key) != always and given != trained:
                lacking = next(name for name in trained if name not in given)
                raise ValueError(
                    f"{here}.{key} is {getattr(settings, key)}; it must be {always} unless "
                    f"weights.{lacking} is pretrained or a file"
                )


def _first_layer(params: Content) -> None:
    for here, trained in params.trainings:
        if getattr(params, here).first_layer == "trained":
            continue
        given = [name for name in trained if params.is_given(name)]
        if given:
            raise ValueError(
                f"{here}.first_layer is whitened; it must be trained with weights.{given[0]}: "
                f"{params.weights[given[0]]}"
            )
        for name in trained:
            if models.is_of_library(params.task, name):
                raise ValueError(
                    f"{here}.first_layer is whitened; it must be trained with {name}, a library's "
                    "network, which resizes and normalises images itself"
                )


def _untrained(params: Content) -> None:
    ensemble, here = params.train_ensemble, "train_ensemble"
    if ensemble.train != "none":
        return
    if ensemble.members != 1:
        raise ValueError(
            f"{here}.members is {ensemble.members}; it must be 1 with {here}.train: none, since "
            "all would be equal"
        )
    if params.predict_pool.voters.count != 1:
        raise ValueError(
            f"predict_pool.voters.count is {params.predict_pool.voters.count}; it must be 1 with "
            f"{here}.train: none, which has one checkpoint"
        )
    settings = ensemble.model_dump()
    for key, nothing in NOT_OF_UNTRAINED.items():
        if settings[key] != nothing:
            raise ValueError(
                f"{here}.{key} is {settings[key]}; it must be {nothing} with {here}.train: none"
            )
    for entry in params.rounds:
        name = params.acquisition_of(str(entry.to))
        if name in NEED_DYNAMICS:
            raise ValueError(f"acquisition is {name}; {here}.train must then be another than none")


def _bootstrap(params: Content) -> None:
    ensemble, here = params.train_ensemble, "train_ensemble.bootstrap"
    if not ensemble.bootstrap:
        return
    if ensemble.track != "none":
        raise ValueError(
            f"{here} is true; it must be false with train_ensemble.track: {ensemble.track}, of "
            "samples that all members see"
        )
    for entry in params.rounds:
        name = params.acquisition_of(str(entry.to))
        if name in NEED_DYNAMICS:
            raise ValueError(
                f"acquisition is {name}, of samples that all members see; {here} must then be false"
            )


def _compared_subsets(params: Content) -> None:
    for kind, names in (("models", params.compare.models), ("subsets", params.compare.subsets)):
        if len(set(names)) < len(names):
            raise ValueError(f"compare.{kind} is {as_written(names)}; each may stand once")
    wrong = [
        f"compare.subsets.{number} is {name!r}; {allowed}"
        for number, name in enumerate(params.compare.subsets)
        for allowed in islice(_wrong_with_compared_subset(params, name), 1)
    ]
    if wrong:
        raise ValueError(AND.join(wrong))


def _wrong_with_compared_subset(params: Content, name: str) -> Iterator[str]:
    """Yield what is allowed where `name` is no subset that can be compared."""
    kind, text = kind_and_size(name)
    alone = ["selected", "random", "random-unique", "full", MATCHED]
    if kind == MATCHED:
        yield from _wrong_with_matched(params)
    if name in alone:
        return
    if kind not in ("selected", "random", MATCHED) or not text:
        sized = [f"{kind}-<size>" for kind in ("selected", "random", MATCHED)]
        yield choice(name, [*alone, *sized])
    last = params.sizes[-1]
    try:
        size = parse_size(text)
    except ParamsError:
        size = 0
    if str(size) != text or type(size) is not type(last) or not size > 0:
        yield "its size must be written as in rounds"
    if kind == "selected" and size > last:
        yield f"its size must be at most {last}, that of the last round"
    if isinstance(size, float) and size > 1:
        yield "a fraction must be at most 1.0"


def _wrong_with_matched(params: Content) -> Iterator[str]:
    """Yield why everything cannot be trained for as many updates as a subset."""
    target = params.train_subset_model
    if target.epochs is None:
        yield "with train_subset_model.length in updates it is full itself, so it must be left out"
    if isinstance(target.schedule, Plateau):
        yield (
            "train_subset_model.schedule must be one_cycle or steps with it: when a plateau ends "
            "a training is not known beforehand"
        )


def _initialization(params: Content) -> None:
    target, ensemble = params.train_subset_model, params.train_ensemble
    source = target.initialize_from
    if source == "scratch":
        return
    allowed = [str(entry.from_) for entry in params.rounds]
    if str(source) not in allowed:
        raise ValueError(
            f"train_subset_model.initialize_from is {source}; "
            f"{choice(source, ['scratch', *allowed])}"
        )
    if params.compare.models != [ensemble.model]:
        raise ValueError(
            f"compare.models is {as_written(params.compare.models)}; it must be "
            f"train_ensemble.model alone, {ensemble.model}, with "
            f"train_subset_model.initialize_from: {source}"
        )
    if target.members > ensemble.members:
        raise ValueError(
            f"train_subset_model.members is {target.members}; it must be at most "
            f"{ensemble.members}, the members of the ensemble that are fine-tuned"
        )
    voting = params.predict_pool.voters.checkpoints
    if target.initialize_with != voting:
        raise ValueError(
            f"train_subset_model.initialize_with is {target.initialize_with}; it must be "
            f"{voting}, as predict_pool.voters.checkpoints: what is fine-tuned is what voted"
        )
    if target.first_layer != ensemble.first_layer:
        raise ValueError(
            f"train_subset_model.first_layer is {target.first_layer}; it must be "
            f"{ensemble.first_layer}, as that of the ensemble that is fine-tuned"
        )


def _flips(params: Content) -> None:
    if params.dataset.name not in NEVER_FLIPPED:
        return
    why = f"it must be {{}}, {params.dataset.name} are never flipped"
    wrong = [
        f"{name}.augmentation.horizontal_flip is true; {why.format('false')}"
        for name in ("train_ensemble", "train_subset_model")
        if getattr(params, name).augmentation.horizontal_flip
    ]
    wrong += [
        f"{name}.views is {getattr(params, name).views}; {why.format('[identity]')}"
        for name in ("predict_pool", "evaluate")
        if "flip" in getattr(params, name).views
    ]
    if wrong:
        raise ValueError(AND.join(wrong))


def _evaluation(params: Content) -> None:
    allowed = [str(entry.from_) for entry in params.rounds]
    for number, size in enumerate(params.evaluate.ensembles):
        if str(size) not in allowed:
            raise ValueError(f"evaluate.ensembles.{number} is {size}; {choice(size, allowed)}")
    if len(set(params.evaluate.ensembles)) < len(params.evaluate.ensembles):
        raise ValueError(f"evaluate.ensembles is {params.evaluate.ensembles}; each may stand once")
    best = params.train_subset_model.checkpoints.best
    if params.evaluate.weights == "best_validation" and not best:
        raise ValueError(
            "evaluate.weights is best_validation; it must be last unless "
            "train_subset_model.checkpoints.best is true"
        )


ALL = (
    _bootstrap,
    _first_weights,
    _first_layer,
    _untrained,
    _judging,
    _compared_subsets,
    _initialization,
    _flips,
    _evaluation,
)
