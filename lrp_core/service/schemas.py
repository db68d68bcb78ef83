"""What goes over the wire, both ways. Nothing here needs torch, so that a client can use it too.

Numbers are finite or null: NaN and infinity never leave, and where one would have, ``problem`` says
so. Relevance is in units of the network's output; positive speaks for the target.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

JetField = Literal["index", "label", "score", "pt", "sdmass", "n_tracks"]
Sort = Literal[
    "index", "label", "score", "pt", "sdmass", "n_tracks",
    "-index", "-label", "-score", "-pt", "-sdmass", "-n_tracks",
]  # fmt: skip
Dtype = Literal["float32", "float64"]
PickKind = Literal[
    "confident_signal",
    "confident_background",
    "background_as_signal",
    "signal_as_background",
    "undecided",
]
TargetName = Annotated[
    str | None,
    Field(description="A target of GET /choices; the preset's or margin if left out."),
]
SourceName = Annotated[str | None, Field(max_length=500)]
Finite = Field(default=None, allow_inf_nan=False)
MOST_JETS = 10_000


# Headers of a dashboard's requests: its secret, and whom it asks for (percent-encoded).
SECRET_HEADER = "X-Jetlrp-Secret"
USER_HEADER = "X-Jetlrp-User"


class ErrorBody(BaseModel):
    """What went wrong, in a word for programs and a sentence for people."""

    code: str = Field(description="A fixed word for this kind of problem, such as unknown_target.")
    message: str = Field(description="What was found, what was expected, what to do.")
    choices: list[str] | None = Field(None, description="What could have been asked for instead.")
    request_id: str = Field(description="The answer's X-Request-ID, which the log holds as well.")


class ErrorAnswer(BaseModel):
    """The one shape of every answer that is not a success."""

    error: ErrorBody


class JetsInfo(BaseModel):
    """The jets that the service shows."""

    name: str
    n_jets: int


class ModelInfo(BaseModel):
    """The network that the service explains."""

    name: str
    checkpoint_hash: str = Field(description="SHA-256 of the checkpoint file.")
    classes: list[str] = Field(description="The classes in the order of the logits.")
    n_columns: int = Field(description="Input columns of the network.")


class ScoresInfo(BaseModel):
    """How far the scores of all jets have come; they are computed in the background."""

    done: int
    total: int
    problem: str | None = Field(None, description="Why scoring stopped early, or null.")


class LibraryInfo(BaseModel):
    """How much there is to choose from."""

    files: int
    models: int
    uploads: bool = Field(
        default=False, description="Whether people may upload files of their own."
    )


class OperationInfo(BaseModel):
    """One kind of operation that a network runs, and what is done with its relevance."""

    name: str
    count: int
    rule: str
    source: str
    linearised: bool = Field(description="Whether it has no rule, so that its tangent stands in.")
    stages: list[str]


class NetworkEdges(BaseModel):
    """A place where a network passes messages between tracks."""

    path: str
    operation: str


class NetworkReport(BaseModel):
    """What a network runs, seen while it ran on a jet that was made up."""

    network: str
    operations: list[OperationInfo]
    hidden: float = Field(description="Share of its answer that goes ways that are not seen.")
    edges: list[NetworkEdges]
    before_softmax: bool
    batched: bool
    warnings: list[str]


class Health(BaseModel):
    """That the service is there, and with which jets and which network."""

    status: Literal["ok"] = "ok"
    version: str
    jets: JetsInfo
    model: ModelInfo
    scores: ScoresInfo
    library: LibraryInfo = LibraryInfo(files=1, models=1)

    @property
    def is_choice(self) -> bool:
        """Whether there are other files or networks to choose from."""
        return self.library.files > 1 or self.library.models > 1 or self.library.uploads


class SourceQuery(BaseModel):
    """Of which file and which network; GET /library lists them."""

    model_config = ConfigDict(extra="forbid")

    file: SourceName = Field(
        None, description="Name of a file of jets; left out: the usual one, or the first that fits."
    )
    model: SourceName = Field(None, description="Name of a network; left out: the same.")


class AucInfo(BaseModel):
    """How well a network does on a file, where that is known."""

    model: str
    auc: float = Field(description="Area under the ROC curve: 0.5 by chance, 1 at best.")


class LibraryFile(BaseModel):
    """A file of jets."""

    name: str = Field(description="What to ask for, as file=…")
    origin: Literal["given", "library", "upload", "sample"] = Field(
        description="Given at the start, from the library, uploaded, or that of the package."
    )
    n_jets: int | None = None
    n_bytes: int | None = None
    changed: float | None = Field(None, description="When it was written, seconds since 1970.")
    expires: float | None = Field(None, description="When it will be deleted, of an upload.")
    columns: list[str] = Field(default_factory=list, description="Features of its tracks.")
    labels: list[str] = Field(default_factory=list, description="Labels that its jets may have.")
    auc: list[AucInfo] = Field(
        default_factory=list, description="Of the networks that have scored all of its jets."
    )
    problem: str | None = Field(None, description="Why it cannot be used, or null.")
    pending: bool = Field(False, description="Whether nobody has looked into it yet.")


class LibraryModel(BaseModel):
    """A network."""

    name: str = Field(description="What to ask for, as model=…")
    origin: Literal["given", "library", "upload", "sample"]
    columns: list[str] = Field(default_factory=list, description="Its inputs, in order.")
    classes: list[str] = Field(default_factory=list, description="The names of its logits.")
    targets: list[str] = Field(default_factory=list, description="What can be explained of it.")
    n_parameters: int | None = None
    checkpoint_hash: str | None = Field(None, description="SHA-256 of the checkpoint file.")
    n_bytes: int | None = None
    changed: float | None = None
    expires: float | None = None
    problem: str | None = None
    pending: bool = False


class Library(BaseModel):
    """Everything that can be chosen, what cannot be used too, with the reason."""

    file: str | None = Field(description="The file that is meant where none is named.")
    model: str | None = Field(description="The same of networks.")
    files: list[LibraryFile]
    models: list[LibraryModel]


class Upload(BaseModel):
    """A file that somebody has uploaded."""

    name: str = Field(description="What to ask for, as file=… or model=…, where it is one.")
    kind: Literal["jets", "model", "definitions"]
    n_bytes: int
    expires: float = Field(description="When it will be deleted, seconds since 1970.")


class Uploads(BaseModel):
    """What a person has uploaded, and how much more that can be."""

    max_bytes: int = Field(description="The most bytes of one file.")
    quota_bytes: int = Field(description="The most bytes of all files of a person.")
    used_bytes: int
    days: float = Field(description="After how many days a file is deleted.")
    endings: list[str] = Field(description="What the names of files may end with.")
    files: list[Upload]


class TargetChoice(BaseModel):
    """An output, or a difference of outputs, that can be explained."""

    name: str
    title: str
    summary: str


class RuleParameter(BaseModel):
    """A parameter of a rule."""

    name: str
    type: Literal["number", "boolean", "choice"]
    default: float | bool | str
    minimum: float | None = None
    choices: list[str] | None = None
    summary: str


class RuleChoice(BaseModel):
    """A rule of relevance propagation with its parameters."""

    name: str
    title: str
    summary: str
    parameters: list[RuleParameter]


class PresetChoice(BaseModel):
    """A rule and a target that go together under one name."""

    name: str
    rule: dict[str, Any]
    rule_text: str
    target: str
    summary: str


class Defaults(BaseModel):
    """What is explained, and how, when a request does not say."""

    target: str
    rule: dict[str, Any]
    rule_text: str
    dtype: str


class PickChoice(BaseModel):
    """A kind of jet of which GET /jets/pick gives a random one."""

    name: PickKind
    title: str
    summary: str


class Choices(BaseModel):
    """Everything that can be asked for."""

    targets: list[TargetChoice]
    rules: list[RuleChoice]
    presets: list[PresetChoice]
    defaults: Defaults
    dtypes: list[str]
    stages: list[str] = Field(description="The stages of the network, from the output backwards.")
    input_rules: list[RuleChoice] = Field(
        default_factory=list,
        description="Rules that do not look at their input: in a composite, for input_stages only.",
    )
    rule_stages: list[str] = Field(
        default_factory=list,
        description="Those of the stages that follow rules: a composite gives each its own.",
    )
    input_stages: list[str] = Field(
        default_factory=list,
        description="Those of rule_stages that read the network's input and nothing else.",
    )
    picks: list[PickChoice] = Field(
        default_factory=list, description="The kinds of jets of GET /jets/pick."
    )


class JetQuery(SourceQuery):
    """Which jets to list and in which order. A limit on a number leaves out jets that lack it."""

    model_config = ConfigDict(extra="forbid")

    offset: int = Field(0, ge=0)
    limit: int = Field(100, ge=1, le=MOST_JETS)
    sort: Sort = Field("index", description="A minus sign turns it round; nulls come last.")
    label: Literal["hbb", "qcd", "none"] | None = Field(
        None, description="none: jets without a label."
    )
    min_index: int | None = Field(None, description="The number of a jet; so one can be found.")
    max_index: int | None = None
    min_pt: float | None = Finite
    max_pt: float | None = Finite
    min_sdmass: float | None = Finite
    max_sdmass: float | None = Finite
    min_score: float | None = Finite
    max_score: float | None = Finite
    min_n_tracks: float | None = Finite
    max_n_tracks: float | None = Finite


class PickQuery(SourceQuery):
    """Which kind of jet to pick."""

    model_config = ConfigDict(extra="forbid")

    kind: PickKind
    seed: int | None = Field(None, ge=0, description="The same seed picks the same jet again.")
    exclude: int | None = Field(
        None, description="Not this jet, such as the one that is being looked at."
    )


class JetRow(BaseModel):
    """One jet in a list."""

    index: int
    label: str | None
    score: float | None = Field(
        description="Probability of the signal class; null until it is computed, or for a bad jet."
    )
    pt: float | None = Field(description="GeV")
    sdmass: float | None = Field(description="GeV")
    n_tracks: int | None
    problem: str | None = Field(description="Why the jet cannot be used, or null.")


class JetPage(BaseModel):
    """One page of the list of jets."""

    total: int = Field(description="Jets in the files.")
    matching: int = Field(description="Jets that pass the filters.")
    scores_done: int = Field(description="Jets whose score is computed, or that have none.")
    jets: list[JetRow]


class FeatureInfo(BaseModel):
    """What a track feature is."""

    name: str
    title: str
    unit: str
    group: str
    meaning: str


class BHadronInfo(BaseModel):
    """A b-hadron of a simulated jet and where it flies."""

    b: int = Field(description="Its number, as in b of the truth.")
    pt: float | None = Field(description="GeV")
    etarel: float | None = Field(description="From the jet axis, as track_etarel.")
    phirel: float | None = Field(description="From the jet axis in rad, as track_phirel.")


class TruthInfo(BaseModel):
    """Where the tracks of a simulated jet come from."""

    origins: list[str] = Field(description="What the codes in origin mean: their names by number.")
    origin: list[int] = Field(description="[n_tracks], codes")
    b: list[int] = Field(
        description="[n_tracks]: which of the jet's b-hadrons the track descends from, 1 or 2; or 0"
    )
    b_hadrons: list[BHadronInfo] = Field(description="By number; empty where none is known.")


class SubjetInfo(BaseModel):
    """A soft-drop subjet of a jet and where it flies, as its tracks' distances from it tell."""

    number: int = Field(description="1 for the leading one, 2 for the other.")
    etarel: float = Field(description="From the jet axis, as track_etarel.")
    phirel: float = Field(description="From the jet axis in rad, as track_phirel.")
    n_tracks: int = Field(description="Tracks that are nearer to it than to the other.")


class JetDetail(BaseModel):
    """One jet with its tracks."""

    index: int
    jet_id: str
    label: str | None
    pt: float | None
    sdmass: float | None
    n_tracks: int
    n_edges: int
    file: str = Field("", description="The file that it is in, as GET /library names it.")
    features: list[str]
    tracks: list[list[float | None]] = Field(description="[n_tracks, n_features]")
    feature_info: list[FeatureInfo]
    eta: float | None = Field(None, description="Pseudorapidity of the jet axis.")
    truth: TruthInfo | None = Field(None, description="Only simulated jets have one.")
    subjets: list[SubjetInfo] = Field(
        default_factory=list, description="By number; only those whose place is known."
    )


class Base64Array(BaseModel):
    """An array as the base64 of its bytes, little-endian, last index fastest."""

    dtype: str
    shape: list[int]
    data: Base64Bytes

    def numpy(self) -> npt.NDArray[Any]:
        """The array."""
        return np.frombuffer(self.data, dtype=np.dtype(self.dtype).newbyteorder("<")).reshape(
            self.shape
        )


Vector = list[float | None] | Base64Array
Matrix = list[list[float | None]] | Base64Array


class Question(BaseModel):
    """What to explain, and how."""

    model_config = ConfigDict(extra="forbid")

    target: TargetName = None
    rule: str | dict[str, Any] | None = Field(
        None,
        description='A rule as data, {"name": "gamma", "gamma": 1.0}, as text, "gamma(1.0)" or '
        '"composite(edge_mlp.0: flat, default: gamma(1.0))" with a rule for each stage, '
        'or the name of a preset, "hin-lrp".',
    )
    dtype: Dtype = "float32"


class ExplanationRequest(Question):
    """What to explain, and how, and in which form."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"target": "margin", "rule": {"name": "gamma", "gamma": 1.0, "bias": "account"}},
                {"rule": "hin-lrp"},
                {"target": "hbb", "rule": "epsilon(0.01)", "encoding": "base64"},
            ]
        },
    )

    edges: Literal["summary", "full"] = Field(
        "summary", description="full: with the relevance of each edge for every column, [E, 2F]."
    )
    encoding: Literal["list", "base64"] = Field(
        "list", description="base64: arrays as base64 of little-endian bytes, smaller and faster."
    )
    top_edges: int | None = Field(
        None,
        ge=1,
        description="Only so many edges, the most significant ones first; all if left out.",
    )


class EdgeRequest(Question):
    """Which edge of an explanation."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"target": "margin", "edge": 12}]}
    )

    edge: int = Field(description="Its number, from 0; edge_numbers and edge_index count so.")


class FileQuery(SourceQuery):
    """What to explain, and how, as part of an address."""

    model_config = ConfigDict(extra="forbid")

    target: TargetName = None
    rule: str | None = Field(
        None, description="A rule as text, gamma(1.0), or the name of a preset, hin-lrp."
    )
    dtype: Dtype = "float32"


class LedgerLine(BaseModel):
    """What one stage of the network received and where it went."""

    stage: str
    received: float | None
    passed: dict[str, float | None] = Field(description="Sum passed on to each input.")
    inputs: dict[str, str] = Field(description="Whose output each input is; or tracks.")
    bias: float | None
    epsilon: float | None


class Totals(BaseModel):
    """Where the explained value went: tracks + bias + epsilon = value."""

    tracks: float | None
    bias: float | None
    epsilon: float | None
    value: float | None


class BalanceInfo(BaseModel):
    """Whether all of the explained value is accounted for, in words."""

    state: Literal["sound", "cancels", "broken", "unknown"]
    text: str = Field(description="How much is: 100.000 % accounted for.")
    detail: str = Field(description="How exactly, or what is wrong.")
    leaks: dict[str, float] = Field(description="What each stage that loses some loses.")


class TruthMatchInfo(BaseModel):
    """How much of an explanation lies on b-hadron tracks, beside what chance would give.

    Shares are between 0 and 1; null where there is nothing to share, or it is not finite.
    """

    n_tracks: int
    n_b_tracks: int = Field(description="Tracks that descend from a b-hadron of the jet.")
    relevance: float | None = Field(description="Sum of the relevance of the b-hadron tracks.")
    relevance_all: float | None = Field(description="The same of all tracks.")
    positive_share: float | None = Field(
        description="Share of the b-hadron tracks in the relevance of tracks that speak for it."
    )
    absolute_share: float | None = Field(description="Their share in the absolute relevance.")
    track_share: float | None = Field(description="By chance: their share of the tracks.")
    pt_share: float | None = Field(description="By chance: their share of the tracks' pT.")
    significance_both: float | None = Field(
        description="Share of the edge significance on edges between two b-hadron tracks."
    )
    significance_any: float | None = Field(
        description="Share of it on edges that touch at least one."
    )
    edge_share_both: float | None = Field(description="By chance: share of such edges.")
    edge_share_any: float | None = Field(description="By chance: share of such edges.")
    average_precision: float | None = Field(
        description="Of ranking b-hadron tracks by relevance, the largest first."
    )
    average_precision_by_chance: float | None = Field(description="Its mean over all orders.")


class ProngsInfo(BaseModel):
    """How an explanation lies on the two soft-drop subjets, each track with the nearest one.

    Shares are between 0 and 1; null where there is nothing to share, or it is not finite. An even_
    share is what the share would be with significance spread evenly over all edges. Source:
    arXiv:2211.09912.
    """

    n_tracks: int
    n_1: int = Field(description="Tracks of subjet 1.")
    n_2: int = Field(description="Tracks of subjet 2.")
    n_none: int = Field(description="Tracks of neither.")
    within_1: float | None = Field(
        description="Share of the edge significance on edges that join tracks of subjet 1."
    )
    within_2: float | None = Field(description="The same for subjet 2.")
    within: float | None = Field(description="The two together.")
    between: float | None = Field(description="Share of it on edges from one subjet to the other.")
    none: float | None = Field(description="Share of it on edges that touch a track of neither.")
    even_within_1: float | None
    even_within_2: float | None
    even_within: float | None
    even_between: float | None
    even_none: float | None
    relevance_within: float | None = Field(
        description="Sum of the signed relevance of the edges within a subjet."
    )
    relevance_between: float | None = Field(description="The same of the edges between the two.")
    relevance_1: float | None = Field(
        description="Sum of the relevance of the tracks of subjet 1, with what came over edges."
    )
    relevance_2: float | None = Field(description="The same for subjet 2.")


class ExplanationAnswer(BaseModel):
    """An explanation. n = tracks, E = edges, F = columns of the network.

    With top_edges, E in the shapes is the number of edges that it holds, not n_edges.
    """

    jet_id: str
    index: int
    target: str
    rule: dict[str, Any]
    rule_text: str
    dtype: str
    classes: list[str]
    logits: Vector
    probabilities: Vector
    value: float | None = Field(description="The explained output.")
    conservation_error: float | None
    columns: list[str] = Field(description="The F input columns; a name may stand in it twice.")
    features: list[str] = Field(description="The distinct columns.")
    n_tracks: int
    n_edges: int = Field(description="All edges of the jet.")
    complete_graph: bool = Field(
        description="Whether the edges are all ordered pairs of tracks, source by source."
    )
    edge_index: list[list[int]] | Base64Array | None = Field(
        description="[2, E], source and destination; null for a complete graph."
    )
    edge_numbers: list[int] | Base64Array | None = Field(
        None,
        description="[E], only with top_edges: which edges these are, in falling significance. In "
        "a complete graph edge e goes from e // (n - 1) to the track in place e % (n - 1) among "
        "the others.",
    )
    track_relevance_sum: Vector = Field(description="[n]")
    feature_relevance: Matrix = Field(description="[n, features]")
    edge_significance: Vector = Field(description="[E], not negative, adds up to 1")
    signed_edge_relevance: Vector = Field(description="[E]")
    edge_relevance: Matrix | None = Field(None, description='[E, 2F], only with edges="full"')
    ledger: list[LedgerLine]
    warnings: list[str] = Field([], description="What this explanation should be read with.")
    totals: Totals
    balance: BalanceInfo
    truth_match: TruthMatchInfo | None = Field(
        None, description="Against the truth of the simulation; null for jets without one."
    )
    prongs: ProngsInfo | None = Field(
        None, description="Within and between subjets; null where there are not two."
    )
    problem: str | None = Field(None, description="Which numbers are not finite, or null.")
    seconds: float = Field(description="How long the explanation took when it was computed.")
    cached: bool = Field(description="Whether it had been computed before.")
    file: str = Field("", description="The file of the jet, as GET /library names it.")
    model: ModelInfo
    version: str


class PicturePart(BaseModel):
    """Something in a picture that can be pointed at."""

    title: str
    note: str = Field(description="What the title means, or nothing.")
    code: str = Field(description="What it is called in code, or nothing.")
    lines: list[tuple[str, str | None, int]] = Field(
        description="What else there is to say: what, how much or null for a heading, its sign."
    )
    lit: list[str] = Field(description="Ids of all that lights with it.")
    next: dict[str, str] = Field(description="Ids that keys lead to, by the key: ArrowRight.")
    at: tuple[float, float] | None = Field(
        description="Where its words stand while the keyboard is there, in px; null: its middle."
    )


class PictureAnswer(BaseModel):
    """A picture: an SVG, and what can be pointed at in it."""

    name: str
    width: float
    height: float
    label: str = Field(description="What a screen reader says of it.")
    svg: str = Field(
        description="An element svg. Within it data-id names a part, data-of what lights with one."
    )
    parts: dict[str, PicturePart] = Field(description="By data-id.")
    first: str | None = Field(description="The part that the Tab key leads to.")
    facts: dict[str, str] = Field(description="What else the page says beside it.")
    data: dict[str, Any] = Field(
        default_factory=dict, description="What the page selects from; arrays as base64."
    )


class EdgeEnd(BaseModel):
    """The track at one end of an edge."""

    track: int
    kind: str = Field(description='What it was taken for: "muon", "electron" or "".')
    pt: float | None = Field(description="Transverse momentum in GeV.")
    displaced: bool
    origin: str = Field(description="Where the simulation says that it comes from; else empty.")
    relevance: float | None


class ComparedSide(BaseModel):
    """One of two explanations that are compared."""

    index: int = Field(description="Number of the jet.")
    jet_id: str
    label: str | None
    file: str = Field(description="As GET /library names it, and so the network.")
    model: str
    target: str
    rule_text: str
    stands_for: str = Field(description="What positive relevance speaks for.")
    asked: str = Field(description="The target in words.")
    rule_words: str = Field(description="The rule as people write it.")


class ComparedValue(BaseModel):
    """A number of each of the two; null where there is none."""

    name: str
    kind: Literal["share", "output", "error", "count"] = Field(
        description="Share of 1, in units of the network's output, relative error, or count."
    )
    meaning: str
    here: float | None
    pinned: float | None


class ComparedFeature(BaseModel):
    """Relevance of a feature, added up over the tracks; null where a network has not got it."""

    name: str
    title: str
    here: float | None
    pinned: float | None


class ComparedChange(BaseModel):
    """How much a track's relevance, or an edge's significance, is more here than pinned."""

    number: int
    difference: float
    rank_here: int = Field(description="1 for the largest.")
    rank_pinned: int
    ends: tuple[int, int] | None = Field(description="Tracks that an edge goes from and to.")


class ComparisonAnswer(BaseModel):
    """Two explanations beside each other; tracks and edges only where they can be subtracted."""

    here: ComparedSide
    pinned: ComparedSide
    same_jet: bool
    values: list[ComparedValue]
    features: list[ComparedFeature] = Field(description="The largest in either, at most eight.")
    tracks: list[ComparedChange] | None = Field(
        description="Those that changed most, at most eight; null for two jets, or other edges."
    )
    edges: list[ComparedChange] | None = Field(description="Likewise.")


class EdgeAnswer(BaseModel):
    """One edge of an explanation. The two lists of relevance add up to signed_relevance."""

    index: int = Field(description="Number of the jet.")
    edge: int
    source: int = Field(description="Track that the edge starts from.")
    destination: int = Field(description="Track that it goes to.")
    significance: float | None
    rank: int | None = Field(
        description="1 for the most significant edge of the jet; equal ones by number."
    )
    n_edges: int
    signed_relevance: float | None = Field(description="Positive speaks for the target.")
    features: list[str] = Field(
        description="The distinct input columns; those of the encoder, where one comes before the "
        "edges."
    )
    feature_info: list[FeatureInfo] = Field(description="What they are.")
    source_relevance: list[float | None] = Field(
        description="[features]: what reached each of the source, duplicate columns added up."
    )
    destination_relevance: list[float | None] = Field(
        description="[features]: the same of the destination."
    )
    speaks: str = Field(description='In words: "for H→bb̄", "against H→bb̄".')
    ends: list[EdgeEnd] = Field(
        description="The source and the destination; none where their relevance is not finite."
    )


class FigureText(BaseModel):
    """A text around a figure's picture."""

    kind: str = Field(description="jet, says, share, asked, kept, facts or provenance")
    x: float = Field(description="px from the left; where it begins")
    y: float = Field(description="px from the top; its base line")
    text: str = Field(description="With an index behind each `_`, unless `plain`.")
    size: float = Field(description="px of type")
    colour: str
    bold: bool
    plain: bool


class FigureParts(BaseModel):
    """A figure that is put together elsewhere: in the browser, or on a slide."""

    name: str = Field(description="Of the file, without its ending.")
    title: str
    caption: str = Field(description="One line, for below the figure.")
    metadata: dict[str, str] = Field(description="For the inside of the file.")
    words: list[FigureText] = Field(description="What stands above and below the picture.")
    svg: str = Field(description="All of it but the network plot, for which there is room.")
    plot: dict[str, Any] | None = Field(
        description="The network plot for this room: `data` and `layout` for Plotly, `stage` with "
        "left, top, width and height in px, and the `letters` that stand over it."
    )
