"""What the account tells us: executions that ended badly, model packages that were approved."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.functions import Functions
from infra.notifications import Notifications
from infra.settings import StageSettings


class Events(Construct):
    """Two rules; an event whose function failed for a day is kept as a dead letter."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: StageSettings,
        functions: Functions,
        notifications: Notifications,
        pipeline_arn: str,
    ) -> None:
        super().__init__(scope, id)
        self._dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            removal_policy=RemovalPolicy.RETAIN if settings.retains else RemovalPolicy.DESTROY,
        )
        notifications.watch(
            self._dead_letters,
            "An event of a failed run or an approved model could not be dealt with for a day. "
            "Next: look at the message in the queue and at the function's log.",
        )
        # Deployments that a pipeline started have events of their own: this machine's ARN only
        # (https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html).
        self._rule(
            "RunFailed",
            "Runs that ended badly, whatever their Catch could do",
            events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [pipeline_arn],
                    "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                },
            ),
            functions["notify_failure"],
        )
        self._rule(
            "PackageDecided",
            "Model packages that somebody approved or refused; the function asks the ledger whose",
            events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=["SageMaker Model Package State Change"],
                detail={"ModelApprovalStatus": ["Approved", "Rejected"]},
            ),
            functions["on_approval"],
        )

    def _rule(
        self, id: str, description: str, pattern: events.EventPattern, function: lambda_.Function
    ) -> None:
        events.Rule(
            self,
            id,
            description=description,
            event_pattern=pattern,
            targets=[
                targets.LambdaFunction(
                    function,
                    dead_letter_queue=self._dead_letters,
                    retry_attempts=8,
                    max_event_age=Duration.days(1),
                )
            ],
        )
