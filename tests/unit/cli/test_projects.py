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
    assert f"{folder}/project.yml: notify.result" in result.stderr.replace("\n", "")


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
