"""What a run does with what Prepare found."""
