"""What an engine exposes, what it means, and what is worth an alert: data and its readers."""
