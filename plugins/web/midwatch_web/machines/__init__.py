"""Machines: what scrapers and orchestrators ask."""
