"""Tensors in, tensors out: the VideoBERT family; importing this package needs neither torch nor cameras."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.captioning import VideoBERTForCaptioning
    from models.configuration import VideoBERTConfig
    from models.heads import VideoBERTForSequenceClassification
    from models.pretraining import VideoBERTForPreTraining
    from models.processing import VideoBERTProcessor, VideoBERTTokenizer
    from models.videobert import VideoBERTModel
    from models.videos import Clip

# The names that need torch or transformers; each one's module is imported when the name is first used.
_MODULE_OF = {
    "Clip": "models.videos",
    "VideoBERTConfig": "models.configuration",
    "VideoBERTForCaptioning": "models.captioning",
    "VideoBERTForPreTraining": "models.pretraining",
    "VideoBERTForSequenceClassification": "models.heads",
    "VideoBERTModel": "models.videobert",
    "VideoBERTProcessor": "models.processing",
    "VideoBERTTokenizer": "models.processing",
}

__all__ = [
    "Clip",
    "VideoBERTConfig",
    "VideoBERTForCaptioning",
    "VideoBERTForPreTraining",
    "VideoBERTForSequenceClassification",
    "VideoBERTModel",
    "VideoBERTProcessor",
    "VideoBERTTokenizer",
]


def __getattr__(name: str) -> object:
    """Import `name` when it is first asked for (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    """List the lazy names beside the ordinary ones."""
    return sorted({*globals(), *_MODULE_OF})
