"""Models as the plugin asks them: what is sent, what comes back, and what is made of it. Counterpart: `loading`."""
