"""Editing a streamed answer in its own dialect: texts replaced, held and released, and the stream ended early.

`editor` is the front door; `cutting` finds the cutter of a body. A dialect says by its `StreamMap` where texts stand.
"""
