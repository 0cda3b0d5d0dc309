"""The cloud on a laptop: what `cdk deploy` needs from AWS, in one process on 127.0.0.1.

ministack answers for every service but SageMaker. SageMaker is ours: jobs and endpoints are real
subprocesses that run the modules the image runs; what we do not implement, moto answers. Where
the emulator differs from AWS in a way our flow depends on, `local.corrections` puts it right.
The product never imports this package; the CLI and the tests do.
"""
