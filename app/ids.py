"""The ids of the components on the page, each written once."""

from __future__ import annotations

# what the page knows
ADDRESS = "address"  # the browser's address bar, read once when the page opens
CHOSEN = "chosen"  # number of the jet that is open, or None
SCENE_DATA = "scene-data"  # what the scripts draw: numbers, never a figure
SOURCE = "source"  # names of the file and the network, or None where there is no choice
SOURCE_FACTS = "source-facts"  # what is known of them
LIBRARY_ASKED = "library-asked"  # when the list of files and networks was asked for
LIBRARY_DATA = "library-data"  # the list
PINNED = "pinned"  # jet, target and rule that stand beside it, or None
PINNED_DATA = "pinned-data"  # the same of the pinned one
WANTED = "wanted"  # jet, target, rule, pin, file and model that the page is to go to, all at once
HEARTBEAT = "heartbeat"  # asks how far the scores of the jets are
SCORES_DONE = "scores-done"  # how many there were the last time
RETRY = "retry"  # "Try again" of the error state

# jets
JETS_GRID = "jets-grid"
JETS_COUNT = "jets-count"
JETS_NOTICE = "jets-notice"
JETS_FIND = "jets-find"
JETS_PREVIOUS = "jets-previous"
JETS_NEXT = "jets-next"
JETS_LIMITS_BUTTON = "jets-limits-button"
JETS_LIMITS = "jets-limits"
PICK = "pick"  # the kind of jet that is asked for at random
PICKED = "picked"  # the jet that came

# scene
STAGE = "stage"
SCENE = "network"  # not "scene": Plotly calls a div of its own so
SCENE_PINNED = "network-b"
SCENE_CAPTION = "network-caption"
PIN = "pin"
SWAP = "swap"
PINNED_CAPTION = "network-b-caption"
PINNED_ERROR = "network-b-error"
PINNED_BUSY = "network-b-busy"
PINNED_RETRY = "network-b-retry"
COMPARED_ASKED = "compared-asked"  # the two questions that the panel "Compared" is to show
COMPARED = "compare-body"
SCENE_TITLE = "scene-title"
SCENE_EMPTY = "scene-empty"
SCENE_ERROR = "scene-error"
SCENE_BUSY = "scene-busy"
LEGEND = "network-legend"
TOOLTIP = "scene-tooltip"
SAID = "said"  # read aloud: the jet that is shown and its prediction, or what went wrong
EDGES_SLIDER = "edges-slider"
EDGES_WORDS = "edges-words"
RESET_VIEW = "reset-view"
LOOK = "look"  # the popover with everything that is not used all the time
ISOLATED = "isolated"  # the chip that says whose edges alone are considered
EDGE_CARD = "edge-card"
EDGE_ASKED = "edge-asked"  # the edge whose card is open, and of which explanation
EDGE_SAYS = "edge-says"  # what the service says of it, or what went wrong

DOCK = "dock"

# what to explain, and how
TARGET = "target"
TARGET_WORDS = "target-words"
PRESET = "preset"
RULE = "rule"
RULE_WORDS = "rule-words"
STAGE_ROWS = "stage-rows"  # a rule for each part of the network

# what came out
PREDICTION = "prediction"
FEATURES = "features"
CONSERVATION = "conservation"
LEDGER = "ledger"
REPORT = "network-report"
REPORT_FOLD = "network-report-fold"
TRUTH = "truth"
PRONGS = "prongs"

THEME_SWITCH = "theme-switch"
SAVE = "save"
COPY_LINK = "copy-link"
HELP = "help"
TALK_LINE = "talk-line"
TALK_END = "talk-end"


def rule_parameter(rule: str, name: str) -> dict[str, str]:
    """The id of one parameter's input."""
    return {"type": "rule-parameter", "rule": rule, "name": name}


def rule_panel(rule: str) -> dict[str, str]:
    """The id of the box that holds the parameters of one rule."""
    return {"type": "rule-panel", "rule": rule}
