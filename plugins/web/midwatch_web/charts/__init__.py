"""Charts: from series of numbers to shapes of SVG; pure functions, drawn by the macros of `templates/charts/`."""
