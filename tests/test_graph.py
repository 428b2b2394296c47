"""Graphs from histories and from tracing, and their text."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.graph import Graph, ancestors, describe_params
from autodiff.node import Node
from autodiff.transforms.walk import reachable


def assert_topological(g: Graph) -> None:
    position = {node: i for i, node in enumerate(g.nodes)}
    assert len(position) == len(g.nodes)
    for node in g.nodes:
        for source in node.inputs:
            if isinstance(source, Node):
                assert position[source] < position[node]


def test_history_tells_parameters_inputs_and_constants_apart() -> None:
    w = ad.tensor([1.0, 2.0], requires_grad=True, name="w")
    x = ad.tensor([3.0, 4.0], name="x")
    y = ad.add(ad.multiply(w, np.array([5.0, 6.0])), x)
    g = ad.graph(y)
    assert [n.name for n in g.parameters] == ["w"]
    assert [n.name for n in g.inputs] == ["x"]
    assert [n.shape for n in g.constants] == [(2,)]
    assert [n.primitive.name for n in g.operations] == ["multiply", "add"]
    assert g.outputs == (y.node,)
    np.testing.assert_array_equal(g.value(g.constants[0]), [5.0, 6.0])
    np.testing.assert_array_equal(g.value(g.parameters[0]), [1.0, 2.0])
    assert_topological(g)


def test_a_diamond_lists_each_node_once() -> None:
    x = ad.tensor(2.0, requires_grad=True)
    y = x
    for _ in range(40):  # 2**40 paths
        y = y + y
    g = ad.graph(y)
    assert len(g) == 41
    assert_topological(g)


def test_trace_records_what_needs_no_gradient() -> None:
    def f(x: Any, scale: Any) -> Any:
        return ad.greater(x * scale, 1.0), x

    x = ad.tensor([1.0, 2.0], name="mine")
    g = ad.trace(f)(x, np.array([1.0, 3.0]))
    assert [g.names[n] for n in g.inputs] == ["mine", "scale"]
    assert [n.primitive.name for n in g.operations] == ["multiply", "greater"]
    assert g.outputs[1] is g.inputs[0]
    assert not g.parameters
    assert x.node is not g.inputs[0], "the caller's Tensor is not touched"
    assert ad.multiply(x, 2.0).requires_grad is False


def test_trace_names_inputs_by_parameter_and_path() -> None:
    g = ad.trace(lambda state, *rest: state["w"] * rest[0] + rest[1][0])(
        {"w": np.ones(2)}, np.ones(2), (np.ones(2),)
    )
    assert [g.names[n] for n in g.inputs] == ["state['w']", "rest[0]", "rest[1][0]"]


def test_trace_keeps_python_numbers_unless_there_is_nothing_else() -> None:
    def f(x: Any, factor: Any) -> Any:
        return x * factor

    assert len(ad.trace(f)(np.ones(2, np.float32), 2.0).inputs) == 1
    assert ad.trace(f)(np.ones(2, np.float32), 2.0).outputs[0].dtype == np.float32
    assert len(ad.trace(f)(3.0, 2.0).inputs) == 2


def test_trace_restores_recording_also_when_the_function_raises() -> None:
    def f(x: Any) -> Any:
        raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        ad.trace(f)(np.ones(2))
    assert ad.multiply(ad.tensor(1.0), 2.0).node is None


def test_captured_parameters_are_parameters_of_the_traced_graph() -> None:
    w = ad.tensor([1.0, 2.0], requires_grad=True, name="w")
    g = ad.trace(lambda x: w * x)(np.ones(2))
    assert g.parameters == (w.node,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ad.graph(), "got none"),
        (lambda: ad.graph(np.ones(2)), "expected Tensors, got ndarray"),
        (lambda: ad.graph(ad.tensor([1.0, 2.0])), r"shape \(2,\) has no history.*ad.trace"),
        (lambda: ad.trace(lambda x: 3)(np.ones(2)), "must return Tensors, it returned int"),
        (lambda: ad.trace(lambda x: None)(np.ones(2)), "it returned nothing"),
    ],
)
def test_errors_name_what_was_given(call: Any, message: str) -> None:
    with pytest.raises(ad.GradientError, match=message):
        call()


def test_text_has_one_line_a_node_with_scope() -> None:
    w = ad.tensor([[1.0, 2.0]], requires_grad=True, name="w")
    with ad.scope("net"), ad.scope("dense"):
        y = ad.multiply(w, 2.0)
    y.name = "loss"
    lines = str(ad.graph(y)).splitlines()
    assert lines[0] == "Graph: 0 inputs, 1 parameter, 0 constants, 1 operation, 1 output"
    assert lines[1].split() == ["w", "parameter", "float64[1,", "2]"]
    assert lines[2].strip() == "loss = multiply(w, 2.0)  float64[1, 2]  in net.dense"
    assert lines[3].strip() == "return loss"


def test_names_are_unique() -> None:
    a = ad.tensor(1.0, requires_grad=True, name="w")
    b = ad.tensor(1.0, requires_grad=True, name="w")
    g = ad.graph(a * b)
    assert sorted(g.names.values()) == ["%0", "w", "w#2"]


def test_long_graphs_print_their_ends() -> None:
    y = ad.tensor(1.0, requires_grad=True)
    for _ in range(1000):
        y = y * 1.0
    text = ad.graph(y).summary(lines=10)
    assert "... 991 more nodes ..." in text
    assert len(text.splitlines()) == 13


def test_params_are_short_texts() -> None:
    x = ad.tensor(np.ones((4, 5)), requires_grad=True)
    node = ad.graph(x[1:3, None]).operations[-1]
    shown = describe_params(node)
    assert shown
    assert all(len(text) <= 32 for text in shown.values())


def test_a_very_long_chain_is_walked_without_recursion() -> None:
    y = ad.tensor(1.0, requires_grad=True)
    for _ in range(100_000):
        y = y + 1.0
    g = ad.graph(y)
    assert len(g.operations) == 100_000
    assert ancestors([y.node])[-1] is y.node
    assert len(reachable([y.node])) == len(g)


def test_a_graph_is_freed_with_its_last_name() -> None:
    x = ad.tensor([1.0], requires_grad=True)
    g = ad.graph(x * x)
    assert g.names
    node, graph = weakref.ref(g.operations[0]), weakref.ref(g)
    gc.disable()
    try:
        del g
        assert graph() is None
        assert node() is None
    finally:
        gc.enable()


def test_a_traced_node_knows_its_line() -> None:
    def f(x: ad.Tensor) -> ad.Tensor:
        return ad.tanh(x)

    node = ad.trace(f)(np.ones(2)).outputs[0]
    assert node.place == (__file__, f.__code__.co_firstlineno + 1)
    assert (ad.tensor(1.0, requires_grad=True) * 2.0).node.place is None
