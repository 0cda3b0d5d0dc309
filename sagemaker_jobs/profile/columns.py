"""A column's profile, whatever its kind."""

from typing import Any

from sagemaker_jobs.profile.numbers import NumberProfile
from sagemaker_jobs.profile.texts import PersonalProfile, TextProfile

ColumnProfile = NumberProfile | TextProfile | PersonalProfile


def merge_columns(name: str, one: ColumnProfile, other: ColumnProfile) -> ColumnProfile:
    """Two profiles of a column. If either is personal, so is the result.

    Raises:
        ValueError: a text in one, a number in the other.
    """
    if isinstance(one, NumberProfile) and isinstance(other, NumberProfile):
        return one.merge(other)
    if isinstance(one, TextProfile) and isinstance(other, TextProfile):
        return one.merge(other)
    if isinstance(one, PersonalProfile) and isinstance(other, PersonalProfile):
        return one.merge(other)
    for personal in (one, other):
        if isinstance(personal, PersonalProfile):
            count, missing = one.count + other.count, one.missing + other.missing
            return PersonalProfile(personal.salt, count, missing, None)
    raise ValueError(f"column {name} is a number in one profile and a text in the other")


def copy_column(column: ColumnProfile) -> ColumnProfile:
    """A profile that can be updated without changing this one."""
    if isinstance(column, NumberProfile):
        return column.merge(NumberProfile(column.kind))
    if isinstance(column, TextProfile):
        return column.merge(TextProfile())
    return column.merge(PersonalProfile(column.salt))


def column_from_document(document: dict[str, Any], salt: str) -> ColumnProfile:
    """What `to_document` wrote."""
    count, missing = document["count"], document["missing"]
    if document["kind"] == "string":
        return TextProfile(count, missing, document["levels"])
    if document["kind"] == "personal":
        hashes = document["hashes"]
        return PersonalProfile(salt, count, missing, None if hashes is None else frozenset(hashes))
    return NumberProfile.from_document(document)
