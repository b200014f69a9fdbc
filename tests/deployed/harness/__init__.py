"""Portkeeper's stack, deployed to a third-party emulator of AWS, and verified from outside."""

# The route of the launcher that accepts events of AWS services.
EVENTS_OF_AWS = "/_portkeeper/events"

# The route that returns the actions that IAM evaluated, with an access key appended.
ASKED_OF_IAM = "/_portkeeper/asked/"
