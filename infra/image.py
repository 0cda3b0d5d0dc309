"""The job image, built in the account by CodeBuild: nobody who deploys needs Docker."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as ecr_assets
from cdklabs import deploy_time_build as build
from constructs import Construct

from infra.assets import image_directory
from infra.settings import StageSettings


class JobImage(Construct):
    """One image for every job and for the endpoint; `uri` names it by the hash of its sources."""

    def __init__(self, scope: Construct, id: str, settings: StageSettings) -> None:
        super().__init__(scope, id)
        # Images are data too: lineage names them, and `dropforge reproduce` runs them.
        self.repository = ecr.Repository(
            self,
            "Repository",
            image_scan_on_push=True,
            empty_on_delete=not settings.retains,
            removal_policy=RemovalPolicy.RETAIN if settings.retains else RemovalPolicy.DESTROY,
            lifecycle_rules=[
                ecr.LifecycleRule(
                    tag_status=ecr.TagStatus.UNTAGGED, max_image_age=Duration.days(14)
                )
            ],
        )
        # Training and processing have no arm64 machines.
        image = build.ContainerImageBuild(
            self,
            "Build",
            directory=str(image_directory()),
            file="sagemaker_jobs/Dockerfile",
            platform=ecr_assets.Platform.LINUX_AMD64,
            repository=self.repository,
            build_args={"COMPILED_TREES": "1"} if settings.compiled_trees else None,
        )
        self.uri = image.image_uri
