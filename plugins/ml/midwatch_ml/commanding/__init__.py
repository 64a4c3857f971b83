"""The command `ml`: what is loaded, how good it is on labelled texts, and labelled texts of one's own."""
