"""Nested state (dicts, lists, tensors, numbers, strings) in one safetensors file; no pickle, nothing executable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # whoever opens a work folder to look into it need not wait for torch
    import torch
    from torch import Tensor

_TENSOR = "$tensor"


def save_tree(path: Path, tree: Any) -> None:
    """Write the tensors as they are and the structure around them as JSON in the header."""
    import torch
    from safetensors.torch import save

    tensors: dict[str, Tensor] = {}
    structure = json.dumps(_detach(tree, tensors))
    content = save(tensors or {"empty": torch.zeros(0)}, metadata={"structure": structure})
    path.write_bytes(content)  # not `save_file`, which reports a full disk as an error of its own kind


def load_tree(path: Path) -> Any:
    """The state that `save_tree` wrote, on the CPU."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        structure = json.loads(file.metadata()["structure"])
        return _attach(structure, file.get_tensor)


def on_device(tree: Any, device: torch.device) -> Any:
    """The same state with its tensors on a device."""
    from torch import Tensor

    if isinstance(tree, Tensor):
        return tree.to(device)
    if isinstance(tree, dict):
        return {key: on_device(value, device) for key, value in tree.items()}
    return [on_device(value, device) for value in tree] if isinstance(tree, list) else tree


def _detach(node: Any, tensors: dict[str, Tensor]) -> Any:
    from torch import Tensor

    if isinstance(node, Tensor):
        name = f"t{len(tensors)}"
        tensors[name] = node.detach().to("cpu", copy=True).contiguous()
        return {_TENSOR: name}
    if isinstance(node, dict):
        return {key: _detach(value, tensors) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_detach(value, tensors) for value in node]
    return node


def _attach(node: Any, tensor: Any) -> Any:
    if isinstance(node, dict):
        return tensor(node[_TENSOR]) if _TENSOR in node else {k: _attach(v, tensor) for k, v in node.items()}
    return [_attach(value, tensor) for value in node] if isinstance(node, list) else node
