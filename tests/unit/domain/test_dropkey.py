import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.dropkey import DropKey, claimed_project, drop_id
from dropforge.errors import InvalidDropKey
from dropforge.names import RUN_NAME_LIMIT, run_name


@pytest.mark.parametrize(
    ("key", "project", "stem", "extension"),
    [
        ("churn/20201001.csv", "churn", "20201001", "csv"),
        ("home_credit/2020/10/2020-10-01.csv.gz", "home_credit", "2020-10-01", "csv.gz"),
        ("churn/十月 の+データ 202010.CSV", "churn", "十月 の+データ 202010", "csv"),
        ("churn/a.b.parquet", "churn", "a.b", "parquet"),
    ],
)
def test_a_key_is_taken_apart(key: str, project: str, stem: str, extension: str) -> None:
    parsed = DropKey.parse(key)
    assert (parsed.project, parsed.stem, parsed.extension) == (project, stem, extension)
    assert parsed.key == key


@pytest.mark.parametrize(
    "key",
    ["20201001.csv", "/20201001.csv", "Churn/20201001.csv", "churn/", "churn/x.exe", "churn/.csv"],
)
def test_a_key_outside_the_contract_is_refused(key: str) -> None:
    with pytest.raises(InvalidDropKey):
        DropKey.parse(key)


@given(st.text())
def test_any_key_has_a_place_in_the_ledger(key: str) -> None:
    assert claimed_project(key)


@given(
    st.from_regex(r"[a-z][a-z0-9_-]{0,31}", fullmatch=True),
    st.sampled_from(["initial", "202010", "20201001", "train"]),
    st.text(),
    st.integers(1, 9999),
)
def test_run_names_fit_the_limit_and_sagemakers_alphabet(
    project: str, what: str, key: str, attempt: int
) -> None:
    name = run_name(project, what, drop_id("bucket", key, "v"), attempt)
    assert len(name) <= RUN_NAME_LIMIT
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_the_identity_of_a_drop_changes_with_each_of_its_parts() -> None:
    ids = {
        drop_id(*parts)
        for parts in (("a", "b", "c"), ("x", "b", "c"), ("a", "x", "c"), ("a", "b", "x"))
    }
    assert len(ids) == 4
