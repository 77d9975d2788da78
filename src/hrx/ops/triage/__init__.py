"""Finding out what is wrong: an SOP's probes asked at once, its causes judged by what was really seen.

It reads and never changes: what it proposes becomes a plan only when a person presses the button. It needs
neither the application nor its database, nor Prometheus, nor Alertmanager."""
