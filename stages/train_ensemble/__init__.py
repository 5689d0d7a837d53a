"""Train ensemble: the models that choose, each from its own random start.

Reads   data/prepared/            train and validation splits, meta.json
        data/subsets/<from>.csv   the picks to train on; a pick that stands twice is drawn twice
Writes  data/ensembles/<from>/    member-00/epoch-0040.safetensors, ..., and model.json
        data/histories/ensemble-<from>.csv   one row for each member and epoch
Params  random_seed, train_ensemble
"""
