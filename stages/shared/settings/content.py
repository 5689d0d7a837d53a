"""The sections of params.yaml together, and what follows from them."""

from typing import Annotated, Self

from pydantic import Discriminator, Field, NonNegativeInt, PositiveInt, Tag

from stages.shared import tasks
from stages.shared.settings.race_section import Race, resolved
from stages.shared.settings.section import Section
from stages.shared.settings.sections import (
    Acquisition,
    Compare,
    Dataset,
    Embed,
    Evaluate,
    NearDuplicates,
    PredictPool,
    Report,
    Round,
    Score,
    SeedSubset,
    Select,
    SizeParam,
    TaskName,
    WeightSource,
)
from stages.shared.settings.training_sections import (
    Checkpoints,
    Plateau,
    TrainEnsemble,
    Training,
    TrainSubsetModel,
)
from stages.shared.sizes import Size
from stages.shared.tasks import Rules


class Content(Section):
    """The whole of params.yaml, each section checked by itself."""

    random_seed: NonNegativeInt
    random_seeds: PositiveInt
    task: TaskName
    seed_size: SizeParam
    rounds: Annotated[list[Round], Field(min_length=1)]
    acquisition: Annotated[
        Annotated[Acquisition, Tag("name")] | Annotated[dict[str, Acquisition], Tag("map")],
        Discriminator(lambda found: "map" if isinstance(found, dict) else "name"),
    ]
    dataset: Dataset
    embed: Embed
    near_duplicates: NearDuplicates
    seed_subset: SeedSubset
    weights: dict[str, WeightSource]
    train_ensemble: TrainEnsemble
    predict_pool: PredictPool
    score: Score
    select: Select
    race: Race
    compare: Compare
    train_subset_model: TrainSubsetModel
    evaluate: Evaluate
    report: Report

    @property
    def rules(self) -> Rules:
        """What the task allows, and which files speak of it."""
        return tasks.rules(self.task)

    @property
    def draws(self) -> list[Self]:
        """The parameters of each draw: this one's seed and those after it, one seed each."""
        seeds = range(self.random_seed, self.random_seed + self.random_seeds)
        return [self.model_copy(update={"random_seed": seed, "random_seeds": 1}) for seed in seeds]

    @property
    def draw(self) -> str:
        """The name of the first draw in paths."""
        return f"seed-{self.random_seed}"

    @property
    def first_seed(self) -> int:
        """The seed of what a search starts from, which trainings from several seeds may share."""
        own = self.seed_subset.random_seed
        return self.random_seed if own is None else own

    def acquisition_of(self, size: str) -> str:
        """Return the name of the acquisition function that chooses the subset of this size."""
        return self.acquisition if isinstance(self.acquisition, str) else self.acquisition[size]

    def round_number(self, size: str) -> int:
        """Return the number of the round that chooses the subset of this size, from 1."""
        return [str(entry.to) for entry in self.rounds].index(size) + 1

    @property
    def entrants(self) -> dict[str, Select]:
        """How each strategy selects that races, by name; without a race `select.rule` alone."""
        found = self.race.entrants
        if not found:
            return {self.select.rule: self.select}
        return {name: resolved(self.select, name, differs) for name, differs in found.items()}

    @property
    def selections(self) -> dict[str, Select]:
        """How a round selects by `select` and by each entrant, by its place in params.yaml."""
        found = self.entrants if self.race.entrants else {}
        return {
            "select": self.select,
            **{f"race.entrants.{name}": select for name, select in found.items()},
        }

    @property
    def judging(self) -> TrainSubsetModel:
        """How a judge is trained: by `race.recipe`, as long as a target. Its last weights judge.

        `race.length` sets another length.
        """
        target, length = self.train_subset_model, self.race.length
        recipe: Training = getattr(self, self.race.recipe)
        changes: dict[str, object] = {
            **{key: getattr(recipe, key) for key in Training.model_fields},
            "length": target.length,
            "stop_after": target.stop_after,
            "members": self.race.judges,
            "checkpoints": Checkpoints(last=1, every=1, best=False),
        }
        if not isinstance(recipe.schedule, Plateau):  # which looks at every epoch
            changes["validations"] = 1
        if length is not None:
            changes |= {"length": length, "stop_after": None}
        if recipe is not target:
            changes |= {"processes": 1, "sync_batch_norm": False}
        return target.model_copy(update=changes)

    @property
    def trained_models(self) -> list[str]:
        """The models whose first weights a stage looks up, each once; none: that of `embed`."""
        return sorted(
            {self.train_ensemble.model, self.race.judge, *self.compare.models, self.embed.model}
        )

    @property
    def trainings(self) -> list[tuple[str, list[str]]]:
        """The sections that say how models are trained, and which models by each."""
        models = {
            "train_ensemble": [self.train_ensemble.model],
            "train_subset_model": [*self.compare.models],
        }
        if self.race.entrants:
            models[self.race.recipe].insert(0, self.race.judge)
        return list(models.items())

    def is_given(self, model: str) -> bool:
        """Return whether a model starts from weights that somebody has trained."""
        return self.weights.get(model, "random") != "random"

    @property
    def num_voters(self) -> int:
        """How many checkpoints of an ensemble vote."""
        voters = self.predict_pool.voters
        return voters.count * (1 if voters.members == "best" else self.train_ensemble.members)

    @property
    def picks_once(self) -> bool:
        """Whether no sample may stand twice in a subset."""
        return self.select.candidates == "remaining"

    @property
    def sizes(self) -> list[Size]:
        """The seed subset's size and that of every round, in order."""
        return [self.seed_size, *(entry.to for entry in self.rounds)]
