"""Everything the emulator gets wrong that our flow depends on, put right.

The only package that uses private names of ministack (pinned exactly). Each correction has a
contract test in tests/local_cloud/ whose docstring cites the AWS page.

- identity: sessions of roles; permissions the emulator does not ask for (iam:PassRole, …)
- gateway: SageMaker behind the router, authorised
- state_machines, execution_logs: roles of machines, `.sync`, stopping, names, context, retries
- logs: FilterLogEvents by prefix; the ARN that calls on a log group are authorised on
- encryption: buckets keep their key; what uses a key needs kms permissions
- functions: the official runtime client; event source mappings need permissions
- notifications: mails; topics and rules reach only what admitted them
- transport: aws:SecureTransport is true on loopback
- provisioning, templates: AWS::SageMaker::*, custom resources, tracing configuration
"""
