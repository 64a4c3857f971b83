"""Models, each in a process of its own: loaded there, asked in batches, and replaced where it hangs, dies or swells.

The owner's side is `ModelProcess`, used by plugins; its counterpart is a `Backend` that a plugin brings.
"""
