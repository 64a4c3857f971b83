"""The supervisor and the processes that it keeps, workers and control: what these do is in rooms of their own."""
