"""Seed subset: the random samples that the first ensemble is trained on.

Reads   data/prepared/train/          sample_ids.csv, targets.npy int64 [N]
        lists/{seed,include,exclude}.csv   the user's sample ids
Writes  data/subsets/<size>.csv       index, round (0), score (empty); one row for each pick
Params  seed_size, seed_subset, random_seed, select.{include,exclude,min_per_class}
"""
