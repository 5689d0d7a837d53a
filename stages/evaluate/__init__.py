"""Evaluate: how well does a target model do on data that decided nothing?

Where evaluate.ensembles names a size, each checkpoint that its ensemble keeps is measured too, as
`ensemble-<size>`, in place of members: what a proxy itself reaches over depth, epochs and budget
(Coleman et al. 2020, Fig. 4 to 6). No other stage but the report's table reads it.

Reads   data/prepared/                meta.json, validation/, test/ (the only stage that reads test)
        data/subset_models/<key>/     model.json and the weights of each member; or
        data/ensembles/<size>/
Writes  data/evaluation/<key>/
            metrics.json              the task's metrics by member, mean, ensemble and class
            values/<metric>.npy       what each sample of its split says of a metric: of an accuracy
                                      whether it is right, bool [members, samples]; of others its
                                      pseudo-value, float64; of objects that of each of 20 groups of
                                      images, float64 [members, groups]
            values/ensemble_<metric>.npy   the same of all members together, one row
            values/above_chance.npy   how much better they do than one that has learnt nothing
            shown.json                of a network with preprocessing of its own, what it is shown
Params  evaluate.weights              last | best_validation: which checkpoint stands for a member
        evaluate.batch_size           decides the last bits of the probabilities
        evaluate.views                of an image, over which a model's probabilities are averaged
"""
