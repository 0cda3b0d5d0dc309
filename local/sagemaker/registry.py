"""The model registry: groups and versioned packages.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
"""

from collections.abc import Callable

from local.corrections.gateway import arn
from local.home import Home
from local.sagemaker.errors import Conflict, Invalid
from local.sagemaker.store import Document, Store, now

EVENT = "SageMaker Model Package State Change"
_SUMMARY = (
    "ModelPackageName",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)
_UPDATABLE = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
)


class Registry:
    """Model package groups and model packages."""

    def __init__(self, home: Home, emit: Callable[[str, str, Document], None]) -> None:
        self._groups = Store(home.state / "sagemaker-model-package-groups.json")
        self._packages = Store(home.state / "sagemaker-model-packages.json")
        self._emit = emit

    def create_group(self, request: Document) -> Document:
        """Creates a group."""
        tags = request.pop("Tags", None)
        name = request["ModelPackageGroupName"]
        group_arn = arn("model-package-group", name)
        self._groups.add(
            name,
            request
            | {
                "ModelPackageGroupArn": group_arn,
                "CreationTime": now(),
                "CreatedBy": {},
                "ModelPackageGroupStatus": "Completed",
                "_last_version": 0,
            },
            # The API's model knows no conflict here, so it is a ValidationException
            # (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackageGroup.html).
            lambda _: Invalid(f"Model Package Group already exists: {group_arn}"),
        )
        return {"ModelPackageGroupArn": group_arn, "Tags": tags}

    def describe_group(self, request: Document) -> Document:
        """The group, by name or ARN."""
        group = self._group(request["ModelPackageGroupName"])
        group.pop("_last_version")
        return group

    def list_groups(self, request: Document) -> Document:
        """Summaries, newest first."""
        fields = (
            "ModelPackageGroupName",
            "ModelPackageGroupArn",
            "CreationTime",
            "ModelPackageGroupDescription",
            "ModelPackageGroupStatus",
        )
        wanted = [
            group
            for group in self._groups
            if request.get("NameContains", "") in group["ModelPackageGroupName"]
        ]
        return {"ModelPackageGroupSummaryList": _summaries(wanted, request, fields)}

    def delete_group(self, request: Document) -> Document:
        """Deletes an empty group."""
        group = self._group(request["ModelPackageGroupName"])
        name = group["ModelPackageGroupName"]
        if any(package.get("ModelPackageGroupName") == name for package in self._packages):
            raise Conflict(
                f"Model Package Group {name} cannot be deleted because it still "
                "contains Model Packages."
            )
        self._groups.remove(name)
        return {}

    def create_package(self, request: Document) -> Document:
        """Creates a package: the next version of its group, or an unversioned one."""
        tags = request.pop("Tags", None)
        request.pop("ClientToken", None)
        if group_name := request.get("ModelPackageGroupName"):
            group = self._group(group_name)
            name = group["ModelPackageGroupName"]
            version = group["_last_version"] + 1
            self._groups.update(name, _last_version=version)
            package_arn = f"{arn('model-package', name)}/{version}"
            request |= {"ModelPackageGroupName": name, "ModelPackageVersion": version}
            request.setdefault("ModelApprovalStatus", "PendingManualApproval")
        elif "ModelPackageName" in request:
            package_arn = arn("model-package", request["ModelPackageName"])
        else:
            raise Invalid("ModelPackageName or ModelPackageGroupName must be given.")
        package = request | {
            "ModelPackageArn": package_arn,
            "CreationTime": now(),
            "CreatedBy": {},
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        }
        self._packages.add(
            package_arn, package, lambda _: Conflict(f"Model Package already exists: {package_arn}")
        )
        self._announce(package)
        return {"ModelPackageArn": package_arn, "Tags": tags}

    def describe_package(self, request: Document) -> Document:
        """The package, by ARN or name."""
        return self._package(request["ModelPackageName"])

    def list_packages(self, request: Document) -> Document:
        """Summaries, newest first unless SortOrder says otherwise; one page."""
        wanted = []
        for package in self._packages:
            group = request.get("ModelPackageGroupName")
            if group and package.get("ModelPackageGroupName") != group.rpartition("/")[2]:
                continue
            kind = request.get("ModelPackageType", "Versioned" if group else "Unversioned")
            if kind != "Both" and (kind == "Versioned") != ("ModelPackageVersion" in package):
                continue
            status = request.get("ModelApprovalStatus")
            if status and package.get("ModelApprovalStatus") != status:
                continue
            wanted.append(package)
        return {"ModelPackageSummaryList": _summaries(wanted, request, _SUMMARY)}

    def update_package(self, request: Document) -> Document:
        """Changes approval, metadata (merged, then removals) or specification."""
        package = self._package(request["ModelPackageArn"])
        metadata = (package.get("CustomerMetadataProperties") or {}) | (
            request.get("CustomerMetadataProperties") or {}
        )
        for name in request.get("CustomerMetadataPropertiesToRemove") or []:
            metadata.pop(name, None)
        changes = {field: request[field] for field in _UPDATABLE if field in request}
        updated = self._packages.update(
            package["ModelPackageArn"], **changes, CustomerMetadataProperties=metadata or None
        )
        if "ModelApprovalStatus" in changes or "ModelLifeCycle" in changes:
            self._announce(updated)
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def delete_package(self, request: Document) -> Document:
        """Deletes the package; its version number is not used again."""
        self._packages.remove(self._package(request["ModelPackageName"])["ModelPackageArn"])
        return {}

    def _group(self, reference: str) -> Document:
        name = reference.rpartition("/")[2]
        # An ARN has the name in lower case.
        group = self._groups.get(name) or next(
            (group for group in self._groups if group["ModelPackageGroupArn"] == reference), None
        )
        if group is None:
            raise Invalid(f"ModelPackageGroup {arn('model-package-group', name)} does not exist.")
        return group

    def _package(self, reference: str) -> Document:
        key = reference if reference.startswith("arn:") else arn("model-package", reference)
        package = self._packages.get(key)
        if package is None:
            raise Invalid(f"ModelPackage {key} does not exist.")
        return package

    def _announce(self, package: Document) -> None:
        self._emit(EVENT, package["ModelPackageArn"], package)


def _summaries(
    documents: list[Document], request: Document, fields: tuple[str, ...]
) -> list[Document]:
    by_name = request.get("SortBy") == "Name"
    documents.sort(
        key=lambda item: (
            item[fields[0]] if by_name and fields[0] in item else "",
            item["CreationTime"],
            item.get("ModelPackageVersion", 0),
        ),
        reverse=request.get("SortOrder", "Descending") == "Descending",
    )
    return [
        {field: item[field] for field in fields if field in item}
        for item in documents[: request.get("MaxResults", 100)]
    ]
