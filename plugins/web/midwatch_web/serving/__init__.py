"""Serving: who asks and whether they may, pages and errors in one shape, what every room of the console stands on."""
