"""torch's compiler waits: what is decorated for it meanwhile is what it would have been."""

from __future__ import annotations

import subprocess
import sys

DECORATED = """
import sys, torch
from skyreels_cli.model.lazy_compiler import compiler_kept_waiting

compiling = []
with compiler_kept_waiting():
    @torch._dynamo.assume_constant_result
    def constant(): return 3

    @torch._dynamo.allow_in_graph
    def leaf(x): return x + 1

    @torch.compiler.disable()
    def eager(x):
        compiling.append(torch.compiler.is_compiling())
        return x * 2
assert "torch._dynamo" not in sys.modules
assert (constant(), leaf(1), eager(2), eager.__name__) == (3, 2, 4, "eager")

graphs = []
def backend(graph, inputs):
    graphs.append([node.target for node in graph.graph.nodes if node.op == "call_function"])
    return graph.forward

compiled = torch.compile(lambda x: eager(leaf(x)) + constant(), backend=backend)
assert compiled(torch.ones(2)).tolist() == [7.0, 7.0]
assert compiling == [False, False]
assert constant._dynamo_marked_constant
assert leaf in graphs[0] and len(graphs) == 2, graphs
"""
ASKED = """
import sys, torch
from skyreels_cli.model.lazy_compiler import compiler_kept_waiting

with compiler_kept_waiting():
    leaf = torch._dynamo.allow_in_graph(lambda x: x)
    assert torch._dynamo.config.__name__ == "torch._dynamo.config"
assert torch._dynamo is sys.modules["torch._dynamo"] and torch._dynamo.eval_frame
"""


def test_decorators_are_applied_once_something_is_compiled() -> None:
    subprocess.run([sys.executable, "-c", DECORATED], check=True)


def test_whoever_asks_for_more_gets_the_compiler() -> None:
    subprocess.run([sys.executable, "-c", ASKED], check=True)
