"""Every rule against slow plain algebra, numbers one can check in the head, and rules as text."""

from __future__ import annotations

import itertools
import json
import operator
from dataclasses import FrozenInstanceError, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lrp_core.errors import PropagationError, RuleError
from lrp_core.rules import (
    BIAS_POLICIES,
    RULES,
    AlphaBeta,
    Composite,
    Epsilon,
    Flat,
    Gamma,
    Layer,
    Rule,
    WSquare,
    Zero,
    ZPlus,
    _exactly,
    parse_rule,
    rule_from_dict,
    with_bias,
)
from tests.lrp_core import by_hand
from tests.lrp_core import examples as toys

MANY = (
    *toys.RULES,
    Epsilon(1e-9),
    Epsilon(3.0, bias="spread"),
    Epsilon(2.0, relative=True),
    Gamma(0.25),
    Gamma(30.0, bias="spread"),
    AlphaBeta(1.0, 0.0),
    AlphaBeta(3.5, 2.5, bias="spread"),
)
Array = npt.NDArray[np.float64]


def shared(rule: Rule, a: Any, weight: Any, bias: Any, relevance: Any) -> tuple[Array, ...]:
    """What the rule makes of rows ``a``: inputs [n_rows, n_in], bias and ε [n_rows]."""
    rows, w, b, r = (torch.tensor(x, dtype=torch.float64) for x in (a, weight, bias, relevance))
    layer = Layer("stage_7", w, b)
    before = [x.clone() for x in (rows, w, b, r)]
    z = torch.addmm(b, rows, w.T)
    shares = rule.share(rows, layer, z, r)
    assert all(torch.equal(x, y) for x, y in zip((rows, w, b, r), before, strict=True))
    assert shares.bias.dtype == shares.epsilon.dtype == torch.float64
    return shares.inputs.numpy(), shares.bias.numpy(), shares.epsilon.numpy()


def by_loops(rule: Rule, a: Any, weight: Any, bias: Any, relevance: Any) -> tuple[Array, ...]:
    found = [
        by_hand.share(rule.to_dict(), row, weight, bias, r)
        for row, r in zip(a, relevance, strict=True)
    ]
    return tuple(np.array(part, dtype=np.float64) for part in zip(*found, strict=True))


@pytest.mark.parametrize("rule", MANY, ids=str)
@pytest.mark.parametrize("inputs", ["both signs", "like a ReLU", "negative"])
def test_rule_is_the_plain_algebra(rule: Rule, inputs: str) -> None:
    draw = np.random.default_rng(5)
    a = draw.normal(size=(100, 5))
    if inputs == "like a ReLU":
        a = a.clip(min=0)
    elif inputs == "negative":
        a = -np.abs(a)
    weight, bias = draw.normal(size=(4, 5)), draw.normal(size=4)
    # Not rows of which an output nearly cancels: there, both ways lose the same digits.
    size = np.abs(a) @ np.abs(weight).T + np.abs(bias)
    a = a[(np.abs(a @ weight.T + bias) > 0.02 * size).all(axis=1)][:20]
    assert len(a) == 20
    relevance = draw.normal(size=(20, 4))
    numbers = a.tolist(), weight.tolist(), bias.tolist(), relevance.tolist()
    for mine, theirs in zip(shared(rule, *numbers), by_loops(rule, *numbers), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)


# Halves add up without rounding, so that exact zeros come out as zeros on both sides.
halves = st.integers(-4, 4).map(lambda number: number / 2)


@st.composite
def layers(draw: st.DrawFn) -> tuple[Any, ...]:
    n_in, n_out = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    row = st.lists(halves, min_size=n_in, max_size=n_in)
    output = st.lists(halves, min_size=n_out, max_size=n_out)
    weight = st.lists(row, min_size=n_out, max_size=n_out)
    return [draw(row)], draw(weight), draw(output), [draw(output)]


@given(rule=st.sampled_from(MANY), numbers=layers())
def test_rule_is_the_plain_algebra_where_things_are_zero(
    rule: Rule, numbers: tuple[Any, ...]
) -> None:
    try:
        expected = by_loops(rule, *numbers)
    except by_hand.Stranded:
        with pytest.raises(PropagationError, match="stage_7"):
            shared(rule, *numbers)
        return
    found = shared(rule, *numbers)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)
    # A small ε under an output of exactly zero makes huge terms that cancel again.
    size = sum(np.abs(part).sum() for part in found)
    total = sum(part.sum() for part in found)
    assert total == pytest.approx(np.sum(numbers[-1]), abs=1e-14 * size + 1e-12)


# z = 3·1 - 1·2 + 1 = 2, and R = 4
UP = ([[1.0, 2.0]], [[3.0, -1.0]], [1.0], [[4.0]])
# z = 3·1 - 1·2 - 3 = -2, and R = 4
DOWN = ([[1.0, 2.0]], [[3.0, -1.0]], [-3.0], [[4.0]])


@pytest.mark.parametrize(
    ("rule", "numbers", "inputs", "bias", "epsilon"),
    [
        (Zero(), UP, [6, -4], 2, 0),
        (Zero(), DOWN, [-6, 4], 6, 0),
        (Zero(bias="spread"), UP, [7, -3], 0, 0),
        (Epsilon(2.0), UP, [3, -2], 1, 2),
        (Epsilon(2.0), DOWN, [-3, 2], 3, 2),
        (Epsilon(2.0, bias="spread"), UP, [3.5, -1.5], 0, 2),
        (Epsilon(1.0, relative=True), UP, [3, -2], 1, 2),  # a single output: its RMS is |z|
        (Gamma(1.0), UP, [4, -4 / 3], 4 / 3, 0),  # 6 - 2 + 2 = 6
        (Gamma(1.0), DOWN, [-12 / 7, 16 / 7], 24 / 7, 0),  # 3 - 4 - 6 = -7
        (Gamma(1.0, bias="spread"), UP, [4 + 2 / 3, -4 / 3 + 2 / 3], 0, 0),
        (ZPlus(), UP, [3, 0], 1, 0),  # 3 and 1
        (ZPlus(), DOWN, [0, 1.6], 2.4, 0),  # -2 and -3
        (AlphaBeta(2.0, 1.0), UP, [6, -4], 2, 0),  # 8 for 3 and 1, -4 for -2
        (AlphaBeta(2.0, 1.0), DOWN, [-4, 3.2], 4.8, 0),  # 8 for -2 and -3, -4 for 3
        (AlphaBeta(2.0, 1.0, bias="spread"), DOWN, [-1.6, 5.6], 0, 0),
        (Flat(), UP, [2, 2], 0, 0),
        (WSquare(), UP, [3.6, 0.4], 0, 0),
    ],
    ids=str,
)
def test_hand_sized_numbers(
    rule: Rule, numbers: Any, inputs: list[float], bias: float, epsilon: float
) -> None:
    found = shared(rule, *numbers)
    np.testing.assert_allclose(found[0], [inputs], rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose([found[1][0], found[2][0]], [bias, epsilon], rtol=1e-14, atol=1e-14)


def test_epsilon_is_relative_to_the_outputs_of_its_own_row() -> None:
    # Outputs 3 and -4: RMS sqrt(12.5). A second row, a thousand times as large, changes nothing.
    weight, bias = [[3.0], [-4.0]], [0.0, 0.0]
    rule = Epsilon(0.1, relative=True)
    alone = shared(rule, [[1.0]], weight, bias, [[1.0, 1.0]])
    size = 0.1 * 12.5**0.5
    assert alone[2][0] == pytest.approx(size / (3 + size) + size / (4 + size), rel=1e-14)
    both = shared(rule, [[1.0], [1000.0]], weight, bias, [[1.0, 1.0], [1.0, 1.0]])
    assert both[2][0] == alone[2][0]
    assert both[2][1] == pytest.approx(alone[2][0], rel=1e-13)


@pytest.mark.parametrize(
    ("rule", "inputs", "epsilon"),
    [
        (Epsilon(0.5), [2, -2], 1),
        (Gamma(1.0), [2, -1], 0),  # 2 - 1 = 1
        (ZPlus(), [1, 0], 0),
        (AlphaBeta(2.0, 1.0), [2, -1], 0),
        (Flat(), [0.5, 0.5], 0),
    ],
    ids=str,
)
def test_the_sign_of_zero_is_plus(rule: Rule, inputs: list[float], epsilon: float) -> None:
    found = shared(rule, [[1.0, 1.0]], [[1.0, -1.0]], [0.0], [[1.0]])
    np.testing.assert_allclose(found[0], [inputs], rtol=1e-14)
    assert found[2][0] == epsilon


@pytest.mark.parametrize("rule", MANY, ids=str)
def test_nothing_over_nothing_is_nothing(rule: Rule) -> None:
    """Outputs of exactly zero without relevance, beside one that has some."""
    numbers = [[0.0, 2.0]], [[1.0, 0.0], [1.0, 1.0]], [0.0, 1.0], [[0.0, 3.0]]
    for mine, theirs in zip(shared(rule, *numbers), by_loops(rule, *numbers), strict=True):
        assert np.isfinite(mine).all()
        np.testing.assert_allclose(mine, theirs, rtol=1e-13, atol=1e-14)
    nothing = shared(rule, [[0.0, 0.0]], [[1.0, 2.0]], [0.0], [[0.0]])
    assert not any(part.any() for part in nothing)


@pytest.mark.parametrize(
    "rule", [rule for rule in MANY if not isinstance(rule, Flat | WSquare)], ids=str
)
def test_relevance_on_an_exact_zero_is_an_error_that_names_the_stage(rule: Rule) -> None:
    # No term at all: not even the favoured side has anything to give the relevance to.
    numbers = ([[0.0, 1.0]], [[1.0, 1.0], [2.0, 0.0]], [0.0, 0.0], [[1.0, -0.25]])
    if isinstance(rule, Epsilon) and not rule.relative:
        assert shared(rule, *numbers)[2][0] == pytest.approx(
            -0.25 + rule.epsilon / (1 + rule.epsilon)
        )
        return
    if isinstance(rule, Epsilon):
        assert np.isfinite(shared(rule, *numbers)[2]).all()  # ε follows the other output
        numbers = ([[0.0, 0.0]], *numbers[1:])
    with pytest.raises(PropagationError, match=r"stage stage_7: .*exactly zero") as raised:
        shared(rule, *numbers)
    assert "gamma" in str(raised.value)


def test_zero_and_terms_that_cancel_exactly() -> None:
    numbers = ([[1.0, 1.0]], [[1.0, -1.0]], [0.0], [[1.0]])
    for rule in (Zero(), Epsilon(0.0), Gamma(0.0)):
        with pytest.raises(PropagationError, match="stage_7"):
            shared(rule, *numbers)
    without_relevance = (*numbers[:3], [[0.0]])
    for rule in MANY:
        assert not any(part.any() for part in shared(rule, *without_relevance))


def test_weights_that_are_all_zero_strand_relevance_under_w_square() -> None:
    with pytest.raises(PropagationError, match="stage_7"):
        shared(WSquare(), [[1.0]], [[0.0]], [1.0], [[1.0]])


def some(seed: int = 3) -> tuple[Any, ...]:
    draw = np.random.default_rng(seed)
    parts = draw.normal(size=(7, 5)), draw.normal(size=(4, 5)), draw.normal(size=4)
    return (*(part.tolist() for part in parts), draw.normal(size=(7, 4)).tolist())


def assert_same(one: Rule, two: Rule, tolerance: float) -> None:
    numbers = some()
    for mine, theirs in zip(shared(one, *numbers), shared(two, *numbers), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("policy", BIAS_POLICIES)
def test_rules_meet_at_their_limits(policy: str) -> None:
    zero, z_plus = Zero(bias=policy), ZPlus(bias=policy)
    assert_same(Epsilon(0.0, bias=policy), zero, 1e-13)
    assert_same(Epsilon(0.0, relative=True, bias=policy), zero, 1e-13)
    assert_same(Gamma(0.0, bias=policy), zero, 1e-11)
    assert_same(AlphaBeta(1.0, 0.0, bias=policy), z_plus, 1e-13)
    assert_same(Gamma(1e6, bias=policy), z_plus, 1e-4)
    assert_same(Gamma(1e12, bias=policy), z_plus, 1e-10)
    assert_same(Gamma(1e300, bias=policy), z_plus, 1e-12)
    with pytest.raises(AssertionError):
        assert_same(Gamma(1.0, bias=policy), z_plus, 1e-3)


def test_an_empty_side_leaves_everything_to_the_other() -> None:
    # Every term of both outputs has the output's own sign.
    numbers = ([[1.0, 2.0]], [[3.0, 1.0], [-1.0, -0.5]], [1.0, -2.0], [[6.0, 2.0]])
    inputs, bias, _ = shared(AlphaBeta(4.0, 3.0), *numbers)
    np.testing.assert_allclose(inputs, [[3.0 + 0.5, 2.0 + 0.5]], rtol=1e-14)
    assert bias[0] == pytest.approx(1.0 + 1.0, rel=1e-14)


@pytest.mark.parametrize("rule", toys.KINDS, ids=str)
def test_spread_gives_every_input_an_equal_part_of_what_the_bias_earns(rule: Rule) -> None:
    numbers = some()
    account, spread = shared(rule, *numbers), shared(with_bias(rule, "spread"), *numbers)
    assert not spread[1].any()
    np.testing.assert_array_equal(spread[2], account[2])  # what ε takes stays where it is
    np.testing.assert_allclose(
        spread[0] - account[0], account[1][:, None] / 5 + np.zeros((7, 5)), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("rule", MANY, ids=str)
def test_nothing_is_lost_in_a_layer(rule: Rule) -> None:
    numbers = some()
    inputs, bias, epsilon = shared(rule, *numbers)
    np.testing.assert_allclose(
        inputs.sum(axis=1) + bias + epsilon, np.sum(numbers[3], axis=1), rtol=1e-11, atol=1e-12
    )


def test_only_spread_with_zero_or_epsilon_and_the_rules_for_inputs_ask_for_float64() -> None:
    wants = {str(rule) for rule in toys.RULES if rule.needs_float64}
    spread = {str(with_bias(rule, "spread")) for rule in toys.KINDS[:3]}
    assert wants - {str(rule) for rule in toys.RULES if isinstance(rule, Flat | WSquare)} == spread
    assert not Composite({"a": Gamma()}, default=Zero()).needs_float64
    assert Composite({"a": Gamma()}, default=Zero(bias="spread")).needs_float64
    assert Composite({"a": Epsilon(bias="spread")}, default=Gamma()).needs_float64


# Rules as text and as plain data.


@pytest.mark.parametrize("rule", MANY, ids=str)
def test_a_rule_comes_back_from_text_and_from_data(rule: Rule) -> None:
    assert parse_rule(str(rule)) == rule
    assert rule_from_dict(rule.to_dict()) == rule
    through_json = json.dumps(rule.to_dict())
    assert rule_from_dict(json.loads(through_json)) == rule
    assert parse_rule(through_json) == rule
    assert hash(parse_rule(str(rule))) == hash(rule)
    assert rule.for_stage("anything") is rule
    with pytest.raises(FrozenInstanceError):
        rule.bias = "spread"  # type: ignore[misc]


def test_rules_in_words() -> None:
    assert str(Gamma(1)) == "gamma(gamma=1.0, bias=account)"
    assert Gamma(1).to_dict() == {"name": "gamma", "gamma": 1.0, "bias": "account"}
    assert str(ZPlus(bias="spread")) == "z_plus(bias=spread)"
    assert list(RULES) == ["zero", "epsilon", "gamma", "alpha_beta", "z_plus", "flat", "w_square"]
    assert len({rule.title for rule in RULES.values()}) == len(RULES)
    assert all(rule.summary.endswith(".") for rule in RULES.values())


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("gamma", Gamma()),
        (" gamma ( 0.5 ) ", Gamma(0.5)),
        ("gamma(2)", Gamma(2.0)),
        ("epsilon(1e-9)", Epsilon(1e-9)),
        ("epsilon(0.01, bias=spread)", Epsilon(0.01, bias="spread")),
        ("epsilon(0.1, relative=true)", Epsilon(0.1, relative=True)),
        ("epsilon(relative=True, epsilon=2)", Epsilon(2.0, relative=True)),
        ("epsilon(0.1, False)", Epsilon(0.1)),
        ("alpha_beta(3, 2)", AlphaBeta(3.0, 2.0)),
        ("zero()", Zero()),
        ('{"name": "flat"}', Flat()),
    ],
)
def test_rules_as_people_write_them(text: str, rule: Rule) -> None:
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gamma(",
        "gamma.x",
        "gamma(1)(2)",
        "1",
        "gamma(1, 2)",
        "gamma(gamma=1, gamma=2)",
        "gamma(1, gamma=1)",
        "gamma(**x)",
        "gamma(*[1])",
        "gamma({[]: 1})",
        "gamma(not 1)",
        "gamma(1" + "0" * 400 + ")",
        "(" * 1000,
        "\0",
        "{",
        '{"gamma": ' + "[" * 100_000,
        "hin-lrp",
        "__import__('os')",
    ],
    ids=lambda text: repr(text[:20]),
)
def test_text_that_is_no_rule(text: str) -> None:
    with pytest.raises(RuleError) as raised:
        parse_rule(text)
    assert len(str(raised.value)) < 500


@given(st.text(max_size=30) | st.from_regex(r"(gamma|epsilon)\([^)]{0,12}\)?", fullmatch=True))
def test_any_text_is_a_rule_or_a_rule_error(text: str) -> None:
    try:
        rule = parse_rule(text)
    except RuleError:
        return
    assert parse_rule(json.dumps(rule.to_dict())) == rule


@pytest.mark.parametrize("name", RULES)
def test_unknown_names_and_parameters_list_the_choices(name: str) -> None:
    with pytest.raises(RuleError, match=f"no rule '{name}_'.*{name}"):
        rule_from_dict({"name": f"{name}_"})
    with pytest.raises(RuleError, match=r"no parameter 'strength'.*bias"):
        rule_from_dict({"name": name, "strength": 1.0})
    with pytest.raises(RuleError, match="account, spread"):
        RULES[name](bias="lost")


@pytest.mark.parametrize(
    ("rule", "parameters"),
    [
        (Gamma, {"gamma": -0.1}),
        (Gamma, {"gamma": float("inf")}),
        (Gamma, {"gamma": float("nan")}),
        (Gamma, {"gamma": "1"}),
        (Gamma, {"gamma": True}),
        (Gamma, {"gamma": None}),
        (Gamma, {"gamma": 10**400}),
        (Epsilon, {"epsilon": -1e-9}),
        (Epsilon, {"relative": 1}),
        (AlphaBeta, {"alpha": 0.5, "beta": -0.5}),
        (AlphaBeta, {"alpha": 2.0, "beta": 2.0}),
    ],
)
def test_impossible_parameters(rule: type[Rule], parameters: dict[str, Any]) -> None:
    with pytest.raises(RuleError, match=rule.name):
        rule(**parameters)


@pytest.mark.parametrize("number", [np.float32(2), np.float64(2), np.int64(2), 2])
def test_parameters_may_be_numbers_of_numpy(number: Any) -> None:
    assert Gamma(number) == Gamma(2.0)
    assert type(Gamma(number).gamma) is float


@pytest.mark.parametrize("data", [None, 5, "gamma", [], [1], {}, {"name": None}, {"name": []}])
def test_data_that_is_no_rule(data: Any) -> None:
    with pytest.raises(RuleError):
        rule_from_dict(data)


# Composites.


def test_the_first_pattern_that_fits_gives_the_rule() -> None:
    one, two, rest = Gamma(0.5), Epsilon(0.1), ZPlus()
    composite = Composite({"edge_mlp.0": one, "*_mlp.*": two, "edge_mlp.3": rest}, default=rest)
    assert composite.for_stage("edge_mlp.0") is one
    assert composite.for_stage("edge_mlp.3") is two
    assert composite.for_stage("global_mlp.3") is two
    assert composite.for_stage("pool") is rest
    assert Composite({}).default == Zero()
    assert Composite({"Edge*": one}).for_stage("edge_mlp.0") == Zero()  # patterns mind the case


def test_a_composite_comes_back_from_data() -> None:
    composite = Composite(
        {"edge_*": Gamma(0.5), "*.3": Epsilon(1e-9, bias="spread")}, default=Flat()
    )
    data = composite.to_dict()
    assert data["rules"][0] == ["edge_*", {"name": "gamma", "gamma": 0.5, "bias": "account"}]
    back = parse_rule(json.dumps(data))
    assert back == composite
    assert hash(back) == hash(composite)
    assert isinstance(back, Composite)
    assert list(back.rules) == ["edge_*", "*.3"]
    for part in ("edge_*", str(Gamma(0.5)), "*.3", "default", str(Flat())):
        assert part in str(composite)
    for first, second in itertools.pairwise([composite, Composite({}), Composite({}, Flat())]):
        assert first != second


def test_a_composite_comes_back_from_its_text() -> None:
    rules = {
        "edge_mlp.0": Flat(),
        'a, b:(c) "é\\': Gamma(0.5),
        "default": Epsilon(1e-9, relative=True, bias="spread"),
        "x[ab]*": AlphaBeta(3, 2),
    }
    for composite in (Composite(rules, default=ZPlus()), Composite({})):
        assert parse_rule(str(composite)) == composite
    short = "composite( edge_*: gamma(0.5), default: z_plus )"
    assert parse_rule(short) == Composite({"edge_*": Gamma(0.5)}, default=ZPlus())
    assert parse_rule("composite(edge_*: gamma)") == Composite({"edge_*": Gamma()})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("composite()", "expected stages and their rules"),
        ("composite(gamma)", "expected stages and their rules, .*found 'gamma'"),
        ("composite(: gamma)", "expected stages"),
        ("composite(a:)", "expected stages"),
        ("composite(a: foo)", "no rule 'foo'"),
        ("composite(a: gamma(0.5), a: zero)", "'a' is there twice"),
        ("composite(default: zero, default: gamma)", "'default' is there twice"),
        ("composite(a: composite(b: zero))", "'a' is itself a composite"),
        ("composite(a: gamma(", "cannot read the rule"),
        ('composite("a: gamma)', "expected stages"),
    ],
)
def test_text_that_is_no_composite_is_refused(text: str, says: str) -> None:
    with pytest.raises(RuleError, match=says):
        parse_rule(text)


def test_composites_of_something_else_are_refused() -> None:
    with pytest.raises(RuleError, match="not a rule"):
        Composite({"a": "gamma"})  # type: ignore[dict-item]
    with pytest.raises(RuleError, match="not a rule"):
        Composite({"a": Composite({})})  # type: ignore[dict-item]
    with pytest.raises(RuleError, match="not a rule"):
        Composite({}, default=Gamma)  # type: ignore[arg-type]
    for data in (
        {"name": "composite"},
        {"name": "composite", "rules": 5},
        {"name": "composite", "rules": [["a"]]},
        {"name": "composite", "rules": {"a": {"name": "zero"}}},
        {"name": "composite", "rules": [["a", "gamma"]]},
        {"name": "composite", "rules": [["a", {"name": "composite", "rules": []}]]},
    ):
        with pytest.raises(RuleError):
            rule_from_dict(data)


def test_another_bias_policy() -> None:
    assert (
        with_bias(Gamma(2.0), "spread")
        == Gamma(2.0, bias="spread")
        == replace(Gamma(2.0), bias="spread")
    )
    with pytest.raises(RuleError):
        with_bias(Gamma(2.0), "both")


def test_the_exact_product_rounds_once() -> None:
    draw = torch.Generator().manual_seed(0)
    s = torch.randn(20, 128, generator=draw, dtype=torch.float64)
    s = s * torch.exp(5 * torch.randn(20, 128, generator=draw, dtype=torch.float64))
    weight = torch.randn(128, 10, generator=draw, dtype=torch.float64)
    left = [[Fraction(value) for value in row] for row in s.tolist()]
    right = [[Fraction(value) for value in row] for row in weight.T.tolist()]
    true = np.array(
        [
            [float(sum(map(operator.mul, row, column), Fraction())) for column in right]
            for row in left
        ]
    )

    def error(product: torch.Tensor) -> float:
        return float(np.abs((product.numpy() - true) / true).max())

    assert error(_exactly(s, weight)) < 4e-16
    assert error(s @ weight) > 1e-14  # what it is there for
