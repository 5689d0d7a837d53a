"""Evaluate: how well does a target model do on data that decided nothing?

Reads   data/prepared/                meta.json, validation/, test/ (the only stage that reads test)
        data/subset_models/<key>/     model.json and the weights of each member
Writes  data/evaluation/<key>/
            metrics.json              METRICS of artifacts/ by member, mean, ensemble and class
            correct_MT.npy            bool [members, test samples]
Params  evaluate.weights              last | best_validation: which checkpoint stands for a member
        evaluate.batch_size           decides the last bits of the probabilities
        evaluate.views                of an image, over which a model's probabilities are averaged
"""
