"""Judging: each control's checks look at the evidence and say, in a sentence with numbers, what they see."""
