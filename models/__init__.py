"""Tensors in, tensors out: the VideoBERT family; importing this package needs neither torch nor cameras."""
