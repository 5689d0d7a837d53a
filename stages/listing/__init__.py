"""Listing: which files data set and weights are made of, so that a change of them is noticed.

Reads   the files below `dataset.root`, or those that `dataset.manifest` lists
Writes  data/listing.csv      path below the root, size in bytes, and of `dataset.watch: contents` a
                              checksum, of `times` when it was written, in nanoseconds. The first
                              row is dataset.root. Nothing but the header where a data set has no
                              files of the user's
        data/weight_files.csv the same of the files that `weights` names, each with a checksum
Params  dataset, task, weights and whose they are

It runs each time. What it wrote stays where the root is not there, such as on a laptop that has the
results alone. Checksums of files whose size and times are as they were are kept in the resume
folder. A root that cannot be right is refused here, before DVC removes what was prepared.
"""
