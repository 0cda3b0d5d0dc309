"""YAML with places: what is written where, and any text is read or refused by name."""

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dropforge.errors import InvalidProject
from dropforge.yaml_source import Place, YamlSource, read_yaml

TEXT = """\
# a comment
plain: a / b
quoted: "c + d"
escaped: 'it''s'
folded: >
  e +
  f
list: [1, {deep: yes}]
no: 2020
base: &base {x: 1}
more:
  <<: *base
  y: 2
"""


@pytest.fixture
def source(tmp_path: Path) -> YamlSource:
    path = tmp_path / "a.yml"
    path.write_text(TEXT, encoding="utf-8")
    return read_yaml(path)


def test_keys_are_names_and_values_as_yaml_has_them(source: YamlSource) -> None:
    assert source.document["list"] == [1, {"deep": True}]
    assert source.document["no"] == 2020
    assert source.document["more"] == {"x": 1, "y": 2}


def test_keys_values_and_characters_have_their_place(source: YamlSource) -> None:
    assert source.at_key(("plain",)) == Place(2, 1)
    assert source.at_value(("plain",)) == Place(2, 8)
    assert source.at_value(("plain",), 5) == Place(2, 12)
    assert source.at_value(("quoted",), 5) == Place(3, 14)
    assert source.at_value(("list", "1", "deep")) == Place(8, 18)
    assert source.at_key(("list", "1", "deep")) == Place(8, 12)
    assert source.says(Place(8, 12)) == f"{source.path}:8:12"


@pytest.mark.parametrize("key", ["escaped", "folded"])
def test_a_text_that_is_written_otherwise_has_its_beginning_only(
    source: YamlSource, key: str
) -> None:
    assert source.at_value((key,), 3) == source.at_value((key,))


def test_what_is_not_there_is_as_near_as_known(source: YamlSource) -> None:
    assert source.known(("list", "1", "gone", "deep")) == ("list", "1", "deep")
    assert source.known(("gone",)) == ()
    assert source.at_key(("gone",)) == Place(1, 1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"a: 1\nb:\n  c: 1\n  c: 2\n", "4:3: b.c: is there twice (first in line 3)."),
        (b"a: 1\n\tb: 2\n", "2:1: is not YAML"),
        (b"a: 1\n---\nb: 2\n", "2:1: is not YAML"),
        (b"a: !!python/object:os.system x\n", "1:4: is not YAML"),
        (b"a: 2020-13-01\n", "is not YAML: month must be in 1..12"),
        (b"a: *b\n", "1:4: is not YAML: found undefined alias"),
        (b"a:\n- b\xff\n", "2:1: is not UTF-8"),
        (b"a: \x00\n", "is not YAML"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: bytes, found: str) -> None:
    path = tmp_path / "a.yml"
    path.write_bytes(text)
    with pytest.raises(InvalidProject) as error:
        read_yaml(path)
    assert str(path) in error.value.message and found in error.value.message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.text(alphabet="ab01:{}[]-&*<>|'\"#? \n,!.", max_size=30))
def test_any_text_is_as_yaml_says_or_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yml"
    path.write_text(text, encoding="utf-8")
    try:
        source = read_yaml(path)
    except InvalidProject:
        return
    found = yaml.safe_load(text)
    assert type(source.document) is type(found)
    if isinstance(found, list):
        assert source.document == found or "{" in text or ":" in text or "?" in text
