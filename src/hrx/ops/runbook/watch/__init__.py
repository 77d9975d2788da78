"""What is watched and who is told, as content: alert rules, SLOs, routes, dashboards of `runbook/watch/`."""
