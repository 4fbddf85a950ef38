"""An event's messages in, the event as people are told of it out."""

from collections.abc import Sequence

from daemon.payloads import EventMessage
from pipeline.types import EventPhase


def as_told(messages: Sequence[EventMessage]) -> EventMessage:
    """Return the newest message, but of an event that has ended with what was said while it lasted.

    The end says only that all is as usual again: who looks back wants to know what was not.
    """
    newest, before = messages[-1], [message for message in messages if message.type != EventPhase.END]
    if newest.type != EventPhase.END or not before:
        return newest
    said = before[-1]
    return newest.model_copy(update={"explanation": said.explanation, "p_value": said.p_value})
