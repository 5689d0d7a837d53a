"""Seed subset: the random samples that the first ensemble is trained on.

Reads   data/prepared/train/          sample_ids.csv, targets.npy int64 [N]
        data/prepared/{validation,test}/   sample_ids.csv, to say where a listed sample is
        lists/{seed,include,exclude}.csv   the user's sample ids
Writes  data/subsets/<size>.csv       index, round (0), score (empty); one row for each pick
Params  seed_size, seed_subset, random_seed, rounds, select.{include,exclude,min_per_class}

What a later stage would ask of the data in vain stops this one, and `select` where the settings
have changed since.
"""
