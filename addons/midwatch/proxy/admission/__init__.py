"""Who is let in, and whose a flow is."""
