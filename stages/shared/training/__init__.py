"""Everything that decides how a member is trained beside its model, task and data.

`loop.train` is the only training loop. DVC watches this folder whole, and the fingerprint of a
finished member holds its code.
"""
