"""Labelled data folders and the text tower in, what the search model is fitted on out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import BertModel

from models.checkpoint import DEFAULT_DIR
from models.configuration import VideoBERTConfig
from models.processing import VideoBERTTokenizer
from models.text_tower import build_text_tower, load_text_tower_weights
from models.word_table import WordTable
from training.examples import TaskData, batches_of
from training.search_model import ReadClips, read_batch, word_table
from training.workshop import Workshop

F32 = NDArray[np.float32]

CLIPS_AT_ONCE = 64
PIECES_AT_ONCE = 512


def read_clips(workshop: Workshop, data: Sequence[TaskData]) -> ReadClips:
    """Return the live clip about the middle of each labelled segment: what a camera would have in its buffer.

    Raises:
        DataError: A folder is wrong, or a task is unknown.
    """
    examples = workshop.examples(data, workshop.config.tasks)
    cutter = workshop.clips(list(dict.fromkeys(one.task for one in data)))
    dim = workshop.config.feature_dim
    columns = [
        read_batch(cutter.clip_batch(cuts), feature_dim=dim)
        for cuts in batches_of(cutter.middles(examples), CLIPS_AT_ONCE)
    ]
    return ReadClips(
        np.concatenate(columns),
        np.array([str(example.segment.label) for example in examples]),
        np.array([example.task for example in examples]),
        np.array([example.segment.group for example in examples]),
    )


def text_tower() -> BertModel:
    """Return the text tower as its package has it.

    Raises:
        CheckpointError: The package is not installed.
    """
    tower = build_text_tower(VideoBERTConfig.of_size("small"))
    load_text_tower_weights(tower)
    tower.train(mode=False)
    return tower


def read_words(tower: BertModel, checkpoint: Path = DEFAULT_DIR) -> WordTable:
    """Return the table of what the text tower says of each word piece by itself."""
    tokenizer = VideoBERTTokenizer.from_pretrained(checkpoint)
    vocabulary = tokenizer.get_vocab()
    begin, end = tokenizer.cls_token_id, tokenizer.sep_token_id
    return word_table(_read_alone(tower, len(vocabulary), begin=begin, end=end), vocabulary)


@torch.no_grad()
def read_sentences(tower: BertModel, texts: Sequence[str], checkpoint: Path = DEFAULT_DIR) -> F32:
    """Return what the whole text tower says of sentences: the mean of their states, (N, H)."""
    tokens = VideoBERTTokenizer.from_pretrained(checkpoint)(list(texts), padding=True, return_tensors="pt")
    ids, mask = tokens["input_ids"], tokens["attention_mask"]
    states = tower(input_ids=ids, attention_mask=mask).last_hidden_state
    weight = mask[..., None].to(states.dtype)
    meant: F32 = ((states * weight).sum(dim=1) / weight.sum(dim=1)).numpy()
    return meant


@torch.no_grad()
def _read_alone(tower: BertModel, count: int, *, begin: int, end: int) -> F32:
    """Return the mean state (count, H) of each piece between the marks of begin and end."""
    states = []
    for first in range(0, count, PIECES_AT_ONCE):
        pieces = torch.arange(first, min(first + PIECES_AT_ONCE, count))
        marks = torch.ones_like(pieces)
        ids = torch.stack([marks * begin, pieces, marks * end], dim=1)  # (b, 3)
        read = tower(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        states.append(read.mean(dim=1))
    return torch.cat(states).numpy()
