"""Imports go one way, and nothing optional is imported before it is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import autodiff as ad
from autodiff.registry import FUNCTIONS

ROOT = Path(__file__).resolve().parent.parent

# A file may import from its own layer and from those above it in this list; within a layer there
# are no cycles either.
LAYERS = (
    (
        "errors",
        "memory",
        "registry",
        "node",
        "tree",
        "recording",
        "operators",
        "takers",
        "protocol",
        "handle",
        "numpy_adapters",
        "numpy_protocol",
        "dtypes",
    ),
    ("tensor", "primitive", "families", "batched"),
    ("ops", "fft", "linalg", "special", "random"),
    ("transforms",),
    ("graph",),
    ("checking", "drawing"),
    ("testing", "cli", "einops"),
    ("",),  # autodiff/__init__.py
    ("__main__",),
)
RANKS = {name: rank for rank, names in enumerate(LAYERS) for name in names}
OPTIONAL = {
    "graphviz",
    "hypothesis",
    "IPython",
    "einops",
    "llvmlite",
    "matplotlib",
    "pygraphviz",
    "pytest",
    "safetensors",
    "scipy",
    "sklearn",
    "tqdm",
}

# What a layer is made of: its package loads these modules when they are named.
AT_HOME = {("testing", "hypothesis"), ("einops", "einops")}


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in (
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
    )


def imports(node: ast.AST, inside: bool = False) -> Iterator[tuple[str, str, int, bool]]:
    """(module, name or "", line, whether in a function) of every import that is executed."""
    for child in ast.iter_child_nodes(node):
        if is_type_checking(child):
            for other in child.orelse:  # type: ignore[attr-defined]  # an If has it
                yield from imports(ast.Module([other], []), inside)
        elif isinstance(child, ast.Import):
            for alias in child.names:
                yield alias.name, "", child.lineno, inside
        elif isinstance(child, ast.ImportFrom):
            for alias in child.names:
                yield "." * child.level + (child.module or ""), alias.name, child.lineno, inside
        else:
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from imports(child, inside or function)


def layer_of(module: str) -> str:
    return [*module.split("."), ""][1]


def targets(module: str, name: str, modules: set[str]) -> str:
    """The file that ``from module import name`` reads."""
    return f"{module}.{name}" if f"{module}.{name}" in modules else module


def violations(root: Path) -> list[str]:
    """What is wrong with the imports of the packages ``autodiff`` and ``nn`` under ``root``."""
    files = {module_name(p, root): p for d in ("autodiff", "nn") for p in (root / d).rglob("*.py")}
    found = []
    edges: dict[str, set[str]] = {}
    for module, path in sorted(files.items()):
        if module.startswith("autodiff") and layer_of(module) not in RANKS:
            found.append(f"{module}: stands in no layer")
            continue
        for source, name, line, inside in imports(ast.parse(path.read_text())):
            place = f"{module}:{line}"
            top = source.split(".")[0]
            if not top:
                found.append(f"{place}: relative import")
            elif top in OPTIONAL and not inside and (layer_of(module), top) not in AT_HOME:
                found.append(f"{place}: {top} is imported before it is used")
            elif inside and top not in OPTIONAL:
                found.append(f"{place}: import of {source} inside a function")
            elif module.startswith("autodiff") and top == "nn":
                found.append(f"{place}: autodiff imports nn")
            elif top == "autodiff" and module.startswith("autodiff"):
                target = targets(source, name, set(files))
                edges.setdefault(module, set()).add(target)
                if RANKS.get(layer_of(target), -1) > RANKS[layer_of(module)]:
                    found.append(f"{place}: {module} imports {target}, which stands above it")
            elif top == "autodiff" and (source != "autodiff" or (name and not is_public(name))):
                found.append(f"{place}: nn imports {source} {name}, which is not public")
            elif top == "nn":
                edges.setdefault(module, set()).add(targets(source, name, set(files)))
    return found + cycles(edges)


def cycles(edges: dict[str, set[str]]) -> list[str]:
    """Modules that import each other, after all that import nothing but finished ones are gone."""
    left = {module: targets - {module} for module, targets in edges.items()}
    while True:
        done = [module for module, targets in left.items() if not targets & set(left)]
        if not done:
            return [f"import cycle among {', '.join(sorted(left))}"] if left else []
        for module in done:
            del left[module]


def is_public(name: str) -> bool:
    if name.startswith("_") or name in ("Any", "TYPE_CHECKING") or not hasattr(ad, name):
        return False
    value = getattr(ad, name)
    return (
        name in ("errors", "fft", "linalg", "special", "random")
        or callable(value)
        or not isinstance(value, ModuleType)
    )


def private_uses(source: str) -> list[str]:
    """Attributes of ``ad`` that are not public names."""
    found = [
        (node.lineno, node.attr)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("ad", "autodiff")
        and not is_public(node.attr)
    ]
    return [f"{line}: ad.{name}" for line, name in sorted(found)]


def loaded_optionals(*modules: str) -> set[str]:
    """The optional packages that a new process has after importing ``modules``."""
    program = f"import sys, {', '.join(modules)}; print(*{{m.split('.')[0] for m in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return OPTIONAL & set(done.stdout.split())


def test_imports_go_one_way() -> None:
    assert violations(ROOT) == []


def test_nn_uses_only_public_names() -> None:
    files = sorted((ROOT / "nn").rglob("*.py"))
    assert files
    assert {str(p.relative_to(ROOT)): u for p in files if (u := private_uses(p.read_text()))} == {}


def test_registered_functions_are_public_names() -> None:
    for name, function in FUNCTIONS.items():
        assert getattr(ad, name, None) is function, name


def test_import_is_lazy() -> None:
    assert loaded_optionals("autodiff", "nn", "autodiff.testing", "autodiff.cli") == set()


def test_no_module_takes_the_name_of_a_function() -> None:
    # Importing a submodule puts it into the package's namespace, in place of a lazy function.
    modules = {path.stem for path in (ROOT / "autodiff").iterdir()}
    assert [name for name in ("draw", "gradcheck") if name in modules] == []
    assert all(callable(getattr(ad, name)) for name in FUNCTIONS)


def test_laziness_check_sees_an_import() -> None:
    assert "graphviz" in loaded_optionals("autodiff", "graphviz")


def test_private_use_is_seen() -> None:
    assert private_uses("y = ad.tanh(x)") == []
    assert private_uses("y = ad._tape(x)\nz = ad.families") == ["1: ad._tape", "2: ad.families"]


@pytest.mark.parametrize(
    ("module", "code", "message"),
    [
        ("autodiff/node.py", "from autodiff.tensor import Tensor", "which stands above it"),
        ("autodiff/ops/a.py", "import autodiff.transforms.b", "which stands above it"),
        ("autodiff/ops/a.py", "from autodiff import tanh", "which stands above it"),
        ("autodiff/ops/a.py", "def f():\n    import autodiff.node", "inside a function"),
        ("autodiff/ops/a.py", "import nn", "autodiff imports nn"),
        ("autodiff/ops/a.py", "from . import b", "relative import"),
        ("autodiff/drawing/a.py", "import graphviz", "before it is used"),
        ("autodiff/novel.py", "", "stands in no layer"),
        ("nn/a.py", "from autodiff.tensor import apply", "is not public"),
        ("nn/a.py", "from autodiff import _hidden", "is not public"),
        ("nn/a.py", "import nn.b", "import cycle among nn.a, nn.b"),
    ],
)
def test_planted_import_is_found(tmp_path: Path, module: str, code: str, message: str) -> None:
    sound = {
        "autodiff/node.py": "import numpy\nfrom autodiff import errors",
        "autodiff/errors.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import nn",
        "autodiff/tensor.py": "from autodiff.node import Node",
        "autodiff/ops/a.py": "from autodiff.tensor import Tensor",
        "autodiff/transforms/b.py": "import autodiff.ops.a",
        "autodiff/drawing/a.py": "def save():\n    import graphviz",
        "autodiff/__init__.py": "from autodiff.drawing.a import save",
        "nn/a.py": "import autodiff as ad",
        "nn/b.py": "import nn.a",
    }
    write(tmp_path, sound)
    assert violations(tmp_path) == []
    write(tmp_path, {module: code})
    assert any(message in found for found in violations(tmp_path)), violations(tmp_path)


def write(root: Path, files: dict[str, str]) -> None:
    for name, code in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)


def test_what_is_loaded_later_is_complete_and_typed() -> None:
    """A checker sees the names by star imports; at run time the same modules load when named."""
    tree = ast.parse(Path(ad.__file__).read_text(encoding="utf-8"))
    later = [
        node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
    ]
    assert later == list(ad._LATER)
    assert {name for name, f in FUNCTIONS.items() if getattr(ad, name) is not f} == set()


def test_little_is_loaded_before_it_is_named() -> None:
    code = (
        "import sys, autodiff as ad; before = set(sys.modules); ad.median; "
        "assert 'autodiff.ops.quantiles' in set(sys.modules) - before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
