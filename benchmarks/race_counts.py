def shown(races, targets):
    return f"{len(races)} {len(targets)}"
