"""Mail: one topic for people's mails, one for alarms, a key for both."""

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.settings import Mail, StageSettings

EVENTS = ("results", "failures", "approvals")


class Notifications(Construct):
    """Subscriptions come from the stage's settings; each takes the events it asked for."""

    def __init__(self, scope: Construct, id: str, settings: StageSettings) -> None:
        super().__init__(scope, id)
        self.key = kms.Key(
            self,
            "Key",
            description=f"Dropforge {settings.stage}: mails on their way",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN if settings.retains else RemovalPolicy.DESTROY,
        )
        # An AWS managed key would refuse CloudWatch
        # (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html).
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],  # a key policy's "*" is the key itself
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        self.topic = self._topic("Topic", f"Dropforge {settings.stage}")
        self.alarms = self._topic("Alarms", f"Dropforge {settings.stage} alarms")
        self.alarms.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.alarms.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        for address, events in _events_by_address(settings.mail).items():
            self.topic.add_subscription(
                subscriptions.EmailSubscription(
                    address,
                    filter_policy={"event": sns.SubscriptionFilter.string_filter(allowlist=events)},
                )
            )
        for address in settings.mail.alarms:
            self.alarms.add_subscription(subscriptions.EmailSubscription(address))

    def watch(self, dead_letters: sqs.Queue, description: str) -> None:
        """An alarm as soon as a message lies in a dead-letter queue."""
        alarm = cloudwatch.Alarm(
            dead_letters,
            "Alarm",
            alarm_description=description,
            metric=dead_letters.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(1), statistic="Maximum"
            ),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.alarms))

    def _topic(self, id: str, display_name: str) -> sns.Topic:
        return sns.Topic(self, id, display_name=display_name, master_key=self.key, enforce_ssl=True)


def _events_by_address(mail: Mail) -> dict[str, list[str]]:
    """One subscription an address: a second one to the same topic would replace the first."""
    events: dict[str, list[str]] = {}
    for event in EVENTS:
        for address in getattr(mail, event):
            events.setdefault(address, []).append(event)
    return events
