"""A model as text: its modules as a tree, with the shapes and numbers of their parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import autodiff as ad

if TYPE_CHECKING:
    from nn.module import Module


def tree(model: Module) -> str:
    """The lines of a module's ``repr``: one for each module, with the number of its parameters."""
    seen: set[int] = set()
    rows: list[tuple[str, str]] = []
    _add(model, "", "", rows, seen)
    width = max(len(left) for left, _ in rows)
    digits = max(len(right) for _, right in rows)
    return "\n".join(f"{left:<{width}}  {right:>{digits}}".rstrip() for left, right in rows)


def _add(module: Any, head: str, indent: str, rows: list[tuple[str, str]], seen: set[int]) -> None:
    """Append the row of one module, then those of the modules in it."""
    members = list(module._members())
    own = [(name, x) for name, x in members if isinstance(x, ad.Tensor)]
    label = type(module).__name__
    text = module.describe()
    shapes = ", ".join(f"{name} {list(p.shape)}" for name, p in own)
    title = head + label + (f"({text})" if text else "") + (f"  {shapes}" if shapes else "")
    if id(module) in seen:
        rows.append((title, "shared"))
        return
    total = sum(p.size for p in {id(p): p for p in module.parameters()}.values())
    seen.add(id(module))
    rows.append((title, f"{total:,} parameters" if total else ""))
    children = [(name, x) for name, x in members if not isinstance(x, ad.Tensor)]
    for i, (name, child) in enumerate(children):
        last = i == len(children) - 1
        branch, rest = ("└─ ", "   ") if last else ("├─ ", "│  ")
        _add(child, f"{indent}{branch}{name}: ", indent + rest, rows, seen)
