"""Experiments that have the same settings but for their random seeds, taken together."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from commands.compare.parameters import flat
from stages.report.numbers.draws import Draw

SEED = "random_seed"


@dataclass(frozen=True)
class Group:
    """Experiments of one search, each draw once."""

    settings: Mapping[str, object]  # all of them by dotted key, but the seed
    names: list[str] = field(default_factory=list)  # of the experiments
    draws: dict[str, Draw] = field(default_factory=dict)


def grouped(experiments: Mapping[str, Mapping[str, Draw]]) -> list[Group]:
    """Return the groups of experiments, given the draws of each, in the order of their names.

    Of draws with one seed the first counts: with the same settings and data they are the same.
    """
    found: dict[str, Group] = {}
    for name, draws in experiments.items():
        for draw_name, draw in draws.items():
            settings = flat(draw.params.model_dump(by_alias=True))
            del settings[SEED]
            key = json.dumps([settings, vars(draw.meta)], sort_keys=True, default=str)
            group = found.setdefault(key, Group(settings))
            if name not in group.names:
                group.names.append(name)
            seeds = {other.params.random_seed for other in group.draws.values()}
            if draw.params.random_seed not in seeds:
                group.draws[draw_name] = draw
    return list(found.values())


def titles(groups: Sequence[Group]) -> list[str]:
    """Return what tells each group from the others: the settings that differ, and its experiments.

    The only group has the names of its experiments alone.
    """
    if len(groups) == 1:
        return [f"{', '.join(groups[0].names)}:"]
    keys = dict.fromkeys(key for group in groups for key in group.settings)
    differ = [key for key in keys if len({_value(group, key) for group in groups}) > 1]
    return [
        f"{', '.join(f'{key}={_value(group, key)}' for key in differ) or 'other prepared data'} "
        f"({', '.join(group.names)}):"
        for group in groups
    ]


def _value(group: Group, key: str) -> str:
    """Return a setting about as it stands in the file."""
    value = group.settings.get(key)
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
