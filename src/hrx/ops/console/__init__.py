"""The operations console: pages rendered by this process from its own store and its own eyes.

The only place of this plane that speaks HTTP to people. It needs neither Node nor the product's API."""
