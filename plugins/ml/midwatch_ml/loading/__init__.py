"""A model from its files, in the process that runs it: where they are, whether they are the right ones, what they say.

The counterpart is `midwatch_ml.asking`, in the process that asks.
"""
