"""The inbox: stands in for Slack, PagerDuty, mail and a webhook on a developer's machine, over their own
protocols, and shows every message as its reader would see it. Production never starts it."""
