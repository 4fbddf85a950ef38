"""Frames in, events out: one module per stage of a clip's journey, in the order of docs/architecture.md."""
