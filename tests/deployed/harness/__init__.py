"""Portkeeper's stack, deployed to an emulator of AWS that others wrote, and looked at from outside."""

# Where the launcher takes events of AWS services.
EVENTS_OF_AWS = "/_portkeeper/events"

# Where it tells, after this and an access key, for which actions IAM was asked.
ASKED_OF_IAM = "/_portkeeper/asked/"
