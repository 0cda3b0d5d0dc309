"""Derived features' expressions: what they mean as trees, and where their mistakes are."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dropforge.expressions import Call, Column, Constant, ExpressionError, parse_derived
from dropforge.rules import RuleError, parse_rule

KINDS = {
    "a": "number",
    "b": "integer",
    "flag": "boolean",
    "opened": "date",
    "closed": "date",
    "name": "string",
    "Größe": "number",
    "late payments": "integer",
}
A, B = Column("a", "number"), Column("b", "number")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a / b", Call("divide", (A, B), "number")),
        (
            "-a ** 2",
            Call("negate", (Call("power", (A, Constant(2.0, "number")), "number"),), "number"),
        ),
        ("+a", A),
        ("max(a, b)", Call("max", (A, B), "number")),
        ('col("late payments")', Column("late payments", "number")),
        (
            "where(a > 1, b, -1)",
            Call(
                "where",
                (
                    Call("greater", (A, Constant(1.0, "number")), "truth"),
                    B,
                    Call("negate", (Constant(1.0, "number"),), "number"),
                ),
                "number",
            ),
        ),
        (
            "closed - opened",
            Call("subtract", (Column("closed", "date"), Column("opened", "date")), "number"),
        ),
        ("flag + 1", Call("add", (Column("flag", "truth"), Constant(1.0, "number")), "number")),
        (
            "if_missing(opened, -1)",
            Call(
                "if_missing",
                (Column("opened", "date"), Call("negate", (Constant(1.0, "number"),), "number")),
                "number",
            ),
        ),
        ("flag == 1", Call("equal", (Column("flag", "truth"), Constant(1.0, "number")), "truth")),
        (
            'opened >= "1970-01-03"',
            Call("greater_equal", (Column("opened", "date"), Constant(2.0, "date")), "truth"),
        ),
        ("b in [1, -2]", Call("in", (B,), "truth", (1.0, -2.0))),
        (
            "0 < a <= 1",
            Call(
                "and",
                (
                    Call("less", (Constant(0.0, "number"), A), "truth"),
                    Call("less_equal", (A, Constant(1.0, "number")), "truth"),
                ),
                "truth",
            ),
        ),
    ],
)
def test_an_expression_is_a_typed_tree(text: str, tree: object) -> None:
    assert parse_derived(text, KINDS).tree == tree


def test_columns_are_named_once_in_the_order_of_reading() -> None:
    assert parse_derived("b + a * b + if_missing(a, 0)", KINDS).columns == ("b", "a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a / incme", "character 5: there is no column incme"),
        ("a / A", "character 5: there is no column A (there is a: names are case-sensitive)"),
        ("  Größe + sqr(a)", "character 11: there is no function sqr"),
        ("a + name", "character 5: name is text, not a number"),
        ("is_missing(name)", "character 12: name is text"),
        ("a +", "character 4: invalid syntax"),
        ("", "character 1: invalid syntax"),
        ("min(a)", "character 1: min takes 2 arguments"),
        ("log(a, b)", "character 1: log takes one argument"),
        ("where(a, 1, 2)", "character 7: true or false is needed, this is a number"),
        ("a > opened", "character 5: a number is compared with a date"),
        ('a > "2020-10-01"', "character 5: a number is compared with a text"),
        ('opened > "soon"', 'character 10: a date is written "2020-10-01"'),
        ('"a text"', "character 1: a number is needed, this is a text"),
        ("col(a)", "character 1: col takes one quoted column name"),
        ("a if flag else b", "character 1: IfExp is not allowed"),
        ("a.real", "character 1: Attribute is not allowed"),
        ("[a for a in b]", "character 1: ListComp is not allowed"),
        ("lambda: a", "character 1: Lambda is not allowed"),
        ("(a := b)", "character 2: NamedExpr is not allowed"),
        ("a % b", "character 1: BinOp is not allowed"),
        ("__import__('os')", "character 1: there is no function __import__"),
        ("abs(x=a)", "character 1: Call is not allowed"),
        ("2j * a", "character 1: Constant is not allowed"),
        ("9" * 400 + " * a", "character 1: the number is too large"),
        ("a" + " + a" * 400, "character 1001: longer than 1000 characters"),
        ("-" * 900 + "a", "character 1: nested more than 300 deep"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as error:
        parse_derived(text, KINDS)
    assert message in str(error.value)


def test_lines_count_as_spaces() -> None:
    assert parse_derived("a /\n  b", KINDS).tree == parse_derived("a / b", KINDS).tree
    with pytest.raises(ExpressionError) as error:
        parse_derived("a /\n  c", KINDS)
    assert error.value.character == 7


def test_without_types_only_the_syntax_is_checked() -> None:
    assert parse_derived("where(x, y, z) + (p > 3)").columns == ("x", "y", "z", "p")
    assert parse_derived('x >= "2020-10-01"').tree.kind == "truth"
    with pytest.raises(ExpressionError, match="there is no function f"):
        parse_derived("f(x)")


def test_what_is_new_in_features_is_no_rule() -> None:
    for text in ("a ** 2 > 1", "log(a) > 1", "flag + 1 > 1", "flag == 1"):
        assert parse_derived(text, KINDS)
        with pytest.raises(RuleError):
            parse_rule(text, KINDS)


@settings(max_examples=300)
@given(st.text(alphabet="ab09.()[]'\"+-*/<>=,_ \n\\#é{}:@", max_size=40))
@example("1if a else b")
@example("'\\d'")
@example("f'{a}'")
@example("a\x0cb")
def test_any_text_is_an_expression_or_an_error_at_a_place(text: str) -> None:
    for kinds in (KINDS, None):
        try:
            derivation = parse_derived(text, kinds)
        except ExpressionError as error:
            assert 1 <= error.character <= len(text) + 2
        else:
            assert kinds is None or set(derivation.columns) <= set(kinds)
