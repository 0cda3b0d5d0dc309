"""Commands in what people are told: with the stage that they are about."""

import pytest

from dropforge.commands import in_stage


@pytest.mark.parametrize(
    ("text", "staged"),
    [
        ("Undo: dropforge rollback c --to 6", "Undo: dropforge rollback --stage prod c --to 6"),
        (
            "dropforge model list c, then dropforge doctor",
            "dropforge model list --stage prod c, then dropforge doctor --stage prod",
        ),
        (
            "dropforge runs c\ndropforge run show r",
            "dropforge runs --stage prod c\ndropforge run show --stage prod r",
        ),
        ("dropforge reject c 7 --stage prod", "dropforge reject c 7 --stage prod"),
        ("dropforge mail newest", "dropforge mail newest"),
        ("dropforge-prod, dropforge trainer, the dropforge drops", None),
    ],
)
def test_a_command_names_its_stage_once(text: str, staged: str | None) -> None:
    assert in_stage(text, "prod") == (staged or text)
    assert in_stage(in_stage(text, "prod"), "prod") == (staged or text)
    assert in_stage(text, "dev") == text
