"""System: how the installation stands, by which settings it goes, and its REST API as a page."""
