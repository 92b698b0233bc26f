"""From answers to tables and documents."""
