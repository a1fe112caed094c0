"""Two more saved models: `pair`, a graph as PyTorch exports it, and `stopped`, a booster that was stopped early."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import xgboost
from onnx import TensorProto, helper, numpy_helper

import modelfleet
from modelfleet import saving
from modelfleet.saving.finish import Wish
from modelfleet.saving.inputs import Inputs

DICE = np.random.default_rng(6)
IMAGE, EXTRA = DICE.normal(size=(30, 8)).astype(np.float32), DICE.normal(size=(30, 2)).astype(np.float32)
WEIGHTS = {"fc.weight": (8, 3), "extra.weight": (2, 3)}
CLASSES = ["cat", "dog", "bird"]


@pytest.fixture(scope="session")
def weights() -> dict[str, np.ndarray]:
    """The weights of `pair`."""
    return {name: DICE.normal(size=shape).astype(np.float32) for name, shape in WEIGHTS.items()}


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory, weights: dict[str, np.ndarray]) -> Path:
    """A store with pair:1 and stopped:1."""
    place = tmp_path_factory.mktemp("shelf")
    graph(place / "net.onnx", weights)
    card = {"classes": CLASSES, "activation": "softmax"}
    saving.save_onnx(
        place / "net.onnx", Inputs.of({"image": IMAGE, "extra": EXTRA}), card, Wish("pair", place / "store")
    )
    rows, signs = np.hstack([IMAGE, EXTRA]), (IMAGE[:, 0] > 0).astype(int)
    booster = xgboost.XGBClassifier(n_estimators=50, early_stopping_rounds=2)
    booster.fit(rows, signs, eval_set=[(rows, 1 - signs)], verbose=False)
    modelfleet.save(booster, "stopped", inputs=rows, store_path=place / "store")
    return place / "store"


def graph(path: Path, weights: dict[str, np.ndarray]) -> None:
    """Write a graph as torch.onnx.export does: named inputs, a dynamic batch axis, logits, weights in a file beside."""
    nodes = [
        helper.make_node("MatMul", ["image", "fc.weight"], ["a"], name="/fc/MatMul"),
        helper.make_node("MatMul", ["extra", "extra.weight"], ["b"], name="/extra/MatMul"),
        helper.make_node("Add", ["a", "b"], ["logits"], name="/Add"),
    ]
    ins = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", w]) for n, w in (("image", 8), ("extra", 2))]
    outs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])]
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    made = helper.make_graph(nodes, "main_graph", ins, outs, tensors)
    model = helper.make_model(made, producer_name="pytorch", opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path, save_as_external_data=True, location="net.onnx.data", size_threshold=0)
