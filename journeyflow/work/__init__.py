"""Many runs in their order: what a tick does between loading and committing."""
