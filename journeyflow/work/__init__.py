"""Many runs in their total order: what a tick does between loading and committing."""
