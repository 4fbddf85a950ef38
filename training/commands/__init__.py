"""The sub-commands of `videobert-train`, a module each; `add` puts a command's options into the parser."""

from argparse import ArgumentParser, _SubParsersAction
from typing import TypeAlias

# Quoted, since argparse makes its class a generic one for type checkers only.
SubParsers: TypeAlias = "_SubParsersAction[ArgumentParser]"

# Another command is another line here; its module has the same name, with _ for -.
COMMANDS = (
    "alarms",
    "anomaly",
    "caption",
    "compare",
    "evaluate",
    "explain",
    "export",
    "features",
    "finetune",
    "pretrain",
    "refit",
    "search",
    "select",
    "surprise",
    "visual-words",
)
