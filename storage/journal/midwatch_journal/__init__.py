"""The append-only journal between Midwatch's workers and its control process."""
