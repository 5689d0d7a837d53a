"""Prepare: split the data and write it as arrays, or list its image files.

Reads   the data set that `dataset.name` names (a file in datasets/), under `dataset.root`
Writes  data/prepared/{train,validation,test}/   inputs.npy uint8 [N, H, W, K]; targets.npy
                                                 int64 [N]; sample_ids.csv, one row for each sample
        or, with storage: files, instead of inputs.npy
                                                 files.csv, path below the root and CRC-32 of the
                                                 pixels of each sample; files.json, the root and
                                                 what size the files are decoded to
        data/prepared/meta.json                  class names, shape, mean and std, a fingerprint
        data/ensembles/scratch/model.json        an empty object: the ensemble of those models
                                                 that start from no ensemble
Params  dataset, task

Nothing is written unless all of the data is well. Rows of a split stand in the source's order.
"""
