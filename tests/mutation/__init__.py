"""Break one thing at a time in rendered rules and dashboards, and see who notices."""
