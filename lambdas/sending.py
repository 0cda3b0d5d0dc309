"""A mail goes out through the stage's topic, once."""

from aws_lambda_powertools import Logger

from dropforge.aws.clients import client
from dropforge.aws.ledger import Ledger
from dropforge.mail import Mail

logger = Logger(child=True)


def send_once(ledger: Ledger, topic_arn: str, project: str, key: str, mail: Mail) -> bool:
    """Publish a mail unless the mail of that key was claimed before; True if it went out.

    A mail that SNS refused is given back, so that a retry sends it. Subscriptions choose by the
    attributes `project` and `event`
    (https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html).

    Raises:
        botocore.exceptions.ClientError: SNS did not take it; the claim is given back.
    """
    if not ledger.claim_mail(project, key):
        logger.info("mail was sent before", mail=key)
        return False
    sent = False
    try:
        client("sns").publish(
            TopicArn=topic_arn,
            Subject=mail.subject,
            Message=mail.body,
            MessageAttributes={
                "project": {"DataType": "String", "StringValue": project},
                "event": {"DataType": "String", "StringValue": mail.event},
            },
        )
        sent = True
    finally:
        if not sent:
            ledger.release_mail(project, key)
    return True
