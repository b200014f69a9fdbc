"""Portkeeper's stack, deployed to an emulator of AWS that others wrote, and looked at from outside."""

# Where the launcher takes events of AWS services.
EVENTS_OF_AWS = "/_portkeeper/events"
