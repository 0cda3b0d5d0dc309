"""The rows of one training: train, validation and holdout, by keys that can be told apart later."""
