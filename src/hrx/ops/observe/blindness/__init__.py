"""Whether each alert rule can see what it is about, and whether what Prometheus says still arrives."""
