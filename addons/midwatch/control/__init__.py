"""The control process: journal → pipeline → store → faces. One a home; workers never wait for it."""
