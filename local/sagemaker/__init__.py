"""Amazon SageMaker on this machine: jobs and endpoints as subprocesses, a model registry.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/Welcome.html
"""
