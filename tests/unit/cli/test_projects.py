"""`validate`, `push`, and the subscriptions that a push leaves."""

import json
from pathlib import Path

import boto3
import pytest

from dropforge.aws.projects import fetch_project
from dropforge.cli.session import Session
from dropforge.cli.subscriptions import filter_policy, read_policy

from .conftest import ACCOUNT, REGION, Dropforge

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:topic"


def write_project(folder: Path, name: str, notify: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "project.yml").write_text(
        f"name: {name}\ntarget: y\nid: key\nnotify: {notify}\n", encoding="utf-8"
    )
    (folder / "features.yml").write_text("keep: [x]\n", encoding="utf-8")
    return str(folder)


def policies() -> dict[str, dict[str, object]]:
    sns = boto3.client("sns")
    found = {}
    for subscription in sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]:
        arn = subscription["SubscriptionArn"]
        attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
        found[subscription["Endpoint"]] = json.loads(attributes["FilterPolicy"])
    return found


@pytest.mark.parametrize("project", ["churn", "credit", "home_credit"])
def test_every_example_is_valid(project: str, dropforge: Dropforge) -> None:
    result = dropforge("validate", project)
    assert result.exit_code == 0, result.stderr
    assert "a valid project" in result.stdout


def test_validate_names_file_and_key(tmp_path: Path, dropforge: Dropforge) -> None:
    folder = write_project(tmp_path / "p", "p", "{result: [a@b.example]}")
    result = dropforge("validate", folder)
    assert result.exit_code == 1
    assert f"{folder}/project.yml:4:10: notify.result" in result.stderr.replace("\n", "")


EVERYTHING = """\
name: p
target: y
id: key
positive: "yes"
favourable: "no"
threshold: {cost: {false_positive: 1, false_negative: 8}}
tune: {trials: 3, time_budget_seconds: 60}
slices: [x]
reference: v3
refit: all
promotion:
  min: {auc: 0.7, brier: 0.2}
  champion: {margin: 0.01, confidence: 0.95}
  fairness: {sex: {demographic_parity: 0.8, max_worsening: 0.1}}
  max_slice_drop: 0.05
  max_reference_drop: 0.0
  max_flagged_change: 0.2
  max_size_mb: 40
  max_latency_ms: 5
  leakage: warn
"""
MADE = """\
keep: [x, c]
impute: {x: median, c: {constant: none}, default: 0}
encode: {c: {ordinal: [low, high]}, string: {one_hot: 0.01}}
derive: {r: x / z}
dates: {opened: [month, year]}
aggregates: {mean_z: {by: shop, statistic: mean, column: z}}
python: {reads: [x], gives: [f]}
"""


def test_validate_says_what_was_understood(tmp_path: Path, dropforge: Dropforge) -> None:
    (tmp_path / "project.yml").write_text(EVERYTHING)
    (tmp_path / "features.yml").write_text(MADE)
    (tmp_path / "features.py").write_text("def features(frame):\n    return frame\n")
    result = dropforge("validate", str(tmp_path))
    assert result.exit_code == 0, result.stderr
    for said in (
        "y = yes, one row a key (binary)",
        "2 columns, 1 derived, 2 from dates, 1 from earlier periods, 1 by features.py",
        "r = x / z",
        "mean_z = mean of z by shop, over earlier periods",
        "x: median, c: constant none, default: constant 0",
        "c: ordinal low < high, string: one_hot 0.01",
        "3 trials, seed 42, at most 60 s",
        "by cost 1 to 8",
        "auc at least 0.7",
        "brier at most 0.2",
        "demographic parity 0.8, max worsening 0.1 by sex",
        "more than 0.01 with confidence 0.95",
        "at most 0 worse than v3",
        "worst slice at most 0.05 below the champion's",
        "flagged share changes by at most 0.2",
        "artifact at most 40 MB",
        "one row in at most 5 ms (advisory)",
        "leaking columns are only named; the model in use is fitted on all rows",
    ):
        assert said in result.stdout, said


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("task: regression", "y, a number, one row a key (regression)"),
        ("task: multiclass\nclasses: [a, b, c]", "y, one of a, b, c, one row a key (multiclass)"),
    ],
)
def test_validate_says_the_task(tmp_path: Path, dropforge: Dropforge, task: str, said: str) -> None:
    (tmp_path / "project.yml").write_text(f"name: p\ntarget: y\nid: key\n{task}\n")
    (tmp_path / "features.yml").write_text("keep: [x]\n")
    result = dropforge("validate", str(tmp_path))
    assert said in result.stdout and "decides" not in result.stdout


def test_unknown_folder_lists_where_it_was_looked(dropforge: Dropforge) -> None:
    result = dropforge("validate", "nothing")
    assert result.exit_code == 1
    assert "projects/nothing/project.yml" in result.stderr
    assert "churn, credit, home_credit" in result.stderr


def test_push_stores_points_and_is_idempotent(session: Session, dropforge: Dropforge) -> None:
    first = dropforge("push", "churn")
    assert first.exit_code == 0, first.stderr
    pointer = session.pushed("churn")
    assert fetch_project("lake", "churn", pointer.version).version == pointer.version
    assert f"Pushed churn: new runs use version {pointer.version}" in first.stdout
    assert "nothing changed" in dropforge("push", "churn").stdout
    assert "Using AWS eu-west-1, stage dev." in first.stderr


def test_an_edited_project_is_a_new_version(
    session: Session, dropforge: Dropforge, tmp_path: Path
) -> None:
    folder = write_project(tmp_path / "p", "p", "{}")
    dropforge("push", folder)
    before = session.pushed("p").version
    (Path(folder) / "features.yml").write_text("keep: [x, z]\n", encoding="utf-8")
    result = dropforge("push", folder)
    assert f"instead of {before}" in result.stdout
    assert session.pushed("p").version != before


def test_recipients_get_their_project_and_events_only(
    session: Session, dropforge: Dropforge
) -> None:
    dropforge("push", "churn")
    dropforge("push", "churn")
    assert policies() == {
        "retention@example.com": {"project": ["churn"], "event": ["results"]},
        "data-science@example.com": {"project": ["churn"], "event": ["approvals", "failures"]},
    }


def test_an_address_of_two_projects_has_one_subscription_for_both(
    session: Session, dropforge: Dropforge
) -> None:
    dropforge("push", "churn")
    dropforge("push", "credit")
    assert policies()["data-science@example.com"] == {
        "$or": [
            {"project": ["churn"], "event": ["approvals", "failures"]},
            {"project": ["credit"], "event": ["failures"]},
        ]
    }


def test_an_address_taken_out_is_no_longer_mailed(
    session: Session, dropforge: Dropforge, tmp_path: Path
) -> None:
    folder = write_project(
        tmp_path / "p", "p", "{results: [a@b.example, data-science@example.com]}"
    )
    dropforge("push", folder)
    dropforge("push", "credit")
    write_project(tmp_path / "p", "p", "{}")
    dropforge("push", folder)
    assert "a@b.example" not in policies()
    assert policies()["data-science@example.com"] == {
        "project": ["credit"],
        "event": ["failures"],
    }


def test_a_subscription_to_everything_is_left_alone(session: Session, dropforge: Dropforge) -> None:
    boto3.client("sns").subscribe(
        TopicArn=TOPIC, Protocol="email", Endpoint="retention@example.com"
    )
    result = dropforge("push", "churn")
    assert "all mails of this stage" in result.stderr
    sns = boto3.client("sns")
    endpoints = [
        s["Endpoint"] for s in sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    ]
    assert endpoints.count("retention@example.com") == 1


def test_a_policy_is_read_back_as_written() -> None:
    for alternatives in ({"a": ["results"]}, {"a": ["results"], "b": ["approvals", "failures"]}):
        assert read_policy(filter_policy(alternatives)) == alternatives
