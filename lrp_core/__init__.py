"""Why a neural network called a jet a Higgs boson: layer-wise relevance propagation for jets.

The main idea is in ``propagation``; the rules are in ``rules``; the network is in
``interaction_network``. Names are loaded when they are first used, so that importing this package
is quick and pulls in no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrp_core.checkpoint import load_model
    from lrp_core.edge_set import EdgeSet
    from lrp_core.errors import JetlrpError
    from lrp_core.explainer import PRESETS, explain, explain_batch, predict
    from lrp_core.explanation import Explanation, Ledger, LedgerRow, load_explanation
    from lrp_core.interaction_network import InteractionNetwork
    from lrp_core.jets import Jet
    from lrp_core.model import Model
    from lrp_core.prong_shares import Prongs, prongs
    from lrp_core.reading import open_jets
    from lrp_core.reference import write_reference
    from lrp_core.relevance_file import RelevanceFile, open_relevance
    from lrp_core.rules import (
        AlphaBeta,
        Composite,
        Epsilon,
        Flat,
        Gamma,
        WSquare,
        Zero,
        ZPlus,
        parse_rule,
        rule_from_dict,
    )
    from lrp_core.steps import Steps
    from lrp_core.streaming import explain_files
    from lrp_core.subjets import SubjetAxis, subjet_axes
    from lrp_core.tape.inputs import Columns, Constant, Edges, Inputs, JetIndex, Mask, Pairs
    from lrp_core.truth import Truth, truth_match

_HOME = {
    "AlphaBeta": "rules",
    "Columns": "tape.inputs",
    "Composite": "rules",
    "Constant": "tape.inputs",
    "EdgeSet": "edge_set",
    "Edges": "tape.inputs",
    "Epsilon": "rules",
    "Explanation": "explanation",
    "Flat": "rules",
    "Gamma": "rules",
    "Inputs": "tape.inputs",
    "InteractionNetwork": "interaction_network",
    "Jet": "jets",
    "JetIndex": "tape.inputs",
    "JetlrpError": "errors",
    "Ledger": "explanation",
    "LedgerRow": "explanation",
    "Mask": "tape.inputs",
    "Pairs": "tape.inputs",
    "Model": "model",
    "PRESETS": "explainer",
    "Prongs": "prong_shares",
    "RelevanceFile": "relevance_file",
    "Steps": "steps",
    "SubjetAxis": "subjets",
    "Truth": "truth",
    "WSquare": "rules",
    "ZPlus": "rules",
    "Zero": "rules",
    "explain": "explainer",
    "explain_batch": "explainer",
    "explain_files": "streaming",
    "load_explanation": "explanation",
    "load_model": "checkpoint",
    "open_jets": "reading",
    "open_relevance": "relevance_file",
    "parse_rule": "rules",
    "predict": "explainer",
    "prongs": "prong_shares",
    "rule_from_dict": "rules",
    "subjet_axes": "subjets",
    "truth_match": "truth",
    "write_reference": "reference",
}

__all__ = [
    "PRESETS",
    "AlphaBeta",
    "Columns",
    "Composite",
    "Constant",
    "EdgeSet",
    "Edges",
    "Epsilon",
    "Explanation",
    "Flat",
    "Gamma",
    "Inputs",
    "InteractionNetwork",
    "Jet",
    "JetIndex",
    "JetlrpError",
    "Ledger",
    "LedgerRow",
    "Mask",
    "Model",
    "Pairs",
    "Prongs",
    "RelevanceFile",
    "Steps",
    "SubjetAxis",
    "Truth",
    "WSquare",
    "ZPlus",
    "Zero",
    "explain",
    "explain_batch",
    "explain_files",
    "load_explanation",
    "load_model",
    "open_jets",
    "open_relevance",
    "parse_rule",
    "predict",
    "prongs",
    "rule_from_dict",
    "subjet_axes",
    "truth_match",
    "write_reference",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"lrp_core.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'lrp_core' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
