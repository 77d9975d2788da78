"""From the watch's content to everything made from it: expressions, rule files, tests, routes, budgets."""
