"""The ids of the components on the page, each written once."""

from __future__ import annotations

# what the page knows
ADDRESS = "address"  # the browser's address bar, read once when the page opens
CHOSEN = "chosen"  # number of the jet that is open, or None
SCENE_DATA = "scene-data"  # what the scripts draw: numbers, never a figure
PINNED = "pinned"  # jet, target and rule that stand beside it, or None
PINNED_DATA = "pinned-data"  # the same of the pinned one
HEARTBEAT = "heartbeat"  # asks how far the scores of the jets are
SCORES_DONE = "scores-done"  # how many there were the last time
RETRY = "retry"  # "Try again" of the error state

# jets
JETS_GRID = "jets-grid"
JETS_COUNT = "jets-count"
JETS_NOTICE = "jets-notice"

# scene
STAGE = "stage"
SCENE = "network"  # not "scene": Plotly calls a div of its own so
SCENE_PINNED = "network-b"
SCENE_CAPTION = "network-caption"
PINNED_CAPTION = "network-b-caption"
SCENE_TITLE = "scene-title"
SCENE_EMPTY = "scene-empty"
SCENE_ERROR = "scene-error"
SCENE_BUSY = "scene-busy"
LEGEND = "network-legend"
TOOLTIP = "scene-tooltip"
EDGES_SLIDER = "edges-slider"
EDGES_WORDS = "edges-words"
RESET_VIEW = "reset-view"

DOCK = "dock"

# what to explain, and how
TARGET = "target"
TARGET_WORDS = "target-words"
PRESET = "preset"
RULE = "rule"
RULE_WORDS = "rule-words"

# what came out
PREDICTION = "prediction"
FEATURES = "features"
CONSERVATION = "conservation"
LEDGER = "ledger"
TRUTH = "truth"
PRONGS = "prongs"

THEME_SWITCH = "theme-switch"


def rule_parameter(rule: str, name: str) -> dict[str, str]:
    """The id of one parameter's input."""
    return {"type": "rule-parameter", "rule": rule, "name": name}


def rule_panel(rule: str) -> dict[str, str]:
    """The id of the box that holds the parameters of one rule."""
    return {"type": "rule-panel", "rule": rule}
